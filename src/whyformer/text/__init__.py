"""Tokenizers: from text to ids and back, lossless and without tensors."""
