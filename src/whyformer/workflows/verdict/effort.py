"""Limit the time of a verdict: samples of the training data, and as many items as fit."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")
Answer = TypeVar("Answer")

SHARE = 0.01
"""The answers of the model may take this fraction of the training time; its baseline may take the
same fraction."""
AT_LEAST_SECONDS = 4.0
"""Minimum time for the answers, and the same time for the baseline, after a short training."""
FIRST_PART = 32
"""Number of items that are always answered."""


def seconds_for(training_seconds: float) -> float:
    """Return the time for the answers of the model; the baseline gets the same time."""
    return max(AT_LEAST_SECONDS, SHARE * training_seconds)


def sampled(items: Sequence[Item], count: int, *, seed: int = 0) -> list[Item]:
    """Return a random sample of ``count`` items in their order, or all items if there are fewer."""
    if len(items) <= count:
        return list(items)
    chosen = np.random.default_rng(seed).choice(len(items), count, replace=False)
    return [items[number] for number in sorted(chosen)]


def answered(
    items: Sequence[Item], answer: Callable[[Sequence[Item]], list[Answer]], seconds: float
) -> list[Answer]:
    """Answer items from the first on; stop before the next part would exceed the time.

    The first part has `FIRST_PART` items. Each further part doubles the number of answers.
    """
    found: list[Answer] = []
    began = time.perf_counter()
    while len(found) < len(items):
        size = max(FIRST_PART, len(found))
        part = items[len(found) : len(found) + size]
        spent = time.perf_counter() - began
        if found and spent * (1 + len(part) / len(found)) > seconds:
            break
        found += answer(part)
    return found
