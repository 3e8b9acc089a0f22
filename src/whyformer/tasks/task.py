"""The base class of tasks: data, model, loss and evaluation of one kind of training."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from whyformer.bundle import Bundle
from whyformer.foundation.errors import ConfigError
from whyformer.models.build import Model
from whyformer.recipes.recipe import Recipe
from whyformer.recipes.task_declaration import TaskDeclaration
from whyformer.training.distillation import Outputs
from whyformer.training.loss import Loss
from whyformer.training.state import BatchSource

Progress = Callable[[str, int], None]
"""A function that is called with the current activity and the number of finished lines."""


class Caution(str):
    """A printed line that --quiet does not hide: a warning, for example about left-out data or
    misleading scores."""

    __slots__ = ()


def with_end(line: str, end: str) -> str:
    """Append ``end`` to ``line``. The result is a `Caution` if ``end`` is a `Caution`."""
    return Caution(line + end) if isinstance(end, Caution) else line + end


class Task(TaskDeclaration, ABC):
    """Base class of tasks. An instance is a task with the data of one recipe; the prepared data is
    in the directory of a run.

        @TASKS.register("mine")
        class Mine(Task): ...

    Creating an instance reads the data of the recipe. The class attributes (those of
    `TaskDeclaration`, and `metrics`) can be used before the data is read.
    """

    metrics: ClassVar[Mapping[str, bool]] = {"loss": False}
    """For each metric of `validate`, whether a higher value is better."""
    metric_needs: ClassVar[Mapping[str, str]] = {}
    """For each metric that needs certain data or settings, a description of this need for an error
    message."""

    recipe: Recipe
    metric: str
    """The metric that selects the best weights: the metric of the recipe, or a more suitable
    one."""
    batches: BatchSource
    """The batches of training data."""
    key: str
    """Hash of the input data; it must equal the result of `data_key`."""
    fingerprint: str
    """Hash of the prepared training data."""

    @abstractmethod
    def __init__(self, recipe: Recipe, run: Path, progress: Progress | None = None) -> None:
        """Open the data of a recipe. A subclass must set the attributes above.

        Args: run: directory for the prepared data; it may already contain prepared data.
        Raises: ConfigError, DataError for a recipe or data that cannot be used.
        """
        self.recipe, self.metric = recipe, recipe.validation.metric

    @classmethod
    @abstractmethod
    def data_key(cls, recipe: Recipe, run: Path) -> str:
        """Return a hash of the data. A resumed run compares this hash to detect changed data."""

    @abstractmethod
    def facts(self, parameters: int, device: torch.device) -> Iterator[str]:
        """Yield the lines that a run prints before its first update; see `Caution`."""

    @abstractmethod
    def model(self, device: torch.device) -> Model:
        """Return the recipe's model, initialized with the recipe's seed."""

    @abstractmethod
    def loss(self, model: nn.Module, batch: Any, smoothing: float) -> Loss:
        """Return the loss, summed over all targets of a batch."""

    def outputs(self, model: nn.Module, batch: Any) -> Outputs:
        """Return the predictions of a model for a batch, and the right answers. Distillation needs
        this method; other training does not.

        Raises: ConfigError if the task has no such predictions.
        """
        raise ConfigError(
            f"The task `{self.recipe.task}` cannot learn from a teacher. Leave `distil.teachers` "
            "out."
        )

    @abstractmethod
    def validate(self, model: Model) -> dict[str, Any]:
        """Return the scores on the validation set: the mean loss under the name "loss", and the
        recipe's metric."""

    @abstractmethod
    def bundle(self, model: Model, facts: dict[str, Any]) -> Bundle:
        """Return the model with everything that is needed to use it, such as tokenizers."""

    @abstractmethod
    def preview(self, batch: Any) -> tuple[list[dict[str, str]], dict[str, Tensor]]:
        """Return the texts of a batch, to display them, and the tensors of the batch, to store
        them."""

    @property
    def validation_items(self) -> int | None:
        """Number of items in the validation set, such as pairs; None if they are not counted."""
        return None

    def available_metrics(self) -> Mapping[str, bool]:
        """Return the `metrics` that this recipe and its data support."""
        return self.metrics

    def higher_is_better(self, metric: str) -> bool:
        """Return whether a higher value of a metric is better.

        Raises: ConfigError if the metric is not known.
        """
        available = self.available_metrics()
        if metric not in available:
            missing = [one for one in self.metric_needs if one not in available]
            needs = "; ".join(f"{one} needs {self.metric_needs[one]}" for one in missing)
            raise ConfigError(
                f"`validation.metric` {metric} is not a metric of the task {self.recipe.task}. "
                f"Choose from {', '.join(available)}{f' ({needs})' if needs else ''}."
            )
        return available[metric]


@contextlib.contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """In a `with` block, disable dropout and gradients. At the end, restore the training or
    evaluation mode of the model."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)


def batches_on_device(rows: BatchSource, model: nn.Module) -> Iterator[Any]:
    """Yield all batches of the first epoch of ``rows``, on the device of the model."""
    device = next(model.parameters()).device
    return (rows.batch(0, index).to(device) for index in range(rows.count(0)))
