"""The KV cache: keys and values of the positions decoded so far. Each step appends to the memory of
the previous steps."""

import itertools
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from whyformer.blocks.positions import Offset


class History:
    """The KV cache of one attention layer: keys and values of past positions.

    The search owns the history and passes it to modules as an argument; a module never stores it.
    `append` writes in place, and doubles the capacity when the memory is full. The first dimension
    of the memory is the position. On a CPU, if there are many rows, this layout makes attention and
    reordering a third faster.
    Args: capacity: initial capacity in positions.
    """

    def __init__(self, capacity: int = 16) -> None:
        self.length = 0
        self._capacity = capacity
        self._K: Tensor | None = None  # (capacity, rows, heads, d_k)
        self._V: Tensor | None = None

    @property
    def rows(self) -> int | None:
        """Number of rows; None before the first `append`."""
        return None if self._K is None else self._K.shape[1]

    @property
    def bytes(self) -> int:
        """Number of bytes of the keys and values of all positions."""
        memory = [one for one in (self._K, self._V) if one is not None]
        return sum(one[: self.length].numel() * one.element_size() for one in memory)

    def append(
        self, K: Float[Tensor, "rows heads new d_k"], V: Float[Tensor, "rows heads new d_v"]
    ) -> tuple[Float[Tensor, "rows heads keys d_k"], Float[Tensor, "rows heads keys d_v"]]:
        """Append positions, and return the keys and values of all positions as views of the
        memory."""
        end = self.length + K.shape[2]
        self._K = self._reserve(self._K, K, end)
        self._V = self._reserve(self._V, V, end)
        self._K[self.length : end] = K.permute(2, 0, 1, 3)
        self._V[self.length : end] = V.permute(2, 0, 1, 3)
        self.length = end
        return self._K[:end].permute(1, 2, 0, 3), self._V[:end].permute(1, 2, 0, 3)

    def select(self, rows: Int[Tensor, "new_rows"]) -> None:
        """Keep the given rows in the given order; a row may occur more than once."""
        if self._K is None or self._V is None:
            return
        places = torch.arange(self.length, device=rows.device)[:, None] * self._K.shape[1] + rows
        self._K = self._copy_rows(self._K, places)
        self._V = self._copy_rows(self._V, places)

    def _copy_rows(self, memory: Tensor, places: Int[Tensor, "length new_rows"]) -> Tensor:
        fresh = memory.new_empty(len(memory), places.shape[1], *memory.shape[2:])
        into = fresh[: self.length].flatten(0, 1)  # copy only the positions that are in use
        if torch.is_grad_enabled():
            into.copy_(memory.flatten(0, 1).index_select(0, places.flatten()))
        else:  # `out` saves one of two passes over memory, but does not support gradients
            torch.index_select(memory.flatten(0, 1), 0, places.flatten(), out=into)
        return fresh

    def _reserve(self, memory: Tensor | None, like: Tensor, needed: int) -> Tensor:
        rows, heads, _, width = like.shape
        if memory is None:
            return like.new_empty(max(self._capacity, needed), rows, heads, width)
        if len(memory) >= needed:
            return memory
        grown = memory.new_empty(max(2 * len(memory), needed), rows, heads, width)
        grown[: self.length] = memory[: self.length]
        return grown


@dataclass(frozen=True)
class Layout:
    """Which slots of a search hold a hypothesis. The slots have the shape (sentences, beams). Each
    hypothesis has a row in the tensors of a step.

    Args:
        shape: number of sentences and of beams.
        slots: numbers of the slots with a hypothesis, sentence by sentence; None means that every
            slot has a hypothesis.
    """

    shape: torch.Size
    slots: Int[Tensor, "rows"] | None

    @classmethod
    def of(cls, live: Bool[Tensor, "sentences beams"]) -> "Layout":
        """Return the layout with a hypothesis in every slot for which ``live`` is True."""
        return cls(live.shape, None if bool(live.all()) else live.flatten().nonzero()[:, 0])

    def rows(self, x: Shaped[Tensor, "sentences beams *rest"]) -> Shaped[Tensor, "rows *rest"]:
        """Return the rows of the slots with a hypothesis."""
        rows = x.flatten(0, 1)
        return rows if self.slots is None else rows.index_select(0, self.slots)

    def spread(self, rows: Shaped[Tensor, "rows *rest"]) -> Shaped[Tensor, "sentences beams *rest"]:
        """Put the rows into their slots; slots without a hypothesis are zero."""
        if self.slots is not None:
            empty = rows.new_zeros(self.shape.numel(), *rows.shape[1:])
            rows = empty.index_copy_(0, self.slots.to(rows.device), rows)
        return rows.unflatten(0, self.shape)


