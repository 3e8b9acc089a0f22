"""Ground for every room: errors, settings, randomness, devices, files; no language, no model."""
