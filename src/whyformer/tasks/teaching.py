"""The teachers of a run: trained models whose probabilities a student learns."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from whyformer.bundle import Bundle, load_bundle
from whyformer.foundation.errors import ConfigError
from whyformer.models.bert import BERT
from whyformer.tasks.fine_tuning import listed
from whyformer.tasks.starting import trained_part
from whyformer.tasks.task import Task
from whyformer.training.distillation import (
    Outputs,
    direction_loss,
    distilled,
    mean_probabilities,
)
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
            refuse_other_tokenizers(path, teacher, student)
            self._columns.append(_columns(path, teacher, student))
            model = trained_part(teacher.model, task.recipe.model.family)
            if self._settings.hidden:
                _refuse_other_width(path, model, student.model)
            self._models.append(model.eval().requires_grad_(False))

    def loss(self, model: nn.Module, batch: Any, smoothing: float) -> Loss:
        """Return the loss of a batch: labels and teachers, see `distilled`."""
        settings = self._settings
        with hidden_states(model, bool(settings.hidden)) as own:
            outputs = self._task.outputs(model, batch)
        taught, hidden = self._taught(batch)
        loss = distilled(
            outputs,
            mean_probabilities(taught, settings.temperature),
            smoothing=smoothing,
            weight=settings.weight,
            temperature=settings.temperature,
        )
        if not settings.hidden:
            return loss
        distances = [direction_loss(own, states, batch.real) for states in hidden]
        distance = torch.stack(distances).mean() * batch.tokens  # the loss is a sum over targets
        return loss._replace(smoothed=loss.smoothed + settings.hidden * distance)

    @torch.no_grad()
    def _taught(self, batch: Any) -> tuple[list[Tensor], list[list[Tensor]]]:
        """Return the logits of each teacher for a batch, (rows, classes), and the hidden states of
        its layers."""
        logits: list[Tensor] = []
        states: list[list[Tensor]] = []
        for model, columns in zip(self._models, self._columns, strict=True):
            with hidden_states(model, bool(self._settings.hidden)) as hidden:
                outputs: Outputs = self._task.outputs(model, batch)
            logits.append(outputs.logits if columns is None else outputs.logits[:, columns])
            states.append(hidden)
        return logits, states


@contextlib.contextmanager
def hidden_states(model: nn.Module, wanted: bool) -> Iterator[list[Tensor]]:
    """Collect the output of each layer of an encoder that is applied in a `with` block.

    Args: wanted: with False, nothing is collected.
    """
    found: list[Tensor] = []
    layers = model.layers if wanted and isinstance(model, BERT) else ()
    handles = [
        layer.register_forward_hook(lambda _module, _inputs, output: found.append(output))  # pyright: ignore
        for layer in layers
    ]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _refuse_other_width(path: str, teacher: nn.Module, student: nn.Module) -> None:
    """Raise ConfigError if the hidden states of a teacher cannot be compared."""
    if not isinstance(teacher, BERT) or not isinstance(student, BERT):
        raise ConfigError(
            f"`distil.hidden` needs encoders (`model.family` bert), but `{path}` is none. Leave "
            "it out."
        )
    widths = teacher.settings.d_model, student.settings.d_model
    if widths[0] != widths[1]:
        raise ConfigError(
            f"With `distil.hidden`, teachers must have the width of the student, but `{path}` has "
            f"d_model {widths[0]} and the student has {widths[1]}. Change --model.d-model (the "
            "number of layers may differ), or leave --distil.hidden out."
        )


def refuse_other_tokenizers(path: str, teacher: Bundle, student: Bundle) -> None:
    """Raise ConfigError if a teacher does not have the tokenizers of the student."""
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
