"""The training process of a benchmark; it measures hardware limits and the updates of a recipe."""

import itertools
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from whyformer.acceleration.products import product
from whyformer.data.batch import Batch
from whyformer.data.rows import TextBatch
from whyformer.foundation.config import build
from whyformer.foundation.devices import Precision, choose_device, device_name, wait_for
from whyformer.foundation.randomness import seed_everything
from whyformer.models.flops import has_formula, update_flops
from whyformer.models.transformer import count_parameters
from whyformer.recipes.recipe import Recipe
from whyformer.tasks.build import open_task
from whyformer.text.symbols import PAD
from whyformer.training.loop import fit, start
from whyformer.training.state import AnyBatch, BatchSource
from whyformer.training.timetable import ENDLESS

WARM_UP_UPDATES = 3
WARM_UP_SECONDS = 5.0
"""Minimum number of updates and seconds of warm-up. On some processors, code is generated for each
new number of rows, mostly in the first few hundred updates."""
CHUNK_ROWS = 512
"""Number of rows whose logits the loss computes together."""
COPIED_FLOATS = 2**24
"""Number of floats to copy: 64 MiB, which is larger than the caches of a processor."""
LEAST_TIMES = 3


class FlopsCounting:
    """A `BatchSource` that adds up the floating-point operations of the batches it returns."""

    def __init__(self, batches: BatchSource, flops_of: Callable[[AnyBatch], float | None]) -> None:
        self._batches, self._flops_of = batches, flops_of
        self.flops: float | None = 0.0

    def count(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        return self._batches.count(epoch)

    def batch(self, epoch: int, index: int) -> AnyBatch:
        """Return the batch, and add its floating-point operations."""
        found = self._batches.batch(epoch, index)
        more = self._flops_of(found)
        self.flops = None if more is None or self.flops is None else self.flops + more
        return found


def batch_flops(settings: object, vocabulary: int, batch: AnyBatch) -> float | None:
    """Return the floating-point operations of an update on a batch; None without a formula.

    Padding is not counted. Documents packed into one row are counted as one sequence.
    """
    if not has_formula(settings) or not isinstance(batch, Batch | TextBatch):
        return None
    target = (batch.labels != PAD).sum(1).numpy()
    source = np.zeros(len(target), dtype=np.int64)
    if isinstance(batch, Batch):
        rows, width = batch.source.shape
        real = batch.source_real
        source = np.full(rows, width) if real is None else real.sum(1).numpy()
    return update_flops(settings, vocabulary, source, target)


def training_contender(config: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Load the data and an untrained model; return the function that answers requests.

    Requests: ``{"do": "about"}``, ``{"do": "ceilings", "seconds": s}`` and ``{"do": "updates",
    "seconds": s}``.
    """
    recipe = build(Recipe, config["recipe"], where="recipe")
    device = choose_device()
    task = open_task(recipe, Path(config["data"]))
    seed_everything(recipe.training.seed)
    model = task.model(device)
    vocabulary = _target_vocabulary(model)
    batches = FlopsCounting(
        task.batches, lambda batch: batch_flops(recipe.model, vocabulary, batch)
    )
    endless = recipe.training.model_copy(update={"updates": ENDLESS, "minutes": None})
    reports = fit(
        start(model, endless),
        batches,
        endless,
        d_model=recipe.model.d_model,
        loss_of=task.loss,
    )
    began, warm = time.perf_counter(), 0
    while warm < WARM_UP_UPDATES or time.perf_counter() - began < WARM_UP_SECONDS:
        next(reports)
        warm += 1

    def respond(question: dict[str, Any]) -> dict[str, Any]:
        if question["do"] == "about":
            return {
                "parameters": count_parameters(model),
                "vocabulary": vocabulary,
                "threads": torch.get_num_threads(),
                "torch": torch.__version__,
                "device": device_name(device),
                "precision": recipe.training.precision.value,
            }
        if question["do"] == "ceilings":
            return ceilings(recipe, vocabulary, device, question["seconds"])
        batches.flops = 0.0
        seconds, tokens, updates = 0.0, 0, 0
        while seconds < question["seconds"] or updates < LEAST_TIMES:
            report = next(reports)
            seconds, tokens, updates = seconds + report.seconds, tokens + report.tokens, updates + 1
        return {"seconds": seconds, "tokens": tokens, "updates": updates, "flops": batches.flops}

    return respond


def ceilings(
    recipe: Recipe, vocabulary: int, device: torch.device, seconds: float
) -> dict[str, Any]:
    """Measure the speed of matrix products (in the shapes of the model) and of memory copies.

    The products are computed by the same code as in the layers, which uses the faster library on
    this machine.

    Args: seconds: total time.
    Returns: ``shapes``: for each shape, rows, inner, outer and gflops (10⁹ multiplications and
        additions per second); ``copy_gb_per_second``: 10⁹ bytes per second, reads plus writes.
    """
    shapes = product_shapes(recipe, vocabulary)
    kind = torch.bfloat16 if recipe.training.precision is Precision.BF16 else torch.float32
    share = seconds / (len(shapes) + 1)
    found = []
    for rows, inner, outer in shapes:
        x = torch.randn(rows, inner, device=device, dtype=kind)
        weight = torch.randn(outer, inner, device=device, dtype=kind)
        rate = 1 / _seconds_each(partial(product, x, weight), share, device)
        gflops = 2e-9 * rows * inner * outer * rate
        found.append({"rows": rows, "inner": inner, "outer": outer, "gflops": gflops})
    a, b = (torch.ones(COPIED_FLOATS, device=device) for _ in range(2))
    rate = 1 / _seconds_each(lambda: a.copy_(b), share, device)
    return {"shapes": found, "copy_gb_per_second": 2 * 4e-9 * COPIED_FLOATS * rate}


def product_shapes(recipe: Recipe, vocabulary: int) -> list[tuple[int, int, int]]:
    """Return (rows, inner, outer) of the matrix products: projection, feed-forward, logits."""
    rows, d = recipe.training.batch_tokens, recipe.model.d_model
    ff = getattr(recipe.model, "d_ff", 4 * d)  # a recurrent layer has four gates
    logits = (min(rows, CHUNK_ROWS), d, vocabulary)
    return [(rows, d, d), (rows, d, ff), (rows, ff, d), logits]


def _target_vocabulary(model: Any) -> int:
    """Return the number of logits; for a model without logits, the number of embeddings."""
    projection = getattr(model, "projection", None)
    if projection is not None:
        return len(projection.weight)
    return max(len(m.weight) for m in model.modules() if isinstance(m, torch.nn.Embedding))


def _seconds_each(compute: Callable[[], Any], seconds: float, device: torch.device) -> float:
    """Return the mean time of a computation, repeated for ``seconds``."""

    def once() -> None:
        compute()
        wait_for(device)

    once()
    began = time.perf_counter()
    for times in itertools.count(1):
        once()
        spent = time.perf_counter() - began
        if spent >= seconds and times >= LEAST_TIMES:
            return spent / times
    raise AssertionError("unreachable: the loop above never ends")
