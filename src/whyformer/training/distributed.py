"""Several processes train one model under torchrun; torch's DistributedDataParallel does the work.

An update stays what it is for one process: `accumulate` batches of the one plan. The ranks share
them out and sum their gradients, so that two ranks compute what one rank computes.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from whyformer.foundation.devices import choose_device
from whyformer.foundation.errors import ConfigError
from whyformer.training.loss import Loss

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together; alone, every method is the identity."""

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
    """Meet the other ranks that torchrun started, if it started any, and part at the end."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ALONE
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    device = choose_device(f"cuda:{local}" if torch.cuda.is_available() else "cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(dist.get_rank(), dist.get_world_size(), device)
    finally:
        dist.destroy_process_group()


class Learner(nn.Module):
    """A model with its loss, for gradients are synchronised around one module's forward pass."""

    def __init__(
        self, model: nn.Module, loss_of: Callable[[nn.Module, Any, float], Loss], ranks: Ranks
    ) -> None:
        super().__init__()
        self.model, self.loss_of, self.ranks = model, loss_of, ranks

    def forward(self, batch: Any, smoothing: float) -> Loss:
        """Return the sums of the loss over a batch."""
        return self.loss_of(self.model, batch, smoothing)


class Together:
    """Calls a learner and lets gradients be summed over the ranks at the last batch of an update.

    Raises: ConfigError when the batches of an update cannot be shared out evenly.
    """

    def __init__(self, learner: Learner, accumulate: int) -> None:
        ranks = learner.ranks
        if accumulate % ranks.count:
            raise ConfigError(
                f"`training.accumulate` must be a multiple of the {ranks.count} ranks, which share "
                f"the batches of an update, but it is {accumulate}. Set it to {ranks.count}."
            )
        self.count = ranks.count
        self.module: nn.Module = learner
        if ranks.count > 1:
            local = [ranks.device] if ranks.device and ranks.device.type == "cuda" else None
            # Tables of positions grow on each rank alone: buffers are not broadcast.
            self.module = DistributedDataParallel(
                learner, device_ids=local, broadcast_buffers=False, gradient_as_bucket_view=True
            )

    def __call__(self, batch: Any, smoothing: float) -> Loss:
        """Return the sums of the loss over a batch."""
        return self.module(batch, smoothing)

    def holding(self, more: bool) -> contextlib.AbstractContextManager[object]:
        """Keep gradients on this rank while more batches of the update follow."""
        if more and isinstance(self.module, DistributedDataParallel):
            return self.module.no_sync()
        return contextlib.nullcontext()

    def factor(self, tokens: float) -> float:
        """Return what a sum over a batch is multiplied by, so that all ranks' gradients are those
        of the mean over ``tokens``: the engine takes the mean over ranks where we need the sum."""
        return self.count / tokens
