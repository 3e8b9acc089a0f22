"""Training data that is given as Python objects (items). The run stores the items as JSON lines.

Training reads its data several times, also after a resume. Therefore the items are written once
into the directory of the run, one per line. Only one item is in memory at a time.
"""

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from whyformer.data.lines import read_lines
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.foundation.files import atomic_path, sha256_of
from whyformer.foundation.parsing import shown
from whyformer.foundation.wording import counted
from whyformer.recipes.recipe import Recipe
from whyformer.recipes.task_declaration import TASKS, ItemForm

ITEMS = "<items>"
"""The value of `data.train` or `data.dev` when items are given in Python."""
KEPT_ITEMS = {"train": "items.jsonl", "dev": "items-dev.jsonl"}
"""The names of the item files in a run, for `data.train` and `data.dev`."""
SECOND = "second"
"""Key under which the second text of an item with three parts is stored."""
PARAMETERS = {"train": "data", "dev": "dev"}
"""The parameters of `train` and `fit` that take items, for `data.train` and `data.dev`."""


@dataclass(frozen=True)
class GivenItems:
    """The items for training and for validation. A field is None if the recipe names files instead
    of items."""

    train: Any = None
    dev: Any = None


def forget_items(run: Path) -> None:
    """Remove the stored items if the run was never started, so that the given items are stored
    again."""
    if not (run / "run.json").exists():
        for name in KEPT_ITEMS.values():
            (run / name).unlink(missing_ok=True)


def keep_items(given: GivenItems, recipe: Recipe, run: Path) -> None:
    """Write the items into the directory ``run``. If ``run`` already contains items, the given
    items must be equal to them.

    Raises: DataError for an item that cannot be used; ConfigError when the items differ from the
        stored ones.
    """
    for part, name in KEPT_ITEMS.items():
        items = getattr(given, part)
        if items is None:
            continue
        parameter, kept = PARAMETERS[part], run / name
        lines = _lines(items, recipe, parameter)
        if kept.exists():
            _refuse_others(lines, kept, parameter, run)
            continue
        with atomic_path(kept) as temporary, temporary.open("wb") as file:
            file.writelines(lines)
            if not file.tell():
                raise DataError(
                    f"`{parameter}` must have at least one item, but it has none. An iterator can "
                    "be read only once: pass a list, or create a new iterator."
                )


def with_kept_items(recipe: Recipe, run: Path) -> Recipe:
    """Return the recipe with the paths of the item files of ``run`` in place of `ITEMS`.

    Raises: ConfigError when an item file is missing.
    """
    data = recipe.data
    if ITEMS not in (*data.train, *data.dev):
        return recipe
    changes: dict[str, Any] = {
        part: [_kept(path, run, part) for path in getattr(data, part)] for part in KEPT_ITEMS
    }
    if TASKS[recipe.task].items is not ItemForm.PAIRS:
        changes |= dict(zip(("source", "target"), _names(recipe), strict=False))
    if _may_have_second(recipe) and data.second is None and ITEMS in data.train:
        first = json.loads(next(read_lines(run / KEPT_ITEMS["train"])))
        changes["second"] = SECOND if SECOND in first else None
    return recipe.model_copy(update={"data": data.model_copy(update=changes)})


def _kept(path: str, run: Path, part: str) -> str:
    if path != ITEMS:
        return path
    kept = run / KEPT_ITEMS[part]
    if not kept.exists():
        raise ConfigError(
            f"`data.{part}` is {ITEMS}, but `{kept}` does not exist. Give the items in Python, as "
            f"`whyformer.train({PARAMETERS[part]}=…)`, or the path of a file."
        )
    return str(kept)


def _refuse_others(lines: Iterator[bytes], kept: Path, parameter: str, run: Path) -> None:
    """Raise ConfigError when the lines differ from those in the file ``kept``."""
    digest, empty = hashlib.sha256(), True
    for line in lines:
        digest.update(line)
        empty = False
    if digest.hexdigest() == sha256_of(kept):
        return
    if empty:
        raise ConfigError(
            f"`{parameter}` has no items, but the run in `{run}` was started with items. An "
            "iterator can be read only once: pass a list, or create a new iterator."
        )
    raise ConfigError(
        f"`{parameter}` is not the data that the run in `{run}` was started with. Give the same "
        "items in the same order to resume it, choose another `out`, or start again with "
        "overwrite=True."
    )


def _lines(items: Any, recipe: Recipe, parameter: str) -> Iterator[bytes]:
    """Yield each item as a line of JSON.

    Raises: DataError with the number of the first item that cannot be used.
    """
    record_of = _reader(recipe)
    if not isinstance(items, Iterable):
        raise DataError(
            f"`{parameter}` must be a path or an iterable of items, but it is "
            f"{shown(items)}. Pass a list."
        )
    for number, item in enumerate(items, start=1):
        try:
            record = record_of(item)
        except _WrongItem as wrong:
            raise DataError(f"Item {number} of `{parameter}` {wrong}") from None
        yield json.dumps(record, ensure_ascii=False).encode() + b"\n"


class _WrongItem(Exception):
    """Error for an item that cannot be used. The message of the error continues the sentence "Item
    3 of `data` …"."""


def _names(recipe: Recipe) -> tuple[str, ...]:
    """Return the keys of an item: one key for a text, or two keys for a text with a label or for a
    pair."""
    data, form = recipe.data, TASKS[recipe.task].items
    if form is ItemForm.PAIRS:
        return data.source or "source", data.target or "target"
    source, target = data.source or "text", data.target or "label"
    return (source,) if form is ItemForm.TEXTS else (source, target)


