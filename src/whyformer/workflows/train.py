"""Train a model from a recipe: prepare, fit, validate, keep the best; stop and go on anywhere."""

import contextlib
import json
import math
import shutil
import signal
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from whyformer import __version__
from whyformer.bundle import Bundle, save_bundle, save_tensors
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.evaluation.report import evaluate_texts, metric_named
from whyformer.foundation.config import build, parse_yaml
from whyformer.foundation.devices import choose_device
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.files import atomic_directory, write_text
from whyformer.foundation.randomness import seed_everything
from whyformer.models.build import Model, build_model
from whyformer.models.transformer import count_parameters
from whyformer.training.averaging import swapped
from whyformer.training.checkpoints import has_checkpoint, load_checkpoint, save_checkpoint
from whyformer.training.finite import Divergence
from whyformer.training.journal import Journal, TensorBoard
from whyformer.training.loop import TrainingSettings, TrainingState, fit, sequence_loss, start
from whyformer.training.reports import StepReport
from whyformer.workflows.display import Display
from whyformer.workflows.facts import facts_before_training
from whyformer.workflows.lock import only_run_in
from whyformer.workflows.prepare import CorpusBatches, Prepared, data_key, prepare
from whyformer.workflows.recipe import Recipe, Resolved, Tracker, differences, dump

CHECKPOINT_SECONDS = 120
"""Longest time between two checkpoints; validations make one too."""
ENDLESS = 10**9
"""Updates of a run that only measures its speed."""
GREEDY = {"beam": 1, "nbest": 1, "method": "beam", "groups": 1}


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    run: Path
    scores: dict[str, Any]
    """The best validation: step, loss and the metric."""
    updates: int
    interrupted: bool = False
    stopped_early: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "run": str(self.run),
            "scores": self.scores,
            "updates": self.updates,
            "interrupted": self.interrupted,
            "stopped_early": self.stopped_early,
        }


@dataclass
class Progress:
    """What validation has seen so far; checkpoints carry it."""

    best: dict[str, Any] = field(default_factory=dict)
    since_best: int = 0


def train(
    resolved: Resolved, out: Path, *, overwrite: bool = False, quiet: bool = False
) -> Outcome:
    """Train by a recipe into the directory ``out``, or go on with the run that is there.

    ``out`` receives ``model/`` (the best weights so far, ready to use), ``recipe.yaml``,
    ``journal.jsonl``, ``timings.jsonl``, ``checkpoint/`` and the mapped corpus.

    Args: overwrite: forget the run that is there, whatever its recipe.
    Raises: ConfigError when the recipe or the data changed since the run began; OutputError when
        another run works there; Divergence when the loss is not finite.
    """
    with only_run_in(out):
        if overwrite:
            _forget(out)
        with Display(quiet=quiet) as display:
            return _train(resolved.recipe, out, display)


def _train(recipe: Recipe, out: Path, display: Display) -> Outcome:
    known = _known_run(out)
    if known:
        _refuse_changes(recipe, out, known)
    device = choose_device()
    data = prepare(recipe, out, display.preparing)
    settings = recipe.training
    batches = CorpusBatches.of(recipe, data)
    model = fresh_model(recipe, data, device)
    for line in facts_before_training(recipe, data, batches, count_parameters(model), device):
        display.say(line)
    if known:
        settings = settings.model_copy(update={"updates": known["updates"]})
    elif settings.minutes:
        settings = _fit_into_minutes(recipe, data, batches, device, display)
    if not known:
        write_text(out / "recipe.yaml", dump(recipe))
        about = {
            "updates": settings.updates,
            "data_key": data.key,
            "corpus": data.corpus.fingerprint,
            "parameters": count_parameters(model),
            "whyformer": __version__,
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
        }
        write_text(out / "run.json", json.dumps(about, indent=2))
    seed_everything(settings.seed)
    state = start(model, settings)
    progress = Progress()
    if has_checkpoint(out / "checkpoint"):
        progress = Progress(**load_checkpoint(out / "checkpoint", state))
        display.say(f"Going on after update {state.step} of {settings.updates}.")
    return _run(recipe, settings, state, batches, data, progress, out, display)


