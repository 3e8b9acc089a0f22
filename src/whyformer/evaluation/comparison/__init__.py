"""Compare arms that were trained with paired seeds: effect, interval, verdict, looks and power.

`compare.compare_arms` compares one arm with the base, `several.compare_all` compares several arms,
`sequential.Looks` allows to stop early, and `power` tells what a number of seeds can show.
"""
