"""Batches and a model make a better model; the loop yields reports and prints nothing."""
