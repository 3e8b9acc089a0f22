"""One question a file; each file ends with its `EXPERIMENT`."""
