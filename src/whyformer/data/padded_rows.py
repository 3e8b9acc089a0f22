"""Rows of ids in memory. Rows of similar length share a batch, which is padded."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from whyformer.data.plan import plan_epoch
from whyformer.text.symbols import PAD, UNK


class PaddedRows:
    """Plans batches of rows. The same ``epoch`` and ``index`` always give the same batch.

    All ids are in memory, with four bytes per token.
    Args:
        budget_tokens: maximum number of tokens in a batch, including padding; a longer row is a
            batch by itself.
    """

    def __init__(self, rows: Sequence[Sequence[int]], *, budget_tokens: int, seed: int) -> None:
        self.budget, self.seed = budget_tokens, seed
        self.lengths = np.array([len(ids) for ids in rows], dtype=np.int64)
        self._ids = np.array([i for ids in rows for i in ids], dtype=np.int32)
        self._starts = np.concatenate([[0], np.cumsum(self.lengths)])
        self._plan: tuple[int, list[np.ndarray]] = (-1, [])
        self.fingerprint = ""

    def seal(self, *labels: np.ndarray) -> None:
        """Set `fingerprint`, a hash of all ids and of any further data of the rows."""
        whole = hashlib.sha256(self._ids.tobytes() + self._starts.tobytes())
        for part in labels:
            whole.update(part.tobytes())
        self.fingerprint = whole.hexdigest()

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def unknown(self) -> int:
        """Number of tokens that are <unk>."""
        return int((self._ids == UNK).sum())

    def count(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        return len(self.plan(epoch))

    def plan(self, epoch: int) -> list[np.ndarray]:
        """Return the batches of an epoch, each as the indices of its rows."""
        if self._plan[0] != epoch:
            batches = plan_epoch(
                self.lengths,
                self.lengths,
                seed=self.seed,
                epoch=epoch,
                budget_tokens=self.budget,
                fingerprint=self.fingerprint,
            )
            self._plan = (epoch, batches)
        return self._plan[1]

    def places(
        self, indices: Int[np.ndarray, " batch"]
    ) -> tuple[Int[np.ndarray, "batch length"], Bool[np.ndarray, "batch length"]]:
        """For the tokens of a batch, return their positions in the array of all ids, and the mask
        of real tokens."""
        lengths = self.lengths[indices]
        columns = np.arange(int(lengths.max()))
        where = np.minimum(self._starts[indices][:, None] + columns, len(self._ids) - 1)
        return where, columns < lengths[:, None]

    def padded(
        self, where: Int[np.ndarray, "batch length"], real: Bool[np.ndarray, "batch length"]
    ) -> tuple[Int[Tensor, "batch length"], Bool[Tensor, "batch length"] | None]:
        """Return the ids of a batch, and the mask of real tokens. The mask is None when no row is
        padded."""
        ids = np.where(real, self._ids[where], PAD).astype(np.int64)
        return torch.from_numpy(ids), None if real.all() else torch.from_numpy(real)
