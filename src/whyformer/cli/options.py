"""Kinds of arguments that several commands share."""

from pathlib import Path
from typing import Annotated, TypeVar

from cyclopts import Parameter

from whyformer.foundation.errors import UsageError

Flag = Annotated[bool, Parameter(negative="", show_default=False)]
"""On when given; there is no ``--no-…`` form."""
Texts = Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")]
"""One or more values after the option's name."""
Paths = Annotated[list[Path] | None, Parameter(consume_multiple=True, negative="")]
"""One or more paths after the option's name."""
Overrides = Annotated[dict[str, list[str]], Parameter(parse=False)]
"""The dotted settings that `main` took off the command line."""

T = TypeVar("T")


def required(value: T | None, name: str, example: str) -> T:
    """Return a value that must be given, or say how to give it.

    Raises: UsageError when it was not given.
    """
    if value is None or value == []:
        raise UsageError(f"`--{name}` is required and was not given. Add {example}.")
    return value
