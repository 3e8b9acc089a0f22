"""Commands of the laboratory, which answers questions about the Transformer by measurement."""
