"""Choose the held-out items of a verdict, and state whether they also selected the weights."""

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

ENOUGH = 200
"""Items that did not select the weights are used if there are at least this many."""
UNSEEN = "These items neither trained the model nor selected its weights."
SELECTED = (
    "The same items selected the best weights, so this score is slightly too good. For an unbiased "
    "score, use `whyformer evaluate` with a separate test set."
)


def held_out_part(items: Sequence[Item], validated: int) -> tuple[Sequence[Item], str]:
    """Return the items of the verdict, and a sentence on their origin.

    Args: validated: the metric that selects the weights reads this number of items, from the first.

    >>> held_out_part(range(100), 50) == (range(100), SELECTED)
    True
    >>> held_out_part(range(1000), 500) == (range(500, 1000), UNSEEN)
    True
    """
    rest = items[validated:]
    return (rest, UNSEEN) if len(rest) >= ENOUGH else (items, SELECTED)
