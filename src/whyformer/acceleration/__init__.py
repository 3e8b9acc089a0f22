"""Code that is faster on certain hardware. Tests compare its results with those of plain code."""
