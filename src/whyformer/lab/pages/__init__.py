"""The pages of the laboratory. The pages depend only on the cards and the results."""
