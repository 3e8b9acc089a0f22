"""The pages of the laboratory. They depend only on the cards and the results."""
