"""Derive one of five verdicts from measured effects, by a rule that is fixed before the run.

A claim is tested in one or more circumstances, such as a number of heads, an optimizer or a depth.
The claim holds in a circumstance if all tests of the claim in this circumstance hold. A claim is
supported if it holds in all circumstances. A claim is supported under conditions if it holds in
some circumstances and certainly fails in others; the conditions are then the names of the
circumstances in which the claim holds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from whyformer.lab.method.statistics import Estimate


class Verdict(StrEnum):
    """The verdict on a claim after a measurement."""

    SUPPORTED = "supported"
    CONDITIONAL = "supported under conditions"
    NOT_SUPPORTED = "not supported"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"


class Answer(StrEnum):
    """The result of one test."""

    HOLDS = "holds"
    ABSENT = "absent"
    """The effect is certainly smaller than the limit."""
    OPPOSITE = "opposite"
    """The effect has the opposite direction."""
    OPEN = "open"
    """The interval includes the limit, so the test decides nothing."""


@dataclass(frozen=True)
class Test:
    """An effect and the interval in which it must lie.

    Args:
        effect: the measured effect.
        low, high: limits for the whole interval of the effect.
        contrary: two limits. If the whole interval of the effect is outside these limits, the
            opposite of the claim is true.
        logarithm: whether all values are logarithms of a ratio. The pages then show the ratio.
        precondition: whether this is a check of the measurement, not of the claim. If such a test
            does not hold, nothing can be said about the claim in this circumstance.
    """

    effect: Estimate
    low: float
    high: float
    contrary: tuple[float, float]
    name: str = ""
    logarithm: bool = False
    precondition: bool = False

    def answer(self, *, corrected: bool = True) -> Answer:
        """Compare the interval with the limits. Args: corrected: use the interval with the
        correction for all tests of the laboratory; otherwise, the interval that is shown."""
        low, high = self.effect.judged if corrected else (self.effect.low, self.effect.high)
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
    """Require an effect of at least ``limit``, or of more than 0 if the limit is 0.

    Args:
        contrary: an effect below this value refutes the claim; the default is -limit. With a
            limit of 0, a test stays open if its interval has numbers on both sides of 0.
        strict: require more than ``limit``, for effects that can be equal to the limit.
    """
    floor = -abs(limit) if contrary is None else contrary
    low = limit if limit and not strict else math.nextafter(limit, math.inf)
    return Test(effect, low, math.inf, (floor, math.inf), name)


def below(
    effect: Estimate, limit: float, *, contrary: float, name: str = "", strict: bool = False
) -> Test:
    """Require an effect of at most ``limit``.

    Args:
        contrary: an effect above this value refutes the claim.
        strict: require less than ``limit``, for effects that can be equal to the limit.
    """
    high = math.nextafter(limit, -math.inf) if strict else limit
    return Test(effect, -math.inf, high, (-math.inf, contrary), name)


def within(
    effect: Estimate, low: float, high: float, *, margin: float | None = None, name: str = ""
) -> Test:
    """Require an effect between two limits.

    Args: margin: an effect that is outside the limits by more than this refutes the claim; the
        default is the distance between the limits.
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
    """Require an effect within ``distance`` of ``value``. Args: margin: see `within`."""
    return within(effect, value - distance, value + distance, margin=margin, name=name)


def precondition(test: Test) -> Test:
    """Mark a test as a check of the measurement, without which the claim cannot be judged."""
    return replace(test, precondition=True)


def of_ratio(test: Test) -> Test:
    """Mark a test as a test on the logarithm of a ratio, so that the pages show the ratio."""
    return replace(test, logarithm=True)


@dataclass(frozen=True)
class Judgement:
    """A verdict, and the names of the circumstances in which the claim holds, fails or is open."""

    verdict: Verdict
    holds: tuple[str, ...]
    fails: tuple[str, ...]
    open: tuple[str, ...]


def judge(circumstances: Mapping[str, Sequence[Test]], *, corrected: bool = True) -> Judgement:
    """Return the verdict for the tests of each circumstance, by the rule of this module.

    Args: corrected: see `Test.answer`.
    """
    if not circumstances or not all(circumstances.values()):
        raise ValueError("a claim needs at least one test in each circumstance")
    answers = {name: _together(tests, corrected) for name, tests in circumstances.items()}

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
    """Return whether two judgements on one claim contradict each other.

    Two judgements contradict each other if the claim holds in a circumstance according to one of
    them and fails in the same circumstance according to the other. If the judgements have no
    circumstance in common, they contradict each other if one verdict is "supported" and the other
    verdict is "refuted" or "not supported".
    """
    if set(one.holds) & set(other.fails) or set(one.fails) & set(other.holds):
        return True
    seen = {*one.holds, *one.fails, *one.open} & {*other.holds, *other.fails, *other.open}
    against = {Verdict.REFUTED, Verdict.NOT_SUPPORTED}
    words = {one.verdict, other.verdict}
    return not seen and Verdict.SUPPORTED in words and bool(against & words)


def _together(tests: Sequence[Test], corrected: bool) -> Answer:
    """Combine the results of the tests of a circumstance. The claim holds if all tests hold. If a
    precondition does not hold, the claim is open. If another test does not hold, return the first
    of these results that occurs: `opposite`, `absent`, `open`."""
    answers = [test.answer(corrected=corrected) for test in tests]
    pairs = zip(tests, answers, strict=True)
    if any(test.precondition and one is not Answer.HOLDS for test, one in pairs):
        return Answer.OPEN
    for kind in (Answer.OPPOSITE, Answer.ABSENT, Answer.OPEN):
        if kind in answers:
            return kind
    return Answer.HOLDS
