"""Code for several commands: types of options, recipes, engines and output streams."""
