"""Why multiply embeddings by √d_model? Loudness at the start, and what training makes of it."""
