"""Minimum Bayes risk: of several samples, choose the one that is most similar to all of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.settings import Method, SearchSettings
from whyformer.decoding.text_translator import Translation
from whyformer.evaluation.utility import UTILITIES
from whyformer.foundation.errors import UsageError, nearest

SAMPLES = 16
"""Default number of samples."""


class MinimumBayesRisk:
    """Chooses the sample with the highest expected utility.

    The expected utility of a text is its mean utility over all samples, as if each of them was the
    right translation. A text that was drawn several times counts several times.

    >>> chosen = MinimumBayesRisk("chrf").expected(["a cat sat", "the dog", "a cat sat"])
    >>> max(chosen, key=chosen.__getitem__)
    'a cat sat'

    Source: Eikema & Aziz 2020 (arXiv:2005.10283): expected utility estimated from samples.
    Args: utility: chrf (sentence-level chrF) or bleu (sentence-level BLEU with effective order).
    """

    def __init__(self, utility: str) -> None:
        if utility not in UTILITIES:
            raise UsageError(f"`{utility}` is not a utility.{nearest(utility, UTILITIES)}")
        self._utility = UTILITIES[utility]()

    def expected(self, samples: Iterable[str]) -> dict[str, float]:
        """Return the expected utility of each different text."""
        counts = Counter(samples)
        total = counts.total()
        return {
            text: sum(times * self._utility(text, right) for right, times in counts.items()) / total
            for text in counts
        }

    def reordered(self, answer: Translation) -> Translation:
        """Return the translation with its samples ordered by expected utility; of equal texts, the
        first one remains."""
        if not answer.hypotheses:
            return answer
        expected = self.expected(text for text, _ in answer.hypotheses)
        first: dict[str, Hypothesis] = {}
        for text, hypothesis in answer.hypotheses:
            first.setdefault(text, hypothesis)
        ranked = sorted(first.items(), key=lambda one: -expected[one[0]])  # stable: first draw wins
        text, best = ranked[0]
        return replace(answer, text=text, score=best.score, hypotheses=tuple(ranked))


def minimum_risk(
    answers: Iterable[Translation], utility: str, settings: SearchSettings
) -> Iterator[Translation]:
    """Yield each translation with its samples ordered by expected utility.

    Raises: UsageError if the search does not sample at least two translations of a line.
    """
    if settings.method is not Method.SAMPLE:
        raise UsageError(
            "Minimum Bayes risk needs samples, but `method` is "
            f"{settings.method}. Set `method` to sample."
        )
    if settings.nbest < 2:
        raise UsageError(
            "Minimum Bayes risk needs at least 2 samples, but the number of samples, `nbest`, is "
            f"{settings.nbest}. Set it to {SAMPLES}, for example."
        )
    chooser = MinimumBayesRisk(utility)
    return map(chooser.reordered, answers)
