"""The training data of a run, for its error report: neighbours, contradictions, characters."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from whyformer.evaluation.baselines.neighbours import NeighbourIndex
from whyformer.evaluation.error_kinds import TrainingSources
from whyformer.foundation.config import build, read_yaml
from whyformer.foundation.errors import DataError, UsageError
from whyformer.recipes.recipe import Recipe
from whyformer.tasks.build import data_key_of, open_task
from whyformer.tasks.task import Task
from whyformer.workflows.errors.report import SHOWN_CONTRADICTIONS, Contradiction, TrainingNeighbour
from whyformer.workflows.runs.run_file import RECIPE, read_run
from whyformer.workflows.verdict.effort import sampled

MOST_INDEXED, MOST_CHARACTERS = 50_000, 4_000_000
"""Maximum numbers of training items and of their characters in the index of neighbours; a random
sample if there are more."""
NEIGHBOURS = 2


class TrainingItems:
    """The training items of a run: sources with targets, or texts with labels."""

    def __init__(self, items: Iterable[tuple[str, str]]) -> None:
        self.items = list(items)

    @cached_property
    def sources(self) -> TrainingSources:
        """The characters and lengths of the sources."""
        return TrainingSources.of(source for source, _ in self.items)

    @cached_property
    def _indexed(self) -> tuple[list[tuple[str, str]], NeighbourIndex]:
        characters = sum(len(source) for source, _ in self.items)
        fitting = len(self.items) * MOST_CHARACTERS // max(1, characters)
        some = sampled(self.items, max(1, min(MOST_INDEXED, fitting)))
        return some, NeighbourIndex([source for source, _ in some])

    def neighbours(self, source: str) -> tuple[TrainingNeighbour, ...]:
        """Return the training items with the most similar sources."""
        some, index = self._indexed
        found = index.nearest(source, NEIGHBOURS)
        return tuple(TrainingNeighbour(*some[one.number], one.similarity) for one in found)

    def contradictions(self) -> list[Contradiction]:
        """Return the sources with different targets, those with the most targets first."""
        grouped: dict[str, Counter[str]] = defaultdict(Counter)
        for source, target in self.items:
            grouped[source][target] += 1
        found = [
            Contradiction(source, tuple(targets.most_common(SHOWN_CONTRADICTIONS)))
            for source, targets in grouped.items()
            if len(targets) > 1
        ]
        return sorted(found, key=lambda one: (-len(one.targets), one.source))


def task_of(run: Path) -> Task:
    """Return the task of a run with its data, as they were in training.

    Raises: UsageError if this is not a run; DataError if its data has changed.
    """
    known = read_run(run)
    if known is None:
        raise UsageError(
            f"`{run}` must be the directory of a run, because the report reads its training data. "
            "Give the directory that `whyformer train` wrote."
        )
    recipe = build(Recipe, read_yaml(run / RECIPE)[0], where=str(run / RECIPE))
    if data_key_of(recipe, run) != known["data_key"]:
        raise DataError(
            f"The data of the run in `{run}` has changed since the training. Restore the files "
            f"{', '.join(recipe.data.train)}."
        )
    return open_task(recipe, run)
