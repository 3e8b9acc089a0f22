"""Figures of a user's data, and the faults of its lines; computed in blocks with little memory."""
