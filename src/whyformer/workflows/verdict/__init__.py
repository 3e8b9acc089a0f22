"""The verdict on a finished run: score held-out items, and compare with a baseline."""
