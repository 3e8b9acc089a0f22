"""Settings chosen from the data: the task, and for each task a rule fitted on measurements.

`resolve_automatically` resolves a recipe; `contents` finds the task, and `rules` choose.
"""
