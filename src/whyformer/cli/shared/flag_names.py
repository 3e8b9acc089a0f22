"""Replace names of settings in messages by the flags of a command: `top_k` becomes `--top-k`."""

import dataclasses
import inspect
import re
from collections.abc import Callable
from typing import Any

ALSO_FLAGS = ("tokenize",)
"""Names of settings that are replaced by a flag of the same name, although they are not search
settings."""
_NAME = re.compile(r"`(\w+)`")


def flags_of(command: Callable[..., Any]) -> list[str]:
    """Return the names of the flags of a command; the fields of a dataclass are separate flags."""
    found: list[str] = []
    for one in inspect.signature(command, eval_str=True).parameters.values():
        if one.kind is one.KEYWORD_ONLY and dataclasses.is_dataclass(one.annotation):
            found += [field.name for field in dataclasses.fields(one.annotation)]
        elif one.kind is one.KEYWORD_ONLY:
            found.append(one.name)
    return found


def in_flags(message: str, command: Callable[..., Any]) -> str:
    """Return a message in which names of settings are replaced by the flags of ``command``.

    Other words in backticks are not changed, because they may be names of columns or files.

    >>> from whyformer.cli.translate.translate import translate
    >>> in_flags("`top_k` must be below 9. The file has no column `source`.", translate)
    '`--top-k` must be below 9. The file has no column `source`.'
    """
    from whyformer.decoding.settings import SearchSettings

    known = {*flags_of(command)} & {*SearchSettings.model_fields, *ALSO_FLAGS}

    def shown(match: re.Match[str]) -> str:
        return f"`--{match[1].replace('_', '-')}`" if match[1] in known else match[0]

    return _NAME.sub(shown, message)
