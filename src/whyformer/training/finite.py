"""Explain a loss or gradient that is not finite: find the first module, and suggest fixes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn

from whyformer.foundation.devices import autocast
from whyformer.foundation.errors import DivergedError
from whyformer.foundation.randomness import restore_random_state
from whyformer.foundation.wording import counted
from whyformer.training.distributed import LossOf
from whyformer.training.settings import TrainingSettings
from whyformer.training.state import AnyBatch, TrainingState


class Divergence(DivergedError):
    """Training was stopped before an update with a loss or gradient that is not finite."""

    def __init__(
        self,
        message: str,
        *,
        step: int,
        first: str,
        kind: str,
        advice: list[str],
        batch: AnyBatch,
        randomness: dict[str, Any],
        loss: float,
        norm: float,
    ) -> None:
        super().__init__(message)
        self.step, self.first, self.kind, self.advice = step, first, kind, advice
        self.batch, self.randomness, self.loss, self.norm = batch, randomness, loss, norm


def explain_divergence(
    state: TrainingState,
    micro: list[AnyBatch],
    settings: TrainingSettings,
    randomness: dict[str, Any],
    loss_of: LossOf,
    *,
    loss: float,
    norm: float,
) -> Divergence:
    """Repeat the failed update with hooks on every module, and return an error that names the first
    module whose output or gradient is not finite.

    The repetition uses the same dropout masks, so it fails in the same way. With several ranks,
    each rank repeats its own batches with unsharded weights. The lowest rank that finds a value
    that is not finite determines the result of all ranks.
    """
    restore_random_state(randomness)
    with state.parallelism.whole(everywhere=True) as model:
        assert model is not None
        first, kind, guilty = _repeat(model, micro, settings, loss_of)
        weights = [n for n, p in model.named_parameters() if not torch.isfinite(p).all()]
    state.optimizer.zero_grad(set_to_none=True)
    step = state.step + 1
    if weights:
        first, kind = weights[0], "weight"
    told = state.parallelism.ranks.gather((first, kind, guilty.to("cpu"), randomness))
    first, kind, guilty, randomness = next((one for one in told if one[0]), told[0])
    advice = _advice(settings, step, bool(weights))
    name = first or "none when repeated"
    message = (
        f"Training stopped before update {step}: the loss was {loss:g}, the gradient norm "
        f"{norm:g}, and both must be finite. First {kind or 'value'} that is not finite: `{name}`. "
        f"Try: {'; '.join(advice)}."
    )
    return Divergence(
        message,
        step=step,
        first=name,
        kind=kind or "value",
        advice=advice,
        batch=guilty,
        randomness=randomness,
        loss=loss,
        norm=norm,
    )


def _repeat(
    model: nn.Module, micro: list[AnyBatch], settings: TrainingSettings, loss_of: LossOf
) -> tuple[str, str, AnyBatch]:
    """Return the name and the kind of the first value that is not finite, and the batch.

    If all values are finite, the name and the kind are "".
    """
    device = next(model.parameters()).device
    for batch in micro:
        model.zero_grad(set_to_none=True)
        with _watch(model) as seen:
            with autocast(device, settings.precision):
                total = loss_of(model, batch, settings.label_smoothing)
            if not seen and not torch.isfinite(total.smoothed):
                seen.append(("the loss", "value"))
            if not seen:
                total.smoothed.backward()
        if not seen:
            seen += [
                (name, "gradient")
                for name, p in model.named_parameters()
                if p.grad is not None and not torch.isfinite(p.grad).all()
            ]
        if seen:
            return *seen[0], batch
    return "", "", micro[-1]


@contextmanager
def _watch(model: nn.Module) -> Iterator[list[tuple[str, str]]]:
    """Record the modules whose output or output gradient is not finite, innermost first."""
    seen: list[tuple[str, str]] = []

    def check(name: str, kind: str, tensor: Tensor) -> None:
        if not torch.isfinite(tensor).all():
            seen.append((name, kind))

    def forward(name: str):
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            for tensor in _tensors(output):
                check(name, "output", tensor)
                if tensor.requires_grad:  # the backward pass reaches the last module first
                    tensor.register_hook(lambda slope: check(name, "output gradient", slope))

        return hook

    handles = [m.register_forward_hook(forward(name)) for name, m in model.named_modules() if name]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _tensors(output: object) -> Iterator[Tensor]:
    """Yield the tensors in the output of a module: a tensor, or nested tuples of tensors."""
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, tuple | list):
        for one in cast("tuple[object, ...]", output):
            yield from _tensors(one)


def _advice(settings: TrainingSettings, step: int, spoiled: bool) -> list[str]:
    lower = settings.learning_rate / 3
    advice = [f"--training.learning-rate {lower:g} (a third of the current rate)"]
    if step <= settings.warmup:
        left = settings.warmup - step
        advice.append(
            f"--training.warmup {2 * settings.warmup} ({counted(left, 'update')} of warm-up left)"
        )
    elif settings.warmup < 100:
        advice.append("--training.warmup 400")
    if not settings.clip:
        advice.append("--training.clip 1.0")
    advice.append("--model.wiring pre-norm or deepnorm")
    if spoiled:
        advice.insert(0, "an earlier checkpoint, because some weights are already not finite")
    return advice
