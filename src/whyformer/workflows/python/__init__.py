"""Parts of the Python API: iterate over a training, watch it, look inside a model."""
