"""The bottleneck of sequence to sequence: one vector for a source of any length, or attention."""
