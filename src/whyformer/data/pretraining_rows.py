"""Rows for BERT's pre-training from documents. A row has one span of text, a pair of spans, or many
spans.

Batch ``index`` of ``epoch`` is a pure function of seed, epoch, index and the documents. The masked
tokens are drawn again in every epoch (dynamic masking: Liu et al. 2019, arXiv:1907.11692, §4.1).
"""

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from whyformer.data.corruption import RATE, mask_tokens
from whyformer.data.documents import Documents
from whyformer.data.plan import plan_epoch
from whyformer.foundation.devices import sent
from whyformer.text.symbols import BOS, EOS, PAD


@dataclass(frozen=True, kw_only=True)
class PretrainingBatch:
    """A batch of rows with some tokens masked."""

    ids: Int[Tensor, "batch length"]
    """Each row is BOS, then each span of text followed by EOS, then PAD."""
    real: Bool[Tensor, "batch length"] | None
    """True where a token is real; None when no row is padded."""
    segments: Int[Tensor, "batch length"]
    """1 for the tokens of the second span of a pair, 0 for all other tokens."""
    labels: Int[Tensor, "batch length"]
    """The original token at each position that was chosen for masking; PAD elsewhere."""
    follows: Int[Tensor, "batch"] | None
    """1 where the second span follows the first in its document, else 0; None without pairs."""
    tokens: int
    """Number of chosen tokens, at least 1. The mean loss is the sum divided by this number."""

    def __len__(self) -> int:
        return self.ids.shape[0]

    def to(self, device: torch.device | str) -> "PretrainingBatch":
        """Return the batch with its tensors on ``device``."""
        real, follows = self.real, self.follows
        return replace(
            self,
            ids=sent(self.ids, device),
            real=None if real is None else sent(real, device),
            segments=sent(self.segments, device),
            labels=sent(self.labels, device),
            follows=None if follows is None else sent(follows, device),
        )


Span = tuple[int, int]
"""Start and end of a span of text, as positions in the ids of all documents."""


class Fill(StrEnum):
    """How to fill a row without pairs."""

    DOCUMENTS = "documents"
    """A row is one document, or a part of a document that is longer than a row."""
    FULL = "full"
    """A row is filled with consecutive whole sentences, also across documents (RoBERTa)."""


@dataclass(frozen=True)
class Row:
    """The spans of text that make up a row."""

    spans: tuple[Span, ...]
    follows: bool = False

    @property
    def length(self) -> int:
        """Number of tokens of the row, including symbols."""
        return 1 + sum(end - start + 1 for start, end in self.spans)


