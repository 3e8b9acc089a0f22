"""Instruments that measure a model: the operation counter, the graph's depth, and probes."""
