"""Helper functions for the wording of messages."""

from collections.abc import Iterable


def either(names: Iterable[str]) -> str:
    """Return a list of alternatives as text, such as "a, b or c".

    >>> either(["a", "b", "c"]), either(["a"])
    ('a, b or c', 'a')
    """
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def counted(count: float, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun in the singular or plural.

    Args: plural: the plural form; by default, the noun with an s.

    >>> counted(1, "pair"), counted(1234, "training target"), counted(0.5, "minute")
    ('1 pair', '1,234 training targets', '0.5 minutes')
    """
    shown = int(count) if count == int(count) else count
    return f"{shown:,} {noun if count == 1 else plural or noun + 's'}"