class PretrainingRows:
    """Batches of rows for pre-training, masked again in every epoch.

    With ``next_sentence``, a row is a pair of spans of sentences; in half of the rows, the second
    span is from another document. Without ``next_sentence``, ``fill`` sets the content of a row.
    Paper: Devlin et al. 2018 (arXiv:1810.04805), §3.1 and A.2; rows filled with sentences: Liu et
        al. 2019 (arXiv:1907.11692), §4.2, FULL-SENTENCES.
    Differs: when a random second span replaces the following sentences, these sentences are not
        used in that epoch.
    Args:
        row_tokens: maximum length of a row, including symbols.
        budget_tokens: maximum number of tokens in a batch, including padding; a longer row is a
        batch by itself.
        vocabulary: number of ids.
        line_end: id of the token that ends a sentence.
        fill: how to fill a row: `documents`, or `full` (sentences across documents, with an EOS
            after each document).
        starts_word: for each id, whether its token starts a word. If ``starts_word`` is given,
            whole words are masked.
        shuffle: False uses a fixed order and fixed masks, for evaluation.
    """

    def __init__(
        self,
        documents: Documents,
        *,
        row_tokens: int,
        budget_tokens: int,
        vocabulary: int,
        line_end: int,
        next_sentence: bool,
        fill: Fill = Fill.DOCUMENTS,
        rate: float = RATE,
        starts_word: Bool[np.ndarray, " vocab"] | None = None,
        seed: int = 0,
        shuffle: bool = True,
    ) -> None:
        self.documents, self.row_tokens, self.budget = documents, row_tokens, budget_tokens
        self.vocabulary, self.line_end, self.next_sentence = vocabulary, line_end, next_sentence
        self.fill, self.rate, self.starts_word = fill, rate, starts_word
        self.seed, self.shuffle = seed, shuffle
        self._plan: tuple[int, list[Row], list[np.ndarray]] = (-1, [], [])

    def count(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        return len(self.plan(epoch)[1])

    def plan(self, epoch: int) -> tuple[list[Row], list[np.ndarray]]:
        """Return the rows of an epoch, and its batches, each as the indices of its rows."""
        epoch = epoch if self.shuffle else 0
        if self._plan[0] != epoch:
            rng = self._generator(f"rows/{epoch}")
            make = self._single if self.fill is Fill.DOCUMENTS else self._full
            rows = self._pairs(rng) if self.next_sentence else make(rng)
            lengths = np.array([row.length for row in rows], dtype=np.int64)
            batches = plan_epoch(
                lengths,
                lengths,
                seed=self.seed,
                epoch=epoch,
                budget_tokens=self.budget,
                fingerprint=self.documents.fingerprint,
            )
            self._plan = (epoch, rows, batches)
        return self._plan[1], self._plan[2]

    def batch(self, epoch: int, index: int) -> PretrainingBatch:
        """Return one batch."""
        epoch = epoch if self.shuffle else 0
        plan, batches = self.plan(epoch)
        rows = [plan[i] for i in batches[index]]
        width = max(row.length for row in rows)
        ids = np.full((len(rows), width), PAD, dtype=np.int64)
        segments = np.zeros((len(rows), width), dtype=np.int64)
        for number, row in enumerate(rows):
            ids[number, 0] = BOS
            at = 1
            for which, span in enumerate(row.spans):
                end = self._write(ids[number], at, span)
                segments[number, at:end] = which if self.next_sentence else 0
                at = end
        starts = None
        if self.starts_word is not None:
            starts = self.starts_word[ids]
            starts[:, 1:] |= ids[:, :-1] == self.line_end
        rng = self._generator(f"masks/{epoch}/{index}")
        read, labels = mask_tokens(ids, rng, self.vocabulary, rate=self.rate, starts=starts)
        real = ids != PAD
        return PretrainingBatch(
            ids=torch.from_numpy(read),
            real=None if real.all() else torch.from_numpy(real),
            segments=torch.from_numpy(segments),
            labels=torch.from_numpy(labels),
            follows=torch.tensor([int(row.follows) for row in rows])
            if self.next_sentence
            else None,
            tokens=max(1, int((labels != PAD).sum())),
        )

    def _write(self, row: np.ndarray, at: int, span: Span) -> int:
        start, end = span
        row[at : at + end - start] = self.documents.ids[start:end]
        row[at + end - start] = EOS
        return at + end - start + 1

    def _single(self, rng: np.random.Generator) -> list[Row]:
        max_tokens = self.row_tokens - 2
        offsets = self.documents.offsets
        return [
            Row(((at, min(at + max_tokens, end - 1)),))
            for start, end in pairwise(offsets.tolist())
            for at in range(start, end - 1, max_tokens)
        ]

    def _full(self, rng: np.random.Generator) -> list[Row]:
        """Fill rows with the sentences of all documents; sentences longer than a row are
        truncated."""
        max_tokens = self.row_tokens - 1
        rows: list[Row] = []
        spans: list[Span] = []
        left = max_tokens
        for index in rng.permutation(len(self.documents)):
            continues = False  # whether the last span belongs to this document
            for begin, stop in self._sentences(int(index)):
                for start in range(begin, stop, max_tokens - 1):
                    end = min(start + max_tokens - 1, stop)
                    needed = end - spans[-1][1] if continues else end - start + 1
                    if needed > left:
                        rows.append(Row(tuple(spans)))
                        spans, left, continues = [], max_tokens, False
                        needed = end - start + 1
                    spans = (
                        [*spans[:-1], (spans[-1][0], end)] if continues else [*spans, (start, end)]
                    )
                    continues = True
                    left -= needed
        return [*rows, Row(tuple(spans))] if spans else rows

    def _pairs(self, rng: np.random.Generator) -> list[Row]:
        """Make rows of two spans of sentences; see the description of the class."""
        sentences = [self._sentences(index) for index in range(len(self.documents))]
        max_tokens = self.row_tokens - 3
        rows: list[Row] = []
        for index in rng.permutation(len(sentences)):
            mine = sentences[index]
            at = 0
            while at < len(mine):
                run = at + 1
                while run < len(mine) and mine[run][1] - mine[at][0] <= max_tokens:
                    run += 1
                chunk = mine[at:run]
                at = run
                follows = len(chunk) > 1 and rng.random() < 0.5
                split = int(rng.integers(1, len(chunk))) if len(chunk) > 1 else 1
                first = (chunk[0][0], chunk[split - 1][1])
                if follows:
                    second = (chunk[split][0], chunk[-1][1])
                elif len(sentences) > 1:
                    second = self._elsewhere(rng, sentences, int(index), max_tokens)
                else:
                    continue  # there is no other document for a second span
                rows.append(_shortened(first, second, follows, max_tokens))
        return rows

    def _elsewhere(
        self,
        rng: np.random.Generator,
        sentences: list[list[Span]],
        index: int,
        max_tokens: int,
    ) -> Span:
        other = int(rng.integers(len(sentences) - 1))
        found = sentences[other + (other >= index)]
        start = int(rng.integers(len(found)))
        length = int(rng.integers(1, len(found) - start + 1))
        begin, end = found[start][0], found[start + length - 1][1]
        return begin, min(end, begin + max_tokens)

    def _sentences(self, index: int) -> list[Span]:
        """Return the spans of the non-empty lines of a document, without line ends."""
        start, end = (int(x) for x in self.documents.offsets[index : index + 2])
        ids = np.asarray(self.documents.ids[start : end - 1])
        ends = [*(np.flatnonzero(ids == self.line_end) + start).tolist(), end - 1]
        begins = [start, *(one + 1 for one in ends[:-1])]
        return [(a, b) for a, b in zip(begins, ends, strict=True) if b > a] or [(start, end - 1)]

    def _generator(self, what: str) -> np.random.Generator:
        text = f"{what}/{self.seed}/{self.documents.fingerprint}"
        digest = hashlib.sha256(text.encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def _shortened(first: Span, second: Span, follows: bool, max_tokens: int) -> Row:
    """Make a row of two spans. Shorten the longer span until the row fits: the first span loses
    tokens at its start, the second at its end."""
    a, b, half = first[1] - first[0], second[1] - second[0], max_tokens // 2
    if a + b > max_tokens:
        if b <= half:
            a = max_tokens - b
        elif a <= half:
            b = max_tokens - a
        else:
            a, b = max_tokens - half, half
    return Row(((first[1] - a, first[1]), (second[0], second[0] + b)), follows)
