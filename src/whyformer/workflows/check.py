"""Before a long run: can this recipe learn at all, is the pipeline right, how long will it take?

Five checks on the run's own data and model: 32 pairs are learned by heart, a shuffled source and a
shifted target must hurt, the speed gives the hours, and the largest batch must fit into memory.
"""

import math
import resource
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from whyformer.data.batch import Batch
from whyformer.data.batching import make_batch
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.foundation.devices import choose_device
from whyformer.foundation.errors import ConfigError
from whyformer.models.build import SourceModel
from whyformer.training.loop import TrainingSettings, fit, sequence_loss, start
from whyformer.training.schedules import Schedule
from whyformer.workflows.display import Display
from whyformer.workflows.prepare import CorpusBatches, Prepared, prepare
from whyformer.workflows.recipe import Recipe, Resolved, TaskName
from whyformer.workflows.train import ENDLESS
from whyformer.workflows.translation import fresh_model

PAIRS = 32
MOST_UPDATES = 600
"""Updates within which the pairs must be learned by heart."""
NEEDED_RISE = 0.2
"""Nats a token by which the loss must rise when sources or targets are spoiled."""
PATIENT_STEPS = 12
"""Updates timed after a warm-up of three."""


@dataclass(frozen=True)
class Finding:
    """One check: what was asked, whether it passed, and the numbers."""

    name: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Report:
    """All findings of a recipe."""

    recipe: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(finding.passed for finding in self.findings)

    def render(self) -> str:
        """Return the findings as lines of text."""
        lines = [
            f"{'pass' if finding.passed else 'FAIL'}  {finding.name}: {finding.detail}"
            for finding in self.findings
        ]
        verdict = "ready to train" if self.passed else "do not train yet"
        return "\n".join([*lines, f"{self.recipe}: {verdict}"])

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "recipe": self.recipe,
            "passed": self.passed,
            "findings": [vars(finding) for finding in self.findings],
        }


def check(resolved: Resolved, *, out: Path | None = None, quiet: bool = False) -> Report:
    """Try a recipe on its own data for about a minute and say whether a long run is worth it.

    Args: out: where prepared data may stay for the run to come; None uses a temporary directory.
    """
    recipe = resolved.recipe
    if recipe.task is not TaskName.TRANSLATE:
        raise ConfigError(
            f"`whyformer check` knows the task translate only, but this recipe's is {recipe.task}. "
            "Try it with --training.updates 20 instead."
        )
    with Display(quiet=quiet) as display, tempfile.TemporaryDirectory() as scratch:
        data = prepare(recipe, out or Path(scratch), display.preparing)
        report = Report(resolved.name)
        display.say("Learning 32 pairs by heart …")
        model, batch, finding = _overfit(recipe, data)
        report.findings.append(finding)
        report.findings.append(_shuffled(model, batch))
        report.findings.append(_shifted(model, batch))
        display.say("Timing updates and trying the largest batch …")
        report.findings.append(_speed(recipe, data))
        report.findings.append(_largest(recipe, data))
        return report


class _Repeated:
    """The same batch for ever, as `fit` asks for batches."""

    def __init__(self, batches: list[Batch]) -> None:
        self._batches = batches

    def count(self, epoch: int) -> int:
        """Return the number of batches."""
        return len(self._batches)

    def batch(self, epoch: int, index: int) -> Batch:
        """Return one of them."""
        return self._batches[index]


def _model(recipe: Recipe, data: Prepared) -> SourceModel:
    return fresh_model(recipe, data, choose_device())


def _distinct_pairs(data: Prepared) -> np.ndarray:
    """Return pairs whose sources differ, so that each has one right answer."""
    seen: set[str] = set()
    chosen: list[int] = []
    rng = np.random.default_rng(0)
    for index in rng.permutation(len(data.corpus))[: 50 * PAIRS]:
        source = data.corpus.texts(int(index))[0]
        if source not in seen and data.corpus.target_lengths[index] <= 40:
            seen.add(source)
            chosen.append(int(index))
        if len(chosen) == PAIRS:
            break
    return np.array(chosen or [0], dtype=np.int64)


