"""Check the laws of a metric; see `whyformer.evaluation.metric.Metric`."""

from collections.abc import Callable

import numpy as np

from whyformer.evaluation.metric import METRICS, Metric, metric_named
from whyformer.testing.laws import BrokenLaw, name_of, require, stating_failures
from whyformer.testing.models import registered

HYPOTHESES = ("the cat sat", "a dog runs", "", "나는 학교에 간다")
REFERENCES = (["the cat sat"], ["the dog runs", "a dog ran"], ["nothing"], ["나는 학교에 갔다"])


@stating_failures
def check_metric(maker: Callable[..., Metric]) -> None:
    """Check a corpus metric.

    Laws: `statistics` returns k finite numbers for each line. These numbers depend only on that
    line, so that intervals and significance tests can resample lines. The value of the summed
    statistics is a finite number. Correct answers are at least as good as wrong answers.
    Args: maker: class or function that returns the metric.
    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(maker)
    with registered(METRICS, maker) as chosen:
        metric = metric_named(chosen)
        found = metric.statistics(HYPOTHESES, REFERENCES)
        shape = getattr(found, "shape", ())
        law = f"`statistics` of {len(HYPOTHESES)} lines must be an array of {len(HYPOTHESES)} rows"
        require(len(shape) == 2 and shape[0] == len(HYPOTHESES), name, law, f"its shape is {shape}")
        require(np.isfinite(found).all(), name, "`statistics` must be finite", "some are not")
        for line, (hypothesis, references) in enumerate(zip(HYPOTHESES, REFERENCES, strict=True)):
            alone = metric.statistics([hypothesis], [references])
            law = "the statistics of a line must not depend on other lines"
            where = f"those of line {line + 1} are {found[line]} with other lines, {alone[0]} alone"
            require(np.allclose(alone[0], found[line]), name, law, where)
        right = [references[0] for references in REFERENCES]
        good = _value(metric, name, metric.statistics(right, REFERENCES))
        bad = _value(metric, name, metric.statistics(["?!"] * len(right), REFERENCES))
        law = "correct answers must not be worse than wrong ones, according to `higher_is_better`"
        better = good >= bad if metric.higher_is_better else good <= bad
        require(better, name, law, f"their values are {good:.4g} and {bad:.4g}")


def _value(metric: Metric, name: str, statistics: np.ndarray) -> float:
    value = metric.value(statistics.sum(axis=0))
    try:
        finite = bool(np.isfinite(value))
    except TypeError:
        raise BrokenLaw(f"{name}: `value` must be a number, but it is {value!r}.") from None
    require(finite, name, "`value` must be finite", f"it is {value!r}")
    return float(value)
