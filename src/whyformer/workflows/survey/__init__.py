"""The command `whyformer data`: what is in data files, what is wrong, and what to keep."""
