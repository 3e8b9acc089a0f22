"""Code that several commands use: types of options, recipes, engines and output streams."""
