"""What several commands share: kinds of options, recipes, engines and output streams."""
