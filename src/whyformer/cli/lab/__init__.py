"""Commands that ask questions about the Transformer and answer them by measurement."""
