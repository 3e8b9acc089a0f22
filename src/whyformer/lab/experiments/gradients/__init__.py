"""Vanishing gradients: along time, along depth, and whether skip connections decide."""
