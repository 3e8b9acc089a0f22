"""The verdict on an effect: its interval beside 0 and beside the margin of importance."""

from enum import StrEnum

from whyformer.foundation.errors import UsageError


class Verdict(StrEnum):
    """What a comparison says about an arm."""

    BETTER = "better"
    """The interval excludes 0, in favor of the arm."""
    WORSE = "worse"
    """The interval excludes 0, in favor of the base."""
    NO_DIFFERENCE = "no difference that matters"
    """The interval contains 0 and lies inside the margin."""
    INCONCLUSIVE = "inconclusive"
    """The interval contains 0 and reaches the margin."""

    @property
    def differs(self) -> bool:
        """Whether the arm is called different from the base."""
        return self in (Verdict.BETTER, Verdict.WORSE)


class Certain(StrEnum):
    """What is certain about the size of the effect."""

    ABOVE_MARGIN = "at least the margin"
    """The whole interval is at or beyond the margin."""
    BELOW_MARGIN = "less than the margin"
    """The whole interval is inside the margin."""
    NOTHING = ""
    """The interval contains effects that matter and effects that do not."""


def judge(
    interval: tuple[float, float], margin: float, *, higher_is_better: bool
) -> tuple[Verdict, Certain]:
    """Return the verdict on an interval of arm minus base.

    Args: margin: the smallest difference that matters, chosen before the measurement.
    Raises: UsageError if the margin is not above 0.

    >>> judge((0.1, 0.5), 0.3, higher_is_better=True)[0]
    <Verdict.BETTER: 'better'>
    >>> judge((-0.1, 0.2), 0.3, higher_is_better=True)[0]
    <Verdict.NO_DIFFERENCE: 'no difference that matters'>
    """
    check_margin(margin)
    low, high = interval
    certain = Certain.NOTHING
    if low >= margin or high <= -margin:
        certain = Certain.ABOVE_MARGIN
    elif -margin < low and high < margin:
        certain = Certain.BELOW_MARGIN
    if low > 0 or high < 0:
        return (Verdict.BETTER if (low > 0) == higher_is_better else Verdict.WORSE), certain
    if certain is Certain.BELOW_MARGIN:
        return Verdict.NO_DIFFERENCE, certain
    return Verdict.INCONCLUSIVE, certain


def check_margin(margin: float) -> None:
    """Refuse a margin that is not above 0. Raises: UsageError."""
    if not margin > 0:
        raise UsageError(
            f"The margin must be above 0, but it is {margin:g}. Choose the smallest difference "
            f"that would change what you do."
        )
