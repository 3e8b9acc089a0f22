"""Errors for the user. Each message states the rule, what was found, and how to fix it.

Every class has an `exit_code`, with which a command ends after such an error: 2 for a usage error
(wrong input or settings, so that the command did nothing), 1 for a failure while the command
was running.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

Text = TypeVar("Text")
MAX_SHOWN = 60
"""Maximum number of characters of a wrong value in a message."""


class WhyformerError(Exception):
    """Base of all errors that are shown to the user without a traceback."""

    exit_code = 1


class UsageError(WhyformerError):
    """A usage error: wrong arguments or input; nothing was changed."""

    exit_code = 2


class ConfigError(UsageError):
    """A recipe, a flag or a settings file is invalid."""


class DataError(UsageError):
    """A text or corpus file has the wrong format or content."""


class BundleError(UsageError):
    """A model directory is missing, damaged, newer than this version, or unsafe."""


class PluginError(UsageError):
    """A plugin is missing, cannot be imported, or registers something that does not fit."""


class OutputError(UsageError):
    """An output cannot be written, or already exists."""


class MissingPackageError(UsageError):
    """A required package is not installed."""

    def __init__(self, package: str, install: str | None = None) -> None:
        super().__init__(
            f"The package `{package}` is needed here, but it is not installed. "
            f"Install it with: pip install {install or package}"
        )


class MissingExtraError(MissingPackageError):
    """A required optional package is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(package, f'"whyformer[{extra}]"')


class DivergedError(WhyformerError):
    """A loss, gradient or weight in training is not finite."""


class LostRankError(WhyformerError):
    """Another process of a distributed run has ended."""


def refuse_string(name: str, value: object) -> None:
    """Reject a string if a list of strings is expected. Without this check, each character of the
    string would be an item.

    Raises: UsageError when ``value`` is a string or not iterable.
    """
    if isinstance(value, str | bytes):
        raise UsageError(f"`{name}` must be a list of texts, but it is one string. Write [text].")
    if not isinstance(value, Iterable):
        raise UsageError(f"`{name}` must be a list of texts, but it is {value!r}. Write [text].")


def each_text(
    name: str, values: Iterable[Text], kinds: type | tuple[type, ...] = str
) -> Iterator[Text]:
    """Yield the values; raise an error at the first value that is not of an allowed type.

    Args: kinds: the allowed types; by default, only strings.
    Raises: UsageError with the number of the value, counted from 1.
    """
    refuse_string(name, values)
    return _each_text(name, values, kinds)


def _each_text(name: str, values: Iterable[Text], kinds: type | tuple[type, ...]) -> Iterator[Text]:
    for number, value in enumerate(values, start=1):
        if not isinstance(value, kinds):
            raise UsageError(f"`{name}` must be strings, but number {number} is {_short(value)}.")
        yield value


def refuse_mixed(name: str, value: object, rule: str, fits: Callable[[Any], bool]) -> None:
    """Raise an error if an item of a list has the wrong form.

    Args:
        rule: what every item must be, as text for the message.
        fits: function that returns whether an item is correct.
    Raises: UsageError with the number of the item, counted from 1.
    """
    refuse_string(name, value)
    assert isinstance(value, Iterable)
    for number, item in enumerate(value, start=1):
        if not fits(item):
            raise UsageError(f"`{name}` must be {rule}, but number {number} is {_short(item)}.")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean `x`?"`` with the closest known word, or a list of all known words.

    >>> nearest("d_modle", ["d_model", "heads"])
    ' Did you mean `d_model`?'
    """
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f" Did you mean `{close[0]}`?"
    return f" Known: {', '.join(known)}."
