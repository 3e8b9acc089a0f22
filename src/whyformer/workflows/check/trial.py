"""Parts of the checks before a long run: results, repeated batches, speed and memory."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from whyformer.foundation.memory import peak_bytes
from whyformer.foundation.wording import counted
from whyformer.recipes.recipe import Recipe
from whyformer.recipes.start import RATES
from whyformer.training.loop import fit, start
from whyformer.training.loss import Loss
from whyformer.training.schedules import learning_rate
from whyformer.training.settings import TrainingSettings
from whyformer.training.state import AnyBatch, BatchSource
from whyformer.training.timetable import ENDLESS

MAX_UPDATES = 600
"""Maximum number of updates to memorize a few examples."""
NEEDED_RISE = 0.2
"""Minimum increase of the loss when the input of the model is changed."""
TIMED_UPDATES = 12
"""Number of timed updates, after a warm-up of three."""

LossOf = Callable[[nn.Module, Any, float], Loss]


@dataclass(frozen=True)
class Finding:
    """The result of one check: its name, whether it passed, and the numbers."""

    name: str
    passed: bool
    detail: str


class Repeated:
    """A `BatchSource` that repeats the same batches forever."""

    def __init__(self, batches: list[AnyBatch]) -> None:
        self._batches = batches

    def count(self, epoch: int) -> int:
        """Return the number of batches that are repeated."""
        return len(self._batches)

    def batch(self, epoch: int, index: int) -> AnyBatch:
        """Return the batch with this ``index``, which is the same in every epoch."""
        return self._batches[index]


def without_dropout(recipe: Recipe) -> Recipe:
    """Return the recipe for memorizing: without dropout, and with all weights trainable."""
    rates = set(RATES) & type(recipe.model).model_fields.keys()
    model = recipe.model.model_copy(update=dict.fromkeys(rates, 0.0))
    return recipe.model_copy(update={"model": model, "frozen": False, "freeze": []})


def memorization_settings(settings: TrainingSettings, d_model: int) -> TrainingSettings:
    """Return training settings to memorize a few examples: a constant learning rate, and no label
    smoothing.

    The learning rate is the maximum of the recipe's schedule, but at most 0.002.
    """
    highest = max(
        learning_rate(
            settings.schedule,
            step,
            peak=settings.learning_rate,
            total=settings.updates,
            warmup=settings.warmup,
            d_model=d_model,
        )
        for step in (1, max(settings.warmup, 1), settings.updates)
    )
    return settings.model_copy(
        update={
            "updates": MAX_UPDATES,
            "label_smoothing": 0.0,
            "accumulate": 1,
            "learning_rate": min(highest, 2e-3),
            "schedule": "constant",
            "warmup": 30,
            "clip": settings.clip or 1.0,
        }
    )


def rise(name: str, what: str, unit: str, before: float, after: float) -> Finding:
    """Return the result of a check that the loss rises when the input is changed.

    Args: what: description of the changed input. before, after: loss before and after the change.
    """
    passed = after - before > NEEDED_RISE
    detail = f"loss {before:.3f} becomes {after:.3f} {unit} with {what}"
    if not passed:
        used = what.split()[0]
        detail += f"; the loss must rise by {NEEDED_RISE}: the model does not use the {used}"
    return Finding(name, passed, detail)


def speed(
    recipe: Recipe, model: nn.Module, batches: BatchSource, loss_of: LossOf, unit: str
) -> Finding:
    """Time a few updates and estimate the duration of the run.

    Args: unit: name of the unit that is counted per second, such as target tokens.
    """
    settings = recipe.training
    endless = settings.model_copy(update={"updates": ENDLESS})
    reports = fit(
        start(model, endless), batches, endless, d_model=recipe.model.d_model, loss_of=loss_of
    )
    for _ in range(3):
        next(reports)
    timed = [next(reports) for _ in range(TIMED_UPDATES)]
    seconds = sum(r.seconds for r in timed) / len(timed)
    pace = sum(r.tokens for r in timed) / sum(r.seconds for r in timed)
    of_epoch = batches.count(0) / settings.accumulate
    if settings.epochs is not None:
        updates = settings.epochs * of_epoch
        length = f"at most {counted(settings.epochs, 'epoch')}: about "
        length += f"{updates * seconds / 3600:.2f} h"
    elif settings.minutes:
        length = f"{counted(settings.minutes, 'minute')} requested: about "
        length += counted(round(60 * settings.minutes / seconds), "update")
    else:
        length = (
            f"{counted(settings.updates, 'update')}: about "
            f"{settings.updates * seconds / 3600:.2f} h"
        )
    detail = (
        f"{1000 * seconds:.0f} ms per update, {pace:,.0f} {unit} per second; {length}, "
        f"an epoch is {counted(round(of_epoch), 'update')}"
    )
    return Finding("speed", math.isfinite(seconds), detail)


def largest(
    recipe: Recipe, model: nn.Module, batch: AnyBatch, loss_of: LossOf, shape: str
) -> Finding:
    """Train one update on the largest batch. Args: shape: description of the shape of the batch."""
    settings = recipe.training
    name = "largest batch fits"
    try:
        next(
            fit(
                start(model, settings),
                Repeated([batch]),
                settings.model_copy(update={"accumulate": 1}),
                d_model=recipe.model.d_model,
                loss_of=loss_of,
            )
        )
    except (RuntimeError, MemoryError) as error:
        if "memory" not in str(error).lower():
            raise
        return Finding(name, False, f"out of memory: {error}; lower batch_tokens")
    peak = peak_bytes()
    used = "" if peak is None else f"; peak memory of the process: {peak / 2**30:.2f} GiB"
    return Finding(name, True, f"{shape}{used}")
