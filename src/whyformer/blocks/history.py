"""Keys and values of the positions decoded so far, in memory that is reused from step to step."""

import itertools
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from whyformer.blocks.positions import Offset


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
class CohortHistory:
    """Sentences that began together, whose hypotheses are all of one length.

    Args:
        histories: of each layer.
        sentences: how many of them there are.
    """

    histories: list[History]
    sentences: int

    @property
    def length(self) -> int:
        """How many tokens each hypothesis has."""
        return self.histories[0].length


@dataclass(frozen=True)
class StepRows:
    """Where the rows of one step stand.

    Args:
        layout: which hypotheses they are.
        counts: how many belong to each cohort, in order.
        offset: how many tokens each has behind it.
    """

    layout: Layout
    counts: list[int]
    offset: Offset


@dataclass(frozen=True)
class Past:
    """What a stack remembers of every hypothesis of a search, a history for each layer.

    Reordering is put off until the next tokens come, for these tell which places hold a hypothesis.
    Sentences that joined later have histories of their own: one would have to be as long as the
    oldest hypothesis, for all rows.

    Args:
        cohorts: in the order of their sentences.
        rows: the row of its cohort's histories that each place continues.
    """

    cohorts: list[CohortHistory]
    rows: Int[Tensor, "sentences beams"]

    @classmethod
    def of(cls, layers: int, source: Tensor) -> "Past":
        """Begin with one hypothesis for each row of ``source``."""
        rows = torch.arange(len(source), device=source.device)[:, None]
        return cls([CohortHistory([History() for _ in range(layers)], len(source))], rows)

    @property
    def layers(self) -> list[list[History]]:
        """The histories of each layer, a cohort each."""
        return [list(one) for one in zip(*(c.histories for c in self.cohorts), strict=True)]

    def select(self, sentences: Tensor | None, beams: Int[Tensor, "kept new_beams"]) -> "Past":
        """Reorder beams and drop sentences; see `SequenceModel.select`.

        Raises: ValueError when sentences would leave the order of their cohorts.
        """
        rows, cohorts = self.rows, self.cohorts
        if sentences is not None:
            rows, cohorts = rows[sentences], self._kept(sentences)
        return Past(cohorts, rows.gather(1, beams))

    def _kept(self, sentences: Int[Tensor, "kept"]) -> list[CohortHistory]:
        numbers = torch.arange(len(self.cohorts), device=sentences.device)
        sizes = torch.tensor([one.sentences for one in self.cohorts], device=sentences.device)
        numbers = numbers.repeat_interleave(sizes)[sentences]
        if len(self.cohorts) > 1 and bool((numbers.diff() < 0).any()):
            raise ValueError("sentences that began at different times must keep their order")
        counts = numbers.bincount(minlength=len(self.cohorts)).tolist()
        return [
            CohortHistory(cohort.histories, count)
            for cohort, count in zip(self.cohorts, counts, strict=True)
            if count
        ]

    def join(self, newcomers: "Past") -> "Past":
        """Let more sentences begin, behind the others and with as many beams."""
        rows = newcomers.rows.expand(-1, self.rows.shape[1])
        return Past(self.cohorts + newcomers.cohorts, torch.cat([self.rows, rows]))

    def at(self, layout: Layout) -> tuple["Past", StepRows]:
        """Bring the histories into the order of a layout's rows, and drop what has none."""
        wanted = layout.rows(self.rows)
        orders = []
        for cohort, rows in zip(self.cohorts, wanted.split(self._counts(layout)), strict=True):
            order = torch.arange(len(rows), device=rows.device)
            if len(rows) != cohort.histories[0].rows or not torch.equal(rows, order):
                for history in cohort.histories:
                    history.select(rows)
            orders.append(order)
        counts = [len(order) for order in orders]
        lengths = [cohort.length for cohort in self.cohorts]
        offset: Offset = lengths[0]
        if len(set(lengths)) > 1:
            offset = torch.tensor(lengths).repeat_interleave(torch.tensor(counts)).to(wanted.device)
        past = Past(self.cohorts, layout.spread(torch.cat(orders)))
        return past, StepRows(layout, counts, offset)

    def _counts(self, layout: Layout) -> list[int]:
        sizes = [one.sentences for one in self.cohorts]
        places = [size * layout.shape[1] for size in sizes]
        if layout.places is None:
            return places
        if len(sizes) == 1:
            return [len(layout.places)]
        ends = torch.tensor(places).cumsum(0).to(layout.places.device)
        before = torch.searchsorted(layout.places, ends).tolist()  # hypotheses up to each's end
        return [end - start for start, end in itertools.pairwise([0, *before])]


def concatenate_padded(first: Tensor, second: Tensor, dim: int, width: int) -> Tensor:
    """Return the rows of both, dimension ``dim`` cut or filled with zeros to ``width``."""
    shape = [len(first) + len(second), *first.shape[1:]]
    shape[dim] = width
    both = first.new_empty(shape)
    for rows, part in zip(both.split([len(first), len(second)]), (first, second), strict=True):
        end = min(width, part.shape[dim])
        rows.narrow(dim, 0, end).copy_(part.narrow(dim, 0, end))
        rows.narrow(dim, end, width - end).zero_()
    return both


def concatenate_masks(
    first: Bool[Tensor, "first source"], second: Bool[Tensor, "second source2"]
) -> Bool[Tensor, "both width"]:
    """Say of the rows of both where they are real, and leave out columns that no row needs."""
    both = concatenate_padded(first, second, 1, max(first.shape[1], second.shape[1]))
    places = torch.arange(1, both.shape[1] + 1, device=both.device)
    return both[:, : int((both * places).amax())]


def flat_rows(
    beams: Int[Tensor, "kept new_beams"], sentences: Int[Tensor, "kept"] | None, old_beams: int
) -> Int[Tensor, "rows"]:
    """Turn (which sentences, which beams inside each) into row numbers of a history."""
    if sentences is None:
        sentences = torch.arange(len(beams), device=beams.device)
    return (sentences[:, None] * old_beams + beams).reshape(-1)
