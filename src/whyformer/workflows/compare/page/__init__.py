"""The HTML page of a comparison, in both languages."""
