"""Sentences with a label for every word: reading, tokenization and batches."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from whyformer.data.formats.recognition import DOCUMENT, Format, Wanted, delimiter_hint
from whyformer.data.formats.roles import Roles, roles_of_labelled
from whyformer.data.formats.tables import cells_of
from whyformer.data.lines import read_lines
from whyformer.data.padded_rows import PaddedRows
from whyformer.data.reading import DEFAULT, Reading
from whyformer.foundation.devices import sent
from whyformer.foundation.errors import DataError
from whyformer.foundation.wording import counted
from whyformer.text.normalization import normalize
from whyformer.text.symbols import BOS, EOS
from whyformer.text.tokenizer import Tokenizer

NOTHING = -1
"""Label of the positions that have no label; the loss ignores these positions."""
CONLLU = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
"""Columns of CoNLL-U. Source: https://universaldependencies.org/format.html"""


class Tagged(NamedTuple):
    """A sentence, and a label for each of its words."""

    line: int
    words: list[str]
    labels: list[str]
    blanks: int = 0
    """Number of labelled blanks, before or between the words, that were left out."""


def read_tagged(
    path: str,
    *,
    text: str | None = None,
    label: str | None = None,
    reading: Reading = DEFAULT,
) -> Iterator[Tagged]:
    """Yield the non-empty sentences of a file, with labels in Unicode NFC.

    A table has one sentence per row: its words separated by spaces, and the same number of labels;
        in JSON, words and labels can be lists. A file with one word per line has empty lines
        between sentences. In such a file, the first column is the word and the last column is the
        label; in CoNLL-U, the word is the column FORM and the label is the column UPOS. If each
        line is one character, the blanks between words are left out and counted.

    Args: text, label: names or numbers of the columns, or keys. None chooses a column by its name
        and its content.
    Raises: DataError with the path and line of the error.
    """
    if (columns := word_columns(path, text, label, reading)) is not None:
        yield from _word_by_word(path, columns, reading)
        return
    roles = tag_roles(path, text=text, label=label, reading=reading)
    for line, (said, given) in cells_of(roles.table, [*roles.columns.values()], strict=False):
        words, labels = said.split(), normalize(given).split()
        if len(words) != len(labels):
            raise DataError(
                f"{path}:{line}: every word must have a label, but the line has "
                f"{counted(len(words), 'word')} and {counted(len(labels), 'label')}. "
                "Separate the words by spaces, and the labels by spaces."
            )
        if words:
            yield Tagged(line, words, labels)


def tag_roles(
    path: str, *, text: str | None = None, label: str | None = None, reading: Reading = DEFAULT
) -> Roles:
    """Return the columns of a table with one sentence per row."""
    table = reading.table(path, Wanted.TAGGED, (text, label))
    if table is None or len(table.columns) == 1:
        raise DataError(
            f"`{path}` must have words with labels, but it has neither columns nor one word and "
            "its label per line. Separate words and labels with a tab, and sentences with empty "
            "lines." + delimiter_hint(path, reading.encoding)
        )
    return roles_of_labelled(table, text, None, label, two=False)


@dataclass(frozen=True)
class WordColumns:
    """For a file with one word per line: the columns of the word and its label, counted from 0."""

    word: int = 0
    label: int = -1
    format: Format = Format.WORDS


def word_columns(
    path: str, text: str | None, label: str | None, reading: Reading = DEFAULT
) -> WordColumns | None:
    """Return which columns of a file with one word per line are read; None for other files.

    Args: text, label: names of CoNLL-U columns, or numbers of columns, counted from 1.
    Raises: DataError when there is no column with a given name.
    """
    found = reading.format(path, Wanted.TAGGED)
    if found not in (Format.WORDS, Format.CONLLU):
        return None
    word, last = (1, 3) if found is Format.CONLLU else (0, -1)

    def place(name: str | None, default: int) -> int:
        if name is None:
            return default
        if found is Format.CONLLU and name.upper() in CONLLU:
            return CONLLU.index(name.upper())
        if name.isdecimal() and int(name) > 0:
            return int(name) - 1
        known = f", or {', '.join(CONLLU)}" if found is Format.CONLLU else ""
        raise DataError(
            f"`{path}` has {found}, and no column `{name}`. Give numbers of columns from 1{known}."
        )

    return WordColumns(place(text, word), place(label, last), found)


