"""Messages name a setting as it is typed: `--top-k`, where the library says `top_k`."""

import inspect
import re
from collections.abc import Callable
from typing import Any

ALSO_FLAGS = ("tokenize",)
"""Settings outside the search that have a flag of the same name."""
_NAME = re.compile(r"`(\w+)`")


def in_flags(message: str, command: Callable[..., Any]) -> str:
    """Return a message with the flags of ``command`` in place of the names of settings.

    Other words in backticks may be names of columns or files, and stay.

    >>> from whyformer.cli.translate import translate
    >>> in_flags("`top_k` must be below 9. The file has no column `source`.", translate)
    '`--top-k` must be below 9. The file has no column `source`.'
    """
    from whyformer.decoding.settings import SearchSettings

    parameters = inspect.signature(command).parameters.values()
    flags = {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}
    known = flags & {*SearchSettings.model_fields, *ALSO_FLAGS}

    def shown(match: re.Match[str]) -> str:
        return f"`--{match[1].replace('_', '-')}`" if match[1] in known else match[0]

    return _NAME.sub(shown, message)
