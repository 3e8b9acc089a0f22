"""Divide work among the ranks (processes) of torchrun, and exchange values between them."""

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
"""Maximum time to wait for the other ranks. This time is long, because the other ranks wait while
the first rank validates or prepares the corpus. If a rank dies, the other ranks learn this at once
from the closed connection or from torchrun. So the time limit only matters if a rank hangs."""
LOST = (
    "closed by peer",
    "reset by peer",
    "broken pipe",
    "timed out",
    "timeout",
    "remote process exited",
    "communicator was aborted",
)
"""If a rank does not respond, torch's error message contains one of these texts (first those of
gloo, then those of NCCL)."""


@dataclass(frozen=True)
class Ranks:
    """The rank of this process, and communication with the other ranks. With a single rank, the
    methods return their argument without communication."""

    rank: int = 0
    count: int = 1
    device: torch.device | None = None
    """The device of this rank; None means that the caller chooses a device."""

    @property
    def first(self) -> bool:
        """Whether this is the first rank, which writes files, validates and prints."""
        return self.rank == 0

    def share(self, things: Sequence[T]) -> Sequence[T]:
        """Return the items of this rank: every `count`-th item, starting with the `rank`-th."""
        return things[self.rank :: self.count]

    def sums(self, values: Sequence[float]) -> list[float]:
        """Return the sum of each value over all ranks."""
        if self.count == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return total.tolist()

    def broadcast(self, value: T) -> T:
        """Return, on every rank, the value of the first rank."""
        if self.count == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, device=self.device)
        return box[0]

    def any(self, flag: bool) -> bool:
        """Return whether the flag is true on at least one rank."""
        return self.sums([float(flag)])[0] > 0

    def gather(self, value: T) -> list[T]:
        """Return, on every rank, the values of all ranks in the order of the ranks."""
        if self.count == 1:
            return [value]
        found: list[Any] = [None] * self.count
        dist.all_gather_object(found, value)
        return found

    def wait(self) -> None:
        """Wait until all ranks have called this method."""
        if self.count > 1:
            dist.barrier()


ALONE = Ranks()


@contextlib.contextmanager
def joined() -> Iterator[Ranks]:
    """Connect to the other ranks of torchrun, if there are any; disconnect at the end of the block.

    An existing connection, for example of an outer `joined` block, is used again.
    Raises: LostRankError when another rank ends while this one waits for it.
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
    # torchrun uses one store for all restarts, so it still has the addresses of ended processes.
    store = dist.PrefixStore(f"attempt {restarts()}", store)
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=TIMEOUT)
    try:
        yield Ranks(rank, count, device)
    except RuntimeError as error:
        message = str(error).strip()
        if not any(sign in message.lower() for sign in LOST):
            raise
        message = message.splitlines()[0].rpartition("] ")[2].partition(". ")[0]
        raise LostRankError(
            f"Rank {rank} stopped, because another rank ended or no longer responds ({message}). "
            "For the cause, see the output of that rank or the report of torchrun. Run the same "
            "command again: training resumes from its last checkpoint."
        ) from error
    finally:
        dist.destroy_process_group()
