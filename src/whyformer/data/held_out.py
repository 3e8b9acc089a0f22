"""Split off a validation set, chosen by a hash of the normalized text.

The rule is the same for all tasks. Examples with the same text (after normalization) stay together,
so no text is in both sets. The choice depends only on the texts, not on their order. Only the
validation set must fit into memory, not all data.
"""

import hashlib
import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from whyformer.text.normalization import lower, normalize

LEAST = 100
"""Minimum size of the validation set. With fewer than 1,000 examples, the minimum is a tenth of the
examples."""
FEW = 20
"""With fewer examples than this in the validation set, a score is unreliable."""
OF_ONE_TEXT = 10
"""A text that would fill more than a tenth (1 / `OF_ONE_TEXT`) of the validation set stays in
training."""

Item = TypeVar("Item")
Key = Callable[[str], str]
"""A function that returns the normalized form of a text, as the model reads it."""


def key_of(lowercase: bool, *, keep_spaces: bool = False) -> Key:
    """Return a function that maps a text to its key. Texts that the model cannot distinguish have
    equal keys.

    >>> key_of(lowercase=True)(" Cafe\\u0301") == key_of(lowercase=True)("caf\\u00e9 ")
    True
    """
    case = lower if lowercase else normalize

    def key(text: str) -> str:
        return case(text) if keep_spaces else case(text).strip()

    return key


def place(key: str) -> int:
    """Return the rank of a key, 0 to 2⁶⁴ - 1. The texts with the lowest ranks become the validation
    set."""
    return int.from_bytes(hashlib.sha256(f"whyformer/{key}".encode()).digest()[:8], "big")


class Overlap(NamedTuple):
    """How many different items of a validation set are also in the training data."""

    inputs: int
    """Number of inputs (sources, texts or sentences) that are also in the training data."""
    examples: int
    """Number of inputs that are also in the training data with the same output."""
    of: int
    """Number of all different inputs of the validation set."""


def overlap(validation: Iterable[tuple[str, str]], training: Iterable[tuple[str, str]]) -> Overlap:
    """Count the validation examples that are also in the training data.

    Only hashes of the validation set are in memory; the training data is streamed.
    Args: validation, training: for each example, the keys of its input and its output; see
        `key_of`.
    """
    inputs: set[int] = set()
    examples: set[int] = set()
    for text, answer in validation:
        inputs.add(place(text))
        examples.add(place(f"{text}\t{answer}"))
    seen_inputs: set[int] = set()
    seen_examples: set[int] = set()
    for text, answer in training:
        if (where := place(text)) in inputs:
            seen_inputs.add(where)
            if (both := place(f"{text}\t{answer}")) in examples:
                seen_examples.add(both)
    return Overlap(len(seen_inputs), len(seen_examples), len(inputs))


def number_held_out(count: int, share: float, most: int) -> int:
    """Return the size of the validation set for ``count`` examples.

    >>> [number_held_out(count, 0.02, 2000) for count in (50, 300, 3000, 100_000, 10**6)]
    [5, 30, 100, 2000, 2000]
    """
    least = min(LEAST, math.ceil(count / 10))
    return min(most, max(round(share * count), least))


class Draw:
    """Finds the texts with the lowest `place` in a stream of data.

    Args: capacity: maximum number of texts in memory; it must exceed the size of the validation
        set.
    """

    def __init__(self, capacity: int) -> None:
        self.count = 0
        """Number of examples that were added."""
        self._capacity = capacity
        self._times: dict[int, int] = {}
        self._last: list[int] = []  # a heap of negative places, with the highest place on top

    def add(self, key: str) -> None:
        """Add an example, given the key of its text."""
        self.add_place(place(key))

    def add_place(self, where: int) -> None:
        """Add an example, given the `place` of its text."""
        self.count += 1
        if where in self._times:
            self._times[where] += 1
            return
        if len(self._times) == self._capacity:
            if where > -self._last[0]:
                return
            del self._times[-heapq.heappop(self._last)]
        self._times[where] = 1
        heapq.heappush(self._last, -where)

    def held_out(self, share: float, most: int) -> frozenset[int]:
        """Return the places of the texts that become the validation set. With fewer than two texts,
        the validation set is empty."""
        wanted = number_held_out(self.count, share, most)
        of_one = max(OF_ONE_TEXT, wanted // OF_ONE_TEXT)
        chosen: list[int] = []
        taken = 0
        for where in sorted(self._times):
            if taken >= wanted or len(chosen) == len(self._times) - 1:
                break
            if self._times[where] <= of_one and taken + self._times[where] <= 2 * wanted:
                chosen.append(where)
                taken += self._times[where]
        return frozenset(chosen)


def split(
    items: Sequence[Item],
    *,
    key: Callable[[Item], str],
    labels: Callable[[Item], Iterable[str]],
    share: float,
    most: int,
) -> tuple[list[Item], list[Item]]:
    """Split items into a training set and a validation set; both keep the order of the items.

    If every item has one label, the same fraction of each label goes to the validation set, and at
    least one text of each label stays in training. No label is only in the validation set.
    Args:
        key: function from an item to the key of its text; items with equal keys stay together.
        labels: function from an item to its labels; empty for items without labels.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        groups[place(key(item))].append(index)
    wanted = number_held_out(len(items), share, most)
    strata: dict[str, list[int]] = defaultdict(list)
    for where in sorted(groups):
        found = sorted(set(labels(items[groups[where][0]])))
        strata[found[0] if len(found) == 1 else ""].append(where)
    held: set[int] = set()
    for members in strata.values():
        size = sum(len(groups[where]) for where in members)
        quota, taken = wanted * size / len(items), 0
        for where in members[: len(members) - 1]:
            if taken + len(groups[where]) / 2 <= quota:
                held.add(where)
                taken += len(groups[where])
    if not held and (spare := [m for m in strata.values() if len(m) > 1]):
        held.add(min((w for m in spare for w in m), key=lambda w: (len(groups[w]), w)))
    learned = {
        label for w in groups if w not in held for i in groups[w] for label in labels(items[i])
    }
    for where in sorted(held):  # training lacks one of its labels
        if any(label not in learned for index in groups[where] for label in labels(items[index])):
            held.remove(where)
    chosen = {index for where in held for index in groups[where]}
    train = [item for index, item in enumerate(items) if index not in chosen]
    return train, [items[index] for index in sorted(chosen)]
