"""Formats of data files: recognised by their content, and read as tables of named columns."""
