"""Keys and values of the positions decoded so far, in memory that is reused from step to step."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor


class History:
    """What one attention layer remembers of past positions (the "KV cache").

    Passed as an argument and owned by the search, never stored in a module. The memory has room to
    grow: appending writes in place and doubles the room when it is full. Position comes before row
    in it, which makes attention and reordering of many rows a third faster on a CPU.
    """

    def __init__(self, room: int = 16) -> None:
        self.length = 0
        self._room = room
        self._K: Tensor | None = None  # (room, rows, heads, d_k)
        self._V: Tensor | None = None

    @property
    def rows(self) -> int | None:
        """How many rows it remembers; None while nothing was appended."""
        return None if self._K is None else self._K.shape[1]

    def append(
        self, K: Float[Tensor, "rows heads new d_k"], V: Float[Tensor, "rows heads new d_v"]
    ) -> tuple[Float[Tensor, "rows heads keys d_k"], Float[Tensor, "rows heads keys d_v"]]:
        """Add positions and return all keys and values so far (views of the memory)."""
        end = self.length + K.shape[2]
        self._K = self._roomy(self._K, K, end)
        self._V = self._roomy(self._V, V, end)
        self._K[self.length : end] = K.permute(2, 0, 1, 3)
        self._V[self.length : end] = V.permute(2, 0, 1, 3)
        self.length = end
        return self._K[:end].permute(1, 2, 0, 3), self._V[:end].permute(1, 2, 0, 3)

    def select(self, rows: Int[Tensor, "new_rows"]) -> None:
        """Keep the named rows in the named order; a row may be named more than once."""
        if self._K is None or self._V is None:
            return
        places = torch.arange(self.length, device=rows.device)[:, None] * self._K.shape[1] + rows
        self._K = self._copy_rows(self._K, places)
        self._V = self._copy_rows(self._V, places)

    def _copy_rows(self, memory: Tensor, places: Int[Tensor, "length new_rows"]) -> Tensor:
        fresh = memory.new_empty(len(memory), places.shape[1], *memory.shape[2:])
        into = fresh[: self.length].flatten(0, 1)  # only what is filled is copied
        if torch.is_grad_enabled():
            into.copy_(memory.flatten(0, 1).index_select(0, places.flatten()))
        else:  # one pass instead of two, but without gradients
            torch.index_select(memory.flatten(0, 1), 0, places.flatten(), out=into)
        return fresh

    def _roomy(self, memory: Tensor | None, like: Tensor, needed: int) -> Tensor:
        rows, heads, _, width = like.shape
        if memory is None:
            return like.new_empty(max(self._room, needed), rows, heads, width)
        if len(memory) >= needed:
            return memory
        grown = memory.new_empty(max(2 * len(memory), needed), rows, heads, width)
        grown[: self.length] = memory[: self.length]
        return grown


@dataclass(frozen=True)
class Layout:
    """Which places of a search, (sentences, beams), hold the hypotheses that rows are computed for.

    Args: places: their numbers, sentence by sentence; None: all.
    """

    shape: torch.Size
    places: Int[Tensor, "rows"] | None

    @classmethod
    def of(cls, live: Bool[Tensor, "sentences beams"]) -> "Layout":
        """Take the places that are ``live``."""
        return cls(live.shape, None if bool(live.all()) else live.flatten().nonzero()[:, 0])

    def rows(self, x: Shaped[Tensor, "sentences beams *rest"]) -> Shaped[Tensor, "rows *rest"]:
        """Take the hypotheses' rows."""
        rows = x.flatten(0, 1)
        return rows if self.places is None else rows.index_select(0, self.places)

    def spread(self, rows: Shaped[Tensor, "rows *rest"]) -> Shaped[Tensor, "sentences beams *rest"]:
        """Put the rows into their places, and zeros where there is no hypothesis."""
        if self.places is not None:
            empty = rows.new_zeros(self.shape.numel(), *rows.shape[1:])
            rows = empty.index_copy_(0, self.places.to(rows.device), rows)
        return rows.unflatten(0, self.shape)


@dataclass(frozen=True)
class Past:
    """What a stack remembers of every hypothesis of a search, a history for each layer.

    Reordering is put off until the next tokens come, for these tell which places hold a hypothesis.

    Args: rows: the row of the histories that each place continues.
    """

    histories: list[History]
    rows: Int[Tensor, "sentences beams"]

    @classmethod
    def of(cls, layers: int, source: Tensor) -> "Past":
        """Begin with one hypothesis for each row of ``source``."""
        rows = torch.arange(len(source), device=source.device)[:, None]
        return cls([History() for _ in range(layers)], rows)

    def select(self, sentences: Tensor | None, beams: Int[Tensor, "kept new_beams"]) -> "Past":
        """Reorder beams and drop sentences; see `SequenceModel.select`."""
        rows = self.rows if sentences is None else self.rows[sentences]
        return Past(self.histories, rows.gather(1, beams))

    def at(self, layout: Layout) -> "Past":
        """Bring the histories into the order of a layout's rows, and drop what has none."""
        wanted = layout.rows(self.rows)
        order = torch.arange(len(wanted), device=wanted.device)
        if len(wanted) != self.histories[0].rows or not torch.equal(wanted, order):
            for history in self.histories:
                history.select(wanted)
        return Past(self.histories, layout.spread(order))


def flat_rows(
    beams: Int[Tensor, "kept new_beams"], sentences: Int[Tensor, "kept"] | None, old_beams: int
) -> Int[Tensor, "rows"]:
    """Turn (which sentences, which beams inside each) into row numbers of a history."""
    if sentences is None:
        sentences = torch.arange(len(beams), device=beams.device)
    return (sentences[:, None] * old_beams + beams).reshape(-1)
