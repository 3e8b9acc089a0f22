"""Check the laws of a task; see `whyformer.tasks.task.Task`."""

import contextlib
import json
import math
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from whyformer.bundle import Bundle, load_bundle, save_bundle, save_tensors
from whyformer.foundation.errors import ConfigError, WhyformerError
from whyformer.foundation.randomness import random_state, restore_random_state, seed_everything
from whyformer.foundation.wording import counted
from whyformer.models.build import Model
from whyformer.recipes.recipe import Recipe, resolve
from whyformer.recipes.task_declaration import OF_SOME_TASKS, TASKS, ItemForm
from whyformer.tasks.build import data_key_of, open_task
from whyformer.tasks.task import Task
from whyformer.testing.laws import (
    BrokenLaw,
    name_of,
    require,
    require_base,
    require_finite,
    stating_failures,
    unchanged,
)
from whyformer.testing.models import registered
from whyformer.training.checkpoints import load_checkpoint, save_checkpoint
from whyformer.training.loop import fit, start
from whyformer.training.loss import Loss
from whyformer.training.state import AnyBatch, BatchSource

COMPARED_BATCHES = 4
"""Number of batches that are compared when the same data is opened twice."""
MAX_SUMMED = 50
"""Maximum number of training batches whose mean loss is compared with the mean loss of the
validation set."""
UPDATES, RATE = 20, 3e-3
"""Number of updates that must lower the loss of one batch, and their learning rate."""
LARGER = 8
"""Size of large batches relative to small ones. Comparing the losses of large and small batches
shows whether the loss is a sum or a mean."""
SUM_NEAR = 1.5
"""Largest allowed factor between the mean losses of small and large batches, before training."""
NEAR = 3.0
"""Largest allowed factor between the mean losses of training and validation, before training."""
RESUMED = 4
"""Number of updates of the run that is compared with a run that stopped halfway."""
SEEDS = (1, 2)
CPU = torch.device("cpu")


@stating_failures
def check_task(kind: type[Task], recipe: str | Path | Mapping[str, Any]) -> None:
    """Check a task with a recipe whose model, batches and data are small.

    Laws: the declaration of the task names known settings and an existing recipe. Opening the data
    again gives the same key, fingerprint and batches. Equal seeds give equal initial weights. The
    loss is a finite sum, updates lower the loss, and its `nll` does not depend on label smoothing.
    Validation always returns the same scores, in the unit of the training loss, and does not change
    the model. An unknown metric is rejected. A loaded model has the saved weights. A batch can be
    previewed and stored. A run that is stopped and resumed equals an uninterrupted run.
    Args:
        recipe: name or path of a recipe, or dotted settings for the default recipe of the task,
            such as ``{"data.train": ["a.txt"], "model.d_model": 16}``.
    Raises: BrokenLaw for the first law that does not hold; ConfigError or DataError if the recipe
        cannot be used.
    """
    name = name_of(kind)
    require_base(kind, Task)
    missing = ", ".join(f"`{one}`" for one in sorted(kind.__abstractmethods__))
    require(not missing, name, "it must define all methods of `Task`", f"{missing} is missing")
    _check_declaration(kind, name)
    with (
        registered(TASKS, kind) as chosen,
        _keep_random_state(),
        tempfile.TemporaryDirectory() as folder,
    ):
        found = _recipe(kind, chosen, recipe)
        task = _check_opening(found, Path(folder), name)
        _check_batches(task, open_task(found, Path(folder) / "second"), name)
        model = _check_weights(task, name)
        _check_loss(task, model, name)
        larger = found.training.batch_tokens * LARGER
        larger = found.training.model_copy(update={"batch_tokens": larger})
        larger = open_task(found.model_copy(update={"training": larger}), Path(folder) / "run")
        _check_sum(task, larger, model, name)
        _check_validation(task, model, name)
        _check_metrics(task, name)
        _check_bundle(task, model, Path(folder) / "model", name)
        _check_preview(task, Path(folder) / "batch.safetensors", name)
        _check_learning(task, name)
        _check_resuming(found, Path(folder), name)


