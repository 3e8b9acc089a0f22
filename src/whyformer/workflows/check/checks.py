"""Check a recipe before a long run: whether it can learn, and how long it will take.

For translation, there are five checks with the data and the model of the run. The model must
memorize 32 pairs. Shuffled sources, and targets shifted by one token, must increase the loss. The
measured speed gives the duration of the run. The largest batch must fit into memory. `text_tasks`
has the checks of the other tasks.
"""

import tempfile
from collections.abc import Callable, Iterator
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
from whyformer.recipes.recipe import Resolved
from whyformer.tasks.build import open_task
from whyformer.tasks.pair_data import Prepared
from whyformer.tasks.standard_input import forget_input
from whyformer.tasks.translation import Translation
from whyformer.training.loop import fit, start
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
        """Return the report as JSON."""
        return {
            "recipe": self.recipe,
            "passed": self.passed,
            "findings": [vars(finding) for finding in self.findings],
        }


def check(resolved: Resolved, *, out: Path | None = None, quiet: bool = False) -> Report:
    """Check a recipe with its own data for about a minute.

    Args: out: directory for prepared data, which a later run can use; None uses a temporary one.
    """
    recipe = resolved.recipe
    with Display(quiet=quiet) as display, tempfile.TemporaryDirectory() as scratch:
        directory = out or Path(scratch)
        forget_input(directory)
        task = open_task(recipe, directory, display.preparing)
        if isinstance(task, Translation):
            findings = _findings(task, display.say)
        else:
            findings = task_findings(task, directory, display.say)
        return Report(resolved.name, list(findings))


def _findings(task: Translation, say: Callable[[str], None]) -> Iterator[Finding]:
    """Yield the results of the checks of a translation task."""
    device = choose_device()
    say("Memorizing 32 pairs …")
    model, batch, finding = _overfit(task, device)
    yield finding
    yield _shuffled(task, model, batch)
    yield _shifted(task, model, batch)
    say("Timing updates and testing the largest batch …")
    yield speed(task.recipe, task.model(device), task.batches, task.loss, "target tokens")
    yield _largest(task, device)


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


def _overfit(task: Translation, device: torch.device) -> tuple[SourceModel, Batch, Finding]:
    recipe, data = task.recipe, task.data
    model = task.model_with(without_dropout(recipe), device)
    indices = _distinct_pairs(data)
    batch = make_batch(data.corpus, indices)
    settings = memorization_settings(recipe.training, recipe.model.d_model)
    texts = [data.corpus.texts(int(i)) for i in indices]
    translator = Translator([model], data.source_tokenizer, data.target_tokenizer)
    search = SearchSettings(beam=1, max_length=int(batch.labels.shape[1]) + 4)
    steps = right = 0
    state = start(model, settings)
    reports = fit(
        state, Repeated([batch]), settings, d_model=recipe.model.d_model, loss_of=task.loss
    )
    for report in reports:
        steps = report.step
        if steps % 50 == 0 and report.nll < 0.1:
            answers = translator.translate([source for source, _ in texts], search)
            right = sum(a.text == target for a, (_, target) in zip(answers, texts, strict=True))
            if right == len(texts):
                break
    passed = right == len(texts)
    detail = f"{right} of {len(texts)} reproduced exactly after {counted(steps, 'update')}"
    if not passed:
        detail += "; a model that cannot memorize 32 pairs will not learn the data: check the pairs"
    return model.eval(), batch, Finding("memorizes 32 pairs", passed, detail)


def _mean_loss(task: Translation, model: SourceModel, batch: Batch) -> float:
    with torch.no_grad():
        device = next(model.parameters()).device
        return task.loss(model, batch.to(device), 0.0).nll.item() / batch.tokens


def _shuffled(task: Translation, model: SourceModel, batch: Batch) -> Finding:
    """Check that the loss rises if every target is paired with a wrong source. If the loss does not
    rise, the model does not use the source."""
    rolled = replace(
        batch,
        source=batch.source.roll(1, 0),
        source_real=None if batch.source_real is None else batch.source_real.roll(1, 0),
    )
    return _rise("reads the source", "sources shuffled", task, model, batch, rolled)


def _shifted(task: Translation, model: SourceModel, batch: Batch) -> Finding:
    """Check that the loss rises if the input of the decoder is the token to predict.

    In training, the input is the previous token.
    """
    leaked = replace(batch, target=batch.labels)
    return _rise("predicts the next token", "targets shifted by one", task, model, batch, leaked)


def _rise(
    name: str, what: str, task: Translation, model: SourceModel, batch: Batch, corrupted: Batch
) -> Finding:
    before, after = (_mean_loss(task, model, one) for one in (batch, corrupted))
    return rise(name, what, task.loss_unit, before, after)


def _largest(task: Translation, device: torch.device) -> Finding:
    data, plan = task.data, task.pair_batches.plan(0)
    lengths = data.corpus.source_lengths.astype(np.int64), data.corpus.target_lengths
    areas = [len(b) * (int(lengths[0][b].max()) ** 2 + int(lengths[1][b].max()) ** 2) for b in plan]
    batch = task.pair_batches.batch(0, int(np.argmax(areas)))
    rows, width = batch.labels.shape
    shape = f"{counted(rows, 'row')} of up to {counted(max(width, batch.source.shape[1]), 'token')}"
    return largest(task.recipe, task.model(device), batch, task.loss, shape)
