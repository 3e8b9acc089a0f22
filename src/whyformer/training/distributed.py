"""Parallel training: several processes train one model under torchrun, with DDP or FSDP2.

An update uses the same `accumulate` batches as with one process. The ranks divide these batches
among them and sum their gradients, so two ranks compute the same update as one rank.
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
    """How the ranks store the model; no effect with one rank."""

    DDP = "ddp"
    """Each rank stores the whole model; the gradients of all ranks are summed."""
    FSDP = "fsdp"
    """Each rank stores a shard of weights, gradients and optimizer state; the weights of a layer
    are gathered only for the computation of the layer."""


class LossModule(nn.Module):
    """A model and its loss in one module.

    DDP synchronizes gradients only if its `forward` computed the loss.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, loss_of: LossOf, batch: Any, smoothing: float) -> Loss:
        """Return the sums of the loss over a batch."""
        return loss_of(self.model, batch, smoothing)


class Parallelism:
    """Computes the loss of a model on a single rank; subclasses sum the gradients of several ranks.

    Args: accumulate: number of batches in an update.
    Raises: ConfigError when the batches of an update cannot be divided evenly among the ranks.
    """

    def __init__(self, model: nn.Module, ranks: Ranks, accumulate: int) -> None:
        if accumulate % ranks.count:
            raise ConfigError(
                f"`training.accumulate` must be a multiple of the {ranks.count} ranks, which share "
                f"the batches of an update, but it is {accumulate}. Set it to {ranks.count}."
            )
        self.ranks, self.model = ranks, model
        self.module: nn.Module = LossModule(model)

    def __call__(self, loss_of: LossOf, batch: Any, smoothing: float) -> Loss:
        """Return the sums of the loss over a batch."""
        return self.module(loss_of, batch, smoothing)

    def holding(self, more: bool) -> contextlib.AbstractContextManager[object]:
        """In the `with` block, do not synchronize gradients if ``more`` batches of the same update
        follow."""
        return contextlib.nullcontext()

    def factor(self, tokens: float) -> float:
        """Return the factor that the loss sum of a batch is multiplied by. With this factor, an
        update uses the gradient of the mean loss over ``tokens`` tokens.

        The factor includes the number of ranks, because DDP and FSDP2 average gradients over the
        ranks, but an update needs their sum.
        """
        return self.ranks.count / tokens

    def norms(self, norms: Tensor) -> Tensor:
        """Return the norms of the whole gradients. Args: norms: the norms of the gradient shards of
        this rank."""
        return norms

    @contextlib.contextmanager
    def whole(
        self, weights: dict[str, Tensor] | None = None, *, everywhere: bool = False
    ) -> Iterator[nn.Module | None]:
        """Provide the model as plain modules with unsharded weights, in a `with` block.

        All ranks must enter the block together.
        Args:
            weights: weights by parameter name, which replace the weights of the model.
            everywhere: whether every rank gets the model; if not, only the first rank gets the
                model, and the other ranks get None.
        """
        with swapped(self.model, weights) if weights else contextlib.nullcontext():
            yield self.model if everywhere or self.ranks.first else None


class Replicated(Parallelism):
    """Every rank stores the whole model; torch's DistributedDataParallel sums the gradients."""

    def __init__(self, model: nn.Module, ranks: Ranks, accumulate: int) -> None:
        super().__init__(model, ranks, accumulate)
        local = [ranks.device] if ranks.device and ranks.device.type == "cuda" else None
        # A BERT in pre-training has heads that are unused in some tasks.
        idle = any(isinstance(m, BERT) and not m.settings.outputs for m in model.modules())
        with warnings.catch_warnings():  # torch has no replacement for `broadcast_buffers` yet
            warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)
            self.ddp = DistributedDataParallel(
                self.module,
                device_ids=local,
                broadcast_buffers=False,  # position tables grow on each rank separately
                gradient_as_bucket_view=True,
                find_unused_parameters=idle,
            )
        self.module = self.ddp

    def holding(self, more: bool) -> contextlib.AbstractContextManager[object]:
        """See `Parallelism`."""
        return self.ddp.no_sync() if more else contextlib.nullcontext()


class Sharded(Parallelism):
    """Every rank stores a shard of each parameter; torch's FSDP2 (`fully_shard`) gathers them.

    Each rank first builds the whole model and then shards it: one group of parameters for each
    layer, and one group for all other parameters. The gradients are synchronized after each batch.
    (DDP synchronizes only after the last batch of an update. With FSDP2, waiting for the last batch
    would need memory for the unsharded gradients.)
    """

    def __init__(self, model: nn.Module, ranks: Ranks, accumulate: int) -> None:
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

        super().__init__(model, ranks, accumulate)
        self.hollow = _empty_copy(model)
        assert ranks.device is not None
        mesh = init_device_mesh(ranks.device.type, (ranks.count,))
        # A recurrent model calls parts of its layers directly, so all parameters form one group.
        for layer in model.modules():
            if isinstance(layer, DecoderLayer):  # `Decoder.read` calls this part directly
                fully_shard(layer.cross_attention, mesh=mesh)
                register_fsdp_forward_method(layer.cross_attention, "keys_values")
            if isinstance(layer, EncoderLayer | DecoderLayer | GPTLayer):
                fully_shard(layer, mesh=mesh)
        fully_shard(self.module, mesh=mesh)

    def __call__(self, loss_of: LossOf, batch: Any, smoothing: float) -> Loss:
        """See `Parallelism`."""
        with warnings.catch_warnings():  # keys and values are views, but nothing modifies them
            warnings.filterwarnings("ignore", "FSDP2-wrapped module .* returned a view")
            return super().__call__(loss_of, batch, smoothing)

    def norms(self, norms: Tensor) -> Tensor:
        """See `Parallelism`."""
        return joined_norms(norms, self.ranks)

    @contextlib.contextmanager
    def whole(
        self, weights: dict[str, Tensor] | None = None, *, everywhere: bool = False
    ) -> Iterator[nn.Module | None]:
        """See `Parallelism`. Gathers the weights, and frees them at the end of the block."""
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


PARALLELS: dict[Parallel, type[Parallelism]] = {
    Parallel.DDP: Replicated,
    Parallel.FSDP: Sharded,
}


def make_parallelism(
    kind: Parallel, model: nn.Module, *, accumulate: int, ranks: Ranks = ALONE
) -> Parallelism:
    """Return the `Parallelism` for ``model`` on this rank. With ``fsdp``, the parameters of
    ``model`` are replaced by shards."""
    chosen = Parallelism if ranks.count == 1 else PARALLELS[kind]
    return chosen(model, ranks, accumulate)


def _empty_copy(model: nn.Module) -> nn.Module:
    """Return a copy of the model with empty parameters; tied parameters stay tied."""
    empty = {
        id(p): nn.Parameter(torch.empty(0, device=p.device), requires_grad=p.requires_grad)
        for p in model.parameters()
    }
    return copy.deepcopy(model, empty)
