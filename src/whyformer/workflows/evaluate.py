"""Score runs, or files of finished translations, against references; compare several of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from whyformer.data.reading import read_lines
from whyformer.evaluation.metric import check_lines
from whyformer.evaluation.report import Report, alternatives, evaluate_texts, metric_named
from whyformer.foundation.errors import UsageError
from whyformer.workflows.translate import load_system, search_settings


def evaluate_runs(
    runs: Sequence[Path],
    source: Path,
    references: Sequence[Path],
    metrics: Sequence[str],
    *,
    search: Mapping[str, Any] | None = None,
    lowercase: bool = False,
    tokenize: str = "13a",
) -> Report:
    """Translate ``source`` by each run, with the run's own search settings, and score it.

    Args: search: settings laid over each run's own.
    Raises: DataError when files do not fit together, before anything is translated.
    """
    right = _checked(references, metrics, lowercase, tokenize)
    sources = list(read_lines(source))
    check_lines(sources, right)
    systems: list[list[str]] = []
    for run in runs:
        system = load_system([run])
        settings = search_settings(system.facts, search or {})
        systems.append([t.text for t in system.translator.translate(sources, settings)])
    return _report(systems, right, metrics, runs, lowercase, tokenize)


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
    right = _checked(references, metrics, lowercase, tokenize)
    systems = [list(read_lines(path)) for path in hypotheses]
    return _report(systems, right, metrics, hypotheses, lowercase, tokenize)


def _checked(
    references: Sequence[Path], metrics: Sequence[str], lowercase: bool, tokenize: str
) -> list[list[str]]:
    for name in metrics:
        metric_named(name, lowercase=lowercase, tokenize=tokenize)
    return alternatives([list(read_lines(path)) for path in references])


def _report(
    systems: list[list[str]],
    references: list[list[str]],
    metrics: Sequence[str],
    paths: Sequence[Path],
    lowercase: bool,
    tokenize: str,
) -> Report:
    names = [str(path) for path in paths]
    for path in paths:
        if names.count(str(path)) > 1:
            raise UsageError(f"Systems to compare must differ, but `{path}` is given twice.")
    return evaluate_texts(
        systems, references, metrics, names=names, lowercase=lowercase, tokenize=tokenize
    )
