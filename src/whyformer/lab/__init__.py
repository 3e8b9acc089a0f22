"""Questions about the Transformer, answered by measurement on the toolkit's own modules.

An experiment (`experiments/`, one question a file) is data and pure functions: conditions, a
measurement of one condition with one seed, and claims whose criteria stand in the code before the
run. `runner` fills the grid of conditions and seeds, `verdict` applies the criteria, and `report`
draws the pages from the results alone.
"""