def _word_by_word(path: str, columns: WordColumns, reading: Reading) -> Iterator[Tagged]:
    words: list[str] = []
    labels: list[str] = []
    conllu = columns.format is Format.CONLLU
    start = number = blanks = 0
    for number, line in enumerate(read_lines(path, reading.encoding), start=1):
        cells = line.split("\t") if "\t" in line else line.split()
        if not line.strip() or cells[0] == DOCUMENT:
            if words:
                yield Tagged(start, words, labels, blanks)
                words, labels, blanks = [], [], 0
            continue
        if line.startswith("#") and (conllu or line.startswith("##") or len(cells) == 1):
            continue  # a comment
        if conllu and not cells[0].isdecimal():
            continue  # a range of words, or a word that is not in the text
        if len(cells) < 2 or max(columns.word, columns.label) >= len(cells):
            raise DataError(
                f"{path}:{number}: a line must be a word, a space or tab, and its label, but "
                f"`{line}` has {counted(len(cells), 'column')}. Separate sentences by empty lines."
            )
        word = "".join(cells[columns.word].split())
        if not word:
            blanks += 1
            continue
        start = number if not words else start
        words.append(word)
        labels.append(normalize(cells[columns.label].strip()))
    if words:
        yield Tagged(start, words, labels, blanks)


def blanks_left_out(sentences: Iterable[Tagged]) -> str | None:
    """Return a text for the user about blanks that were left out, or None if there are none."""
    count = sum(one.blanks for one in sentences)
    if not count:
        return None
    return f"left out {counted(count, 'labelled blank')}, because a blank is not a word"


@dataclass(frozen=True)
class WordRow:
    """A sentence, or a part of a long one, as token ids."""

    ids: list[int]
    """BOS, the ids of all words, and EOS."""
    places: list[int]
    """For each word, the position of its first piece in `ids`."""


def word_rows(tokenizer: Tokenizer, words: Sequence[str], longest: int) -> list[WordRow]:
    """Return the rows of a sentence in order; a sentence that is too long is split into several.

    The words are encoded with spaces between them. A word longer than a row is truncated.
    Paper: Devlin et al. 2018 (arXiv:1810.04805), §5.3: the prediction for a word is that of its
    first piece.
    """
    rows: list[WordRow] = []
    ids: list[int] = []
    places: list[int] = []
    for number, word in enumerate(words):
        pieces = tokenizer.encode(f" {word}" if number else word)[: longest - 2]
        if places and len(ids) + len(pieces) > longest - 2:
            rows.append(WordRow([BOS, *ids, EOS], places))
            ids, places = [], []
        seen = (place for place, one in enumerate(pieces) if tokenizer.decode([one]).strip())
        places.append(1 + len(ids) + next(seen, 0))
        ids += pieces
    return [*rows, WordRow([BOS, *ids, EOS], places)] if places else rows


@dataclass(frozen=True, kw_only=True)
class TaggedBatch:
    """A batch of sentences with a label at the first piece of every word."""

    ids: Int[Tensor, "batch length"]
    """Each row is BOS, the ids of its words, EOS, and then PAD."""
    real: Bool[Tensor, "batch length"] | None
    """True where a token is real; None when no row is padded."""
    labels: Int[Tensor, "batch length"]
    """At the first piece of each word, the number of its class; `NOTHING` elsewhere."""
    indices: Int[np.ndarray, " batch"]
    """Index of each row in the data."""
    tokens: int
    """Number of words in the batch. The mean loss is the sum divided by this number."""

    def __len__(self) -> int:
        return self.ids.shape[0]

    def to(self, device: torch.device | str) -> "TaggedBatch":
        """Return the batch with its tensors on ``device``."""
        real = self.real
        return replace(
            self,
            ids=sent(self.ids, device),
            real=None if real is None else sent(real, device),
            labels=sent(self.labels, device),
        )


class TaggedRows(PaddedRows):
    """Batches of rows of words. The labels need four bytes of memory per token.

    Args:
        labels: for each row, the class numbers of its words.
        budget_tokens: see `PaddedRows`.
    """

    def __init__(
        self,
        rows: Sequence[WordRow],
        labels: Sequence[Sequence[int]],
        *,
        budget_tokens: int,
        seed: int = 0,
    ) -> None:
        super().__init__([row.ids for row in rows], budget_tokens=budget_tokens, seed=seed)
        self.words = sum(len(row.places) for row in rows)
        self._labels = np.full(int(self.lengths.sum()), NOTHING, dtype=np.int32)
        for start, row, said in zip(self._starts, rows, labels, strict=False):
            self._labels[start + np.array(row.places, dtype=np.int64)] = said
        self.seal(self._labels)

    def batch(self, epoch: int, index: int) -> TaggedBatch:
        """Return one batch."""
        indices = self.plan(epoch)[index]
        where, real = self.places(indices)
        ids, padding = self.padded(where, real)
        labels = np.where(real, self._labels[where], NOTHING).astype(np.int64)
        return TaggedBatch(
            ids=ids,
            real=padding,
            labels=torch.from_numpy(labels),
            indices=indices,
            tokens=int((labels != NOTHING).sum()),
        )
