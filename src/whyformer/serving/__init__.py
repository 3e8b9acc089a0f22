"""HTTP: models behind a server that batches requests."""
