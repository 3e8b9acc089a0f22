"""Check a recipe in about a minute before a long run."""
