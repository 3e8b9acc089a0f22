"""The training loop: one update after another, each answered by a report."""

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Protocol, runtime_checkable

import torch
from pydantic import Field
from torch import Tensor, nn

from whyformer.data.batch import Batch
from whyformer.foundation.bounds import (
    MOST_BATCH_TOKENS,
    MOST_FACTOR,
    MOST_MINUTES,
    MOST_SEED,
    MOST_UPDATES,
)
from whyformer.foundation.config import Settings
from whyformer.foundation.devices import Precision, autocast
from whyformer.foundation.randomness import random_state
from whyformer.foundation.ranks import ALONE, Ranks
from whyformer.training.averaging import Averaging, WeightAverage
from whyformer.training.compilation import CompiledLayers
from whyformer.training.distributed import LossOf, Parallel, Together, make_together
from whyformer.training.finite import explain_divergence
from whyformer.training.loss import Loss, fused_cross_entropy, real_places
from whyformer.training.memory import BatchMemory
from whyformer.training.optimizers import OptimizerKind, make_optimizer
from whyformer.training.reports import StepReport
from whyformer.training.schedules import Schedule
from whyformer.training.shards import local
from whyformer.training.timetable import Timetable

LAYER_NORMS_EVERY = 10
Decay = Annotated[float, Field(ge=0, lt=1)]


class TrainingSettings(Settings):
    """How a model is trained; one update is `accumulate` batches."""

    updates: int = Field(default=10_000, ge=1, le=MOST_UPDATES)
    """Length of the run in updates; schedules that end, end here."""
    minutes: float | None = Field(default=None, gt=0, le=MOST_MINUTES)
    """Instead of `updates`: minutes that training may take, validations and checkpoints included.
    The speed is measured all the time, and the number of updates follows from it."""
    batch_tokens: int = Field(default=4096, ge=16, le=MOST_BATCH_TOKENS)
    """Padded tokens of a batch, source or target, whichever are more (paper: 25,000)."""
    accumulate: int = Field(default=1, ge=1, le=1_000_000)
    """Batches summed into one update; under torchrun the ranks share them."""
    parallel: Parallel = Parallel.DDP
    """How the ranks of torchrun hold the model: ddp (each has all of it) or fsdp (each has a part
    of weights, gradients and optimizer). A run may go on with the other."""
    optimizer: OptimizerKind = OptimizerKind.ADAM
    """adam (paper), adamw, radam, sgd (momentum 0.9), or muon for matrices with adam for the
    rest."""
    betas: tuple[Decay, Decay] = (0.9, 0.98)
    """Adam's decay rates (paper: 0.9, 0.98)."""
    epsilon: float = Field(default=1e-9, gt=0, le=1)
    """Adam's ε (paper: 1e-9)."""
    weight_decay: float = Field(default=0.0, ge=0, le=1000)
    """Decoupled decay of the layers' matrices; adamw and muon only."""
    matrix_ratio: float = Field(default=1.5, gt=0, le=MOST_FACTOR)
    """Muon only: rate of the matrices over the rate of everything else."""
    learning_rate: float = Field(default=1.0, gt=0, le=MOST_FACTOR)
    """Peak rate; with schedule noam a factor on Eq. 3 (paper: 1)."""
    schedule: Schedule = Schedule.NOAM
    """Shape of the learning rate (paper: noam, Eq. 3)."""
    warmup: int = Field(default=4000, ge=0, le=MOST_UPDATES)
    """Updates until the peak rate (paper: 4,000)."""
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    """ε of §5.4 (paper: 0.1)."""
    clip: float = Field(default=0.0, ge=0, le=1e9)
    """Largest gradient norm; a longer gradient is shortened to it. 0 = no clipping (paper)."""
    average: Averaging = Averaging.NONE
    """Weights that are validated and kept: none (the last), ema, or checkpoints (their mean)."""
    ema_decay: float = Field(default=0.999, gt=0, lt=1)
    """Share of the former average kept at each update, with `average: ema`."""
    average_last: int = Field(default=5, ge=1, le=1000)
    """Checkpoints in the mean, with `average: checkpoints` (paper §6.1: 5 base, 20 big)."""
    precision: Precision = Precision.FP32
    """fp32, or bf16 autocast where the device has it."""
    compile: bool = False
    """Compile the layers with torch.compile before the first update. For GPUs; on a CPU it needs a
    C++ compiler and pays only for long runs without dropout. Two runs are then alike, and a resumed
    run like one that was never stopped, as far as the compiler makes the same code."""
    seed: int = Field(default=1, ge=0, le=MOST_SEED)
    """Seed of initialisation, data order, dropout and subword sampling."""


