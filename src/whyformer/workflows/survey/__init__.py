"""The command `whyformer data`: describe data files, find faults, and write the good lines."""
