"""The directory of a run: its lock, description, seals, and checks of its parts."""
