"""Compute figures of a user's data and find faults in its lines, block by block with little
memory."""
