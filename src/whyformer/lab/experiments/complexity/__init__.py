"""Table 1 of the paper, row by row: operations counted, chains measured, layers reached, timed."""
