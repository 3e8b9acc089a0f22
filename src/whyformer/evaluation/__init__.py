"""Compute scores with units, confidence intervals and settings; paired significance tests."""
