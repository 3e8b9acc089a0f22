"""The arms of a comparison: a name, and what differs from the recipe."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from whyformer.foundation.errors import UsageError, nearest

BASE = "base"
"""The arm without any difference from the recipe."""


@dataclass(frozen=True)
class Arm:
    """What is compared.

    Args:
        name: the name that results show.
        settings: dotted settings as texts, which override the recipe.
        recipe: another recipe; None means that of the comparison.
    """

    name: str
    settings: Mapping[str, list[str]]
    recipe: str | None = None


def parse_arm(text: str, keys: Sequence[str]) -> Arm:
    """Return the arm that a text describes: ``base``, the name of a recipe, or settings.

    Args:
        text: such as ``model.wiring=post-norm model.norm=rms``. The section of a setting may be
            left out if only one section has it. ``NAME:`` in front gives the arm a name.
        keys: the dotted names of all settings of the recipe.

    >>> parse_arm("small: d_model=64", ["model.d_model", "model.heads"])
    Arm(name='small', settings={'model.d_model': ['64']}, recipe=None)
    """
    name, separator, rest = text.partition(": ")
    words = _words(rest if separator else text)
    settings: dict[str, list[str]] = {}
    recipe: str | None = None
    for word in words:
        key, equals, value = word.partition("=")
        if equals:
            full = full_key(key, keys)
            if full in settings:
                raise UsageError(f"The arm `{text}` sets `{full}` twice. Keep one value.")
            settings[full] = value.split(",") if value else [""]
        elif word != BASE:
            if recipe is not None:
                raise UsageError(
                    f"An arm is one recipe, or settings such as model.wiring=post-norm, but "
                    f"`{text}` names the recipes `{recipe}` and `{word}`."
                )
            recipe = word
    shown = name if separator else " ".join(words)
    if not words or not shown.strip():
        raise UsageError(
            "An arm must not be empty. Write base, a setting such as KEY=VALUE, or both."
        )
    return Arm(shown.strip(), settings, recipe)


def parse_arms(texts: Iterable[str], keys: Sequence[str]) -> list[Arm]:
    """Return the arms, of which the first one is the base of all comparisons.

    Raises: UsageError if there are fewer than two arms, or if two of them are equal.
    """
    arms = [parse_arm(text, keys) for text in texts]
    if len(arms) < 2:
        raise UsageError(
            "A comparison needs at least two arms. Write for example --arm base --arm "
            "model.wiring=post-norm."
        )
    for number, one in enumerate(arms):
        for other in arms[:number]:
            if one.name == other.name:
                raise UsageError(
                    f"Two arms have the name `{one.name}`. Write NAME: in front of one."
                )
            if (one.settings, one.recipe) == (other.settings, other.recipe):
                raise UsageError(
                    f"The arms `{other.name}` and `{one.name}` are the same. Change one of them."
                )
    return arms


def full_key(key: str, keys: Sequence[str]) -> str:
    """Return the dotted name of a setting whose section may be left out.

    Raises: UsageError if no setting, or more than one, has this name.
    """
    key = key.replace("-", "_")
    if "." in key:
        return key
    found = [one for one in keys if one.rpartition(".")[2] == key]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"Several sections have the setting `{key}`: {', '.join(found)}. Name one."
        )
    last = sorted({one.rpartition(".")[2] for one in keys})
    raise UsageError(f"The recipe has no setting `{key}`.{nearest(key, last)}")


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"The arm `{text}` cannot be read ({error}). Check its quotes.") from None
