"""The interface of a task for training: data, model, loss and evaluation."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from whyformer.bundle import Bundle
from whyformer.models.build import Model
from whyformer.training.loss import Loss
from whyformer.training.state import AnyBatch, BatchSource

Progress = Callable[[str, int], None]
"""Called with the current activity and the number of lines done."""


class Caution(str):
    """A fact that --quiet does not hide: data was left out, or a score may mislead."""

    __slots__ = ()


def with_end(line: str, end: str) -> str:
    """Return a line with its end; the whole is a caution when the end is one."""
    return Caution(line + end) if isinstance(end, Caution) else line + end


@runtime_checkable
class Task(Protocol):
    """One kind of learning problem on the data of one recipe, prepared and mapped into a run."""

    batches: BatchSource
    """What is trained on."""
    metric: str
    """What chooses the best weights: the recipe's metric, or one that can move on this data."""
    unit: str
    """What a batch counts, for the progress line: tokens, masked tokens, words or texts."""
    key: str
    """Hash of the data as it was read."""
    fingerprint: str
    """Hash of the data as it is trained on."""

    def facts(self, parameters: int, device: torch.device) -> Iterator[str]:
        """Yield the lines that a run prints before its first update; see `Caution`."""
        ...

    def model(self, device: torch.device) -> Model:
        """Return the recipe's model with the starting weights of its seed."""
        ...

    def loss(self, model: nn.Module, batch: Any, smoothing: float) -> Loss:
        """Return the sum of the loss over what a batch asks for."""
        ...

    def validate(self, model: Model) -> dict[str, Any]:
        """Return the mean loss in nats over the dev set, and the recipe's metric."""
        ...

    def higher_is_better(self, metric: str) -> bool:
        """Say whether a greater value of the metric is the better one."""
        ...

    def bundle(self, model: Model, facts: dict[str, Any]) -> Bundle:
        """Return the model with all that is needed to use it."""
        ...

    def story(self, batch: AnyBatch) -> tuple[list[dict[str, str]], dict[str, Tensor]]:
        """Return a batch for people and for repetition: its texts, and its tensors."""
        ...


TaskMaker = Callable[[Any, Path, Progress | None], Task]