def _run(
    recipe: Recipe,
    settings: TrainingSettings,
    state: TrainingState,
    batches: CorpusBatches,
    data: Prepared,
    progress: Progress,
    out: Path,
    display: Display,
) -> Outcome:
    every = recipe.validation.every or max(1, math.ceil(settings.updates / 20))
    board = TensorBoard(out) if recipe.validation.track is Tracker.TENSORBOARD else None
    journal = Journal(out, after=state.step)
    saved_at = time.monotonic()
    stopped_early = False

    def save() -> None:
        nonlocal saved_at
        journal.flush()
        save_checkpoint(out / "checkpoint", state, vars(progress))
        saved_at = time.monotonic()

    def out_of_patience() -> bool:
        patience = recipe.validation.patience
        return bool(patience) and progress.since_best >= patience

    with contextlib.ExitStack() as ending:
        for log in (journal, board):
            if log:
                ending.callback(log.close)
        stop = ending.enter_context(_stop_requests())
        ending.enter_context(display.training(settings, state))
        try:
            if not out_of_patience():
                for report in fit(state, batches, settings, d_model=recipe.model.d_model):
                    journal.update(report)
                    if board:
                        board.update(report)
                    display.update(report)
                    if report.step % every == 0 or report.step == settings.updates:
                        scores = _validate(recipe, state, data, progress, report, out)
                        journal.validation(report.step, scores)
                        if board:
                            board.validation(report.step, scores)
                        display.validated(progress, recipe.validation.metric)
                        save()
                        if out_of_patience():
                            stopped_early = True
                            break
                    elif stop.requested or time.monotonic() - saved_at > CHECKPOINT_SECONDS:
                        save()
                    if stop.requested:
                        break
        except Divergence as failure:
            _keep_diagnosis(failure, state, data, out)
            raise
    interrupted = stop.requested and state.step < settings.updates and not stopped_early
    if interrupted:
        display.say(f"Stopped after update {state.step}. The same command goes on from here.")
    return Outcome(out, progress.best, state.step, interrupted, stopped_early)


def _validate(
    recipe: Recipe,
    state: TrainingState,
    data: Prepared,
    progress: Progress,
    report: StepReport,
    out: Path,
) -> dict[str, Any]:
    """Score the weights that would be kept; keep them when they are the best so far."""
    model = state.model
    assert isinstance(model, Model)
    state.average.remember(model)
    weights = state.average.weights(model)
    with swapped(model, weights):
        scores = validation_scores(recipe, model, data)
    metric = recipe.validation.metric
    higher = metric != "loss" and metric_named(metric).higher_is_better
    former = progress.best.get(metric)
    if former is None or (scores[metric] > former if higher else scores[metric] < former):
        progress.best = {"step": report.step, **scores}
        progress.since_best = 0
        facts = {
            "decoding": recipe.decoding.model_dump(mode="json"),
            "validation": progress.best,
            "description": recipe.description,
        }
        bundle = Bundle(model, data.source_tokenizer, data.target_tokenizer, facts)
        save_bundle(out / "model", bundle, weights=weights)
    else:
        progress.since_best += 1
    return scores


def validation_scores(recipe: Recipe, model: Model, data: Prepared) -> dict[str, Any]:
    """Return the mean loss in nats a token over the dev set, and the metric of a decoded part."""
    batches = CorpusBatches(
        data.dev_corpus,
        seed=0,
        budget_tokens=recipe.training.batch_tokens,
        tokenizers=(data.source_tokenizer, data.target_tokenizer),
    )
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    total = tokens = 0.0
    with torch.no_grad():
        for index in range(batches.count(0)):
            batch = batches.batch(0, index).to(device)
            total += sequence_loss(model, batch, 0.0).nll.item()
            tokens += batch.tokens
    model.train(was_training)
    scores: dict[str, Any] = {"loss": total / tokens}
    metric = recipe.validation.metric
    if metric == "loss":
        return scores
    items = data.dev[: recipe.validation.sentences]
    translator = Translator([model], data.source_tokenizer, data.target_tokenizer)
    search = SearchSettings.model_validate(recipe.decoding.model_dump() | GREEDY)
    texts = [t.text for t in translator.translate([item.source for item in items], search)]
    found = evaluate_texts(
        [texts], [item.references for item in items], [metric], names=["model"], resamples=0
    )
    scores[metric] = found.scores["model"][0].value
    return scores