def _overfit(recipe: Recipe, data: Prepared) -> tuple[SourceModel, Batch, Finding]:
    by_heart = recipe.model_copy(update={"model": recipe.model.model_copy(update={"dropout": 0.0})})
    model = _model(by_heart, data)
    indices = _distinct_pairs(data)
    batch = make_batch(data.corpus, indices)
    settings = recipe.training.model_copy(
        update={
            "updates": MOST_UPDATES,
            "label_smoothing": 0.0,
            "accumulate": 1,
            "learning_rate": min(recipe.training.learning_rate, 2e-3)
            if recipe.training.schedule is not Schedule.NOAM
            else 2e-3,
            "schedule": Schedule.CONSTANT,
            "warmup": 30,
            "clip": recipe.training.clip or 1.0,
        }
    )
    texts = [data.corpus.texts(int(i)) for i in indices]
    translator = Translator([model], data.source_tokenizer, data.target_tokenizer)
    search = SearchSettings(beam=1, max_length=int(batch.labels.shape[1]) + 4)
    steps = right = 0
    state = start(model, settings)
    for report in fit(state, _Repeated([batch]), settings, d_model=recipe.model.d_model):
        steps = report.step
        if steps % 50 == 0 and report.nll < 0.1:
            answers = translator.translate([source for source, _ in texts], search)
            right = sum(a.text == target for a, (_, target) in zip(answers, texts, strict=True))
            if right == len(texts):
                break
    passed = right == len(texts)
    detail = f"{right} of {len(texts)} reproduced exactly after {steps} updates"
    if not passed:
        detail += "; a model that cannot learn these will not learn the rest: check the pairs"
    return model.eval(), batch, Finding("learns 32 pairs by heart", passed, detail)


def _mean_loss(model: SourceModel, batch: Batch) -> float:
    with torch.no_grad():
        device = next(model.parameters()).device
        return sequence_loss(model, batch.to(device), 0.0).nll.item() / batch.tokens


def _shuffled(model: SourceModel, batch: Batch) -> Finding:
    """Give every target a wrong source: a model that reads its source must lose."""
    rolled = replace(
        batch,
        source=batch.source.roll(1, 0),
        source_real=None if batch.source_real is None else batch.source_real.roll(1, 0),
    )
    return _rise("reads the source", "sources shuffled", model, batch, rolled)


def _shifted(model: SourceModel, batch: Batch) -> Finding:
    """Let the decoder read the very token it must say: the right pipeline was not trained so."""
    leaked = replace(batch, target=batch.labels)
    return _rise("predicts the next token", "targets shifted by one", model, batch, leaked)


def _rise(name: str, what: str, model: SourceModel, batch: Batch, spoiled: Batch) -> Finding:
    before, after = _mean_loss(model, batch), _mean_loss(model, spoiled)
    passed = after - before > NEEDED_RISE
    detail = f"loss {before:.3f} becomes {after:.3f} nats a token with {what}"
    if not passed:
        detail += (
            f"; it must rise by {NEEDED_RISE}: the {what.split()[0]} do not matter to the model"
        )
    return Finding(name, passed, detail)


def _speed(recipe: Recipe, data: Prepared) -> Finding:
    settings = recipe.training
    batches = CorpusBatches.of(recipe, data)
    endless = settings.model_copy(update={"updates": ENDLESS})
    reports = fit(
        start(_model(recipe, data), endless), batches, endless, d_model=recipe.model.d_model
    )
    for _ in range(3):
        next(reports)
    timed = [next(reports) for _ in range(PATIENT_STEPS)]
    seconds = sum(r.seconds for r in timed) / len(timed)
    speed = sum(r.tokens for r in timed) / sum(r.seconds for r in timed)
    if settings.minutes:
        length = f"{settings.minutes:g} minutes were asked for: about "
        length += f"{60 * settings.minutes / seconds:,.0f} updates"
    else:
        length = (
            f"{settings.updates:,} updates take about {settings.updates * seconds / 3600:.2f} h"
        )
    epochs = batches.count(0) / settings.accumulate
    detail = (
        f"{1000 * seconds:.0f} ms an update, {speed:,.0f} target tokens a second; {length}, "
        f"an epoch is {epochs:,.0f} updates"
    )
    return Finding("speed", math.isfinite(seconds), detail)


def _largest(recipe: Recipe, data: Prepared) -> Finding:
    batches = CorpusBatches.of(recipe, data)
    plan = batches.plan(0)
    lengths = data.corpus.source_lengths.astype(np.int64), data.corpus.target_lengths
    areas = [len(b) * (int(lengths[0][b].max()) ** 2 + int(lengths[1][b].max()) ** 2) for b in plan]
    batch = batches.batch(0, int(np.argmax(areas)))
    settings: TrainingSettings = recipe.training
    try:
        next(
            fit(
                start(_model(recipe, data), settings),
                _Repeated([batch]),
                settings,
                d_model=recipe.model.d_model,
            )
        )
    except (RuntimeError, MemoryError) as error:
        if "memory" not in str(error).lower():
            raise
        return Finding("largest batch fits", False, f"out of memory: {error}; lower batch_tokens")
    rows, longest = batch.labels.shape
    return Finding(
        "largest batch fits",
        True,
        f"{rows} rows of up to {max(longest, batch.source.shape[1])} tokens; "
        f"the process has used {_peak_gib():.2f} GiB at most",
    )


def _peak_gib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)
