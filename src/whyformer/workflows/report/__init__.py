"""The page that shows how a run went."""
