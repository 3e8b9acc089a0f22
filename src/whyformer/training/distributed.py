"""Several processes train one model under torchrun; torch's DDP or FSDP2 does the work.

An update stays what it is for one process: `accumulate` batches of the one plan. The ranks share
them out and sum their gradients, so that two ranks compute what one rank computes.
"""

import contextlib
import copy
import warnings
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from whyformer.foundation.errors import ConfigError
from whyformer.foundation.ranks import ALONE, Ranks
from whyformer.models.bert import BERT
from whyformer.models.decoder import DecoderLayer
from whyformer.models.encoder import EncoderLayer
from whyformer.models.gpt import GPTLayer
from whyformer.training.averaging import swapped
from whyformer.training.loss import Loss
from whyformer.training.shards import gathered, joined_norms

LossOf = Callable[[nn.Module, Any, float], Loss]


class Parallel(StrEnum):
    """How several ranks hold one model; one rank alone just holds it."""

    DDP = "ddp"
    """Each rank holds all of it; gradients are summed."""
    FSDP = "fsdp"
    """Each rank holds its part of weights, gradients and optimizer; a layer is whole only while it
    computes."""


class Learner(nn.Module):
    """A model with its loss, for gradients are synchronised around one module's forward pass."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, loss_of: LossOf, batch: Any, smoothing: float) -> Loss:
        """Return the sums of the loss over a batch."""
        return loss_of(self.model, batch, smoothing)


class Together:
    """Calls a model's loss so that the gradients of all ranks are summed; this one is alone.

    Args: accumulate: batches of an update.
    Raises: ConfigError when the batches of an update cannot be shared out evenly.
    """

    def __init__(self, model: nn.Module, ranks: Ranks, accumulate: int) -> None:
        if accumulate % ranks.count:
            raise ConfigError(
                f"`training.accumulate` must be a multiple of the {ranks.count} ranks, which share "
                f"the batches of an update, but it is {accumulate}. Set it to {ranks.count}."
            )
        self.ranks, self.model = ranks, model
        self.module: nn.Module = Learner(model)

    def __call__(self, loss_of: LossOf, batch: Any, smoothing: float) -> Loss:
        """Return the sums of the loss over a batch."""
        return self.module(loss_of, batch, smoothing)

    def holding(self, more: bool) -> contextlib.AbstractContextManager[object]:
        """Keep gradients on this rank while more batches of the update follow."""
        return contextlib.nullcontext()

    def factor(self, tokens: float) -> float:
        """Return what a sum over a batch is multiplied by, so that all ranks' gradients are those
        of the mean over ``tokens``: the engines take the mean over ranks where we need the sum."""
        return self.ranks.count / tokens

    def norms(self, norms: Tensor) -> Tensor:
        """Return the norms of gradients from those of what this rank holds of each."""
        return norms

    @contextlib.contextmanager
    def whole(
        self, weights: dict[str, Tensor] | None = None, *, everywhere: bool = False
    ) -> Iterator[nn.Module | None]:
        """Lend the model as plain modules that hold all of their weights.

        All ranks must enter together.
        Args:
            weights: to be held instead of the model's own, by parameter name.
            everywhere: whether every rank needs it; else those but the first get None.
        """
        with swapped(self.model, weights) if weights else contextlib.nullcontext():
            yield self.model if everywhere or self.ranks.first else None


class Replicated(Together):
    """Every rank holds the whole model; torch's DistributedDataParallel sums the gradients."""

    def __init__(self, model: nn.Module, ranks: Ranks, accumulate: int) -> None:
        super().__init__(model, ranks, accumulate)
        local = [ranks.device] if ranks.device and ranks.device.type == "cuda" else None
        # A BERT in pre-training has heads that not every task asks.
        idle = any(isinstance(m, BERT) and not m.settings.outputs for m in model.modules())
        with warnings.catch_warnings():  # the successor of `broadcast_buffers` is not there yet
            warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)
            self.ddp = DistributedDataParallel(
                self.module,
                device_ids=local,
                broadcast_buffers=False,  # tables of positions grow on each rank alone
                gradient_as_bucket_view=True,
                find_unused_parameters=idle,
            )
        self.module = self.ddp

    def holding(self, more: bool) -> contextlib.AbstractContextManager[object]:
        """See `Together`."""
        return self.ddp.no_sync() if more else contextlib.nullcontext()


class Sharded(Together):
    """Every rank holds a part of each parameter; torch's FSDP2 (`fully_shard`) gathers them.

    The model is built whole on each rank and then cut, a group for each layer and one for the rest.
    The gradients of each batch are summed at once: to hold them until the last batch of an update,
    as DDP does, would take the memory of whole gradients.
    """

    def __init__(self, model: nn.Module, ranks: Ranks, accumulate: int) -> None:
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

        super().__init__(model, ranks, accumulate)
        self.hollow = _hollow(model)
        assert ranks.device is not None
        mesh = init_device_mesh(ranks.device.type, (ranks.count,))
        # A recurrent model calls parts of its layers one by one, so it stays one group.
        for layer in model.modules():
            if isinstance(layer, DecoderLayer):  # `Decoder.read` calls it from outside the layer
                fully_shard(layer.cross_attention, mesh=mesh)
                register_fsdp_forward_method(layer.cross_attention, "keys_values")
            if isinstance(layer, EncoderLayer | DecoderLayer | GPTLayer):
                fully_shard(layer, mesh=mesh)
        fully_shard(self.module, mesh=mesh)

    def __call__(self, loss_of: LossOf, batch: Any, smoothing: float) -> Loss:
        """See `Together`."""
        with warnings.catch_warnings():  # keys and values are views, but only read
            warnings.filterwarnings("ignore", "FSDP2-wrapped module .* returned a view")
            return super().__call__(loss_of, batch, smoothing)

    def norms(self, norms: Tensor) -> Tensor:
        """See `Together`."""
        return joined_norms(norms, self.ranks)

    @contextlib.contextmanager
    def whole(
        self, weights: dict[str, Tensor] | None = None, *, everywhere: bool = False
    ) -> Iterator[nn.Module | None]:
        """See `Together`; the weights are gathered, and let go at the end."""
        wanted = everywhere or self.ranks.first
        own: dict[str, Tensor] = dict(self.model.named_parameters())
        full = gathered(weights or own, keep=wanted)
        if not wanted:
            yield None
            return
        self.hollow.train(self.model.training)
        with swapped(self.hollow, full):
            yield self.hollow
            self.hollow.zero_grad(set_to_none=True)


PARALLELS: dict[Parallel, type[Together]] = {
    Parallel.DDP: Replicated,
    Parallel.FSDP: Sharded,
}


def make_together(
    kind: Parallel, model: nn.Module, *, accumulate: int, ranks: Ranks = ALONE
) -> Together:
    """Return what calls ``model`` on this rank; sharding replaces its parameters."""
    chosen = Together if ranks.count == 1 else PARALLELS[kind]
    return chosen(model, ranks, accumulate)


def _hollow(model: nn.Module) -> nn.Module:
    """Return a copy whose parameters are empty, shared where the model's are."""
    empty = {
        id(p): nn.Parameter(torch.empty(0, device=p.device), requires_grad=p.requires_grad)
        for p in model.parameters()
    }
    return copy.deepcopy(model, empty)
