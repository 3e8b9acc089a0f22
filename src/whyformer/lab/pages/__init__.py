"""The pages of the laboratory: a function of the cards and the results alone."""
