"""The figures of the training data, from which the settings of a run are chosen."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice

from whyformer.data.figures import MOST, Figures
from whyformer.evaluation.tagging import scheme_of
from whyformer.recipes.recipe import DataSettings
from whyformer.workflows.auto.contents import examples_of, lines_of, pairs_of, tagged_of

LEAST_SPANS = 0.01
"""Fraction of the words that must be in spans, so that the held-out part has some, too."""


@dataclass
class DataFigures:
    """Figures of the sources (or texts) and of the targets, and the labels of labelled data."""

    source: Figures = field(default_factory=Figures)
    target: Figures = field(default_factory=Figures)
    labels: Counter[str] = field(default_factory=Counter)
    """How often each label occurs; for numbers, empty."""

    @property
    def largest_share(self) -> float:
        """Fraction of the items with the most frequent label; 0 without labels."""
        return max(self.labels.values(), default=0) / max(1, self.labels.total())

    @property
    def are_spans(self) -> bool:
        """Whether all labels but `O` mark spans, such as B-PER, and enough words are in spans."""
        if scheme_of([label] for label in self.labels) is None:
            return False
        inside = self.labels.total() - self.labels["O"]
        return inside >= LEAST_SPANS * self.labels.total()


def figures_of(data: DataSettings, task: str) -> DataFigures:
    """Read the training data once; of more than `MOST` items, only the first are read.

    Raises: DataError with the path and line of the error.
    """
    found = DataFigures()
    if task == "translate":
        for pair in islice(pairs_of(data), MOST):
            found.source.add(pair.source)
            found.target.add(pair.target)
    elif task in ("classify", "regress"):
        number = task == "regress"
        for one in islice(examples_of(data, number=number), MOST):
            if not one.label:
                continue  # training leaves this text out
            found.source.add(one.first if one.second is None else f"{one.first} {one.second}")
            if not number:
                found.labels[one.label] += 1
    elif task == "tag":
        for sentence in islice(tagged_of(data), MOST):
            found.source.add(" ".join(sentence.words))
            found.labels.update(sentence.labels)
    else:
        for line in islice(lines_of(data), MOST):
            found.source.add(line)
    return found
