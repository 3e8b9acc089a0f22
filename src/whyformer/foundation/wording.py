"""Words that messages share."""


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, in the singular or plural.

    >>> counted(1, "pair"), counted(1234, "training target")
    ('1 pair', '1,234 training targets')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
