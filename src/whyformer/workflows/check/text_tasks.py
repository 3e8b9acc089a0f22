"""The checks before a long run for language models, encoders, classifiers and taggers."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from whyformer.data.labelled import LabelledBatch, LabelledRows
from whyformer.data.pretraining_rows import PretrainingBatch, PretrainingRows
from whyformer.data.rows import TextBatch
from whyformer.data.tagged import NOTHING, TaggedBatch, TaggedRows
from whyformer.foundation.devices import choose_device
from whyformer.foundation.wording import counted
from whyformer.models.bert import BERT
from whyformer.models.build import Model, TextModel
from whyformer.models.electra import Electra
from whyformer.recipes.recipe import Recipe
from whyformer.tasks.build import open_task
from whyformer.tasks.task import Task
from whyformer.text.symbols import FIRST_BYTE, PAD
from whyformer.training.loop import fit, start
from whyformer.training.state import AnyBatch
from whyformer.workflows.check.trial import (
    Finding,
    Repeated,
    largest,
    memorization_settings,
    rise,
    speed,
    without_dropout,
)

FEW_TOKENS = 1024
"""Number of tokens in the batch that the model must memorize."""
LOOKED_AT = 50
"""Maximum number of batches to try when choosing one that can be memorized."""
NEEDED_FALL = 0.1
"""The loss on the batch to memorize must fall to this fraction of the initial loss."""
NEARLY_EQUAL = 1e-3
"""Maximum difference between vectors or logits that should be equal up to rounding."""
STEPS = 24
"""Number of tokens in the check of incremental decoding."""


def task_findings(task: Task, out: Path, say: Callable[[str], None]) -> Iterator[Finding]:
    """Yield the results of the checks, for all tasks except translation.

    Args: out: directory of prepared data. say: called with progress messages.
    """
    recipe, device = task.recipe, choose_device()
    few = open_task(_small(recipe), out)
    say("Checking gradients and memorizing one batch …")
    yield _gradients(recipe, task, task.model(device))
    model, batch, finding = _overfit(recipe, few, few.model(device))
    yield finding
    if isinstance(batch, TextBatch | PretrainingBatch | LabelledBatch | TaggedBatch):
        yield from _input_findings(few, model, batch)
    else:
        detail = f"whyformer does not know which fields of `{type(batch).__name__}` are inputs"
        yield Finding("inputs are not checked", True, detail)
    say("Timing updates and testing the largest batch …")
    yield speed(recipe, task.model(device), task.batches, task.loss, task.unit)
    biggest = task.batches.batch(0, int(np.argmax(_areas(task.batches))))
    shape = counted(biggest.tokens, task.unit.removesuffix("s"))
    if isinstance(biggest, TextBatch | PretrainingBatch | LabelledBatch | TaggedBatch):
        rows, width = _read(biggest).shape
        shape = f"{counted(rows, 'row')} of up to {counted(width, 'token')}"
    yield largest(recipe, task.model(device), biggest, task.loss, shape)


def _input_findings(
    task: Task, model: Model, batch: TextBatch | PretrainingBatch | LabelledBatch | TaggedBatch
) -> Iterator[Finding]:
    """Check how the outputs depend on the inputs. Args: batch: the batch that was memorized."""
    if isinstance(batch, PretrainingBatch):
        yield _sees(model, batch)
    else:
        yield _reads(task, model, batch)
    if not isinstance(batch, TextBatch):
        yield _padding(model, batch)
    elif isinstance(model, TextModel):
        yield _leak(task, model, batch)
        yield _later(model, batch)
        if batch.documents is not None and (batch.documents > 0).any():
            yield _other_documents(model, batch)
        yield _one_by_one(model, batch)


def _small(recipe: Recipe) -> Recipe:
    """Return the recipe with changed settings, for memorizing one small batch."""
    budget = min(recipe.training.batch_tokens, FEW_TOKENS)
    training = recipe.training.model_copy(update={"batch_tokens": budget})
    return without_dropout(recipe).model_copy(update={"training": training})


def _gradients(recipe: Recipe, task: Task, model: Model) -> Finding:
    device = next(model.parameters()).device
    batch = task.batches.batch(0, 0).to(device)
    loss = task.loss(model.train(), batch, recipe.training.label_smoothing)
    (loss.smoothed / batch.tokens).backward()
    learning = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    wrong = [n for n, p in learning if p.grad is not None and not p.grad.isfinite().all()]
    silent = [name for name, p in learning if p.grad is None]
    if wrong or not loss.smoothed.isfinite():
        return Finding(
            "gradients are finite",
            False,
            f"loss {loss.smoothed.item() / batch.tokens:.4g}, not finite in "
            f"{', '.join(wrong[:3]) or 'no parameter'}; use smaller initial weights",
        )
    detail = f"{len(learning) - len(silent)} of {len(learning)} parameters have a gradient"
    if silent:
        shown = ", ".join(silent[:4]) + (" …" if len(silent) > 4 else "")
        detail += f"; this task does not use {shown}"
    return Finding("gradients are finite", True, detail)


def _overfit(recipe: Recipe, task: Task, model: Model) -> tuple[Model, Any, Finding]:
    batch = _learnable(task)
    settings = memorization_settings(recipe.training, recipe.model.d_model)
    state = start(model, settings)
    reports = fit(
        state, Repeated([batch]), settings, d_model=recipe.model.d_model, loss_of=task.loss
    )
    least = least_loss(batch) if isinstance(batch, TextBatch) else 0.0
    first = now = math.inf
    steps = 0
    for report in reports:
        steps, now = report.step, report.loss
        if steps == 1:
            first = now
        if now - least < NEEDED_FALL * (first - least):
            break
    passed = now - least < NEEDED_FALL * (first - least)
    detail = f"{batch.tokens} {task.unit}: loss {first:.3f} falls to {now:.3f} {task.loss_unit}"
    detail += f" after {counted(steps, 'update')}"
    if least > 0.005:
        detail += f" (the lowest possible loss is {least:.3f})"
    if not passed:
        detail += "; a model that cannot memorize a batch will not learn the data: check the data"
    device = next(model.parameters()).device
    return model.eval(), batch.to(device), Finding("memorizes one batch", passed, detail)


def _learnable(task: Task) -> Any:
    """Return a batch that contains several labels, and in which equal inputs have equal labels."""
    batches = task.batches
    first = batches.batch(0, 0)
    if not isinstance(first, LabelledBatch | TaggedBatch):
        return first
    varied: dict[int, AnyBatch] = {}
    for index in range(min(LOOKED_AT, batches.count(0))):
        batch = batches.batch(0, index)
        assert isinstance(batch, LabelledBatch | TaggedBatch)
        labels_of: dict[tuple[int, ...], set[tuple[float, ...]]] = defaultdict(set)
        labels = batch.labels if batch.labels.ndim == 2 else batch.labels[:, None]
        for row, label in zip(batch.ids.tolist(), labels.tolist(), strict=True):
            labels_of[tuple(row)].add(tuple(label))
        if max(map(len, labels_of.values())) == 1:
            kinds = batch.labels[batch.labels != NOTHING] if labels.shape[1] > 1 else labels
            varied.setdefault(min(len(kinds.unique()), 5), batch)
    return varied[max(varied)] if varied else first


def least_loss(batch: TextBatch) -> float:
    """Return the lowest possible mean loss on a batch: the entropy of the tokens that follow equal
    prefixes.

    For example, the first token of a text cannot be predicted if the texts start differently.
    """
    documents = torch.zeros_like(batch.labels) if batch.documents is None else batch.documents
    after: dict[int, Counter[int]] = defaultdict(Counter)
    pasts: dict[tuple[int, int], int] = {}
    for labels, numbers in zip(batch.labels.tolist(), documents.tolist(), strict=True):
        past, of = 0, None
        for label, number in zip(labels, numbers, strict=True):
            past, of = (past if number == of else 0), number
            if label != PAD:
                after[past][label] += 1
                past = pasts.setdefault((past, label), len(pasts) + 1)
    total = sum(
        count * math.log(found.total() / count)
        for found in after.values()
        for count in found.values()
    )
    return total / batch.tokens


def _reads(task: Task, model: Model, batch: Any) -> Finding:
    """Check that the loss rises if the input is shuffled. If the loss does not rise, the model does
    not use its input."""
    before, after = (_mean_loss(task, model, one) for one in (batch, _scrambled(batch)))
    return rise("reads its text", "tokens shuffled", task.loss_unit, before, after)


def _sees(model: Model, batch: PretrainingBatch) -> Finding:
    """Check that a change of one token in the middle changes the vectors of all other tokens."""
    row = batch.ids[(batch.ids != PAD).sum(1).argmax()]
    row = row[row != PAD][None]
    place = row.shape[1] // 2
    changed = row.clone()
    changed[0, place] = FIRST_BYTE if row[0, place] != FIRST_BYTE else FIRST_BYTE + 1
    encoder = _encoder(model)
    with torch.no_grad():
        moved = (encoder(changed) - encoder(row)).abs().amax(-1)[0]
    unchanged = int((moved == 0).sum())
    detail = (
        f"replacing token {place} changes {len(moved) - unchanged} of {len(moved)} output vectors"
    )
    if unchanged:
        detail += "; all output vectors must change. This is a bug in whyformer: report it"
    return Finding("every token sees the others", not unchanged, detail)


def _leak(task: Task, model: TextModel, batch: TextBatch) -> Finding:
    """Check that the loss rises if the input is the token to predict.

    In training, the input is the previous token.
    """
    leaked = replace(batch, target=batch.labels)
    before, after = (_mean_loss(task, model, one) for one in (batch, leaked))
    return rise("predicts the next token", "targets shifted by one", task.loss_unit, before, after)


def _later(model: TextModel, batch: TextBatch) -> Finding:
    """Check that a change of the second half of every row does not change outputs of the first
    half."""
    half = batch.target.shape[1] // 2
    changed = torch.cat([batch.target[:, :half], _replaced(batch.target[:, half:])], 1)
    with torch.no_grad():
        before, after = (model.features(x, batch.documents) for x in (batch.target, changed))
    return _same("no token sees a later one", before[:, :half], after[:, :half])


def _other_documents(model: TextModel, batch: TextBatch) -> Finding:
    """Check that a change of the first document of every row does not change outputs of the other
    documents."""
    assert batch.documents is not None
    others = batch.documents > 0
    changed = torch.where(others, batch.target, _replaced(batch.target))
    with torch.no_grad():
        before, after = (model.features(x, batch.documents) for x in (batch.target, changed))
    return _same("no document sees another", before[others], after[others])


def _one_by_one(model: TextModel, batch: TextBatch) -> Finding:
    """Check that the logits are the same if tokens are fed one at a time, as `generate` does."""
    row = batch.target[:1, :STEPS]
    with torch.no_grad():
        state: Any = model.begin(row, None)
        logits = []
        for token in row.unbind(1):
            one, state = model.step(state, token[:, None])
            logits.append(one)
        whole = model(row)
    return _same("incremental decoding is exact", torch.cat(logits)[None], whole)


def _padding(model: Model, batch: Any) -> Finding:
    """Check that the outputs for half of the longest row are the same with and without padding."""
    encoder = _encoder(model)
    ids: Tensor = batch.ids
    row = ids[(ids != PAD).sum(1).argmax()][None]
    half = max(1, row.shape[1] // 2)
    padded = torch.cat([row[:, :half], torch.full_like(row[:, half:], PAD)], 1)
    real = torch.arange(row.shape[1], device=row.device)[None] < half
    with torch.no_grad():
        before, after = encoder(row[:, :half]), encoder(padded, real)[:, :half]
    return _same("padding changes nothing", before, after)


def _encoder(model: Model) -> BERT:
    encoder = model.discriminator if isinstance(model, Electra) else model
    assert isinstance(encoder, BERT)
    return encoder


def _same(name: str, before: Tensor, after: Tensor) -> Finding:
    difference = (before - after).abs().max().item()
    passed = difference < NEARLY_EQUAL
    detail = f"largest difference {difference:.1e}"
    if not passed:
        detail += (
            f"; the difference must be below {NEARLY_EQUAL:g}. This is a bug in whyformer: report "
            "it"
        )
    return Finding(name, passed, detail)


def _mean_loss(task: Task, model: nn.Module, batch: Any) -> float:
    with torch.no_grad():
        return task.loss(model, batch, 0.0).nll.item() / batch.tokens


def _read(batch: Any) -> Tensor:
    return batch.target if isinstance(batch, TextBatch) else batch.ids


def _scrambled(batch: Any) -> Any:
    """Return the batch with its tokens (except special symbols) shuffled, and the same labels."""
    read = _read(batch)
    moving = read >= FIRST_BYTE
    order = torch.randperm(int(moving.sum()), generator=torch.Generator().manual_seed(0))
    mixed = read.clone()
    mixed[moving] = read[moving][order.to(read.device)]
    return replace(batch, **{"target" if isinstance(batch, TextBatch) else "ids": mixed})


def _replaced(ids: Tensor) -> Tensor:
    """Replace every token by the next token id that occurs in ``ids``; keep special symbols."""
    moving = ids >= FIRST_BYTE
    known = ids[moving].unique()
    replaced = ids.clone()
    if len(known):
        replaced[moving] = known[(torch.searchsorted(known, ids[moving]) + 1) % len(known)]
    return replaced


def _areas(batches: Any) -> Sequence[int]:
    """Return rows × (longest row)² of every batch."""
    if isinstance(batches, LabelledRows | TaggedRows):
        lengths, plan = batches.lengths, batches.plan(0)
    elif isinstance(batches, PretrainingRows):
        rows, plan = batches.plan(0)
        lengths = np.array([row.length for row in rows], dtype=np.int64)
    else:
        return [1]
    return [len(batch) * int(lengths[batch].max()) ** 2 for batch in plan]
