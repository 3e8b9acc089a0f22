"""Decide which columns of a table are the source and the target, or the text and the label."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from whyformer.data.formats.names import (
    LABEL,
    LANGUAGES,
    OTHER,
    SECOND,
    TARGET,
    TEXT,
    plain_name,
)
from whyformer.data.formats.tables import HEADERS, Table, missing_column
from whyformer.foundation.errors import DataError
from whyformer.foundation.wording import counted

FEW = 0.2
"""A column is not a column of labels if its number of different values exceeds this fraction of its
number of rows."""
SHOWN = 8
"""Maximum number of columns that a message lists."""
DATE = r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ]\d{1,2}:\d{2}.*)?"
"""Regular expression for a date in digits, with or without a time."""
EXAMPLE = 40
"""Maximum number of characters of an example in a message."""


@dataclass(frozen=True)
class Roles:
    """The columns of a table that are read: for each role, such as "source", the name of its
    column. The columns are listed in the order in which they are read."""

    table: Table
    columns: dict[str, str]

    def described(self) -> str:
        """Return a line about the file: its format, each column that is read with an example, and
        the columns that are not read."""
        table = self.table
        rows = table.sample()
        first = rows[0] if rows else []
        parts = []
        for role, name in self.columns.items():
            place = table.place(name)
            cell = first[place] if place is not None and place < len(first) else ""
            column = f"column {name}" if name.isdecimal() and not table.named else f"`{name}`"
            parts.append(f"{role} = {column} (“{_shortened(cell)}”)")
        read = {table.place(name) for name in self.columns.values()}
        rest = [name for place, name in enumerate(table.columns) if place not in read]
        kind = "" if table.named else counted(len(rest), "column").partition(" ")[2] + " "
        named = ", ".join(name or "(no name)" for name in rest)
        left = f"; not read: {kind}{named}" if rest else ""
        header = ", line 1 is a header" if table.named and table.format in HEADERS else ""
        header = f"{table.part}{header}"
        return f"{table.path}: {table.format}{header}; {', '.join(parts)}{left}"


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= EXAMPLE else f"{text[: EXAMPLE - 1]}…"


def roles_of_pairs(
    table: Table, source: str | None, target: str | None, *, optional: bool = False
) -> Roles:
    """Choose the columns of source and target.

    Args:
        source, target: names or numbers of columns; None chooses a column by its name and its
            content.
        optional: whether to ignore ``source`` and ``target`` if the table has two columns without
            names. In a recipe, these names may also be meant as the suffixes of two parallel files.
    Raises: DataError when a column does not exist, or when it is not clear which columns to read.
    """
    asked = {"source": source, "target": target}
    places = {role: table.place(name) for role, name in asked.items() if name}
    if optional and len(table.columns) == 2 and not table.named and None in places.values():
        places = {}
    for role, place in places.items():
        if place is None:
            raise DataError(missing_column(table, asked[role] or ""))
    if len(places) < 2:
        places = _pair_by_content(table, places)
    return _roles(table, source=places["source"], target=places["target"])


def _pair_by_content(table: Table, taken: Mapping[str, int | None]) -> dict[str, int | None]:
    """Return the indices of the columns of source and target.

    Args: taken: the indices that are already known.
    """
    known = _pair_by_name([plain_name(name) for name in table.columns]) if table.named else None
    if known and not taken:
        return {"source": known[0], "target": known[1]}
    free = [place for place in range(len(table.columns)) if place not in taken.values()]
    if len(free) + len(taken) > 2:
        columns = _columns(table)
        free = [place for place in free if _is_text(columns[place])]
    if len(free) + len(taken) != 2:
        raise DataError(_doubt(table, "the source and the target", "SOURCE,TARGET"))
    return {role: taken[role] if role in taken else free.pop(0) for role in ("source", "target")}


def _pair_by_name(names: Sequence[str]) -> tuple[int, int] | None:
    """Return the indices of the columns of source and target if their names are known; otherwise
    None."""
    languages = [place for place, name in enumerate(names) if name in LANGUAGES]
    for sources, targets in (
        (("source", "src"), ("target", "tgt", "trg")),
        (("input",), ("output", "target")),
        (("question", "q", "질문"), ("answer", "a", "답변", "답")),
        (("word", "words", "단어"), ("pronunciation", "phonemes", "발음")),
        (("원문",), ("번역", "번역문")),
        (tuple(TEXT), tuple(TARGET - LABEL)),
    ):
        left = [place for place, name in enumerate(names) if name in sources]
        right = [place for place, name in enumerate(names) if name in targets]
        if len(left) == len(right) == 1:
            return left[0], right[0]
    return (languages[0], languages[1]) if len(languages) == 2 else None


def roles_of_labelled(
    table: Table,
    text: str | None,
    second: str | None,
    label: str | None,
    *,
    number: bool = False,
    two: bool = True,
) -> Roles:
    """Choose the columns of the text, of the second text if there is one, and of the label.

    Args:
        text, second, label: names or numbers of columns; None chooses a column by its name and its
            content.
        number: whether the labels are numbers.
        two: whether an example may have two texts.
    Raises: DataError when a column does not exist, or when it is not clear which columns to read.
    """
    asked = {"text": text, "second text": second, "label": label}
    places: dict[str, int | None] = {}
    for role, name in asked.items():
        if name is None:
            continue
        if (place := table.place(name)) is None:
            raise DataError(missing_column(table, name))
        places[role] = place
    if places.get("text") is None or places.get("label") is None:
        found = _labelled_by_content(table, taken=places, number=number, two=two)
        places = found | places
        if text is not None and second is None:
            places.pop("second text", None)
    return _roles(table, **{role: places[role] for role in asked if role in places})


def _labelled_by_content(
    table: Table, *, taken: dict[str, int | None], number: bool, two: bool
) -> dict[str, int | None]:
    """Return the indices of the columns of labelled texts, chosen by the names and values of the
    columns."""
    columns, names = _columns(table), [plain_name(name) for name in table.columns]
    free = [place for place in range(len(names)) if place not in taken.values()]
    found: dict[str, int | None] = {}
    label = taken.get("label")
    if label is None:
        label = _label_place(table, columns, names, free, number=number)
    texts: list[int] = []
    others: list[int] = []
    if label is not None:
        found["label"] = label
        rest = [place for place in free if place != label]
        texts = [place for place in rest if names[place] in TEXT] if table.named else []
        others = [place for place in rest if names[place] in SECOND] if table.named else []
        if len(texts) == 1 and len(others) == 1 and two:
            texts += others
        elif len(texts) != 1 and len(rest) == 1:
            texts = rest
        elif len(texts) != 1:
            texts = [
                place
                for place in rest
                if not (table.named and names[place] in OTHER)
                and ((len(names) <= 3 and not table.named) or _is_text(columns[place]))
            ]
            texts = [place for place in texts if not _is_numbering(columns[place])]
    if table.named and len(texts) > 1 and not others:
        texts = []  # unclear which one is the text
    if label is None or not 1 <= len(texts) <= 1 + two:
        what = "the text and its label" if not two else "the text, or two texts, and the label"
        raise DataError(_doubt(table, what, "TEXT,LABEL"))
    found["text"] = texts[0]
    if len(texts) == 2:
        found["second text"] = texts[1]
    return found


def _label_place(
    table: Table,
    columns: Sequence[Sequence[str]],
    names: Sequence[str],
    free: Sequence[int],
    *,
    number: bool,
) -> int | None:
    """Return the index of the column that contains the labels, or None if no column can contain
    labels."""
    if table.named:
        named = [place for place in free if names[place] in LABEL]
        if number:
            named = [place for place in named if _are_numbers(columns[place])] or named
        if len(named) == 1:
            return named[0]
        free = named or free
    able = [place for place in free if columns[place] and all(columns[place])]
    if number:
        numbers = [p for p in able if _are_numbers(columns[p]) and not _is_numbering(columns[p])]
        return numbers[-1] if numbers else (free[-1] if free else None)
    if len(names) <= 3 and not table.named:
        last, first = columns[-1], columns[0]
        if _has_few(first) and not _has_few(last) and len(names) == 2:
            return 0
        return len(names) - 1
    labels = [place for place in able if _has_few(columns[place])]
    return min(reversed(labels), key=lambda place: len(set(columns[place])), default=None)


def roles_of_texts(table: Table, text: str | None) -> Roles:
    """Choose the column of the text.

    Raises: DataError when the column does not exist, or when it is not clear which column to read.
    """
    if text is not None:
        if (place := table.place(text)) is None:
            raise DataError(missing_column(table, text))
        return _roles(table, text=place)
    names = [plain_name(name) for name in table.columns]
    columns = _columns(table)
    known = [place for place, name in enumerate(names) if name in TEXT] if table.named else []
    if len(known) == 1:
        return _roles(table, text=known[0])
    texts = [place for place, column in enumerate(columns) if _is_text(column)]
    if len(texts) != 1:
        raise DataError(_doubt(table, "the text", "TEXT"))
    return _roles(table, text=texts[0])


def _roles(table: Table, **places: int | None) -> Roles:
    _refuse_no_rows(table)
    return Roles(
        table, {role: table.columns[place] for role, place in places.items() if place is not None}
    )


def _refuse_no_rows(table: Table) -> None:
    """Raise DataError if a table has a header and nothing else."""
    if table.format not in HEADERS or not table.named:
        return
    try:
        if next(table.rows(), None) is not None:
            return
    except DataError:
        return  # reading the row raises the error again
    raise DataError(_only_a_header(table))


def _only_a_header(table: Table) -> str:
    return (
        f"`{table.path}` must have rows, but it has only line 1, a header: "
        f"{', '.join(table.columns)}. Give another file."
    )


def _columns(table: Table) -> list[list[str]]:
    """Return the values of each column in the sampled rows."""
    width = len(table.columns)
    rows = [row for row in table.sample() if len(row) == width]
    return [[row[place].strip() for row in rows] for place in range(width)]


def _is_text(values: Sequence[str]) -> bool:
    """Return whether a column contains texts. Numbers, dates, web addresses and a few repeated
    values are not texts."""
    filled = [value for value in values if value]
    if len(filled) < max(1, len(values) / 2):
        return False
    if all(re.fullmatch(DATE, value.strip()) for value in filled):
        return False
    if _are_numbers(filled) or all(re.match(r"https?://|www\.", value) for value in filled):
        return False
    if sum("CC-BY" in value or "CC BY" in value for value in filled) > len(filled) / 2:
        return False
    return len(set(filled)) > max(1, FEW * len(filled))


def _are_numbers(values: Sequence[str]) -> bool:
    return bool(values) and all(re.fullmatch(r"[+-]?\d+([.,]\d+)?", value) for value in values)


def _is_numbering(values: Sequence[str]) -> bool:
    """Return whether a column contains the numbers of the rows."""
    return len(values) > 2 and all(map(str.isdecimal, values)) and len(set(values)) == len(values)


def _has_few(values: Sequence[str]) -> bool:
    return bool(values) and len(set(values)) <= max(2, FEW * len(values))


def _doubt(table: Table, what: str, example: str) -> str:
    """Return the error message for a table in which it is not clear which columns to read."""
    rows = table.sample()
    first = rows[0] if rows else []
    shown = list(zip(table.columns, first, strict=False))
    examples = ", ".join(f"`{name}` (“{_shortened(cell)}”)" for name, cell in shown[:SHOWN])
    if len(shown) > SHOWN:
        examples += f" and {len(shown) - SHOWN} more"
    kind = "names" if table.named else "numbers"
    if len(rows) == 0 and table.format in HEADERS:
        return _only_a_header(table)
    if len(table.columns) == 1:
        return (
            f"`{table.path}` must have columns for {what}, but it has only "
            f"`{table.columns[0]}`. Give another file."
        )
    header = ""
    if table.format in HEADERS and not table.named:
        header = " If line 1 is a header, also give --data.header true."
    return (
        f"`{table.path}` has {counted(len(table.columns), 'column')}, and it is not clear which "
        f"contain {what}: {examples or 'no rows'}. Give their {kind}: --columns {example}.{header}"
    )
