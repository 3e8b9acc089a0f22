"""The page on which a person uses a model and looks into it."""
