"""Strings to ids and back, without tensors and without loss."""
