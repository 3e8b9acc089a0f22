"""Find the question of the laboratory that a user means, by comparing words. No model is used."""
