"""Score runs, or files of finished translations, against references; compare several of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from whyformer.data.reading import read_lines, read_pairs
from whyformer.evaluation.metric import check_lines
from whyformer.evaluation.report import Report, alternatives, evaluate_texts, metric_named
from whyformer.foundation.errors import UsageError
from whyformer.foundation.ranks import ALONE, Ranks
from whyformer.workflows.translate import load_system, search_settings

Items = tuple[list[str], list[list[str]]]
"""Sources, and for each its one or more right answers."""


def read_parallel(source: Path, references: Sequence[Path]) -> Items:
    """Read sources and, line by line beside them, one or more files of right answers.

    Raises: DataError when the files do not fit together.
    """
    right = alternatives([list(read_lines(path)) for path in references])
    sources = list(read_lines(source))
    check_lines(sources, right)
    return sources, right


def read_items(path: Path) -> Items:
    """Read pairs; those with the same source become one item with several right answers."""
    grouped: dict[str, list[str]] = {}
    for pair in read_pairs(path):
        grouped.setdefault(pair.source, []).append(pair.target)
    return list(grouped), list(grouped.values())


def evaluate_runs(
    runs: Sequence[Path],
    sources: Sequence[str],
    references: Sequence[Sequence[str]],
    metrics: Sequence[str],
    *,
    search: Mapping[str, Any] | None = None,
    lowercase: bool = False,
    tokenize: str = "13a",
    ranks: Ranks = ALONE,
) -> Report | None:
    """Translate ``sources`` by each run, with the run's own search settings, and score it.

    Args:
        search: settings laid over each run's own.
        ranks: who translates together; the first one scores, and the others return None.
    """
    _check_metrics(metrics, lowercase, tokenize)
    names = _names_of(runs)
    systems: list[list[str]] = []
    for run in runs:
        system = load_system([run], ranks=ranks)
        settings = search_settings(system.facts, search or {})
        systems.append([t.text for t in system.translator.translate(sources, settings)])
    if not ranks.first:
        return None
    return evaluate_texts(
        systems, references, metrics, names=names, lowercase=lowercase, tokenize=tokenize
    )


def evaluate_files(
    hypotheses: Sequence[Path],
    references: Sequence[Path],
    metrics: Sequence[str],
    *,
    lowercase: bool = False,
    tokenize: str = "13a",
) -> Report:
    """Score files of finished translations, line by line beside the references.

    Raises: DataError when files do not fit together.
    """
    _check_metrics(metrics, lowercase, tokenize)
    names = _names_of(hypotheses)
    right = alternatives([list(read_lines(path)) for path in references])
    systems = [list(read_lines(path)) for path in hypotheses]
    return evaluate_texts(
        systems, right, metrics, names=names, lowercase=lowercase, tokenize=tokenize
    )


def _check_metrics(metrics: Sequence[str], lowercase: bool, tokenize: str) -> None:
    """Refuse an unknown metric before anything is translated."""
    for name in metrics:
        metric_named(name, lowercase=lowercase, tokenize=tokenize)


def _names_of(paths: Sequence[Path]) -> list[str]:
    """Name the systems; refuse one that is given twice."""
    names = [str(path) for path in paths]
    for path in paths:
        if names.count(str(path)) > 1:
            raise UsageError(f"Systems to compare must differ, but `{path}` is given twice.")
    return names
