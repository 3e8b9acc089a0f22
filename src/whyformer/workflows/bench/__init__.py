"""Measure the speed of a recipe on this machine, in training and in decoding."""
