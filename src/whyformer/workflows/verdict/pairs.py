"""The verdict on a run of the task `translate`."""

from collections.abc import Sequence
from pathlib import Path

from whyformer.decoding.text_translator import Translation as Answer
from whyformer.evaluation.baselines.pairs import pair_baseline
from whyformer.evaluation.metric import METRICS, metric_named
from whyformer.evaluation.report import evaluate_texts
from whyformer.evaluation.verdict import BASELINE, MODEL, Verdict
from whyformer.foundation.wording import counted
from whyformer.tasks.pair_data import Item
from whyformer.tasks.translation import Translation
from whyformer.text.normalization import normalize
from whyformer.workflows.confidence import is_right, keep_calibration
from whyformer.workflows.engines import Engines
from whyformer.workflows.verdict.effort import answered, sampled
from whyformer.workflows.verdict.origin import held_out_part

MOST_PAIRS = 200_000
"""Maximum number of training pairs that the baseline chooses from."""
DEFAULT_METRIC = "chrf"
"""The metric of the verdict if a run is validated by its loss."""


def verdict_on_pairs(task: Translation, run: Path, seconds: float) -> Verdict:
    """Score the run and its baseline on held-out sources. Also save the calibration of the run.

    Args: seconds: time for the answers of the run, and for the baseline.
    """
    dev = task.data.dev
    validated = len(dev) if task.metric == "loss" else task.recipe.validation.sentences
    items, note = held_out_part(dev, validated)
    answers = answers_of(run, [item.source for item in items], seconds)
    items = items[: len(answers)]
    references = [item.references for item in items]
    metric = task.metric if task.metric in METRICS else DEFAULT_METRIC
    lowercase = task.recipe.text.lowers_target
    pairs = training_pairs(task, items)
    sign = 1 if metric_named(metric).higher_is_better else -1

    def score(outputs: Sequence[str], right: Sequence[str]) -> float:
        found = evaluate_texts(
            [outputs], [[one] for one in right], [metric], lowercase=lowercase, resamples=0
        )
        return sign * found.scores["system 1"][0].value

    baseline = pair_baseline(
        pairs, score, seconds=seconds, separated_sources=task.data.source_tokenizer.gaps
    )
    systems = {
        BASELINE: baseline.translate([item.source for item in items]),
        MODEL: [answer.text for answer in answers],
    }
    report = evaluate_texts(
        list(systems.values()), references, [metric], names=list(systems), lowercase=lowercase
    )
    notes = [note]
    beam = task.recipe.decoding.beam
    if task.metric != "loss" and beam > 1:
        notes.append(
            f"Validations during training used greedy search on "
            f"{counted(min(validated, len(dev)), 'source')}; this score uses beam search with "
            f"beam {beam}."
        )
    if baseline.pairs < len(pairs) or len(pairs) == MOST_PAIRS:
        notes.append(
            f"The baseline uses {counted(baseline.pairs, 'training pair')} of "
            f"{len(task.data.corpus):,}, to limit its time."
        )
    right = [
        is_right(answer.text, item.references, lowercase=lowercase)
        for answer, item in zip(answers, items, strict=True)
    ]
    keep_calibration(run, answers, right)
    return Verdict(
        report.scores[MODEL][0],
        sign > 0,
        "source",
        baseline.method,
        report.scores[BASELINE][0],
        report.comparisons[0],
        tuple(notes),
    )


def answers_of(run: Path, sources: Sequence[str], seconds: float) -> list[Answer]:
    """Return the translations of the first sources, with the search settings of the run."""
    chosen = Engines([run]).choose({})
    return answered(
        sources, lambda part: chosen.translator.translate(part, chosen.settings), seconds
    )


def training_pairs(task: Translation, held_out: Sequence[Item]) -> list[tuple[str, str]]:
    """Return a sample of the training pairs without the sources of held-out items."""
    corpus = task.data.corpus
    without = {normalize(item.source) for item in held_out}
    pairs = (corpus.texts(number) for number in sampled(range(len(corpus)), MOST_PAIRS))
    return [pair for pair in pairs if pair[0] not in without]
