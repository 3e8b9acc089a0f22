"""Types of arguments for several commands."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter, Token

from whyformer.foundation.bounds import MAX_IDS
from whyformer.foundation.errors import UsageError

Flag = Annotated[bool, Parameter(negative="", show_default=False)]
"""Type of a boolean option that has no ``--no-…`` form."""
Texts = Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")]
"""Type of an option that takes one or more texts."""
Continue = Annotated[str | None, Parameter(name="--continue", negative="")]
"""Type of the option ``--continue``, whose name is a keyword of Python."""
Paths = Annotated[list[Path] | None, Parameter(consume_multiple=True, negative="")]
"""Type of an option that takes one or more paths."""
Overrides = Annotated[dict[str, list[str]], Parameter(parse=False)]
"""Type of the argument through which `main` passes the dotted settings of the command line."""

T = TypeVar("T")
_WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]{0,30})")
_DECIMAL = re.compile(r"[+-]?(0|[1-9][0-9]*|(?=\.[0-9]))(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True)
class Bounds:
    """A converter of cyclopts that parses a number in decimal notation and checks its bounds.

    Args: low, high: the smallest and the largest allowed number.
    """

    low: float
    high: float

    def __str__(self) -> str:
        """Return the bounds as text for `--help`."""
        return f"{self.low}..{self.high if self.high < 2**62 else f'{self.high:.1e}'}"

    def __call__(self, kind: Any, tokens: Sequence[Token]) -> float:
        """Return the parsed number.

        Raises: UsageError if the text is not a number, or if the number is out of bounds.
        """
        name, text = tokens[0].keyword or "number", tokens[0].value
        whole = isinstance(self.low, int)
        if not (_WHOLE if whole else _DECIMAL).fullmatch(text):
            form = "a whole number such as 100" if whole else "a decimal number such as 0.5"
            raise UsageError(f"`{name}` must be {form}, but it is `{text[:50]}`.")
        number = int(text) if whole else float(text)
        if not self.low <= number <= self.high:
            raise UsageError(
                f"`{name}` must be from {self.low} to {self.high}, but it is {text[:50]}."
            )
        return number


def within(low: float, high: float) -> Parameter:
    """Return the annotation of a numeric option with bounds. If ``low`` is an ``int``, only whole
    numbers are allowed."""
    bounds = Bounds(low, high)
    return Parameter(converter=bounds, metavar=str(bounds))


Pieces = Annotated[int | None, within(0, MAX_IDS)]
"""Type of a number of pieces of a vocabulary."""


def required(value: T | None, name: str, example: str) -> T:
    """Return the value of a required option.

    Raises: UsageError with an example if the option was not given.
    """
    if value is None or value == []:
        raise UsageError(f"`--{name}` is required and was not given. Add {example}.")
    return value
