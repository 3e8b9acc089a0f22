"""What measures a model: the operation counter, the depth of its graph, and probes."""
