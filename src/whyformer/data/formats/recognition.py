"""Recognise the format of a data file by its content. The file name decides only when the content
fits several formats."""

import contextlib
import csv
import json
import re
import stat
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from whyformer.data.formats.names import are_headings
from whyformer.data.lines import STDIN, read_lines
from whyformer.data.opening import PARQUET, is_workbook, magic_of, openable, unpacked_suffix
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.foundation.parsing import shown

SAMPLE = 1000
"""Number of lines that are read to recognise a format."""
SAMPLE_CHARACTERS = 1 << 20
DELIMITERS = ";|,"
"""Delimiters of CSV (a file with tabs is TSV). If two of them fit, the first one is chosen, because
commas also occur in text."""
A_WORD_A_LINE = (".conll", ".iob", ".iob2", ".bio")
"""File endings that mean one word and its label per line."""
MAX_PHONES = 150
"""Maximum number of different symbols in the pronunciations of a dictionary."""
DOCUMENT = "-DOCSTART-"
"""First word of the line that separates two documents in CoNLL files."""
COMMENTS = (";;;", "#")
"""A line of a pronunciation dictionary that starts with one of these is a comment."""


class Format(StrEnum):
    """The format of a data file."""

    LINES = "lines of text"
    TSV = "TSV"
    CSV = "CSV"
    JSONL = "JSON lines"
    JSON = "JSON"
    PARQUET = "Parquet"
    EXCEL = "an Excel workbook"
    TMX = "TMX"
    DICTIONARY = "a pronunciation dictionary"
    WORDS = "one word per line"
    CONLLU = "CoNLL-U"


PIPED = {".jsonl": Format.JSONL, ".tsv": Format.TSV}
"""The format of a pipe by the ending of its name. The content of a pipe cannot be examined first,
because a pipe can be read only once."""


class Wanted(StrEnum):
    """The kind of data that a file is read for."""

    PAIRS = "pairs"
    LABELLED = "labelled texts"
    TAGGED = "labelled words"
    TEXTS = "texts"


def recognized(
    path: str, wanted: Wanted, encoding: str | None = None, delimiter: str | None = None
) -> Format:
    """Return the format of a file.

    Args: delimiter: the character between the columns, or None if it is not known. If a delimiter
        is given, every text file that is not JSON or XML is TSV or CSV.
    Raises: DataError when the file cannot be read, or has none of the formats.
    """
    of_columns = None if delimiter is None else Format.TSV if delimiter == "\t" else Format.CSV
    if path == STDIN:
        return of_columns or Format.TSV
    suffix = unpacked_suffix(path)
    with openable(path):
        kind = Path(path).stat().st_mode
    if stat.S_ISFIFO(kind) or stat.S_ISCHR(kind):  # readable only once
        return of_columns or PIPED.get(suffix, Format.LINES)
    if magic_of(path).startswith(PARQUET):
        return Format.PARQUET
    if is_workbook(path):
        return Format.EXCEL
    lines = sampled_lines(path, encoding)
    return (
        _of_markup(path, lines, suffix, wanted)
        or of_columns
        or _of_words(lines, suffix, wanted)
        or _of_columns(lines, suffix, wanted)
        or Format.LINES
    )


def known_delimiter(given: str | None) -> str | None:
    """Return the delimiter that the setting `data.delimiter` describes.

    Raises: ConfigError when it is not one character.

    >>> known_delimiter("tab"), known_delimiter("|"), known_delimiter(None)
    ('\\t', '|', None)
    """
    character = "\t" if given in ("tab", "\\t") else given
    if character is not None and (len(character) != 1 or character in '"\r\n'):
        raise ConfigError(
            f"`data.delimiter` must be one character, or tab, but it is {shown(given)}. For "
            "example, give --data.delimiter ';'."
        )
    return character


def delimiter_hint(path: str, encoding: str | None = None) -> str:
    """Return the advice to set a delimiter, if one character divides all lines of a file into the
    same number of columns; "" otherwise."""
    lines = [line for line in sampled_lines(path, encoding) if line.strip()]
    for delimiter in DELIMITERS:
        counts = {line.count(delimiter) for line in lines}
        if len(counts) == 1 and counts != {0}:
            return f" If `{delimiter}` separates columns, give --data.delimiter '{delimiter}'."
    return ""


def sampled_lines(path: str, encoding: str | None) -> list[str]:
    """Return the first lines of a file, without blank lines before the first text.

    If all lines are blank, they are returned. The sample ends before the first line that cannot be
    read. The error is raised only if there is no line before it.
    """
    blank: list[str] = []
    found: list[str] = []
    size = 0
    try:
        for line in read_lines(path, encoding):
            if not found and not line.strip():
                if len(blank) < SAMPLE:
                    blank.append(line)
                continue
            found.append(line)
            size += len(line)
            if len(found) == SAMPLE or size > SAMPLE_CHARACTERS:
                break
    except DataError:
        if not found and not blank:
            raise
    return found or blank


