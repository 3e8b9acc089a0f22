"""Resolve a recipe: combine its name, short flags and dotted settings into its final values."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from whyformer.foundation.errors import UsageError

if TYPE_CHECKING:
    from whyformer.recipes.recipe import DataSettings, Resolved


BOTH_FORMS = "`--columns` replaces `--source` and `--target`, but both were given. Keep one."


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
    continue_from: str | None = None,
    extend_vocabulary: int | None = None,
    frozen: bool = False,
    freeze: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    encoding: str | None = None,
    ranks: int | None = None,
    out: Path | None = None,
    automatic: bool = True,
) -> "Resolved":
    """Resolve a recipe from its name, short flags such as `data`, and dotted settings.

    Args:
        overrides: values of dotted settings by name, as texts.
        columns: the values of ``--columns``; see `columns_of`.
        ranks: number of training processes; None if it is not known yet.
        out: directory of the run.
        automatic: whether the settings are chosen from the data if no recipe is named.
    Raises: UsageError if a setting is given in two ways, such as by a short flag and by its dotted
        name; ConfigError for a setting that is unknown or has no effect.
    """
    from whyformer.recipes.recipe import parse_overrides, resolve
    from whyformer.recipes.unused import refuse_unused
    from whyformer.workflows.auto.resolve import resolve_automatically

    settings, typed = dict(overrides), dict[str, str]()
    if columns:
        if source is not None or target is not None:
            raise UsageError(BOTH_FORMS)
        for key, value in columns_of(columns).items():
            if key in settings:
                raise UsageError(f"`--columns` and `--{key}` were both given. Keep one.")
            settings[key], typed[key] = [value], "columns"
    for short, key, texts in (
        ("preset", "preset", [preset] if preset is not None else []),
        ("data", "data.train", list(data or ())),
        ("dev", "data.dev", list(dev or ())),
        ("source", "data.source", [source] if source is not None else []),
        ("target", "data.target", [target] if target is not None else []),
        ("encoding", "data.encoding", [encoding] if encoding is not None else []),
        ("task", "task", [task] if task is not None else []),
        ("start-from", "start_from", [start_from] if start_from is not None else []),
        ("continue", "continue_from", [continue_from] if continue_from is not None else []),
        (
            "extend-vocabulary",
            "extend_vocabulary",
            [str(extend_vocabulary)] if extend_vocabulary is not None else [],
        ),
        ("frozen", "frozen", ["true"] if frozen else []),
        ("freeze", "freeze", list(freeze or ())),
    ):
        if texts and key in settings:
            raise UsageError(f"`--{short}` is short for `--{key}`, but both were given. Keep one.")
        if texts:
            settings[key], typed[key] = texts, short
    given = parse_overrides(settings)
    if automatic:
        found = resolve_automatically(name, given, full=full, run=out)
    else:
        found = resolve(name, given, full=full)
    refuse_unused(found.recipe, settings, ranks=ranks, typed=typed)
    return found


def data_settings(
    train: Sequence[str],
    *,
    dev: Sequence[str] | None = None,
    source: str | None = None,
    target: str | None = None,
    columns: Sequence[str] | None = None,
    encoding: str | None = None,
    overrides: Mapping[str, list[str]] | None = None,
) -> "DataSettings":
    """Return the data settings for a command that has no recipe.

    Args: overrides: dotted settings, see `READ_WITH`.
    Raises: UsageError if ``--columns`` is given together with ``--source`` or ``--target``, or for
        a dotted setting that this command does not read.
    """
    from whyformer.recipes.recipe import DataSettings, parse_overrides

    given = {"source": source, "target": target, "encoding": encoding}
    found: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    for name, value in parse_overrides(overrides or {}).items():
        if name not in READ_WITH:
            raise UsageError(
                f"`--{name}` has no effect on this command, which reads only the settings "
                f"{', '.join(READ_WITH)}. Leave it out."
            )
        found[name.removeprefix("data.")] = value
    if columns:
        if source is not None or target is not None:
            raise UsageError(BOTH_FORMS)
        found |= {key.removeprefix("data."): value for key, value in columns_of(columns).items()}
    return DataSettings.model_validate({"train": list(train), "dev": list(dev or ()), **found})


READ_WITH = ("data.header", "data.delimiter", "data.dev_share")
"""The dotted settings that decide how data files are read, besides those with a short flag."""
ROLES = {
    "source": "data.source", "text": "data.source", "second": "data.second",
    "target": "data.target", "label": "data.target",
}  # fmt: skip
"""For each role that a column can have in ``--columns``, the setting that names the column."""


def columns_in(given: Sequence[str] | None) -> list[str]:
    """Split the values of ``--columns`` at commas, and return all items."""
    return [item.strip() for one in given or () for item in one.split(",") if item.strip()]


def columns_of(given: Sequence[str]) -> dict[str, str]:
    """Convert the values of ``--columns`` to settings: for each setting, the name of its column.

    Raises: UsageError for an unknown role or a wrong number of columns.

    >>> columns_of(["source=ko,target=en"]) == columns_of(["ko", "en"])
    True
    >>> columns_of(["sentence1,sentence2,label"])["data.second"]
    'sentence2'
    """
    items = columns_in(given)
    if any("=" in item for item in items):
        found: dict[str, str] = {}
        for item in items:
            role, _, column = item.partition("=")
            if role not in ROLES or not column or ROLES[role] in found:
                raise UsageError(
                    f"`--columns` takes ROLE=COLUMN with the roles {', '.join(ROLES)}, once each, "
                    f"but `{item}` was given."
                )
            found[ROLES[role]] = column
        return found
    orders = {
        1: ["data.source"], 2: ["data.source", "data.target"],
        3: ["data.source", "data.second", "data.target"],
    }  # fmt: skip
    if len(items) not in orders:
        raise UsageError(
            "`--columns` takes names or numbers of one to three columns, such as "
            f"document,label or 1,2, but {len(items)} were given."
        )
    return dict(zip(orders[len(items)], items, strict=True))
