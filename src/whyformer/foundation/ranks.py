"""Divide work among the ranks (processes) of torchrun.

This file does not import torch, so that a single process can translate without it.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class Ranks:
    """The rank of this process, and communication with the other ranks.

    This class is for a single rank: its methods return their argument. With several ranks, see
    `process_group.ConnectedRanks`.
    Args:
        rank: the number of this rank.
        count: the number of ranks.
        device: the torch.device of this rank; None means that the caller chooses a device.
    """

    def __init__(self, rank: int = 0, count: int = 1, device: Any = None) -> None:
        self.rank, self.count, self.device = rank, count, device

    @property
    def first(self) -> bool:
        """Whether this is the first rank, which writes files, validates and prints."""
        return self.rank == 0

    def share(self, things: Sequence[T]) -> Sequence[T]:
        """Return the items of this rank: every `count`-th item, starting with the `rank`-th."""
        return things[self.rank :: self.count]

    def sums(self, values: Sequence[float]) -> list[float]:
        """Return the sum of each value over all ranks."""
        return list(values)

    def broadcast(self, value: T) -> T:
        """Return, on every rank, the value of the first rank."""
        return value

    def any(self, flag: bool) -> bool:
        """Return whether the flag is true on at least one rank."""
        return self.sums([float(flag)])[0] > 0

    def gather(self, value: T) -> list[T]:
        """Return, on every rank, the values of all ranks in the order of the ranks."""
        return [value]

    def wait(self) -> None:
        """Wait until all ranks have called this method."""


ALONE = Ranks()
