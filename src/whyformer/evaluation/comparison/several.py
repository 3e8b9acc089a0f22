"""Compare several arms with the base, with Holm's correction, at one look or at several."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from whyformer.evaluation.comparison.compare import Comparison, compare_arms, effect_of
from whyformer.evaluation.comparison.measured import Measured
from whyformer.evaluation.comparison.sequential import Looks


def holm(p_values: Sequence[float]) -> list[float]:
    """Return adjusted p-values: the probability of any false rejection is at most alpha.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda one: p_values[one])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def compare_all(
    base: Measured,
    arms: Mapping[str, Measured],
    *,
    margin: float,
    higher_is_better: bool,
    alpha: float = 0.05,
    maximum: int | None = None,
    settled: Mapping[str, Comparison] | None = None,
) -> dict[str, Comparison]:
    """Compare each arm with the base; the verdicts have Holm's correction.

    The interval of an arm has the level of its step in `step_down`, so interval, verdict and
    adjusted p agree: the interval excludes 0 exactly if adjusted p is at most alpha. Bonferroni
    intervals (alpha / arms for all arms) would cover all effects together, but they are wider, and
    they can contain 0 where Holm's test says "different".

    Args:
        arms: the arms by name, all with the seeds of the base.
        maximum: with early stopping, the number of seeds at the last look (see `Looks`); None
            without early stopping.
        settled: the arms with a verdict from an earlier look, which got no more seeds.
    Raises: UsageError, see `compare_arms`.
    """
    earlier = list((settled or {}).values())
    different = sum(one.verdict.differs for one in earlier)
    tests = len(arms) + len(earlier) - different

    def level(share: float) -> float:
        return 1 - share if maximum is None else Looks(maximum, share).level(base.seeds)

    effects = {name: effect_of(base, arm) for name, arm in arms.items()}
    shares = step_down(
        list(arms), lambda name, share: effects[name].excludes_zero(level(share)), tests, alpha
    )
    found = {
        name: compare_arms(
            base,
            arm,
            margin=margin,
            higher_is_better=higher_is_better,
            level=level(shares[name]),
        )
        for name, arm in arms.items()
    }
    overall = [one.p for one in found.values()]
    if maximum is not None:
        overall = [Looks(maximum, alpha).overall_p(p, base.seeds) for p in overall]
    adjusted = holm([*overall, *[1.0] * (tests - len(overall))])[: len(overall)]
    pairs = zip(found.items(), adjusted, strict=True)
    return {name: replace(one, adjusted_p=p) for (name, one), p in pairs}


def step_down(
    names: Sequence[str], differs: Callable[[str, float], bool], tests: int, alpha: float
) -> dict[str, float]:
    """Return the share of alpha with which each arm is finally tested.

    All arms are tested with alpha / tests. If some differ, the others are tested again with
    alpha / (tests - number of arms that differ), and so on. This is Holm's test, because an arm
    that is rightly called different needs no share of alpha any more. With several looks, the
    levels of all looks follow from the new share.
    Source: Holm 1979; Maurer and Bretz 2013, "Multiple testing in group sequential trials using
        graphical approaches".
    Args:
        differs: whether an arm is called different with a share of alpha.
        tests: the number of arms, with those that were settled earlier as not different.
    """
    shares: dict[str, float] = {}
    waiting = list(names)
    while waiting:
        share = alpha / tests
        found = [name for name in waiting if differs(name, share)]
        shares |= dict.fromkeys(found or waiting, share)
        waiting = [name for name in waiting if name not in shares]
        tests -= len(found)
    return shares
