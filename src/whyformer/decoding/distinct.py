"""n-best lists without duplicates: merge hypotheses with equal text; search again for missing ones.

Several token sequences can spell the same text (`vir|ágok`, `virág|ok`), and a beam search can find
more than one of them. Of hypotheses with equal text, the one with the best score is kept.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.settings import MAX_HYPOTHESES, Method, SearchSettings

T = TypeVar("T")
Named = list[tuple[str, Hypothesis]]
"""Pairs of text and hypothesis, best first."""
BEAM_FACTORS = (2, 4, 8)
"""A line with too few different texts is searched again. Each search multiplies the beam by the
next of these factors."""


def distinct(
    items: Sequence[T],
    found: Sequence[Sequence[Hypothesis]],
    settings: SearchSettings,
    decode: Callable[[Sequence[int]], str],
    search: Callable[[Sequence[T], SearchSettings], Iterable[Sequence[Hypothesis]]],
) -> list[Named]:
    """Return `nbest` hypotheses of different texts for each item, best first.

    Samples are independent draws, so duplicates among them are kept.
    Args:
        found: for each item, the hypotheses that a search with ``settings`` found.
        search: function that searches the given items with the given settings, which have a wider
            beam.
    """
    lists = [[(decode(one.tokens), one) for one in some] for some in found]
    if settings.method is Method.SAMPLE:
        return lists
    lists = [merged(one) for one in lists]
    for factor in BEAM_FACTORS:
        short = [row for row, one in enumerate(lists) if len(one) < settings.nbest]
        beam = settings.beam * factor
        if not short or beam > MAX_HYPOTHESES:
            break
        wider = settings.model_copy(update={"beam": beam, "nbest": beam})
        for row, more in zip(short, search([items[row] for row in short], wider), strict=True):
            lists[row] = merged([*lists[row], *((decode(one.tokens), one) for one in more)])
    return [one[: settings.nbest] for one in lists]


def merged(found: Iterable[tuple[str, Hypothesis]]) -> Named:
    """Return the best hypothesis of each text, best first. Of hypotheses with equal text and score,
    the first one is returned.

    >>> a, b = (Hypothesis((5,), -2.0, -2.0, True), Hypothesis((6, 7), -1.0, -1.0, True))
    >>> [one.score for _, one in merged([("x", a), ("x", b)])]
    [-1.0]
    """
    kept: dict[str, Hypothesis] = {}
    for text, one in sorted(found, key=lambda named: -named[1].score):
        kept.setdefault(text, one)
    return list(kept.items())
