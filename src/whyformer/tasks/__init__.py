"""The tasks that a model can learn. The package contains one file per task, their base class, and
the preparation of their data."""
