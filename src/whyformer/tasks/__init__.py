"""What a model can learn: one file per task, their common protocol, and how their data is read."""
