"""Code that is faster on certain hardware. Tests compare the results with those of plain code."""
