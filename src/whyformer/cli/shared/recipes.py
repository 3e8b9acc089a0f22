"""Resolve a recipe from its name, short flags and dotted settings."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from whyformer.foundation.errors import UsageError

if TYPE_CHECKING:
    from whyformer.recipes.recipe import Resolved


def resolved(
    name: str | None,
    overrides: Mapping[str, list[str]],
    *,
    preset: str | None = None,
    full: bool = False,
    data: Sequence[str] | None = None,
    dev: Sequence[str] | None = None,
    source: str | None = None,
    target: str | None = None,
    task: str | None = None,
    start_from: str | None = None,
    frozen: bool = False,
    ranks: int | None = None,
) -> "Resolved":
    """Resolve a recipe from its name, short flags such as `data`, and dotted settings.

    Args: overrides: dotted settings. ranks: number of training processes; None if unknown.
    Raises: UsageError if a setting is given in both forms; ConfigError for a setting that is
        unknown or has no effect.
    """
    from whyformer.recipes.recipe import parse_overrides, resolve
    from whyformer.recipes.unused import refuse_unused

    settings, typed = dict(overrides), dict[str, str]()
    for short, key, texts in (
        ("preset", "preset", [preset] if preset is not None else []),
        ("data", "data.train", list(data or ())),
        ("dev", "data.dev", list(dev or ())),
        ("source", "data.source", [source] if source is not None else []),
        ("target", "data.target", [target] if target is not None else []),
        ("task", "task", [task] if task is not None else []),
        ("start-from", "start_from", [start_from] if start_from is not None else []),
        ("frozen", "frozen", ["true"] if frozen else []),
    ):
        if texts and key in settings:
            raise UsageError(f"`--{short}` is short for `--{key}`, but both were given. Keep one.")
        if texts:
            settings[key], typed[key] = texts, short
    found = resolve(name, parse_overrides(settings), full=full)
    refuse_unused(found.recipe, settings, ranks=ranks, typed=typed)
    return found
