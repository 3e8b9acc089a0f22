"""Parts of the Python API: iterate over updates, show live progress, look inside a model."""
