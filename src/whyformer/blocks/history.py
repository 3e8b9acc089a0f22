"""Keys and values of the positions decoded so far, in memory that is reused from step to step."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


class History:
    """What one attention layer remembers of past positions (the "KV cache").

    Passed as an argument and owned by the search, never stored in a module. The memory has room to
    grow: appending writes in place and doubles the room when it is full.
    """

    def __init__(self, room: int = 16) -> None:
        self.length = 0
        self._room = room
        self._K: Tensor | None = None
        self._V: Tensor | None = None

    def append(
        self, K: Float[Tensor, "rows heads new d_k"], V: Float[Tensor, "rows heads new d_v"]
    ) -> tuple[Float[Tensor, "rows heads keys d_k"], Float[Tensor, "rows heads keys d_v"]]:
        """Add positions and return all keys and values so far (views of the memory)."""
        end = self.length + K.shape[2]
        self._K = self._roomy(self._K, K, end)
        self._V = self._roomy(self._V, V, end)
        self._K[:, :, self.length : end] = K
        self._V[:, :, self.length : end] = V
        self.length = end
        return self._K[:, :, :end], self._V[:, :, :end]

    def select(self, rows: Int[Tensor, "new_rows"]) -> None:
        """Keep the named rows in the named order; a row may be named more than once."""
        if self._K is None or self._V is None:
            return
        self._K = self._copy_rows(self._K, rows)
        self._V = self._copy_rows(self._V, rows)

    def _copy_rows(self, memory: Tensor, rows: Tensor) -> Tensor:
        fresh = memory.new_empty(len(rows), *memory.shape[1:])
        # Only what is filled is copied.
        fresh[:, :, : self.length] = memory[:, :, : self.length].index_select(0, rows)
        return fresh

    def _roomy(self, memory: Tensor | None, like: Tensor, needed: int) -> Tensor:
        rows, heads, _, width = like.shape
        if memory is None:
            return like.new_empty(rows, heads, max(self._room, needed), width)
        if memory.shape[2] >= needed:
            return memory
        grown = memory.new_empty(rows, heads, max(2 * memory.shape[2], needed), width)
        grown[:, :, : self.length] = memory[:, :, : self.length]
        return grown


def flat_rows(
    beams: Int[Tensor, "kept new_beams"], sentences: Int[Tensor, "kept"] | None, old_beams: int
) -> Int[Tensor, "rows"]:
    """Turn (which sentences, which beams inside each) into row numbers of a history."""
    if sentences is None:
        sentences = torch.arange(len(beams), device=beams.device)
    return (sentences[:, None] * old_beams + beams).reshape(-1)
