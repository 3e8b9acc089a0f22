"""How the laboratory answers a question: conditions, measurement, statistics, verdict, record."""
