"""Compute lower bounds of the memory for training, and raise an error early if they exceed the free
memory."""

import torch
from torch import nn

from whyformer.foundation.memory import FLOAT, refuse_too_large
from whyformer.foundation.wording import counted
from whyformer.training.averaging import Averaging
from whyformer.training.distributed import Parallel
from whyformer.training.optimizers import moments
from whyformer.training.settings import TrainingSettings

VECTORS_PER_LAYER = 2
"""Minimum number of vectors of width d_model that are kept per token and layer for the backward
pass."""
VECTORS_IF_RECOMPUTED = 1
"""The minimum number of these vectors with gradient checkpointing, which keeps only the input of a
layer."""


def refuse_state(
    settings: TrainingSettings, parameters: int, device: torch.device, ranks: int
) -> None:
    """Raise UsageError if gradients, optimizer state and averages do not fit into the free memory.

    The weights are not counted, because they are already in memory.
    Args: parameters: number of parameters of the model.
    Raises: UsageError.
    """
    of_optimizer = min(moments(settings.optimizer) or (0,))
    of_average = 1 if settings.average is Averaging.EMA else 0
    if settings.average is Averaging.CHECKPOINTS:
        of_average = settings.average_last
    shares = ranks if settings.parallel is Parallel.FSDP else 1
    needed = parameters * FLOAT * (1 + of_optimizer + of_average) // shares
    refuse_too_large(
        needed,
        device,
        "Training this model",
        "`model.d_model`, the number of layers, `text.vocabulary` or `training.average_last`",
    )


class BatchMemory:
    """Checks whether the activations of a batch can fit into memory.

    A batch is checked only if it is more than twice as large as every earlier batch. A smaller
    batch reuses memory of this process, which does not count as available memory.

    Args: recomputed: whether training uses gradient checkpointing.
    """

    def __init__(self, model: nn.Module, device: torch.device, *, recomputed: bool = False) -> None:
        settings = getattr(model, "settings", None)
        layers = [
            value
            for name in getattr(type(settings), "model_fields", {})
            if name.endswith("layers") and isinstance(value := getattr(settings, name), int)
        ]
        width = getattr(settings, "d_model", 0)
        kept = VECTORS_IF_RECOMPUTED if recomputed else VECTORS_PER_LAYER
        self._bytes_per_token = kept * FLOAT * width * sum(layers)
        self._device = device
        self._largest = 0

    def check(self, tokens: int) -> None:
        """Raise UsageError if a batch of ``tokens`` tokens cannot fit into memory."""
        if tokens > 2 * self._largest:
            self._largest = tokens
            refuse_too_large(
                tokens * self._bytes_per_token,
                self._device,
                f"A batch of {counted(tokens, 'token')}",
                "`training.batch_tokens` (and raise `training.accumulate` for the same update)",
            )
