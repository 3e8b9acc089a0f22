"""The architectures of Hugging Face, each with its settings and weights in both directions."""
