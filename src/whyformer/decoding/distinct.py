"""n-best lists of different texts: hypotheses with equal text are merged, and lists filled up.

One text can be written with several token sequences (`vir|ágok`, `virág|ok`), and a beam search
finds several of them. Of equal texts the hypothesis with the best score stays.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.settings import MOST_HYPOTHESES, Method, SearchSettings

T = TypeVar("T")
Named = list[tuple[str, Hypothesis]]
"""Texts with the hypotheses they come from, best first."""
WIDER = (2, 4, 8)
"""A line whose list falls short is searched again with a beam so many times as wide."""


def distinct(
    items: Sequence[T],
    found: Sequence[Sequence[Hypothesis]],
    settings: SearchSettings,
    decode: Callable[[Sequence[int]], str],
    search: Callable[[Sequence[T], SearchSettings], Iterable[Sequence[Hypothesis]]],
) -> list[Named]:
    """Return `nbest` hypotheses of different texts for each item, best first.

    Samples are independent draws and stay as they were drawn.
    Args:
        found: what a search with ``settings`` found for each item.
        search: searches some of the items again, with a wider beam.
    """
    lists = [[(decode(one.tokens), one) for one in some] for some in found]
    if settings.method is Method.SAMPLE:
        return lists
    lists = [merged(one) for one in lists]
    for factor in WIDER:
        short = [row for row, one in enumerate(lists) if len(one) < settings.nbest]
        beam = settings.beam * factor
        if not short or beam > MOST_HYPOTHESES:
            break
        wider = settings.model_copy(update={"beam": beam, "nbest": beam})
        for row, more in zip(short, search([items[row] for row in short], wider), strict=True):
            lists[row] = merged([*lists[row], *((decode(one.tokens), one) for one in more)])
    return [one[: settings.nbest] for one in lists]


def merged(found: Iterable[tuple[str, Hypothesis]]) -> Named:
    """Return the best hypothesis of each text, best first; of equal scores the earlier one.

    >>> a, b = (Hypothesis((5,), -2.0, -2.0, True), Hypothesis((6, 7), -1.0, -1.0, True))
    >>> [one.score for _, one in merged([("x", a), ("x", b)])]
    [-1.0]
    """
    kept: dict[str, Hypothesis] = {}
    for text, one in sorted(found, key=lambda named: -named[1].score):
        kept.setdefault(text, one)
    return list(kept.items())
