"""The settings of a run, and the recipes that ship with the package as YAML files."""
