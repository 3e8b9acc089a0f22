"""The laws of a metric; see `whyformer.evaluation.metric.Metric`."""

from collections.abc import Callable

import numpy as np

from whyformer.evaluation.metric import METRICS, Metric, metric_named
from whyformer.testing.laws import BrokenLaw, name_of, require, stating_failures
from whyformer.testing.models import registered

HYPOTHESES = ("the cat sat", "a dog runs", "", "나는 학교에 간다")
REFERENCES = (["the cat sat"], ["the dog runs", "a dog ran"], ["nothing"], ["나는 학교에 갔다"])


@stating_failures
def check_metric(maker: Callable[..., Metric]) -> None:
    """Check what makes a corpus metric.

    Laws: there are k finite numbers for each line, which depend on that line alone, so that
    intervals and significance tests may draw lines again; the value of their sums is a finite
    number; right answers are at least as good as wrong ones.
    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(maker)
    with registered(METRICS, maker) as chosen:
        metric = metric_named(chosen)
        found = metric.statistics(HYPOTHESES, REFERENCES)
        shape = getattr(found, "shape", ())
        law = f"`statistics` of {len(HYPOTHESES)} lines must be an array of {len(HYPOTHESES)} rows"
        require(len(shape) == 2 and shape[0] == len(HYPOTHESES), name, law, f"it is {shape}")
        require(np.isfinite(found).all(), name, "`statistics` must be finite", "some are not")
        for line, (hypothesis, references) in enumerate(zip(HYPOTHESES, REFERENCES, strict=True)):
            alone = metric.statistics([hypothesis], [references])
            law = "the numbers of a line must not depend on other lines"
            where = f"line {line + 1} of {len(HYPOTHESES)} gives {found[line]}, alone {alone[0]}"
            require(np.allclose(alone[0], found[line]), name, law, where)
        right = [references[0] for references in REFERENCES]
        good = _value(metric, name, metric.statistics(right, REFERENCES))
        bad = _value(metric, name, metric.statistics(["?!"] * len(right), REFERENCES))
        law = "right answers must not be worse than wrong ones, by `higher_is_better`"
        better = good >= bad if metric.higher_is_better else good <= bad
        require(better, name, law, f"they get {good:.4g} and {bad:.4g}")


def _value(metric: Metric, name: str, statistics: np.ndarray) -> float:
    value = metric.value(statistics.sum(axis=0))
    try:
        finite = bool(np.isfinite(value))
    except TypeError:
        raise BrokenLaw(f"{name}: `value` must be a number, but it is {value!r}.") from None
    require(finite, name, "`value` must be finite", f"it is {value!r}")
    return float(value)
