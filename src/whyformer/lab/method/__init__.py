"""How a question is answered: conditions, measurement, statistics, verdict and record."""