def fresh_model(recipe: Recipe, data: Prepared, device: torch.device) -> Model:
    """Return the recipe's model with the starting weights of its seed."""
    seed_everything(recipe.training.seed)
    sizes = (len(data.source_tokenizer), len(data.target_tokenizer))
    return build_model(recipe.model, sizes, shared=data.shared, device=device)


def _fit_into_minutes(
    recipe: Recipe,
    data: Prepared,
    batches: CorpusBatches,
    device: torch.device,
    display: Display,
) -> TrainingSettings:
    """Measure the speed with a throw-away model and return settings with the updates that fit."""
    settings = recipe.training
    assert settings.minutes is not None
    display.say("Measuring the speed of this machine …")
    model = fresh_model(recipe, data, device)
    endless = settings.model_copy(update={"updates": ENDLESS})
    reports = fit(start(model, endless), batches, endless, d_model=recipe.model.d_model)
    for _ in range(5):
        next(reports)
    began, paces = time.perf_counter(), []
    while len(paces) < 40 and time.perf_counter() - began < 10:
        paces.append(next(reports).seconds)
    # The median, for another program's burst shall not decide the length of the run.
    step_seconds = statistics.median(paces)
    began = time.perf_counter()
    validation_scores(recipe, model, data)
    # An untrained model never says eos and is decoded to the length limit: a bound from above.
    validations = 20 if not recipe.validation.every else 0
    spare = min(0.15 * 60 * settings.minutes, validations * (time.perf_counter() - began))
    updates = max(20, int(0.97 * (60 * settings.minutes - spare) / step_seconds))
    display.say(f"{1000 * step_seconds:.0f} ms an update: {updates} updates in this time.")
    return settings.model_copy(update={"updates": updates})


def _known_run(out: Path) -> dict[str, Any] | None:
    path = out / "run.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _refuse_changes(recipe: Recipe, out: Path, known: dict[str, Any]) -> None:
    text = (out / "recipe.yaml").read_text(encoding="utf-8")
    former = build(Recipe, parse_yaml(text, "recipe.yaml")[0], where=str(out / "recipe.yaml"))
    changed = differences(former, recipe.model_copy(update={"preset": None}))
    if changed:
        raise ConfigError(
            f"The run in `{out}` was begun with another recipe ({'; '.join(changed)}). "
            "Use the former values to go on, another --out, or --overwrite to begin anew."
        )
    if data_key(recipe, out) != known["data_key"]:
        raise ConfigError(
            f"The data of the run in `{out}` has changed since it was begun. Restore the former "
            "files to go on, or choose another --out, or --overwrite to begin anew."
        )


def _forget(out: Path) -> None:
    """Drop what a former run left, but nothing that is not ours."""
    for name in ("checkpoint", "model", "diagnosis", "tokenizers", "corpus", "corpus-dev"):
        shutil.rmtree(out / name, ignore_errors=True)
    for name in ("run.json", "recipe.yaml", "journal.jsonl", "timings.jsonl", "stdin.tsv"):
        (out / name).unlink(missing_ok=True)


def _keep_diagnosis(failure: Divergence, state: TrainingState, data: Prepared, out: Path) -> None:
    """Write the failed batch and the state before it, for `whyformer diagnose`."""
    batch = failure.batch
    texts = [data.corpus.texts(int(index)) for index in batch.indices]
    story = {
        "step": failure.step,
        "first": failure.first,
        "kind": failure.kind,
        "advice": failure.advice,
        "loss": repr(failure.loss),
        "norm": repr(failure.norm),
        "message": str(failure),
        "batch": [{"source": source, "target": target} for source, target in texts],
    }
    with atomic_directory(out / "diagnosis") as directory:
        (directory / "diagnosis.json").write_text(
            json.dumps(story, indent=2, ensure_ascii=False), encoding="utf-8"
        )
        tensors = {"source": batch.source, "target": batch.target, "labels": batch.labels}
        save_tensors(tensors, directory / "batch.safetensors")
    save_checkpoint(out / "diagnosis" / "state", state, {})


@dataclass
class _Stop:
    requested: bool = False


@contextlib.contextmanager
def _stop_requests() -> Iterator[_Stop]:
    """Turn Ctrl-C and SIGTERM into a request; a second Ctrl-C ends at once."""
    stop = _Stop()

    def ask(number: int, frame: object) -> None:
        if stop.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.requested = True

    try:
        former = {s: signal.signal(s, ask) for s in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: signals stay with whoever has them
        former = {}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
