"""Train a model with a recipe: prepare data, train, validate, save the best weights, resume."""

import contextlib
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from whyformer import __version__
from whyformer.acceleration import thresholds
from whyformer.bundle import PLUGINS, save_bundle
from whyformer.data.held_out import FEW
from whyformer.data.mapped import refuse_changed_files
from whyformer.foundation.devices import choose_device
from whyformer.foundation.errors import ConfigError, PluginError
from whyformer.foundation.files import (
    recover_directory,
    remove_leftovers,
)
from whyformer.foundation.joining import joined
from whyformer.foundation.model_files import RUN_ID
from whyformer.foundation.plugins import recorded, used_by
from whyformer.foundation.randomness import (
    random_state,
    restore_random_state,
    seed_everything,
    seed_of_rank,
)
from whyformer.foundation.ranks import Ranks
from whyformer.foundation.torchrun import restarts
from whyformer.foundation.wording import counted
from whyformer.models.build import Model
from whyformer.models.transformer import count_parameters
from whyformer.recipes.recipe import Recipe, Resolved, Tracker, dump
from whyformer.recipes.run_length import RunLength
from whyformer.tasks.build import open_task
from whyformer.tasks.items import GivenItems, forget_items, keep_items
from whyformer.tasks.standard_input import forget_input, refuse_other_input
from whyformer.tasks.task import Caution, Task
from whyformer.tasks.teaching import Teachers
from whyformer.training.checkpoints import (
    BEFORE_FALL,
    CHECKPOINT,
    has_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from whyformer.training.distillation import Level
from whyformer.training.distributed import LossOf
from whyformer.training.finite import Divergence
from whyformer.training.journal import JOURNAL, Journal, TensorBoard, read_journal
from whyformer.training.loop import fit, start
from whyformer.training.memory import refuse_state
from whyformer.training.outlook import is_perfect, outlook_of
from whyformer.training.reports import Step, StepReport
from whyformer.training.schedules import end_of_constant
from whyformer.training.selection import Selection
from whyformer.training.state import TrainingState
from whyformer.workflows.display import Display
from whyformer.workflows.learning_curve import LearningCurve
from whyformer.workflows.reading_of_training import reading_facts
from whyformer.workflows.report.training_page import TrainingPage
from whyformer.workflows.runs.completeness import (
    AFTER,
    refuse_missing_checkpoint,
    refuse_other_checkpoint,
    started_after,
)
from whyformer.workflows.runs.continuing import Continuation, refuse_own_source
from whyformer.workflows.runs.converting import convert_at_the_end
from whyformer.workflows.runs.earlier import (
    forget,
    has_updates,
    prepared_whole,
    refuse_changes,
    refuse_other_plugins,
)
from whyformer.workflows.runs.failure import keep_diagnosis
from whyformer.workflows.runs.lock import only_run_in
from whyformer.workflows.runs.outcome import Outcome
from whyformer.workflows.runs.prepared import identities, old_parts
from whyformer.workflows.runs.run_file import (
    CHOICES,
    THRESHOLDS,
    read_run,
    thresholds_of_run,
    write_run,
)
from whyformer.workflows.stopping import StopRequests, stop_requests
from whyformer.workflows.verdict.verdict import verdict_at_the_end

CHECKPOINT_SECONDS = 120
"""Maximum time between two checkpoints. Each validation also writes a checkpoint."""


def train(
    resolved: Resolved,
    out: Path,
    *,
    items: GivenItems | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> Outcome:
    """Train a recipe in the directory ``out``, or resume the run in it.

    The files written to ``out`` are ``model/`` (the best weights so far, ready to use),
    ``recipe.yaml``, ``journal.jsonl``, ``timings.jsonl``, ``training.html`` (the learning curve),
    ``checkpoint/`` and the mapped corpus.

    Under torchrun, all ranks must call this; rank 0 writes, validates and prints. After a restart
    by torchrun (`--max-restarts`), the ranks resume the run.

    Args:
        items: data given in Python, for a recipe whose `data.train` or `data.dev` is `ITEMS`.
        overwrite: delete an existing run in ``out``, even if its recipe differs.
    Raises: ConfigError if the recipe or the data changed since the start of the run; OutputError
        if another process trains in ``out``; Divergence if the loss is not finite.
    """
    steps = training_steps(
        resolved, out, items=items, overwrite=overwrite, quiet=quiet, unattended=True
    )
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def training_steps(
    resolved: Resolved,
    out: Path,
    *,
    items: GivenItems | None = None,
    overwrite: bool = False,
    quiet: bool = False,
    unattended: bool = False,
) -> Generator[Step, None, Outcome]:
    """Train like `train`, and yield a step after every update.

    If the caller closes the generator, or throws an exception into it, a checkpoint is written
    first. Random numbers that the caller draws between two steps do not change the run.

    Args:
        unattended: True if the caller runs no code between two steps. With True, Ctrl-C and SIGTERM
            between two steps are also handled as requests to stop.
    """
    with joined() as ranks, contextlib.ExitStack() as held:
        if ranks.first:
            held.enter_context(only_run_in(out))
            recover_directory(out / "model")
            remove_leftovers(out)
            refuse_own_source(resolved.recipe, out)
            if not restarts():
                if overwrite:
                    forget(out)
                forget_input(out)
                forget_items(out)
                data = resolved.recipe.data
                refuse_other_input([*data.train, *data.dev], out)
                if items is not None:
                    keep_items(items, resolved.recipe, out)
        ranks.wait()
        display = held.enter_context(Display(quiet=quiet, silent=not ranks.first))
        return (yield from _train(resolved, out, display, ranks, unattended=unattended))


def _train(
    resolved: Resolved, out: Path, display: Display, ranks: Ranks, *, unattended: bool
) -> Generator[Step, None, Outcome]:
    recipe = resolved.recipe
    known = read_run(out)
    if known:
        try:
            refuse_other_plugins(out, known.get(PLUGINS, []))
            refuse_changes(recipe, out, known)
        except ConfigError:
            if has_updates(out, started_after(known)):
                raise
            known = None  # there is no update to resume from, so use the new recipe and plugins
    with thresholds.using(ranks.broadcast(thresholds_of_run(recipe, known))):
        return (
            yield from _prepare_and_run(resolved, out, display, ranks, known, unattended=unattended)
        )


def _prepare_and_run(
    resolved: Resolved,
    out: Path,
    display: Display,
    ranks: Ranks,
    known: dict[str, Any] | None,
    *,
    unattended: bool,
) -> Generator[Step, None, Outcome]:
    """Train with the thresholds in use.

    Args: known: the description of the run to resume; None for a new run.
    """
    recipe = resolved.recipe
    device = ranks.device or choose_device()
    if not ranks.first:
        ranks.wait()  # rank 0 prepares the data first
    before = identities(out)
    with prepared_whole(out):
        task = open_task(recipe, out, display.preparing)
    if known and ranks.first:
        for line in old_parts(known, before, task.fingerprint, out):
            display.warn(line)
    if ranks.first:
        ranks.wait()
    task.higher_is_better(task.metric)  # this raises an error if the metric is unknown
    settings = recipe.training
    model = task.model(device)
    if not isinstance(model, Model):
        raise PluginError(
            f"The task `{recipe.task}` must build a model of one of whyformer's families, but it "
            f"builds `{type(model).__name__}`. Use `whyformer.models.build.build_model`."
        )
    refuse_state(settings, count_parameters(model), device, ranks.count)
    for line in task.facts(count_parameters(model), device):
        (display.warn if isinstance(line, Caution) else display.say)(line)
    for number, choice in enumerate(resolved.choices):
        display.say(f"{'' if number else 'chosen':<11} {choice.described()}")
    own = ranks.broadcast(ranks.first and has_checkpoint(out / CHECKPOINT))
    continued = ranks.broadcast(Continuation.of(recipe) if ranks.first and not own else None)
    after = started_after(known) or (continued.step if continued else 0)
    if continued:
        continued.refuse_other_step(after)
    length = RunLength(
        recipe,
        out,
        known,
        ranks,
        after=after,
        expected=continued.expected(settings.minutes) if continued else None,
        of_epoch=task.batches.count(0) if settings.epochs is not None else None,
    )
    if not known and ranks.first:
        if problem := settings.problem_of_warmup(length.fixed_updates):
            display.warn(problem)
        length.write()
        about = {
            "updates": length.fixed_updates,
            "data_key": task.key,
            "corpus": task.fingerprint,
            "parameters": count_parameters(model),
            "whyformer": __version__,
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "ranks": ranks.count,
            THRESHOLDS: dict(thresholds.current()),
        }
        if continued:
            continued.refuse_other_data(about)
            continued.copy_history(out)
            about[AFTER] = after
        if resolved.choices:
            about[CHOICES] = [vars(choice) for choice in resolved.choices]
        if needed := used_by(recipe):
            about[PLUGINS] = recorded(needed)
        write_run(out, dump(recipe), about)
    identity = ranks.broadcast((read_run(out) or {}).get(RUN_ID, "") if ranks.first else "")
    seed_everything(seed_of_rank(settings.seed, ranks.rank))
    state = start(model, settings, ranks)
    selection = Selection()
    if own:
        kept = load_checkpoint(out / CHECKPOINT, state, seed=settings.seed)
        refuse_other_checkpoint(out, kept, identity)
        kept.pop(RUN_ID, None)
        length.resume(kept.pop("pace", None), state.step)
        selection = Selection(**kept)
        planned = length.updates_at(state.step)
        display.say(f"Resuming after update {state.step}{f' of {planned}' if planned else ''}.")
    else:
        if ranks.first and known and (done := refuse_missing_checkpoint(out, after)):
            display.warn(
                "This run ended before its first checkpoint. Repeating its "
                f"{counted(done, 'update')}."
            )
        if continued:
            continued.load(state, settings.seed)
            display.say(f"Continuing `{continued.run}` after update {state.step}.")
    outcome = yield from _run(
        recipe, length, state, task, selection, out, display, identity, unattended=unattended
    )
    return _judged(outcome, task, display, identity) if ranks.first else outcome


def _judged(outcome: Outcome, task: Task, display: Display, identity: str) -> Outcome:
    """Convert a run that is complete, and add the outlook and the verdict to its outcome."""
    if outcome.interrupted or not outcome.scores:
        return outcome
    metric, expected = task.metric, None
    higher = task.higher_is_better(metric)
    if not is_perfect(metric, outcome.scores.get(metric), higher=higher):
        ends_in_warmup = task.recipe.training.problem_of_warmup(outcome.updates)
        expected = None if ends_in_warmup else outlook_of(read_journal(outcome.run), metric)
    items = task.validation_items
    if items is not None and items < FEW:
        expected = None  # with so few items, the loss is not reliable
    if expected:
        display.say(expected.described())
    conversion, problem = convert_at_the_end(task, outcome.run, say=display.say)
    if problem:
        display.warn(problem)
    found, problem = verdict_at_the_end(
        task, outcome.run, identity=identity, step=outcome.scores["step"], say=display.say
    )
    if problem:
        display.warn(problem)
    return replace(outcome, verdict=found, outlook=expected, conversion=conversion)


def _run(
    recipe: Recipe,
    length: RunLength,
    state: TrainingState,
    task: Task,
    selection: Selection,
    out: Path,
    display: Display,
    identity: str,
    *,
    unattended: bool,
) -> Generator[Step, None, Outcome]:
    ranks = state.parallelism.ranks
    patience = recipe.validation.patience
    tracked = recipe.validation.track is Tracker.TENSORBOARD
    board = TensorBoard(out, after=state.step) if tracked and ranks.first else None
    journal = Journal(out, after=state.step) if ranks.first else None
    if journal and journal.missing:
        display.warn(
            f"warning: `{out / JOURNAL}` lacks these updates: {journal.missing}. The model is not "
            "affected, but the journal stays incomplete."
        )
    curve = LearningCurve(task.metric)
    if ranks.first:
        curve.read(read_journal(out))
    page = TrainingPage(out, curve) if ranks.first else None
    saved_at = time.monotonic()
    stopped_early = interrupted = False

    def save(name: str = CHECKPOINT) -> None:
        nonlocal saved_at
        refuse_changed_files()
        if journal:
            journal.flush()
        kept = {**vars(selection), **length.to_json(state.step), RUN_ID: identity}
        save_checkpoint(out / name, state, kept)
        saved_at = time.monotonic()

    with contextlib.ExitStack() as ending:
        for log in (journal, board, page):
            if log:
                ending.callback(log.close)
        stop = ending.enter_context(stop_requests())
        ending.enter_context(display.training(length, state.step, task.unit, curve))
        updates = fit(
            state,
            task.batches,
            recipe.training,
            d_model=recipe.model.d_model,
            loss_of=_training_loss(task, state.model),
            timetable=length.timetable,
        )
        try:
            if not selection.out_of_patience(patience):
                for report in updates:
                    stop_now = ranks.any(stop.requested)
                    late = time.monotonic() - saved_at > CHECKPOINT_SECONDS
                    late, decision = ranks.broadcast((late, length.decide(report.step)))
                    if decision:
                        length.record(decision)
                    if journal:
                        journal.update(report)
                    if _before_fall(recipe, length, report.step):
                        with length.saving():
                            save(BEFORE_FALL)
                    if board:
                        board.update(report)
                    curve.update(report)
                    display.update(report, length)
                    if page:
                        page.update(report.step, length.updates_at(report.step))
                    scores: dict[str, Any] = {}
                    validated = length.validates(report.step)
                    if validated:
                        with length.validating():
                            scores = _validate(
                                recipe, state, task, selection, report, out, identity
                            )
                            for log in (journal, board):
                                if log:
                                    log.validation(report.step, scores)
                            curve.validated(report.step, scores)
                            selection = ranks.broadcast(selection)
                            display.validated(selection, task.metric)
                            save()
                    elif stop_now or late:
                        with length.saving():
                            save()
                    planned = length.updates_at(report.step)
                    step = Step.of(report, scores, metric=task.metric, planned=planned)
                    try:
                        if unattended:
                            yield step
                        else:
                            with _running_callers_code(stop):
                                yield step
                    except BaseException:  # the caller stops iterating
                        if not (validated or stop_now or late):
                            save()
                        raise
                    if validated and selection.out_of_patience(patience):
                        stopped_early = True
                        break
                    if stop_now:
                        interrupted = not length.ends(report.step)
                        break
        except Divergence as failure:
            keep_diagnosis(failure, state, task, out)
            raise
    if interrupted:
        display.say(f"Stopped after update {state.step}. Run the same command again to resume.")
    notes = _notes(selection, task, patience if stopped_early else 0)
    if length.fixed_updates is None and not interrupted:  # otherwise known at the start
        notes += tuple(filter(None, [recipe.training.problem_of_warmup(state.step)]))
    for note in notes:
        display.warn(note)
    return Outcome(out, selection.best, state.step, interrupted, stopped_early, notes=notes)


def _training_loss(task: Task, model: nn.Module) -> LossOf:
    """Return the loss that training minimizes: that of the task, or with teachers."""
    if not task.recipe.distil.teachers or task.recipe.distil.level is Level.SEQUENCE:
        return task.loss
    assert isinstance(model, Model)
    device = next(model.parameters()).device
    return Teachers(task, task.bundle(model, {}), device).loss


def _before_fall(recipe: Recipe, length: RunLength, step: int) -> bool:
    """Return whether the learning rate falls after update ``step`` from a constant value."""
    if end_of_constant(recipe.training.schedule) is None or length.updates_at(step) is None:
        return False
    before, now, after = (
        length.timetable.learning_rate(
            recipe.training.schedule,
            at,
            peak=recipe.training.learning_rate,
            warmup=recipe.training.warmup,
            d_model=recipe.model.d_model,
        )
        for at in (max(1, step - 1), step, step + 1)
    )
    return step > 1 and before == now > after and not length.ends(step)


@contextlib.contextmanager
def _running_callers_code(stop: StopRequests) -> Iterator[None]:
    """While the caller's code runs in the `with` block, use the usual signal handlers and the
    thresholds of the machine. After the block, restore the random state."""
    streams = random_state()
    try:
        with stop.suspended(), thresholds.using_those_of_machine():
            yield
    finally:
        restore_random_state(streams)


def _notes(selection: Selection, task: Task, patience: int) -> tuple[str, ...]:
    """Return notes on the choice of the weights.

    Args: patience: the patience that ended the run early; 0 if the run did not stop early.
    """
    metric = task.metric
    early = (
        f"Stopped early: neither {metric} nor the loss improved in "
        f"{counted(patience, 'validation')} "
        f"(--validation.patience {patience})."
    )
    stuck = selection.stuck(metric, higher=task.higher_is_better(metric))
    return (*([early] if patience else []), *([stuck] if stuck else []))


def _validate(
    recipe: Recipe,
    state: TrainingState,
    task: Task,
    selection: Selection,
    report: StepReport,
    out: Path,
    identity: str,
) -> dict[str, Any]:
    """Validate the (averaged) weights, and save them if they are the best so far.

    All ranks must call this; rank 0 validates and saves.
    """
    state.average.add_checkpoint(state.model)
    with state.parallelism.whole(state.average.weights(state.model)) as model:
        if model is None:
            return {}
        return _score_and_save(recipe, model, task, selection, report, out, identity)


def _score_and_save(
    recipe: Recipe,
    model: nn.Module,
    task: Task,
    selection: Selection,
    report: StepReport,
    out: Path,
    identity: str,
) -> dict[str, Any]:
    assert isinstance(model, Model)
    scores = task.validate(model)
    refuse_changed_files()
    higher = task.higher_is_better(task.metric)
    if selection.add(report.step, scores, task.metric, higher=higher):
        facts = {
            RUN_ID: identity,
            "decoding": recipe.decoding.model_dump(mode="json"),
            "validation": selection.best,
            "description": recipe.description,
            **reading_facts(recipe.data),
        }
        save_bundle(out / "model", task.bundle(model, facts))
    return scores
