"""The directory of a run: its lock, its description, its checksums, and checks of its parts."""
