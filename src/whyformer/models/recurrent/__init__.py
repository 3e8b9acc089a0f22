"""Recurrent models: the encoder-decoder with attention, and the language model."""
