"""The training loop: yields a report after each update."""

import contextlib
import math
import time
from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from whyformer.data.batch import Batch
from whyformer.foundation.devices import autocast
from whyformer.foundation.randomness import random_state
from whyformer.foundation.ranks import ALONE, Ranks
from whyformer.training.averaging import WeightAverage
from whyformer.training.checkpoints import refuse_lost
from whyformer.training.compilation import CompiledLayers
from whyformer.training.distributed import LossOf, make_parallelism
from whyformer.training.finite import explain_divergence
from whyformer.training.loss import Loss, as_product, fused_cross_entropy, real_places
from whyformer.training.memory import BatchMemory
from whyformer.training.optimizers import make_optimizer
from whyformer.training.recomputation import RecomputedLayers
from whyformer.training.reports import StepReport
from whyformer.training.settings import TrainingSettings
from whyformer.training.shards import local
from whyformer.training.state import AnyBatch, BatchSource, TrainingState
from whyformer.training.timetable import Timetable

LAYER_NORMS_EVERY = 10


def start(model: nn.Module, settings: TrainingSettings, ranks: Ranks = ALONE) -> TrainingState:
    """Return the initial state of training.

    Args: ranks: the processes that train together. With `parallel: fsdp`, the parameters of the
        model are sharded.
    """
    # Shard the model before making the optimizer, because sharding replaces the parameters.
    parallelism = make_parallelism(
        settings.parallel, model, accumulate=settings.accumulate, ranks=ranks
    )
    optimizer = make_optimizer(model, settings.optimizer, dict(settings))
    average = WeightAverage(model, settings.average, settings.ema_decay, settings.average_last)
    return TrainingState(model, optimizer, average, parallelism)


def sequence_loss(model: nn.Module, batch: Batch, smoothing: float) -> Loss:
    """Return the sum of the label-smoothed loss over the real target tokens of a batch."""
    features, labels = sequence_features(model, batch)
    vectors, matrix = as_product(model.projection, features)  # pyright: ignore[reportArgumentType]
    return fused_cross_entropy(vectors, matrix, labels, smoothing)


def sequence_features(
    model: nn.Module, batch: Batch
) -> tuple[Float[Tensor, "tokens d_model"], Int[Tensor, "tokens"]]:
    """Return the features of the real target tokens of a batch, and their labels."""
    labels = batch.labels.flatten()
    real = real_places(labels, batch.tokens)
    features = model.features(batch.source, batch.source_real, batch.target)  # pyright: ignore
    features = features.flatten(0, 1)
    if real is not None:
        features, labels = features.index_select(0, real), labels.index_select(0, real)
    return features, labels


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

    The caller may save the state to a checkpoint after each report, and may stop iterating at any
    time. With several ranks, all ranks must stop at the same report.

    Args:
        timetable: the planned number of updates. After each report, the caller may add a decision
            (the same decision on all ranks). None means `settings.updates`.
    Raises:
        UsageError when a batch cannot fit in memory.
        DivergedError when a loss or gradient is not finite; this update does not change the
            weights.
    """
    model, optimizer, parallelism = state.model, state.optimizer, state.parallelism
    ranks = parallelism.ranks
    plan = timetable or Timetable.fixed(settings.updates)
    device = next(model.parameters()).device
    parameters = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    compiled = CompiledLayers(model).at_work if settings.compile else contextlib.nullcontext
    recomputed = contextlib.nullcontext
    if settings.gradient_checkpointing:
        recomputed = RecomputedLayers(model).at_work

    fits = BatchMemory(model, device, recomputed=settings.gradient_checkpointing)

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
        if not model.training:  # a validation of the caller may have turned training mode off
            model.train()
        randomness = random_state()
        tokens = int(ranks.sums([sum(batch.tokens for batch in micro)])[0])
        losses: list[Loss] = []
        optimizer.zero_grad(set_to_none=True)
        for number, batch in enumerate(micro, start=1):
            with parallelism.holding(number < len(micro)):
                with autocast(device, settings.precision), compiled(), recomputed():
                    loss = parallelism(loss_of, batch, settings.label_smoothing)
                (loss.smoothed * parallelism.factor(tokens)).backward()
            losses.append(Loss(loss.smoothed.detach(), loss.nll.detach()))
        # Prepare the next update while a GPU still computes this update.
        if state.step + 1 < plan.updates_at(state.step):
            upcoming = prepare(*cursor)
        smoothed = sum(loss.smoothed.item() for loss in losses)
        nll = sum(loss.nll.item() for loss in losses)
        smoothed, nll = ranks.sums([smoothed, nll])
        norms = parallelism.norms(_gradient_norms(parameters))
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
        for group in optimizer.param_groups:  # each group may have a different warm-up
            group["lr"] = rate_after(group.get("warmup", settings.warmup)) * group["ratio"]
        optimizer.step()
        if step == 1:
            refuse_lost(state)
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
    """Return the epoch and index of each batch of an update, and of the batch that follows them."""
    found = []
    while len(found) < count:
        if index >= batches.count(epoch):
            epoch, index = epoch + 1, 0
        found.append((epoch, index))
        index += 1
    return found, (epoch, index)


def _gradient_norms(parameters: list[tuple[str, nn.Parameter]]) -> Tensor:
    """Return the norm of each gradient, or of its shard on this rank; 0 for a missing gradient."""
    gradients = [
        torch.zeros(1, device=p.device) if p.grad is None else local(p.grad) for _, p in parameters
    ]
    return torch.stack([n.float() for n in torch._foreach_norm(gradients)]).cpu()


def _by_layer(parameters: list[tuple[str, nn.Parameter]], norms: Tensor) -> dict[str, float]:
    """Return the gradient norm of each layer, such as ``encoder.layers.0``, computed from the norms
    of its parameters."""
    squares: dict[str, float] = {}
    for (name, _), norm in zip(parameters, norms.tolist(), strict=True):
        parts = name.split(".")
        layer = ".".join(parts[: 3 if "layers" in parts[:2] else 2])
        squares[layer] = squares.get(layer, 0.0) + norm * norm
    return {layer: math.sqrt(square) for layer, square in squares.items()}
