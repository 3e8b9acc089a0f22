"""Code that is faster on certain hardware. A test compares it with a plain implementation."""
