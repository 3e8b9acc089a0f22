"""This process among those that torchrun started together: to share work, and to meet."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from whyformer.foundation.devices import choose_device
from whyformer.foundation.errors import LostRankError
from whyformer.foundation.torchrun import restarts, world_size

T = TypeVar("T")

TIMEOUT = timedelta(hours=1)
"""Longest wait for the other ranks: the first one validates and maps the corpus alone. A rank that
dies is noticed at once, by its closed connection and by torchrun; this ends only a silent hang."""
LOST = (
    "closed by peer",
    "reset by peer",
    "broken pipe",
    "timed out",
    "timeout",
    "remote process exited",
    "communicator was aborted",
)
"""What torch says, in one of these forms, when another rank no longer answers (gloo, then NCCL)."""


@dataclass(frozen=True)
class Ranks:
    """This process among those that work together; alone, every method is the identity."""

    rank: int = 0
    count: int = 1
    device: torch.device | None = None
    """Where this rank computes; None leaves the choice to the caller."""

    @property
    def first(self) -> bool:
        """Whether this rank writes, validates and speaks."""
        return self.rank == 0

    def share(self, things: Sequence[T]) -> Sequence[T]:
        """Return this rank's part: every `count`-th, from the `rank`-th on."""
        return things[self.rank :: self.count]

    def sums(self, values: Sequence[float]) -> list[float]:
        """Return the sum of each value over all ranks."""
        if self.count == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return total.tolist()

    def said(self, value: T) -> T:
        """Return the first rank's value on every rank."""
        if self.count == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, device=self.device)
        return box[0]

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set on any rank."""
        return self.sums([float(flag)])[0] > 0

    def collected(self, value: T) -> list[T]:
        """Return every rank's value on every rank, in their order."""
        if self.count == 1:
            return [value]
        found: list[Any] = [None] * self.count
        dist.all_gather_object(found, value)
        return found

    def wait(self) -> None:
        """Return when all ranks are here."""
        if self.count > 1:
            dist.barrier()


ALONE = Ranks()


@contextlib.contextmanager
def joined() -> Iterator[Ranks]:
    """Meet the other ranks that torchrun started, if it started any, and part at the end.

    Within another `joined`, or in a program that has met the ranks itself, it is that meeting.
    Raises: LostRankError when another rank ended while this one waited for it.
    """
    if world_size() == 1:
        yield ALONE
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = choose_device(f"cuda:{local}" if torch.cuda.is_available() else "cpu")
    if dist.is_initialized():
        yield Ranks(dist.get_rank(), dist.get_world_size(), device)
        return
    from torch.distributed.rendezvous import rendezvous

    if device.type == "cuda":
        torch.cuda.set_device(device)
    store, rank, count = next(rendezvous("env://", timeout=TIMEOUT))
    # torchrun keeps one store for all its restarts, in which the addresses of the dead still stand.
    store = dist.PrefixStore(f"attempt {restarts()}", store)
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=TIMEOUT)
    try:
        yield Ranks(rank, count, device)
    except RuntimeError as error:
        said = str(error).strip()
        if not any(sign in said.lower() for sign in LOST):
            raise
        said = said.splitlines()[0].rpartition("] ")[2].partition(". ")[0]
        raise LostRankError(
            f"Rank {rank} stopped, because another rank ended or no longer answers ({said}). What "
            "that rank said, or torchrun's report, tells why. Start the same command again: a "
            "training goes on from its last checkpoint."
        ) from error
    finally:
        dist.destroy_process_group()