def _may_have_second(recipe: Recipe) -> bool:
    """Return whether an item may have two texts."""
    kind = TASKS[recipe.task]
    return kind.items is ItemForm.LABELLED_TEXTS and "data.second" in kind.reads


def _reader(recipe: Recipe) -> Callable[[Any], dict[str, Any]]:
    """Return the function that converts an item of the recipe's task to a record to store."""
    form = TASKS[recipe.task].items
    if form is None:
        raise ConfigError(
            f"The task `{recipe.task}` takes files only, but items were given. Give the path of a "
            "file."
        )
    names = _names(recipe)
    if form is ItemForm.TEXTS:
        return _text_reader(*names)
    if form is ItemForm.PAIRS:
        return _pair_reader(*names)
    if form is ItemForm.TAGGED_WORDS:
        return _tag_reader(*names)
    return _label_reader(*names, second=recipe.data.second, two=_may_have_second(recipe))


def _text_reader(name: str) -> Callable[[Any], dict[str, Any]]:
    def read(item: Any) -> dict[str, Any]:
        if isinstance(item, Mapping):
            (item,) = _fields(item, [name])
        text = _text(item, f"a text, or a dict with the key `{name}`")
        return {name: text.removesuffix("\n").removesuffix("\r")}

    return read


def _pair_reader(source: str, target: str) -> Callable[[Any], dict[str, Any]]:
    def read(item: Any) -> dict[str, Any]:
        wanted = f"a pair (source, target), or a dict with the keys `{source}` and `{target}`"
        if isinstance(item, Mapping):
            if source not in item and isinstance(item.get("translation"), Mapping):
                item = item["translation"]  # the form of Hugging Face data sets
            pair: Sequence[Any] = _fields(item, [source, target])
        else:
            pair = _of_length(item, (2,), wanted)
        return dict(zip((source, target), (_text(one, wanted) for one in pair), strict=True))

    return read


def _label_reader(
    text: str, label: str, *, second: str | None, two: bool
) -> Callable[[Any], dict[str, Any]]:
    """Return the function that converts an item with a label to a record.

    Args: second: key of the second text. two: whether an item may have two texts.
    """
    width = 0

    def read(item: Any) -> dict[str, Any]:
        nonlocal width
        more = "(text, second, label), " if two else ""
        wanted = f"(text, label), {more}or a dict with `{text}` and `{label}`"
        if isinstance(item, Mapping):
            names = [text, *([second] if second else []), label]
            values: Sequence[Any] = _fields(item, names)
        else:
            values = _of_length(item, (3,) if second else (2, 3) if two else (2,), wanted)
        width = width or len(values)
        if len(values) != width:
            raise _WrongItem(
                f"must have {width} parts like the first item, but it has {len(values)}: "
                f"{shown(item)}. Give all items the same number of parts."
            )
        *texts, labelled = values
        found = dict(
            zip((text, second or SECOND), (_text(one, wanted) for one in texts), strict=False)
        )
        return found | {label: _label(labelled)}

    return read


def _tag_reader(text: str, label: str) -> Callable[[Any], dict[str, Any]]:
    def read(item: Any) -> dict[str, Any]:
        wanted = f"(words, labels), or a dict with the keys `{text}` and `{label}`"
        if isinstance(item, Mapping):
            sides: Sequence[Any] = _fields(item, [text, label])
        else:
            sides = _of_length(item, (2,), wanted)
        words, labels = (_words(side, wanted) for side in sides)
        if len(words) != len(labels):
            raise _WrongItem(
                f"must have a label for every word, but it has {counted(len(words), 'word')} "
                f"and {counted(len(labels), 'label')}: {shown(item)}. Correct it."
            )
        return {text: words, label: labels}

    return read


def _fields(item: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    if missing := [name for name in names if name not in item]:
        found = ", ".join(f"`{key}`" for key in islice(item, 8)) or "no keys"
        raise _WrongItem(
            f"must have the key `{missing[0]}`, but it has {found}. Add it, or name the keys with "
            "the settings data.source and data.target."
        )
    return [item[name] for name in names]


def _of_length(item: Any, lengths: Sequence[int], wanted: str) -> Sequence[Any]:
    if not isinstance(item, tuple | list) or len(item) not in lengths:
        raise _WrongItem(f"must be {wanted}, but it is {shown(item)}. Correct it.")
    return item


def _text(value: Any, wanted: str) -> str:
    if not isinstance(value, str):
        raise _WrongItem(
            f"must be {wanted}, with texts as str, but {shown(value)} was found. Correct it."
        )
    return _sound(value)


def _sound(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _WrongItem(
            f"contains half of a surrogate pair (\\u{ord(text[error.start]):04x}), which is not a "
            "character. Write both halves."
        ) from None
    return text


def _label(value: Any) -> str | int | float:
    """Return a label unchanged if it is a text or a finite number."""
    if isinstance(value, str) and value.strip():
        return _sound(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    raise _WrongItem(
        f"must have a label that is a text or a finite number, but it is {shown(value)}. "
        "Correct it, or write it as a text."
    )


def _words(side: Any, wanted: str) -> list[str]:
    """Return a list of words or labels. ``side`` is such a list, or one text with spaces between
    the words or labels."""
    if isinstance(side, str):
        return _sound(side).split()
    if not isinstance(side, tuple | list):
        raise _WrongItem(f"must be {wanted}, but {shown(side)} was found. Correct it.")
    words = [str(_label(one)) for one in side]
    for word in words:
        if word.split() != [word]:
            raise _WrongItem(
                f"must have words and labels without spaces, but {shown(word)} was found. "
                "Split it, or replace the spaces."
            )
    return words
