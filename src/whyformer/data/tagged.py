"""Sentences with a label for every word: reading, tokenization and batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from whyformer.data.padded_rows import PaddedRows
from whyformer.data.reading import read_columns, read_lines
from whyformer.foundation.devices import sent
from whyformer.foundation.errors import DataError
from whyformer.foundation.wording import counted
from whyformer.text.normalization import normalize
from whyformer.text.symbols import BOS, EOS
from whyformer.text.tokenizer import Tokenizer

NOTHING = -1
"""Label of a position without a label, ignored in the loss."""
A_WORD_A_LINE = (".conll", ".iob", ".iob2", ".bio")
"""Extensions of files with one word and its label per line."""


class Tagged(NamedTuple):
    """A sentence, and a label for each of its words."""

    line: int
    words: list[str]
    labels: list[str]


def a_word_a_line(path: str) -> bool:
    """Return whether a file has one word and its label per line, by its name."""
    return Path(path.removesuffix(".gz")).suffix in A_WORD_A_LINE


def read_tagged(
    path: str, *, text: str | None = None, label: str | None = None
) -> Iterator[Tagged]:
    """Yield the non-empty sentences of a file, with labels in Unicode NFC.

    A TSV or JSONL file has one sentence per line: its words separated by spaces, and as many labels
        (in JSON, also lists). A file whose name ends in .conll, .iob, .iob2 or .bio has one word
        per line: the word is the first column, the label the last. Sentences are separated by empty
        lines.

    Args: text, label: names of the columns (of a TSV with a header) or keys. Without names, a line
    is the words, a tab and the labels.
    Raises: DataError with the path and line of the error.
    """
    if a_word_a_line(path):
        yield from _word_by_word(path)
        return
    names = None if text is None and label is None else [text or "text", label or "label"]
    for line, columns in read_columns(path, names):
        if not any(column.strip() for column in columns):
            continue
        if len(columns) != 2:
            raise DataError(
                f"{path}:{line}: a line must be words, a tab and their labels, but it has "
                f"{counted(len(columns), 'column')}. Name the columns of a file with a "
                "header: --source TEXT --target LABELS."
            )
        words, labels = columns[0].split(), normalize(columns[1]).split()
        if len(words) != len(labels):
            raise DataError(
                f"{path}:{line}: every word must have a label, but the line has "
                f"{counted(len(words), 'word')} and {counted(len(labels), 'label')}. "
                "Separate both by spaces."
            )
        if words:
            yield Tagged(line, words, labels)


def _word_by_word(path: str) -> Iterator[Tagged]:
    words: list[str] = []
    labels: list[str] = []
    number = 0
    for number, line in enumerate(read_lines(path), start=1):
        columns = line.split()
        if columns and columns[0] != "-DOCSTART-":
            if len(columns) < 2:
                raise DataError(
                    f"{path}:{number}: a line must be a word, a space or tab, and its label, but "
                    f"`{line}` has one column. Separate sentences by empty lines."
                )
            words.append(columns[0])
            labels.append(normalize(columns[-1]))
        elif words:
            yield Tagged(number - len(words), words, labels)
            words, labels = [], []
    if words:
        yield Tagged(number - len(words) + 1, words, labels)


@dataclass(frozen=True)
class WordRow:
    """A sentence, or a part of a long one, as token ids."""

    ids: list[int]
    """BOS, the words, EOS."""
    places: list[int]
    """Position of the first piece of each word."""


def word_rows(tokenizer: Tokenizer, words: Sequence[str], longest: int) -> list[WordRow]:
    """Return the rows of a sentence in order; a sentence that is too long is split into several.

    The ids are those of the words separated by spaces. A word longer than a row is truncated.
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
    """BOS, the words, EOS; then PAD."""
    real: Bool[Tensor, "batch length"] | None
    """True where a token is real; None when no row is padded."""
    labels: Int[Tensor, "batch length"]
    """Number of the class at the first piece of a word; NOTHING elsewhere."""
    indices: Int[np.ndarray, " batch"]
    """Indices of the rows."""
    tokens: int
    """Number of words: the divisor of the mean loss."""

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
    """Batches of rows of words; the labels use four bytes of memory per token.

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
