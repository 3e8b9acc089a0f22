"""The wrong answers of a run on held-out data: the worst ones, their kinds, and their causes."""
