"""The profile of the data: its usual scripts, length ratio, languages and numbers, learned from a
sample."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from whyformer.data.survey.block import Block, Sided
from whyformer.data.survey.characters import JAPANESE, SCRIPTS
from whyformer.data.survey.language import TwoLanguages, two_languages
from whyformer.data.survey.lengths import LengthRatio, length_ratio
from whyformer.data.survey.markup import numbers_agree

SAMPLE = 20_000
"""Maximum number of pairs from which a profile is learned."""
LONGEST = 400
"""Number of characters at the start of a text from which the profile is learned."""
OFTEN = 0.2
"""A script is usual if most letters belong to it in at least this fraction of the texts."""
LEAST_NUMBERS = 20
"""Numbers are compared only if at least this many pairs have numbers on both sides."""
NUMBERS_AGREE = 0.95
"""Different numbers are a fault only if the numbers agree in at least this fraction of the pairs
with numbers on both sides."""


class Kind(StrEnum):
    """The kind of the items of the data."""

    PAIRS = "pairs"
    LABELLED = "labelled texts"
    TAGGED = "labelled words"
    TEXT = "text"


@dataclass(frozen=True)
class Profile:
    """The usual properties of the data, with which each item is compared.

    Args:
        scripts: numbers of the usual scripts of both sides; empty if there are too few letters.
        numbers: of the pairs with numbers on both sides, the fraction whose numbers agree; None if
            there are too few such pairs.
    """

    kind: Kind = Kind.PAIRS
    scripts: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())
    ratio: LengthRatio | None = None
    languages: TwoLanguages | None = None
    numbers: float | None = None

    @property
    def two_scripts(self) -> bool:
        """Whether the two sides have no script in common."""
        return all(self.scripts) and not self.scripts[0] & self.scripts[1]

    @property
    def are_translations(self) -> bool:
        """Whether the two sides are in different scripts or languages."""
        return self.two_scripts or self.languages is not None

    @property
    def compares_numbers(self) -> bool:
        """Whether different numbers on the two sides are a fault."""
        return self.numbers is not None and self.numbers >= NUMBERS_AGREE

    @classmethod
    def of(cls, kind: Kind, items: Sequence[Sided]) -> "Profile":
        """Learn the profile from a sample of the items."""
        if not items:
            return cls(kind)
        sources = [item.source[:LONGEST] for item in items]
        block = Block.of(sources)
        if kind is not Kind.PAIRS:
            return cls(kind, (_usual(block.dominant), frozenset()))
        targets = [item.target[:LONGEST] for item in items]
        other = Block.of(targets)
        scripts = _scripts_of_pairs(block, other)
        lengths = [
            np.fromiter((len(text) for text in side), dtype=np.int64, count=len(items))
            for side in ([one.source for one in items], [one.target for one in items])
        ]
        agree = [
            found
            for source, target in zip(sources, targets, strict=True)
            if (found := numbers_agree(source, target)) is not None
        ]
        return cls(
            kind,
            scripts,
            length_ratio(lengths[0], lengths[1]),
            two_languages(sources, targets) if scripts[0] & scripts[1] else None,
            sum(agree) / len(agree) if len(agree) >= LEAST_NUMBERS else None,
        )


def _scripts_of_pairs(source: Block, target: Block) -> tuple[frozenset[int], frozenset[int]]:
    """Return the usual scripts of both sides, without counting swapped pairs."""
    left, right = source.dominant, target.dominant
    both = (left >= 0) & (right >= 0)
    if not both.any():
        return _usual(left), _usual(right)
    joint = np.bincount(left[both] * len(SCRIPTS) + right[both], minlength=len(SCRIPTS) ** 2)
    first, second = divmod(int(joint.argmax()), len(SCRIPTS))
    if first != second:
        swapped = (left == second) & (right == first)
        left, right = left[~swapped], right[~swapped]
    return _usual(left), _usual(right)


def _usual(dominant: np.ndarray) -> frozenset[int]:
    lettered = dominant[dominant >= 0]
    if not len(lettered):
        return frozenset()
    counts = np.bincount(lettered, minlength=len(SCRIPTS))
    found = {int(one) for one in np.flatnonzero(counts >= OFTEN * len(lettered))}
    found.add(int(counts.argmax()))
    japanese = [SCRIPTS.index(name) for name in JAPANESE]
    if any(counts[one] > 0.01 * len(lettered) for one in japanese[1:]) and found & set(japanese):
        found |= set(japanese)
    return frozenset(found)
