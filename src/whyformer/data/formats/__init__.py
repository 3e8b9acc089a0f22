"""Recognise the format of a data file by its content, and read the file as a table of named
columns."""