@dataclass(frozen=True)
class CohortHistory:
    """The histories of sentences that joined at the same step; all hypotheses have equal length.

    Args:
        histories: one history for each layer.
        sentences: number of sentences.
    """

    histories: list[History]
    sentences: int

    @property
    def length(self) -> int:
        """Number of tokens in each hypothesis."""
        return self.histories[0].length


@dataclass(frozen=True)
class StepRows:
    """For each row in the tensors of one search step: its slot and its position.

    Args:
        layout: the slot of each row.
        counts: number of rows of each cohort, in order.
        offset: number of tokens already decoded in each row.
    """

    layout: Layout
    counts: list[int]
    offset: Offset


@dataclass(frozen=True)
class Past:
    """The cached keys and values of all hypotheses of a search, one history for each layer.

    `select` only records the new order. `at` reorders the memory later, when the next tokens show
    which slots hold a hypothesis. Sentences that join later form a new cohort with separate
    histories. In a shared history, every row would need memory for the longest hypothesis.

    Args:
        cohorts: the cohorts, in the order of their sentences.
        rows: for each slot, its row in the histories of its cohort.
    """

    cohorts: list[CohortHistory]
    rows: Int[Tensor, "sentences beams"]

    @classmethod
    def of(cls, layers: int, source: Tensor) -> "Past":
        """Return an empty past with one hypothesis for each row of ``source``."""
        rows = torch.arange(len(source), device=source.device)[:, None]
        return cls([CohortHistory([History() for _ in range(layers)], len(source))], rows)

    @property
    def layers(self) -> list[list[History]]:
        """For each layer, the histories of all cohorts."""
        return [list(one) for one in zip(*(c.histories for c in self.cohorts), strict=True)]

    def select(self, sentences: Tensor | None, beams: Int[Tensor, "kept new_beams"]) -> "Past":
        """Reorder beams and drop sentences; see `SequenceModel.select`.

        Raises: ValueError when the new order would change the order of the cohorts.
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
        """Append new sentences; they must have the same number of beams."""
        rows = newcomers.rows.expand(-1, self.rows.shape[1])
        return Past(self.cohorts + newcomers.cohorts, torch.cat([self.rows, rows]))

    def at(self, layout: Layout) -> tuple["Past", StepRows]:
        """Reorder the histories to match the rows of ``layout``; drop rows without a hypothesis."""
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
        slots = [size * layout.shape[1] for size in sizes]
        if layout.slots is None:
            return slots
        if len(sizes) == 1:
            return [len(layout.slots)]
        ends = torch.tensor(slots).cumsum(0).to(layout.slots.device)
        # Number of rows before the end of each cohort.
        before = torch.searchsorted(layout.slots, ends).tolist()
        return [end - start for start, end in itertools.pairwise([0, *before])]


def concatenate_padded(first: Tensor, second: Tensor, dim: int, width: int) -> Tensor:
    """Cut dimension ``dim`` of two tensors to ``width``, or pad it with zeros; then concatenate the
    rows of the two tensors."""
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
    """Concatenate the rows of two padding masks, and drop the last columns that are padding in
    every row."""
    both = concatenate_padded(first, second, 1, max(first.shape[1], second.shape[1]))
    places = torch.arange(1, both.shape[1] + 1, device=both.device)
    return both[:, : int((both * places).amax())]


def flat_rows(
    beams: Int[Tensor, "kept new_beams"], sentences: Int[Tensor, "kept"] | None, old_beams: int
) -> Int[Tensor, "rows"]:
    """Return the row numbers in a history for the selected sentences and beams."""
    if sentences is None:
        sentences = torch.arange(len(beams), device=beams.device)
    return (sentences[:, None] * old_beams + beams).reshape(-1)