@runtime_checkable
class AnyBatch(Protocol):
    """What the loop asks of a batch; what is in it is between its maker and the loss."""

    @property
    def tokens(self) -> int:
        """What the batch's sum of losses is divided by."""
        ...

    def to(self, device: torch.device | str) -> "AnyBatch":
        """Return the batch with its tensors on ``device``."""
        ...


@runtime_checkable
class BatchSource(Protocol):
    """Batch ``index`` of ``epoch``, always the same one."""

    def count(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        ...

    def batch(self, epoch: int, index: int) -> AnyBatch:
        """Return one batch."""
        ...


@dataclass
class TrainingState:
    """All that changes while training; a checkpoint holds this and the random streams."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: WeightAverage
    together: Together
    """Who computes: this process alone, or several ranks."""
    step: int = 0
    epoch: int = 0
    next_batch: int = 0


def start(model: nn.Module, settings: TrainingSettings, ranks: Ranks = ALONE) -> TrainingState:
    """Return the state before the first update.

    Args: ranks: who trains together; with `parallel: fsdp` the model's parameters become parts.
    """
    # First of all, for sharding puts other parameters in place of the model's.
    together = make_together(settings.parallel, model, accumulate=settings.accumulate, ranks=ranks)
    optimizer = make_optimizer(
        model,
        settings.optimizer,
        betas=settings.betas,
        epsilon=settings.epsilon,
        weight_decay=settings.weight_decay,
        matrix_ratio=settings.matrix_ratio,
    )
    average = WeightAverage(model, settings.average, settings.ema_decay, settings.average_last)
    return TrainingState(model, optimizer, average, together)


def sequence_loss(model: nn.Module, batch: Batch, smoothing: float) -> Loss:
    """Sum of the label-smoothed loss over the batch's real target tokens."""
    labels = batch.labels.flatten()
    real = real_places(labels, batch.tokens)
    features = model.features(batch.source, batch.source_real, batch.target)  # pyright: ignore
    features = features.flatten(0, 1)
    if real is not None:
        features, labels = features.index_select(0, real), labels.index_select(0, real)
    return fused_cross_entropy(features, model.projection.weight, labels, smoothing)  # pyright: ignore


def fit(
    state: TrainingState,
    batches: BatchSource,
    settings: TrainingSettings,
    *,
    d_model: int,
    loss_of: LossOf = sequence_loss,
    timetable: Timetable | None = None,
) -> Iterator[StepReport]:
    """Train until the last planned update, yielding a report after each update.

    The state may be saved to a checkpoint after each report. To stop, the caller stops iterating;
    with several ranks, all of them must iterate alike.

    Args:
        timetable: the number of updates, to which the caller may add decisions after each report
            (alike on all ranks); without it, `settings.updates`.
    Raises: UsageError when a batch cannot fit in memory; DivergedError before an update whose loss
        or gradient is not finite. The state is then still the one before that update.
    """
    model, optimizer, together = state.model, state.optimizer, state.together
    ranks = together.ranks
    plan = timetable or Timetable.fixed(settings.updates)
    device = next(model.parameters()).device
    parameters = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    compiled = CompiledLayers(model).at_work if settings.compile else contextlib.nullcontext

    fits = BatchMemory(model, device)

    def prepare(epoch: int, index: int) -> tuple[list[AnyBatch], tuple[int, int]]:
        places, after = _next_places(batches, epoch, index, settings.accumulate)
        drawn = [batches.batch(*place) for place in ranks.share(places)]
        for batch in drawn:
            fits.check(batch.tokens)
        return [batch.to(device) for batch in drawn], after

    upcoming = None
    while state.step < plan.updates_at(state.step):
        (micro, cursor), upcoming = upcoming or prepare(state.epoch, state.next_batch), None
        began = time.perf_counter()
        if not model.training:  # whoever consumes the stream may have validated
            model.train()
        randomness = random_state()
        tokens = int(ranks.sums([sum(batch.tokens for batch in micro)])[0])
        losses: list[Loss] = []
        optimizer.zero_grad(set_to_none=True)
        for number, batch in enumerate(micro, start=1):
            with together.holding(number < len(micro)):
                with autocast(device, settings.precision), compiled():
                    loss = together(loss_of, batch, settings.label_smoothing)
                (loss.smoothed * together.factor(tokens)).backward()
            losses.append(Loss(loss.smoothed.detach(), loss.nll.detach()))
        # Made while a GPU still computes this update.
        if state.step + 1 < plan.updates_at(state.step):
            upcoming = prepare(*cursor)
        smoothed = sum(loss.smoothed.item() for loss in losses)
        nll = sum(loss.nll.item() for loss in losses)
        smoothed, nll = ranks.sums([smoothed, nll])
        norms = together.norms(_gradient_norms(parameters))
        norm = norms.norm().item()
        if not (math.isfinite(smoothed) and math.isfinite(norm)):
            raise explain_divergence(
                state, micro, settings, randomness, loss_of, loss=smoothed / tokens, norm=norm
            )
        if settings.clip and norm > settings.clip:
            torch._foreach_mul_(
                [local(p.grad) for _, p in parameters if p.grad is not None], settings.clip / norm
            )
        step = state.step + 1

        def rate_after(warmup: int, step: int = step) -> float:
            return plan.learning_rate(
                settings.schedule,
                step,
                peak=settings.learning_rate,
                warmup=warmup,
                d_model=d_model,
            )

        rate = rate_after(settings.warmup)
        for group in optimizer.param_groups:  # a group may have a warm-up of its own
            group["lr"] = rate_after(group.get("warmup", settings.warmup)) * group["ratio"]
        optimizer.step()
        state.average.update(model)
        state.step, state.epoch, state.next_batch = step, *cursor
        yield StepReport(
            step=step,
            epoch=state.epoch,
            loss=smoothed / tokens,
            nll=nll / tokens,
            learning_rate=rate,
            gradient_norm=norm,
            tokens=tokens,
            seconds=time.perf_counter() - began,
            layer_gradient_norms=_by_layer(parameters, norms)
            if step % LAYER_NORMS_EVERY == 0 or step == 1
            else {},
        )


def _next_places(
    batches: BatchSource, epoch: int, index: int, count: int
) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Return epoch and index of an update's batches, and the cursor after them."""
    found = []
    while len(found) < count:
        if index >= batches.count(epoch):
            epoch, index = epoch + 1, 0
        found.append((epoch, index))
        index += 1
    return found, (epoch, index)


def _gradient_norms(parameters: list[tuple[str, nn.Parameter]]) -> Tensor:
    """Return the norm of what this rank holds of each gradient, 0 where there is none."""
    gradients = [
        torch.zeros(1, device=p.device) if p.grad is None else local(p.grad) for _, p in parameters
    ]
    return torch.stack([n.float() for n in torch._foreach_norm(gradients)]).cpu()


def _by_layer(parameters: list[tuple[str, nn.Parameter]], norms: Tensor) -> dict[str, float]:
    """Join the norms of the parameters of one layer, such as ``encoder.layers.0``."""
    squares: dict[str, float] = {}
    for (name, _), norm in zip(parameters, norms.tolist(), strict=True):
        parts = name.split(".")
        layer = ".".join(parts[: 3 if "layers" in parts[:2] else 2])
        squares[layer] = squares.get(layer, 0.0) + norm * norm
    return {layer: math.sqrt(square) for layer, square in squares.items()}
