"""The tasks that a model can learn: one file per task, their base class, and their data."""
