"""One package per question; its `__init__.py` defines `EXPERIMENT`."""
