"""The base of every package: errors, settings, randomness, devices and files."""
