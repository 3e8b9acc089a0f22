"""Base of every package: errors, settings, randomness, devices, files; no text, no model."""
