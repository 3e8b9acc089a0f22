"""Utilities: how good one text is if another one is the right one."""

from collections.abc import Callable, Mapping

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

Utility = Callable[[str, str], float]
"""How good a text is if the other one is the right one: higher is better."""


def _utilities() -> Mapping[str, Callable[[], Utility]]:
    def chrf() -> Utility:
        metric = CHRF()
        return lambda text, right: metric.sentence_score(text, [right]).score

    def bleu() -> Utility:
        metric = BLEU(effective_order=True)
        return lambda text, right: metric.sentence_score(text, [right]).score

    return {"chrf": chrf, "bleu": bleu}


UTILITIES = _utilities()
"""The utilities by name."""
