"""Score one or more systems, compare them, and report the results as a table or JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import whyformer.evaluation.accuracy  # noqa: F401  the import registers the metrics
import whyformer.evaluation.translation  # noqa: F401  the import registers the metrics
from whyformer.evaluation.metric import (
    RESAMPLES,
    SEED,
    check_lines,
    metric_named,
    score_statistics,
)
from whyformer.evaluation.score import Score, each_once
from whyformer.evaluation.significance import Comparison, PairedTest, compare
from whyformer.foundation.errors import DataError, UsageError
from whyformer.foundation.wording import counted
from whyformer.text.normalization import normalize as nfc


@dataclass(frozen=True)
class Report:
    """The scores of each system, and the comparisons of the other systems with the first system.

    Args: scores: for each system, its scores in the order of the requested metrics.
    """

    scores: dict[str, list[Score]]
    comparisons: list[Comparison]

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "scores": {
                name: [score.to_json() for score in scores] for name, scores in self.scores.items()
            },
            "comparisons": [comparison.to_json() for comparison in self.comparisons],
        }

    def table(self) -> str:
        """Return a plain-text table, followed by comparisons, units and signatures."""
        rows = [["system", *(score.name for score in next(iter(self.scores.values())))]]
        for name, scores in self.scores.items():
            rows.append([name, *(str(score).removeprefix(score.name + " ") for score in scores)])
        lines = [*_aligned(rows), ""]
        lines += map(str, self.comparisons)
        if self.comparisons:
            lines.append("")
        every = [score for scores in self.scores.values() for score in scores]
        lines += each_once(one.note for one in (*every, *self.comparisons))
        for score in next(iter(self.scores.values())):
            lines.append(
                f"{score.name}: {score.unit}; {counted(score.n, 'line')}; {score.signature}"
            )
        return "\n".join(lines)


def alternatives(reference_sets: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the list of references of each line, given the lines of each reference file.

    Raises: DataError when the files differ in their number of lines.
    """
    counts = [len(lines) for lines in reference_sets]
    if len(set(counts)) > 1:
        raise DataError(
            "Reference files must have the same number of lines, but they have "
            f"{', '.join(map(str, counts))}."
        )
    return [list(line) for line in zip(*reference_sets, strict=True)]


def evaluate_texts(
    hypotheses: Sequence[Sequence[str]],
    references: Sequence[Sequence[str]],
    metrics: Sequence[str] = ("bleu",),
    *,
    names: Sequence[str] | None = None,
    lowercase: bool = False,
    tokenize: str = "13a",
    normalize: bool = True,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    test: PairedTest = PairedTest.BOOTSTRAP,
    trials: int | None = None,
) -> Report:
    """Score one or more systems, and compare the other systems with the first system.

    Args:
        hypotheses: for each system, its lines.
        references: for each line, its references; use `alternatives` to make this from reference
        files.
        metrics: names from `METRICS`.
        names: unique names of the systems; None numbers them.
        normalize: convert hypotheses and references to Unicode NFC before the comparison, as runs
        do with their text; False compares them unchanged.
        resamples: number of bootstrap samples; 0 means no intervals.
        trials: number of trials of the significance test; None uses the default of the test.
    Raises:
        UsageError: no system, an unknown metric or tokenizer, or names that are not unique.
        DataError: different numbers of lines, no line, or a line without a reference.
    """
    if not hypotheses or not metrics:
        raise UsageError("There must be at least one system and one metric to evaluate.")
    names = names or [f"system {number}" for number in range(1, len(hypotheses) + 1)]
    if len(names) != len(hypotheses) or len(set(names)) != len(names):
        raise UsageError(
            "System names must be unique, one for each system, but there are "
            f"{counted(len(hypotheses), 'system')} and the names {', '.join(names)}."
        )
    chosen = [metric_named(name, lowercase=lowercase, tokenize=tokenize) for name in metrics]
    for lines in hypotheses:
        check_lines(lines, references)
    if normalize:
        hypotheses = [[nfc(line) for line in lines] for lines in hypotheses]
        references = [[nfc(answer) for answer in answers] for answers in references]
    scores: dict[str, list[Score]] = {name: [] for name in names}
    comparisons: list[Comparison] = []
    for metric in chosen:
        signature = f"{metric.signature(references)}|unicode:{'nfc' if normalize else 'none'}"
        statistics = {
            name: metric.statistics(lines, references)
            for name, lines in zip(names, hypotheses, strict=True)
        }
        for name, one in statistics.items():
            scores[name].append(
                score_statistics(metric, one, signature, resamples=resamples, seed=seed)
            )
        if len(statistics) > 1:
            comparisons += compare(
                metric.name, metric.value, statistics, test=test, trials=trials, seed=seed
            )
    return Report(scores, comparisons)


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
