"""Dotted settings on the command line: ``--model.d-model 256``, ``--training.seed=7``.

A recipe has too many fields to declare each one to cyclopts. Therefore, `main` first removes the
dotted settings from the command line, and passes them to the commands that read recipes.
"""

import re
from collections.abc import Sequence

from whyformer.foundation.errors import UsageError

PLUGIN = "--plugin"
_NAME = re.compile(r"--([A-Za-z_][\w-]*(?:\.[\w-]+)+)(?:=(.*))?", re.DOTALL)
_OPTION = re.compile(r"--?[A-Za-z]")
_NEEDS_VALUE = re.compile(r"--[A-Za-z][\w-]*")


def split(tokens: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Remove the dotted settings from the tokens of a command line. Return the other tokens, and
    the values of each setting by name.

    A list setting takes all values up to the next option; any other setting takes one value.
    Tokens after ``--`` are not changed. A positional ``-`` moves behind ``--``, because cyclopts
    takes it for an option.

    >>> split(["train", "--model.d-model", "256", "copy", "--training.seed=7"])
    (['train', 'copy'], {'model.d_model': ['256'], 'training.seed': ['7']})
    >>> split(["train", "--data", "-"])  # standard input
    (['train', '--data=-'], {})
    >>> split(["data", "-", "--json"])
    (['data', '--json', '--', '-'], {})
    """
    others: list[str] = []
    inputs: list[str] = []
    found: dict[str, list[str]] = {}
    place = 0
    while place < len(tokens):
        token = tokens[place]
        place += 1
        if token == "--":
            inputs += tokens[place:]
            break
        match = _NAME.fullmatch(token)
        if not match:
            # cyclopts reads a `-` after an option as another option.
            if token != "-":
                others.append(token)
            elif others and _NEEDS_VALUE.fullmatch(others[-1]):
                others.append(f"{others.pop()}=-")
            else:
                inputs.append(token)
            continue
        name = match[1].replace("-", "_")
        values = found.setdefault(name, [])
        if match[2] is not None:
            values.append(match[2])
            continue
        end = place
        while end < len(tokens) and not _OPTION.match(tokens[end]):
            end += 1
        if end - place > 1 and not _takes_several(name):
            end = place + 1
        values += tokens[place:end]
        place = end
    return [*others, "--", *inputs] if inputs else others, found


def plugins_in(tokens: Sequence[str]) -> tuple[list[str], list[str]]:
    """Remove ``--plugin`` options from the tokens of a command line. Return the other tokens, and
    the values of the options.

    Tokens after ``--`` are not changed.

    >>> plugins_in(["train", "--plugin", "a.py", "copy", "--plugin=acme"])
    (['train', 'copy'], ['a.py', 'acme'])
    """
    others: list[str] = []
    found: list[str] = []
    waiting = iter(tokens)
    for token in waiting:
        if token == "--":
            return [*others, token, *waiting], found
        if token != PLUGIN and not token.startswith(f"{PLUGIN}="):
            others.append(token)
            continue
        value = token.partition("=")[2] if token != PLUGIN else next(waiting, "")
        if not value or value.startswith("--"):
            raise UsageError(f"`{PLUGIN}` takes a file or a package. Write {PLUGIN} FILE.py.")
        found.append(value)
    return others, found


def _takes_several(name: str) -> bool:
    """Return whether a setting of a recipe is a list."""
    from whyformer.recipes.recipe import Recipe

    value: object = Recipe()
    for part in name.split("."):
        value = getattr(value, part, None)
    return isinstance(value, list)
