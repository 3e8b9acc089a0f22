"""Tokenizers: convert text to ids and back, without loss. Tensors are not used here."""
