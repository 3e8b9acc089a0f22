"""Batches for language models: rows of equal length from documents.

Batch ``index`` of ``epoch`` is a pure function of seed, epoch, index and the documents.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from whyformer.data.documents import Documents
from whyformer.foundation.devices import sent
from whyformer.text.symbols import BOS, PAD


@dataclass(frozen=True, kw_only=True)
class TextBatch:
    """A batch of rows of text for next-token prediction."""

    target: Int[Tensor, "batch length"]
    """The input of the model: BOS, followed by the labels shifted right by one."""
    labels: Int[Tensor, "batch length"]
    """The expected output of the model; PAD at positions without an expected output."""
    documents: Int[Tensor, "batch length"] | None
    """For each position, the number of its document within the row. None when each row is one span
    of text."""
    tokens: int
    """Number of labels that are not padding. The mean loss is the sum divided by this number."""

    def __len__(self) -> int:
        return self.labels.shape[0]

    def to(self, device: torch.device | str) -> "TextBatch":
        """Return the batch with its tensors on ``device``."""
        documents = self.documents
        return replace(
            self,
            target=sent(self.target, device),
            labels=sent(self.labels, device),
            documents=None if documents is None else sent(documents, device),
        )


class ContiguousRows:
    """Batches of rows that are cut from one long text, the concatenation of all documents.

    Each epoch cuts the text at other positions, so that tokens are predicted from contexts of all
    lengths.
    Args:
        row_tokens: length of a row; the last row of the text may be shorter.
        budget_tokens: number of tokens in a batch; a batch has at least one row.
        shuffle: False keeps the order of the text and starts at its first token, for evaluation.
    """

    def __init__(
        self,
        documents: Documents,
        *,
        row_tokens: int,
        budget_tokens: int,
        seed: int = 0,
        shuffle: bool = True,
    ) -> None:
        self.documents, self.row_tokens, self.seed = documents, row_tokens, seed
        self.rows = max(1, budget_tokens // row_tokens)
        self.shuffle = shuffle
        self._plan: tuple[int, list[list[tuple[int, int]]]] = (-1, [])

    def count(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        return len(self.plan(epoch))

    def batch(self, epoch: int, index: int) -> TextBatch:
        """Return one batch."""
        rows = [
            self.documents.ids[start:end].astype(np.int64) for start, end in self.plan(epoch)[index]
        ]
        return text_batch([[row] for row in rows], packed=False)

    def plan(self, epoch: int) -> list[list[tuple[int, int]]]:
        """Return the batches of an epoch. A batch is a list of the (start, end) of each row in the
        text."""
        if self._plan[0] != epoch:
            rng = _generator(self.seed, epoch, self.documents.fingerprint)
            first = int(rng.integers(self.row_tokens)) if self.shuffle else 0
            cuts = [*range(first, len(self.documents.ids), self.row_tokens)]
            ends = sorted({0, *cuts, len(self.documents.ids)})
            rows = list(pairwise(ends))
            whole = [row for row in rows if row[1] - row[0] == self.row_tokens]
            rest = [[row] for row in rows if row[1] - row[0] < self.row_tokens]
            order = rng.permutation(len(whole)) if self.shuffle else range(len(whole))
            rows = [whole[i] for i in order]
            batches = [rows[i : i + self.rows] for i in range(0, len(rows), self.rows)] + rest
            self._plan = (epoch, batches)
        return self._plan[1]


class PackedRows:
    """Batches of rows that contain several whole documents; a mask separates them in the model.

    Documents are shuffled in every epoch. Each document is added to the current row if it fits
    there. A document longer than a row is split.
    """

    def __init__(
        self,
        documents: Documents,
        *,
        row_tokens: int,
        budget_tokens: int,
        seed: int = 0,
        shuffle: bool = True,
    ) -> None:
        self.documents, self.row_tokens, self.seed = documents, row_tokens, seed
        self.rows = max(1, budget_tokens // row_tokens)
        self.shuffle = shuffle
        self._plan: tuple[int, list[list[list[tuple[int, int]]]]] = (-1, [])

    def count(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        return len(self.plan(epoch))

    def batch(self, epoch: int, index: int) -> TextBatch:
        """Return one batch."""
        ids = self.documents.ids
        rows = [
            [ids[start:end].astype(np.int64) for start, end in row]
            for row in self.plan(epoch)[index]
        ]
        return text_batch(rows, packed=True)

    def plan(self, epoch: int) -> list[list[list[tuple[int, int]]]]:
        """Return the batches of an epoch; a batch is a list of rows, and a row is a list of the
        spans of its documents."""
        if self._plan[0] != epoch:
            rng = _generator(self.seed, epoch, self.documents.fingerprint)
            count = len(self.documents)
            order = rng.permutation(count) if self.shuffle else range(count)
            rows: list[list[tuple[int, int]]] = []
            left = 0
            for index in order:
                start, end = (int(x) for x in self.documents.offsets[index : index + 2])
                for at in range(start, end, self.row_tokens):
                    piece = (at, min(at + self.row_tokens, end))
                    length = piece[1] - piece[0]
                    if length > left:
                        rows.append([])
                        left = self.row_tokens
                    rows[-1].append(piece)
                    left -= length
            if self.shuffle:
                rows = [rows[i] for i in rng.permutation(len(rows))]
            batches = [rows[i : i + self.rows] for i in range(0, len(rows), self.rows)]
            self._plan = (epoch, batches)
        return self._plan[1]


def text_batch(rows: Sequence[Sequence[np.ndarray]], *, packed: bool) -> TextBatch:
    """Return rows of one or more spans of text as one padded batch.

    In the input, every span starts with BOS, so that its first token is predicted, too.
    Args: packed: whether to number the spans of a row, so that attention can separate them.
    """
    width = max(sum(map(len, row)) for row in rows)
    labels = np.full((len(rows), width), PAD, dtype=np.int64)
    target = np.full((len(rows), width), PAD, dtype=np.int64)
    documents = np.full((len(rows), width), -1, dtype=np.int64)
    for number, row in enumerate(rows):
        at = 0
        for which, ids in enumerate(row):
            end = at + len(ids)
            labels[number, at:end] = ids
            target[number, at] = BOS
            target[number, at + 1 : end] = ids[:-1]
            documents[number, at:end] = which
            at = end
    return TextBatch(
        target=torch.from_numpy(target),
        labels=torch.from_numpy(labels),
        documents=torch.from_numpy(documents) if packed else None,
        tokens=int((labels != PAD).sum()),
    )


def _generator(seed: int, epoch: int, fingerprint: str) -> np.random.Generator:
    digest = hashlib.sha256(f"rows/{seed}/{epoch}/{fingerprint}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))