def _check_declaration(kind: type[Task], name: str) -> None:
    unknown = ", ".join(sorted(set(kind.reads) - OF_SOME_TASKS))
    law = "`reads` must contain settings of `OF_SOME_TASKS` only"
    require(not unknown, name, law, f"it contains {unknown}")
    if kind.default_recipe is not None:
        try:
            resolve(kind.default_recipe)
        except ConfigError as error:
            raise BrokenLaw(f"{name}: `default_recipe` must exist, but: {error}") from None
    law = "`items` must be an `ItemForm` or None"
    require(isinstance(kind.items, ItemForm | None), name, law, f"it is {kind.items!r}")
    for attribute in ("unit", "loss_unit"):
        value = getattr(kind, attribute)
        named = isinstance(value, str) and value != ""
        require(named, name, f"`{attribute}` must name a unit", f"it is {value!r}")


def _recipe(kind: type[Task], chosen: str, given: str | Path | Mapping[str, Any]) -> Recipe:
    if isinstance(given, Mapping):
        return resolve(kind.default_recipe, {**given, "task": chosen}).recipe
    return resolve(given, {"task": chosen}).recipe


def _check_opening(recipe: Recipe, folder: Path, name: str) -> Task:
    first, second, again = (open_task(recipe, folder / run) for run in ("run", "other", "run"))
    for attribute in ("batches", "metric", "key", "fingerprint"):
        set_ = hasattr(first, attribute)
        require(set_, name, f"opening it must set `{attribute}`", "it is not set")
    for other, where in ((second, "another directory"), (again, "the same directory")):
        for attribute in ("key", "fingerprint"):
            one, two = getattr(first, attribute), getattr(other, attribute)
            law = f"`{attribute}` must be the same when the same data is opened again in {where}"
            require(one == two, name, law, f"it was {one!r} and then {two!r}")
    key = data_key_of(recipe, folder / "run")
    law = "`data_key` must equal the `key` of the opened data"
    require(key == first.key, name, law, f"it is {key!r} instead of {first.key!r}")
    require(
        isinstance(first.batches, BatchSource),
        name, "`batches` must have the methods `count` and `batch`", "it does not",
    )  # fmt: skip
    return first


def _check_batches(task: Task, same: Task, name: str) -> None:
    for epoch in (0, 1):
        count = task.batches.count(epoch)
        require(count > 0, name, "an epoch must have batches", f"epoch {epoch} has {count}")
        for index in range(min(count, COMPARED_BATCHES)):
            where = f"batch {index} of epoch {epoch}"
            batch, again = (task.batches.batch(epoch, index) for _ in range(2))
            other = same.batches.batch(epoch, index)
            for one in (again, other):
                equal = _equal(_tensors(batch), _tensors(one)) and batch.tokens == one.tokens
                law = "the same epoch and index must always give the same batch"
                require(equal, name, law, f"{where} differs")
            law = "`tokens` of a batch, by which the loss is divided, must be a positive number"
            require(batch.tokens > 0, name, law, f"{where} has {batch.tokens}")
            moved = isinstance(batch.to("cpu"), type(batch))
            require(moved, name, "`to` of a batch must return a batch", f"{where} does not")


def _check_weights(task: Task, name: str) -> Model:
    models = []
    for seed in SEEDS:
        seed_everything(seed)
        models.append(task.model(CPU))
    law = "`model` must build a model of one of whyformer's families"
    require(isinstance(models[0], Model), name, law, f"it is a {type(models[0]).__name__}")
    weights = [dict(model.state_dict()) for model in models]
    law = "the initial weights must depend only on the seed of the recipe"
    require(_equal(*weights), name, law, "two models differ")
    return models[0]


