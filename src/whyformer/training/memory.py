"""Lower bounds of the memory that training takes, to refuse early what cannot fit."""

import torch
from torch import nn

from whyformer.foundation.memory import FLOAT, refuse_too_large
from whyformer.training.averaging import Averaging
from whyformer.training.distributed import Parallel
from whyformer.training.optimizers import moments
from whyformer.training.settings import TrainingSettings

KEPT = 2
"""Vectors of width d_model that a layer keeps of each token for the backward pass, at least."""


def refuse_state(
    settings: TrainingSettings, parameters: int, device: torch.device, ranks: int
) -> None:
    """Refuse gradients, optimizer and averages that do not fit beside the weights.

    Args: parameters: numbers in the model, which is already in memory.
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
    """Refuses a batch whose activations alone cannot fit.

    A batch is checked when it is more than twice as large as all before it: memory that a process
    has used once stays with it and counts as used.
    """

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        settings = getattr(model, "settings", None)
        layers = [
            value
            for name in getattr(type(settings), "model_fields", {})
            if name.endswith("layers") and isinstance(value := getattr(settings, name), int)
        ]
        width = getattr(settings, "d_model", 0)
        self._bytes_per_token = KEPT * FLOAT * width * sum(layers)
        self._device = device
        self._largest = 0

    def check(self, tokens: int) -> None:
        """Refuse a batch of so many tokens when it cannot fit. Raises: UsageError."""
        if tokens > 2 * self._largest:
            self._largest = tokens
            refuse_too_large(
                tokens * self._bytes_per_token,
                self._device,
                f"A batch of {tokens:,} tokens",
                "`training.batch_tokens` (and raise `training.accumulate` for the same update)",
            )
