"""Check a recipe before a long run: whether it can learn, and how long it will take.

For translation, there are five checks with the data and the model of the run: it must memorize 32
pairs; shuffled sources and shifted targets must increase the loss; the speed gives the duration;
and the largest batch must fit into memory. `text_tasks` has the checks of the other tasks.
"""

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
from whyformer.foundation.wording import counted
from whyformer.models.build import SourceModel
from whyformer.recipes.recipe import Recipe, Resolved, TaskName
from whyformer.tasks.pair_data import CorpusBatches, Prepared, prepare
from whyformer.tasks.standard_input import forget_input
from whyformer.tasks.translation import fresh_model
from whyformer.training.loop import fit, sequence_loss, start
from whyformer.workflows.check.text_tasks import task_findings
from whyformer.workflows.check.trial import (
    Finding,
    Repeated,
    largest,
    memorization_settings,
    rise,
    speed,
    without_dropout,
)
from whyformer.workflows.display import Display

PAIRS = 32


@dataclass(frozen=True)
class Report:
    """The results of all checks of a recipe."""

    recipe: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(finding.passed for finding in self.findings)

    def render(self) -> str:
        """Return the results as lines of text."""
        lines = [
            f"{'pass' if finding.passed else 'FAIL'}  {finding.name}: {finding.detail}"
            for finding in self.findings
        ]
        verdict = "ready to train" if self.passed else "do not train yet"
        return "\n".join([*lines, f"{self.recipe}: {verdict}"])

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "recipe": self.recipe,
            "passed": self.passed,
            "findings": [vars(finding) for finding in self.findings],
        }


def check(resolved: Resolved, *, out: Path | None = None, quiet: bool = False) -> Report:
    """Check a recipe with its own data for about a minute.

    Args: out: directory to keep prepared data for the later run; None uses a temporary directory.
    """
    recipe = resolved.recipe
    with Display(quiet=quiet) as display, tempfile.TemporaryDirectory() as scratch:
        directory = out or Path(scratch)
        forget_input(directory)
        if recipe.task is not TaskName.TRANSLATE:
            findings = task_findings(recipe, directory, display.preparing, display.say)
            return Report(resolved.name, list(findings))
        data = prepare(recipe, directory, display.preparing)
        report = Report(resolved.name)
        display.say("Memorizing 32 pairs …")
        model, batch, finding = _overfit(recipe, data)
        report.findings.append(finding)
        report.findings.append(_shuffled(model, batch))
        report.findings.append(_shifted(model, batch))
        display.say("Timing updates and testing the largest batch …")
        batches = CorpusBatches.of(recipe, data)
        fresh = _model(recipe, data)
        report.findings.append(speed(recipe, fresh, batches, sequence_loss, "target tokens"))
        report.findings.append(_largest(recipe, data, batches))
        return report


def _model(recipe: Recipe, data: Prepared) -> SourceModel:
    return fresh_model(recipe, data, choose_device())


def _distinct_pairs(data: Prepared) -> np.ndarray:
    """Return pairs with different sources, so that each source has one correct target."""
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
    model = _model(without_dropout(recipe), data)
    indices = _distinct_pairs(data)
    batch = make_batch(data.corpus, indices)
    settings = memorization_settings(recipe.training, recipe.model.d_model)
    texts = [data.corpus.texts(int(i)) for i in indices]
    translator = Translator([model], data.source_tokenizer, data.target_tokenizer)
    search = SearchSettings(beam=1, max_length=int(batch.labels.shape[1]) + 4)
    steps = right = 0
    state = start(model, settings)
    for report in fit(state, Repeated([batch]), settings, d_model=recipe.model.d_model):
        steps = report.step
        if steps % 50 == 0 and report.nll < 0.1:
            answers = translator.translate([source for source, _ in texts], search)
            right = sum(a.text == target for a, (_, target) in zip(answers, texts, strict=True))
            if right == len(texts):
                break
    passed = right == len(texts)
    detail = f"{right} of {len(texts)} reproduced exactly after {counted(steps, 'update')}"
    if not passed:
        detail += "; a model that cannot memorize these will not learn the rest: check the pairs"
    return model.eval(), batch, Finding("memorizes 32 pairs", passed, detail)


def _mean_loss(model: SourceModel, batch: Batch) -> float:
    with torch.no_grad():
        device = next(model.parameters()).device
        return sequence_loss(model, batch.to(device), 0.0).nll.item() / batch.tokens


def _shuffled(model: SourceModel, batch: Batch) -> Finding:
    """Pair every target with a wrong source: the loss must rise if the model uses its source."""
    rolled = replace(
        batch,
        source=batch.source.roll(1, 0),
        source_real=None if batch.source_real is None else batch.source_real.roll(1, 0),
    )
    return _rise("reads the source", "sources shuffled", model, batch, rolled)


def _shifted(model: SourceModel, batch: Batch) -> Finding:
    """Give the decoder the token to predict: the loss must rise, because it was trained
    otherwise."""
    leaked = replace(batch, target=batch.labels)
    return _rise("predicts the next token", "targets shifted by one", model, batch, leaked)


def _rise(name: str, what: str, model: SourceModel, batch: Batch, spoiled: Batch) -> Finding:
    return rise(name, what, "nats per token", _mean_loss(model, batch), _mean_loss(model, spoiled))


def _largest(recipe: Recipe, data: Prepared, batches: CorpusBatches) -> Finding:
    plan = batches.plan(0)
    lengths = data.corpus.source_lengths.astype(np.int64), data.corpus.target_lengths
    areas = [len(b) * (int(lengths[0][b].max()) ** 2 + int(lengths[1][b].max()) ** 2) for b in plan]
    batch = batches.batch(0, int(np.argmax(areas)))
    rows, width = batch.labels.shape
    shape = f"{counted(rows, 'row')} of up to {counted(max(width, batch.source.shape[1]), 'token')}"
    return largest(recipe, _model(recipe, data), batch, sequence_loss, shape)