def _check_loss(task: Task, model: Model, name: str) -> None:
    model.eval()
    batch = task.batches.batch(0, 0)
    plain, again = (_loss(task, model, batch, 0.0) for _ in range(2))
    require(isinstance(plain, Loss), name, "`loss` must return a `Loss`", f"it is {plain!r}")
    for part, tensor in zip(("smoothed", "nll"), plain, strict=True):
        shape = getattr(tensor, "shape", None)
        require(shape == (), name, f"`{part}` of the loss must be one number", f"it is {shape}")
        require_finite(tensor, name, f"`{part}` of the loss")
    law = "the loss must depend only on model, batch and label smoothing"
    same = torch.equal(plain.smoothed, again.smoothed) and torch.equal(plain.nll, again.nll)
    require(same, name, law, f"it was {plain.smoothed:.6g} and then {again.smoothed:.6g}")
    smoothed = _loss(task, model, batch, 0.1)
    law = "`nll` must not depend on label smoothing"
    close = math.isclose(plain.nll.item(), smoothed.nll.item(), rel_tol=1e-4, abs_tol=1e-6)
    found = f"it is {plain.nll:.6g} without smoothing and {smoothed.nll:.6g} with smoothing"
    require(close, name, law, found)
    require(plain.smoothed.requires_grad, name, "the loss must have a gradient", "it has none")
    model.zero_grad()
    plain.smoothed.backward()
    gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    for parameter, gradient in gradients.items():
        require_finite(gradient, name, f"the gradient of `{parameter}`")
    some = any(bool(gradient.any()) for gradient in gradients.values())
    require(some, name, "the loss must have a gradient", "it is 0 for every parameter")
    model.zero_grad()


def _check_validation(task: Task, model: Model, name: str) -> None:
    found: list[dict[str, Any]] = []
    for training, seed in ((True, SEEDS[0]), (False, SEEDS[1])):
        model.train(training)
        seed_everything(seed)
        with unchanged(model, name, "`validate`"):
            found.append(task.validate(model))
        law = "`validate` must restore the training or evaluation mode of the model"
        require(model.training == training, name, law, f"`training` is {model.training}")
    for wanted in ("loss", task.metric):
        value = found[0].get(wanted)
        law = f'`validate` must return a finite number as "{wanted}"'
        number = isinstance(value, int | float) and math.isfinite(value)
        require(number, name, law, f"it returns {value!r}")
    law = "`validate` must always return the same scores"
    require(found[0] == found[1], name, law, f"it was {found[0]} and then {found[1]}")
    mean, validation = _mean_loss(task, model), found[0]["loss"]
    law = (
        "validation must have the unit of training: before any update, the mean losses of both "
        f"must agree up to a factor of {NEAR:g}"
    )
    agree = validation / NEAR <= mean <= validation * NEAR
    require(agree, name, law, f"they are {validation:.3g} and {mean:.3g}")


def _check_sum(task: Task, larger: Task, model: Model, name: str) -> None:
    """Compare the mean losses of small and large batches.

    Args: larger: the same task with large batches.
    """
    one, other = _mean_loss(task, model), _mean_loss(larger, model)
    tokens, more = task.batches.batch(0, 0).tokens, larger.batches.batch(0, 0).tokens
    agree = one / SUM_NEAR <= other <= one * SUM_NEAR
    law = "`loss` must be a sum over the `tokens` of a batch, not a mean"
    found = f"loss / tokens is {one:.3g} with {counted(tokens, 'token')}, {other:.3g} with {more}"
    require(agree, name, law, found)


def _mean_loss(task: Task, model: Model) -> float:
    """Return the mean loss over the first batches of an epoch."""
    total = tokens = 0.0
    model.eval()
    for index in range(min(task.batches.count(0), MAX_SUMMED)):
        batch = task.batches.batch(0, index)
        # Gradients stay enabled, because a fused loss is computed only with them.
        total += _loss(task, model, batch, 0.0).smoothed.item()
        tokens += batch.tokens
    return total / tokens


def _check_metrics(task: Task, name: str) -> None:
    for metric in (*task.available_metrics(), task.metric):
        higher = task.higher_is_better(metric)
        law = f"`higher_is_better` of `{metric}` must be true or false"
        require(isinstance(higher, bool), name, law, f"it is {higher!r}")
    try:
        task.higher_is_better("no-such-metric")
    except ConfigError:
        return
    law = "`higher_is_better` must raise ConfigError for an unknown metric"
    require(False, name, law, "it raises nothing")


def _check_bundle(task: Task, model: Model, folder: Path, name: str) -> None:
    made = task.bundle(model, {"checked": True})
    require(isinstance(made, Bundle), name, "`bundle` must return a `Bundle`", f"it is {made!r}")
    law = "`bundle` must keep the given facts"
    require(made.facts.get("checked") is True, name, law, f"its facts are {sorted(made.facts)}")
    try:
        save_bundle(folder, made)
        read = load_bundle(folder)
    except (WhyformerError, TypeError, ValueError) as error:
        raise BrokenLaw(
            f"{name}: it must be possible to save and load a bundle, but: {error}"
        ) from error
    law = "a loaded model must have the saved weights"
    same = _equal(dict(model.state_dict()), dict(read.model.state_dict()))
    require(same, name, law, "the weights differ")


