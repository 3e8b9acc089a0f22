"""Averages of weights: the mean of checkpoints (§6.1) and the exponential moving average."""

import contextlib
from collections import deque
from collections.abc import Iterator
from enum import StrEnum

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from whyformer.training.shards import local


class Averaging(StrEnum):
    """The weights that are validated and saved."""

    NONE = "none"
    EMA = "ema"
    CHECKPOINTS = "checkpoints"


class WeightAverage:
    """The averaged weights, which are validated and saved instead of the trained weights.

    Paper: Vaswani et al. 2017, §6.1 (mean of the last checkpoints). The moving average is computed
    by torch. The decay of the moving average is at most (1 + step) / (10 + step), so that the
    initial weights have little influence.
    """

    def __init__(self, model: nn.Module, kind: Averaging, decay: float, last: int) -> None:
        self.kind, self.decay = kind, decay
        self.steps = 0
        self._ema: dict[str, Tensor] = {}
        self._kept: deque[dict[str, Tensor]] = deque(maxlen=last)
        if kind is Averaging.EMA:
            self._ema = _copy(model)

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Add the weights of ``model`` to the moving average. Call this after each update."""
        if self.kind is Averaging.EMA:
            self.steps += 1
            decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
            get_ema_multi_avg_fn(decay)(
                [local(tensor) for tensor in self._ema.values()],
                [local(p) for p in model.parameters()],
                self.steps,
            )

    def add_checkpoint(self, model: nn.Module) -> None:
        """Add the current weights of ``model`` to the mean of checkpoints. Other kinds of average
        stay unchanged."""
        if self.kind is Averaging.CHECKPOINTS:
            self._kept.append(_copy(model))

    def weights(self, model: nn.Module) -> dict[str, Tensor]:
        """Return the averaged weights by parameter name; without averaging, the weights of the
        model."""
        if self.kind is Averaging.EMA:
            return self._ema
        if self.kind is Averaging.CHECKPOINTS and self._kept:
            return {
                name: torch.stack([kept[name] for kept in self._kept]).mean(0)
                for name in self._kept[0]
            }
        return {name: p.detach() for name, p in model.named_parameters()}

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors to save in a checkpoint."""
        held = {f"ema.{name}": tensor for name, tensor in self._ema.items()}
        for index, kept in enumerate(self._kept):
            held |= {f"kept.{index}.{name}": tensor for name, tensor in kept.items()}
        return held

    def restore(self, tensors: dict[str, Tensor], steps: int) -> None:
        """Restore the averages. Args: tensors: the result of the method `tensors`. steps: number of
        updates of the run."""
        self.steps = steps
        for name, tensor in self._ema.items():
            local(tensor).copy_(local(tensors[f"ema.{name}"]))
        kept: dict[int, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            if key.startswith("kept."):
                _, index, name = key.split(".", 2)
                kept.setdefault(int(index), {})[name] = tensor
        self._kept.clear()
        self._kept.extend(kept[index] for index in sorted(kept))


@contextlib.contextmanager
def swapped(model: nn.Module, weights: dict[str, Tensor]) -> Iterator[None]:
    """Replace the weights of ``model`` in a `with` block; afterwards, restore the original weights
    exactly."""
    own = {name: p.data for name, p in model.named_parameters()}
    try:
        for name, parameter in model.named_parameters():
            parameter.data = weights[name]
        yield
    finally:
        for name, parameter in model.named_parameters():
            parameter.data = own[name]


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}
