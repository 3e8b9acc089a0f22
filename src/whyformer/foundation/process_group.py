"""The connection between the ranks (processes) of torchrun."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from whyformer.foundation.devices import choose_device
from whyformer.foundation.errors import LostRankError
from whyformer.foundation.ranks import Ranks
from whyformer.foundation.torchrun import restarts

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


class ConnectedRanks(Ranks):
    """A rank that exchanges values with the others through torch's process group."""

    def sums(self, values: Sequence[float]) -> list[float]:
        """See `Ranks`."""
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return total.tolist()

    def broadcast(self, value: T) -> T:
        """See `Ranks`."""
        box = [value]
        dist.broadcast_object_list(box, src=0, device=self.device)
        return box[0]

    def gather(self, value: T) -> list[T]:
        """See `Ranks`."""
        found: list[Any] = [None] * self.count
        dist.all_gather_object(found, value)
        return found

    def wait(self) -> None:
        """See `Ranks`."""
        dist.barrier()


@contextlib.contextmanager
def connected() -> Iterator[ConnectedRanks]:
    """Connect to the other ranks of torchrun; see `joining.joined`."""
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = choose_device(f"cuda:{local}" if torch.cuda.is_available() else "cpu")
    if dist.is_initialized():
        yield ConnectedRanks(dist.get_rank(), dist.get_world_size(), device)
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
        yield ConnectedRanks(rank, count, device)
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
