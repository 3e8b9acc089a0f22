"""Simple models that a trained model is compared with: n-grams, neighbours, frequent labels."""
