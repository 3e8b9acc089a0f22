"""The tokenizers of other tools: read their files, encode and decode as they do."""
