"""The teachers of a run: trained models whose probabilities a student learns."""

from typing import Any

import torch
from torch import Tensor, nn

from whyformer.bundle import Bundle, load_bundle
from whyformer.foundation.errors import ConfigError
from whyformer.tasks.fine_tuning import listed
from whyformer.tasks.starting import trained_part
from whyformer.tasks.task import Task
from whyformer.training.distillation import Outputs, distilled, mean_probabilities
from whyformer.training.loss import Loss


class Teachers:
    """Computes the loss of a student that also learns from teachers.

    The teachers are in evaluation mode and get no gradients.

    Raises: ConfigError if a teacher does not have the tokenizers or the labels of the student.
    """

    def __init__(self, task: Task, student: Bundle, device: torch.device) -> None:
        self._task, self._settings = task, task.recipe.distil
        self._models: list[nn.Module] = []
        self._columns: list[list[int] | None] = []
        for path in self._settings.teachers:
            teacher = load_bundle(path, device=device)
            _refuse_other_tokenizers(path, teacher, student)
            self._columns.append(_columns(path, teacher, student))
            model = trained_part(teacher.model, task.recipe.model.family)
            self._models.append(model.eval().requires_grad_(False))

    def loss(self, model: nn.Module, batch: Any, smoothing: float) -> Loss:
        """Return the loss of a batch: labels and teachers, see `distilled`."""
        settings = self._settings
        taught = self.probabilities(batch)
        return distilled(
            self._task.outputs(model, batch),
            taught,
            smoothing=smoothing,
            weight=settings.weight,
            temperature=settings.temperature,
        )

    @torch.no_grad()
    def probabilities(self, batch: Any) -> Tensor:
        """Return the mean of the teachers' probabilities for a batch, (rows, classes)."""
        found: list[Tensor] = []
        for model, columns in zip(self._models, self._columns, strict=True):
            outputs: Outputs = self._task.outputs(model, batch)
            found.append(outputs.logits if columns is None else outputs.logits[:, columns])
        return mean_probabilities(found, self._settings.temperature)


def _refuse_other_tokenizers(path: str, teacher: Bundle, student: Bundle) -> None:
    for side in ("source", "target"):
        own = getattr(student, f"{side}_tokenizer").fingerprint
        if getattr(teacher, f"{side}_tokenizer").fingerprint != own:
            raise ConfigError(
                f"Teachers must have the tokenizers of the student, but the {side} tokenizer of "
                f"`{path}` is another one. Choose teachers that were trained on the same data with "
                "the same `text` settings."
            )


def _columns(path: str, teacher: Bundle, student: Bundle) -> list[int] | None:
    """Return, for each label of the student, its place in the outputs of the teacher; None for a
    task without labels.

    Raises: ConfigError if the teacher has other labels.
    """
    own, theirs = (one.facts.get("labels") or [] for one in (student, teacher))
    if set(own) != set(theirs):
        raise ConfigError(
            f"Teachers must have the labels of the student, but `{path}` has "
            f"{listed(theirs) or 'none'}, and the student has {listed(own) or 'none'}."
        )
    return [theirs.index(label) for label in own] if own else None
