"""Search a line again when its output repeats itself or reaches the length limit."""

from collections.abc import Sequence

from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.settings import MAX_HYPOTHESES, Method, SearchSettings
from whyformer.foundation.errors import UsageError

TIMES = 4
"""An output loops if it has a block of tokens at least this many times in a row. The repeated
blocks together must also have at least `TOKENS` tokens."""
TOKENS = 8
"""See `TIMES`."""
LONGEST = 32
"""Maximum number of tokens of a block."""
NGRAM = 8
"""If an output reached the length limit without a loop, the second search never repeats an n-gram
of this size."""


def period(tokens: Sequence[int]) -> int:
    """Return the number of tokens of the block that a sequence repeats; 0 if it does not loop.

    >>> period([1, 2, 3, 9, 9, 9, 9, 9, 9, 9, 9]), period([1, 2, 1, 2, 1, 2, 1, 2]), period([7] * 7)
    (1, 2, 0)
    """
    for block in range(1, min(LONGEST, len(tokens) // TIMES) + 1):
        same = 0
        for place in range(block, len(tokens)):
            same = same + 1 if tokens[place] == tokens[place - block] else 0
            if same + block >= max(TIMES * block, TOKENS):
                return block
    return 0


class Fallback:
    """Decides which outputs are bad, and how their lines are searched again.

    An output is bad if it loops although its source does not, or if it is not finished. The second
    search has twice the beam and does not repeat n-grams. An n-gram is one token longer than the
    repeated block, so the second output has this block at most twice in a row.
    """

    def __init__(self, settings: SearchSettings) -> None:
        if settings.method is Method.SAMPLE:
            raise UsageError(
                "A fallback needs a beam search, but this search samples. Leave one of them out."
            )
        self._settings = settings

    def is_bad(self, source: Sequence[int], best: Hypothesis) -> bool:
        """Return whether a line should be searched again. Args: source: the tokens of the line."""
        return not best.finished or (period(best.tokens) > 0 and period(source) == 0)

    def settings(self, best: Hypothesis) -> SearchSettings:
        """Return the settings of the second search for a bad output."""
        block = period(best.tokens)
        ngram = max(block + 1, 3) if block else NGRAM
        before = self._settings.no_repeat_ngram
        beam = min(2 * max(self._settings.beam, 2), MAX_HYPOTHESES)
        return self._settings.model_copy(
            update={
                "beam": beam - beam % self._settings.groups,
                "no_repeat_ngram": min(before, ngram) if before else ngram,
            }
        )