def _check_preview(task: Task, file: Path, name: str) -> None:
    texts, tensors = task.preview(task.batches.batch(0, 0))
    law = "the first result of `preview` must be a list of dicts of texts"
    fits = isinstance(texts, list) and all(isinstance(one, dict) for one in texts)
    fits = fits and all(isinstance(text, str) for one in texts for text in one.values())
    require(fits, name, law, f"it is {texts!r:.80}")
    json.dumps(texts)
    for key, tensor in tensors.items():
        law = "the second result of `preview` must be a dict of tensors"
        require(isinstance(tensor, Tensor), name, law, f"`{key}` is {tensor!r:.80}")
    save_tensors(tensors, file)


def _check_learning(task: Task, name: str) -> None:
    model, batch = task.model(CPU), task.batches.batch(0, 0)
    before = _loss(task, model.eval(), batch, 0.0).smoothed.item()
    settings = task.recipe.training.model_copy(
        update={
            "updates": UPDATES, "learning_rate": RATE, "schedule": "constant", "warmup": 1,
            "accumulate": 1, "label_smoothing": 0.0, "minutes": None,
        }
    )  # fmt: skip
    state = start(model, settings)
    for _ in fit(
        state, _One(batch), settings, d_model=task.recipe.model.d_model, loss_of=task.loss
    ):
        pass
    after = _loss(task, model.eval(), batch, 0.0).smoothed.item()
    law = f"{UPDATES} updates on one batch must lower its loss"
    require(after < before, name, law, f"it went from {before:.4g} to {after:.4g}")


def _check_resuming(recipe: Recipe, folder: Path, name: str) -> None:
    checkpoint = folder / "checkpoint"
    whole = _trained(recipe, folder / "run", RESUMED)
    _trained(recipe, folder / "run", RESUMED // 2, save=checkpoint)
    resumed = _trained(recipe, folder / "run", RESUMED, load=checkpoint)
    law = "a run that is stopped and resumed must equal an uninterrupted run, bit for bit"
    require(_equal(whole, resumed), name, law, f"weights differ after {RESUMED} updates")


def _trained(
    recipe: Recipe,
    run: Path,
    updates: int,
    *,
    save: Path | None = None,
    load: Path | None = None,
) -> dict[str, Tensor]:
    """Open the task again, train, and return the weights after ``updates``."""
    settings = recipe.training.model_copy(update={"updates": RESUMED, "minutes": None})
    task = open_task(recipe, run)
    model = task.model(CPU)
    seed_everything(recipe.training.seed)
    state = start(model, settings)
    if load:
        load_checkpoint(load, state, seed=recipe.training.seed)
    reports = fit(state, task.batches, settings, d_model=recipe.model.d_model, loss_of=task.loss)
    for report in reports:
        if report.step == updates:
            if save:
                save_checkpoint(save, state, {})
            break
    return dict(state.model.state_dict())


class _One:
    """A `BatchSource` that always returns the same batch."""

    def __init__(self, batch: AnyBatch) -> None:
        self._batch = batch

    def count(self, epoch: int) -> int:
        return 1

    def batch(self, epoch: int, index: int) -> AnyBatch:
        return self._batch


@contextlib.contextmanager
def _keep_random_state() -> Iterator[None]:
    """At the end of the `with` block, restore the random state of the caller."""
    streams = random_state()
    try:
        yield
    finally:
        restore_random_state(streams)


def _loss(task: Task, model: nn.Module, batch: AnyBatch, smoothing: float) -> Loss:
    """Return the loss, computed with the same random numbers in each call."""
    seed_everything(0)
    return task.loss(model, batch, smoothing)


def _tensors(batch: AnyBatch) -> dict[str, Tensor]:
    fields = batch._asdict() if hasattr(batch, "_asdict") else vars(batch)  # pyright: ignore
    return {name: value for name, value in fields.items() if isinstance(value, Tensor)}


def _equal(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(tensor, second[name]) for name, tensor in first.items()
    )
