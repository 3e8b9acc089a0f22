"""BLEU, chrF and TER from sacreBLEU, with the intervals and tests of whyformer."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from whyformer.evaluation.interval import Array, IntervalKind
from whyformer.evaluation.metric import METRICS
from whyformer.foundation.errors import UsageError, nearest

TOKENIZERS = ("13a", "char", "intl", "none", "zh")
"""The tokenizers of sacreBLEU without extra packages. Use `char` for Korean and Japanese."""


class SacreMetric:
    """A metric of sacreBLEU with the interface `Metric`.

    sacreBLEU counts each line and computes the value from the summed counts. So `value` of all
    lines is exactly the corpus score of sacreBLEU.
    """

    interval = IntervalKind.BOOTSTRAP

    def __init__(self, name: str, unit: str, higher_is_better: bool, counter: Any) -> None:
        self.name = name
        self.unit = unit
        self.higher_is_better = higher_is_better
        self._counter = counter

    def signature(self, references: Sequence[Sequence[str]]) -> str:
        """Return the signature of sacreBLEU."""
        sizes = {len(alternatives) for alternatives in references}
        self._counter.num_refs = sizes.pop() if len(sizes) == 1 else -1
        return f"{self.name}|{self._counter.get_signature().format()}"

    def statistics(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> Array:
        """Return the counts of sacreBLEU for each line. A line may have
        several references; sacreBLEU combines them."""
        columns = list(
            zip_longest(*references)
        )  # sacreBLEU expects one list of lines per reference
        counts = self._counter._extract_corpus_statistics(list(hypotheses), columns)
        return np.array(counts, dtype=np.float64)

    def value(self, sums: Array) -> float:
        """Return the corpus score of the summed counts."""
        return float(self._counter._compute_score_from_stats(sums.tolist()).score)


@METRICS.register("bleu")
def bleu(*, lowercase: bool = False, tokenize: str = "13a") -> SacreMetric:
    """Return BLEU (Papineni et al. 2002), as defined by sacreBLEU.

    Args: tokenize: one of `TOKENIZERS`; use `char` for Korean and for languages without spaces.
    Raises: UsageError if the tokenizer is unknown.
    """
    if tokenize not in TOKENIZERS:
        raise UsageError(
            f"`tokenize` must be a tokenizer of sacreBLEU without extra packages, but it is "
            f"`{tokenize}`.{nearest(tokenize, TOKENIZERS)}"
        )
    counter = BLEU(lowercase=lowercase, tokenize=tokenize)
    return SacreMetric("bleu", "BLEU points, 0 to 100, higher is better", True, counter)


@METRICS.register("chrf")
def chrf(*, lowercase: bool = False) -> SacreMetric:
    """Return chrF2 (Popović 2015): character 6-grams, no word n-grams, β = 2."""
    counter = CHRF(lowercase=lowercase)
    return SacreMetric("chrf", "chrF points, 0 to 100, higher is better", True, counter)


@METRICS.register("ter")
def ter() -> SacreMetric:
    """Return TER (Snover et al. 2006): edits and block shifts per reference word.

    Case is ignored, as in sacreBLEU and tercom. The signature contains this setting.
    """
    unit = "edits per 100 reference words, lower is better"
    return SacreMetric("ter", unit, False, TER())
