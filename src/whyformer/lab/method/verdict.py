"""From measured effects to one of five words, by a rule that is fixed before the run.

A claim is tested in one or more circumstances (a number of heads, an optimizer, a depth). In each,
every one of its tests must hold. Where it holds everywhere it is supported; where it holds in some
circumstances and certainly not in others it is supported under conditions, and the conditions are
the circumstances' names.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from whyformer.lab.method.statistics import Estimate


class Verdict(StrEnum):
    """What may be said of a claim after a measurement."""

    SUPPORTED = "supported"
    CONDITIONAL = "supported under conditions"
    NOT_SUPPORTED = "not supported"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"


class Answer(StrEnum):
    """What one test says."""

    HOLDS = "holds"
    ABSENT = "absent"
    """The effect is certainly too small."""
    OPPOSITE = "opposite"
    """The contrary was seen."""
    OPEN = "open"
    """The interval reaches over the limit."""


@dataclass(frozen=True)
class Test:
    """An effect and the interval it must lie in.

    Args:
        effect: as measured.
        low, high: where the whole of the effect's interval must lie.
        contrary: the claim's contrary is seen when the whole interval lies outside these two.
        logarithm: whether all of them are logarithms of a ratio, which is what a reader wants.
    """

    effect: Estimate
    low: float
    high: float
    contrary: tuple[float, float]
    name: str = ""
    logarithm: bool = False

    def answer(self) -> Answer:
        """Compare the interval with the limits."""
        low, high = self.effect.judged
        if any(math.isnan(v) for v in (low, self.effect.value, high)):
            return Answer.OPEN
        if self.low <= low and high <= self.high:
            return Answer.HOLDS
        if high < self.contrary[0] or low > self.contrary[1]:
            return Answer.OPPOSITE
        if high < self.low or low > self.high:
            return Answer.ABSENT
        return Answer.OPEN


def above(
    effect: Estimate,
    limit: float,
    *,
    contrary: float | None = None,
    name: str = "",
    strict: bool = False,
) -> Test:
    """Demand at least ``limit``, or for a limit of 0 more than 0: what is switched off is absent.

    Args:
        contrary: less than this refutes; None: less than -limit. For a limit of 0 nothing lies
            between effect and contrary but 0 itself: whatever is not seen is open.
        strict: demand more than ``limit``, for effects that can lie on it exactly.
    """
    floor = -abs(limit) if contrary is None else contrary
    low = limit if limit and not strict else math.nextafter(limit, math.inf)
    return Test(effect, low, math.inf, (floor, math.inf), name)


def below(
    effect: Estimate, limit: float, *, contrary: float, name: str = "", strict: bool = False
) -> Test:
    """Demand at most ``limit``.

    Args:
        contrary: more than this refutes.
        strict: demand less than ``limit``, for effects that can lie on it exactly.
    """
    high = math.nextafter(limit, -math.inf) if strict else limit
    return Test(effect, -math.inf, high, (-math.inf, contrary), name)


def within(
    effect: Estimate, low: float, high: float, *, margin: float | None = None, name: str = ""
) -> Test:
    """Demand a place between two limits.

    Args: margin: farther outside than this refutes; None: than the width between the limits.
    """
    beyond = high - low if margin is None else margin
    return Test(effect, low, high, (low - beyond, high + beyond), name)


def near(
    effect: Estimate,
    value: float,
    distance: float,
    *,
    margin: float | None = None,
    name: str = "",
) -> Test:
    """Demand a place at most ``distance`` from ``value``. Args: margin: see `within`."""
    return within(effect, value - distance, value + distance, margin=margin, name=name)


def of_ratio(test: Test) -> Test:
    """Return a test on the logarithm of a ratio that readers see as one on the ratio."""
    return replace(test, logarithm=True)


@dataclass(frozen=True)
class Judgement:
    """The verdict, and the circumstances by what was seen in them."""

    verdict: Verdict
    holds: tuple[str, ...]
    fails: tuple[str, ...]
    open: tuple[str, ...]


def judge(circumstances: Mapping[str, Sequence[Test]]) -> Judgement:
    """Apply the rule of this file to the tests of each circumstance."""
    if not circumstances or not all(circumstances.values()):
        raise ValueError("a claim needs at least one test in every circumstance")
    answers = {name: _together(tests) for name, tests in circumstances.items()}

    def named(*kinds: Answer) -> tuple[str, ...]:
        return tuple(name for name, answer in answers.items() if answer in kinds)

    holds, opposite, undecided = named(Answer.HOLDS), named(Answer.OPPOSITE), named(Answer.OPEN)
    fails = named(Answer.ABSENT, Answer.OPPOSITE)
    if len(holds) == len(answers):
        verdict = Verdict.SUPPORTED
    elif holds and fails:
        verdict = Verdict.CONDITIONAL
    elif len(opposite) == len(answers):
        verdict = Verdict.REFUTED
    elif len(fails) == len(answers):
        verdict = Verdict.NOT_SUPPORTED
    else:
        verdict = Verdict.INCONCLUSIVE
    return Judgement(verdict, holds, fails, undecided)


def contradict(one: Judgement, other: Judgement) -> bool:
    """Say whether two judgements on one claim cannot both be right.

    They contradict where a circumstance holds in one and fails in the other, or, with no
    circumstance in common, where one is supported and the other is not.
    """
    if set(one.holds) & set(other.fails) or set(one.fails) & set(other.holds):
        return True
    seen = {*one.holds, *one.fails, *one.open} & {*other.holds, *other.fails, *other.open}
    against = {Verdict.REFUTED, Verdict.NOT_SUPPORTED}
    words = {one.verdict, other.verdict}
    return not seen and Verdict.SUPPORTED in words and bool(against & words)


def _together(tests: Sequence[Test]) -> Answer:
    """All must hold; one contrary is enough to refute, one failure to fail."""
    answers = [test.answer() for test in tests]
    for kind in (Answer.OPPOSITE, Answer.ABSENT, Answer.OPEN):
        if kind in answers:
            return kind
    return Answer.HOLDS
