"""Models and tokenizers of Hugging Face, in and out."""
