"""Made-up results of a laboratory experiment, and the checks that every question shares."""

from collections.abc import Callable, Container, Mapping
from typing import Any

from whyformer.foundation.bilingual import Language
from whyformer.lab.method.experiment import Cell, Experiment, Mode, Results
from whyformer.lab.pages.cards import facts_of, read_card, typed_numbers, unknown_placeholders


def results_of(
    experiment: Experiment,
    numbers: Callable[[str, Mapping[str, Any], int], dict[str, Any]],
    *,
    mode: Mode,
    seeds: int,
) -> Results:
    """Return results with a cell for every condition and seed.

    Args: numbers: numbers of a cell, from the name of its part, its settings and its seed.
    """
    return Results(
        mode,
        [
            Cell(part.name, settings, seed, numbers(part.name, settings, seed))
            for part in experiment.parts
            for settings in part.conditions(mode)
            for seed in range(seeds)
        ],
    )


def check_names(experiment: Experiment, results: Results, names: Container[str]) -> None:
    """Check that every circumstance, and every test with a name, has a name for the reader."""
    for claim in experiment.claims:
        for circumstance, tests in claim.tests(results).items():
            assert circumstance in names
            assert all(test.name in names for test in tests if test.name)


def check_card(experiment: Experiment, results: Results, language: Language) -> None:
    """Check that the card of a question quotes only numbers of the results."""
    card = read_card(experiment.name, language)
    assert card is not None
    assert unknown_placeholders(card, experiment, facts_of(experiment, results)) == []
    assert typed_numbers(card) == []
