"""The directory of a run: its lock, its description, its seals, and checks of its parts."""
