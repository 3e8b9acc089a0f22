"""The errors a user can meet, each one sentence: the rule, what was found, the way out.

Every kind carries the exit code of the command line: 2 when the question was wrong
(bad input, bad settings, nothing done), 1 when the work itself failed.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

Text = TypeVar("Text")
MOST_SHOWN = 60
"""Characters of a wrong value that a message shows."""


class WhyformerError(Exception):
    """Any failure that is explained to the user without a traceback."""

    exit_code = 1


class UsageError(WhyformerError):
    """Something was asked wrongly; nothing was changed."""

    exit_code = 2


class ConfigError(UsageError):
    """A recipe, a flag or a settings file says something impossible."""


class DataError(UsageError):
    """A text or corpus file cannot be read as what it should be."""


class BundleError(UsageError):
    """A model directory is missing, damaged, newer than this version, or unsafe."""


class PluginError(UsageError):
    """A plugin is missing, cannot be imported, or registers something that does not fit."""


class OutputError(UsageError):
    """An output cannot be written, or exists already."""


class MissingExtraError(UsageError):
    """An optional package is needed for what was asked."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"This needs the package `{package}`, which is not installed. "
            f'Install it with: pip install "whyformer[{extra}]"'
        )


class DivergedError(WhyformerError):
    """Training met a loss, gradient or weight that is not finite."""


class LostRankError(WhyformerError):
    """Another of the processes that work together has ended."""


def refuse_string(name: str, value: object) -> None:
    """Refuse one string where a list of strings is expected: it would be a list of characters.

    Raises: UsageError when ``value`` is a string, or nothing that can be iterated over.
    """
    if isinstance(value, str | bytes):
        raise UsageError(f"`{name}` must be a list of texts, but it is one string. Write [text].")
    if not isinstance(value, Iterable):
        raise UsageError(f"`{name}` must be a list of texts, but it is {value!r}. Write [text].")


def each_text(
    name: str, values: Iterable[Text], kinds: type | tuple[type, ...] = str
) -> Iterator[Text]:
    """Yield values that must be strings, and refuse the first that is not.

    Args: kinds: what else is allowed.
    Raises: UsageError that counts values from 1.
    """
    refuse_string(name, values)
    return _each_text(name, values, kinds)


def _each_text(name: str, values: Iterable[Text], kinds: type | tuple[type, ...]) -> Iterator[Text]:
    for number, value in enumerate(values, start=1):
        if not isinstance(value, kinds):
            raise UsageError(f"`{name}` must be strings, but number {number} is {_short(value)}.")
        yield value


def refuse_mixed(name: str, value: object, rule: str, fits: Callable[[Any], bool]) -> None:
    """Refuse a list that holds an item of another kind.

    Args: rule: what every item must be; fits: whether one is.
    Raises: UsageError that counts items from 1.
    """
    refuse_string(name, value)
    assert isinstance(value, Iterable)
    for number, item in enumerate(value, start=1):
        if not fits(item):
            raise UsageError(f"`{name}` must be {rule}, but number {number} is {_short(item)}.")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean `x`?"`` for the closest known word, or the list of all known words.

    >>> nearest("d_modle", ["d_model", "heads"])
    ' Did you mean `d_model`?'
    """
    known = sorted(known)
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f" Did you mean `{close[0]}`?"
    return f" Known: {', '.join(known)}."
