"""Questions about the Transformer, answered by measurement on the toolkit's own modules.

An experiment (a package in `experiments/` for each question) consists of data and pure functions:
conditions, a measurement of one condition with one seed, and claims. The criteria of the claims are
written before the run. `runner` measures every condition with every seed, `verdict` applies the
criteria, and `pages` makes HTML pages from the results alone.
"""