def _of_markup(path: str, lines: Sequence[str], suffix: str, wanted: Wanted) -> Format | None:
    """Recognise JSON and XML; return None for other files."""
    if suffix == ".jsonl":
        return Format.JSONL
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith("{"):
        try:
            json.loads(first)
            return Format.JSONL
        except (ValueError, RecursionError):
            if suffix == ".json" or re.match(r'\{\s*($|")', first):
                return Format.JSON
    if first.startswith("[") and (suffix == ".json" or re.match(r"\[\s*($|[\[{])", first)):
        return Format.JSON
    if not first.startswith("<"):
        return None
    start = "\n".join(lines[:50]).lower()
    if "<tmx" in start:
        return Format.TMX
    if wanted is not Wanted.TEXTS and re.match(r"<(!doctype )?html|<\?xml", start):
        kind = "an HTML page" if "html" in start[:200] else "an XML file"
        raise DataError(f"`{path}` is {kind}. Save its content as TSV, CSV or JSON lines.")
    return None


def _of_words(lines: Sequence[str], suffix: str, wanted: Wanted) -> Format | None:
    """Recognise files with one word per line; return None for other files."""
    if wanted is not Wanted.TAGGED:
        return None
    rows = [line.split("\t") for line in lines if line.strip() and not line.startswith("#")]
    numbered = [row for row in rows if re.fullmatch(r"\d+([-.]\d+)?", row[0])]
    if rows and len(numbered) == len(rows) and all(len(row) == 10 for row in rows):
        return Format.CONLLU
    if suffix in A_WORD_A_LINE:
        return Format.WORDS
    blocks = [block for block in _blocks(lines) if not block[0].startswith(DOCUMENT)]
    if len(blocks) < 2 or not rows:
        return None
    # Most sentences have several words, so several lines. Only few words contain a space.
    several = sum(len(block) > 1 for block in blocks) > len(blocks) / 2
    filled = [line for block in blocks for line in block if not line.startswith("##")]
    widths = {len(line.split("\t") if "\t" in line else line.split()) for line in filled}
    words = [line.split("\t")[0] if "\t" in line else line.split()[0] for line in filled]
    spaced = sum(len(word.split()) > 1 for word in words)
    return Format.WORDS if several and min(widths) > 1 and spaced < len(words) / 20 else None


def _blocks(lines: Sequence[str]) -> list[list[str]]:
    """Split lines at empty lines, and return the blocks."""
    found: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [block for block in found if block]


def _of_columns(lines: Sequence[str], suffix: str, wanted: Wanted) -> Format | None:
    """Recognise tables whose columns are divided by tabs or other delimiters; return None for other
    files."""
    filled = [line for line in lines if line.strip()]
    if wanted is Wanted.TEXTS:
        if suffix == ".csv":
            return Format.CSV
        tabs = bool(filled) and "\t" in filled[0]
        return Format.TSV if tabs and are_headings(filled[0].split("\t")) else None
    if suffix == ".tsv" or 2 * sum("\t" in line for line in filled) > len(filled):
        return Format.TSV
    if wanted is Wanted.PAIRS and suffix != ".csv" and _is_dictionary(filled):
        return Format.DICTIONARY
    return Format.CSV if suffix == ".csv" or delimiter_of(lines) else None


def delimiter_of(lines: Sequence[str], *, certain: bool = True) -> str | None:
    """Return the delimiter of CSV lines, or None when the lines are not CSV.

    Args: certain: whether to require quotes or known headings, because every line of a text may
        also contain a comma.
    """
    best: tuple[float, str] | None = None
    for delimiter in DELIMITERS:
        rows = parsed(lines, delimiter)
        widths = Counter(len(row) for row in rows if row)
        if not widths:
            continue
        width, count = widths.most_common(1)[0]
        share = count / sum(widths.values())
        if width > 1 and (best is None or share > best[0]):
            best = share, delimiter
    if best is None:
        return None
    share, delimiter = best
    rows = parsed(lines, delimiter)
    sure = share == 1 and (
        are_headings(rows[0])
        or all(re.match(rf'"|.*{re.escape(delimiter)}"', one) for one in lines)
    )
    return delimiter if sure or not certain else None


def parsed(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """Return the rows of CSV lines, up to the first row that cannot be parsed."""
    found: list[list[str]] = []
    with contextlib.suppress(csv.Error):
        found.extend(csv.reader((f"{line}\n" for line in lines), delimiter=delimiter))
    return found


def _is_dictionary(lines: Sequence[str]) -> bool:
    """Return whether the lines are words with their pronunciations, written in a small set of
    symbols."""
    rows = [line.split("#")[0].split() for line in lines if not line.startswith(COMMENTS)]
    if len(rows) < 20 or sum(len(row) < 2 for row in rows) > len(rows) / 50:
        return False
    symbols = Counter(symbol for row in rows for symbol in row[1:])
    words = {row[0] for row in rows if row}
    return (
        len(symbols) <= MAX_PHONES
        and len(symbols) * 5 < sum(symbols.values())
        and len(words) > len(rows) / 2
        and max(map(len, symbols)) <= 6
    )
