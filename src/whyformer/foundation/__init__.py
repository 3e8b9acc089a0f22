"""Ground for every room: errors, settings, randomness, devices, files. Knows no language, no model."""
