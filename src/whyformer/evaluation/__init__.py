"""Compute scores with units, confidence intervals and settings, and paired significance tests."""
