"""Make the error report of a run, on its held-out data or on a file."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from whyformer.data.labelled import examples_to_score, read_examples
from whyformer.data.reading import Reading
from whyformer.data.tagged import read_tagged
from whyformer.evaluation.verdict import Verdict
from whyformer.foundation.errors import DataError, UsageError
from whyformer.tasks.classification import Classification
from whyformer.tasks.pair_data import Item
from whyformer.tasks.tagging import Tagging
from whyformer.tasks.translation import Translation
from whyformer.workflows.errors.labels import errors_of_labels, errors_of_tags
from whyformer.workflows.errors.pairs import errors_of_pairs
from whyformer.workflows.errors.report import ErrorReport
from whyformer.workflows.errors.training import task_of
from whyformer.workflows.evaluate import read_items
from whyformer.workflows.labelling import load_labeller, remembered
from whyformer.workflows.verdict.verdict import read_verdict

MISTAKES = 20
One = TypeVar("One")


def error_report(
    run: Path,
    *,
    pairs: Path | None = None,
    labelled: Path | None = None,
    columns: Sequence[str] = (),
    encoding: str | None = None,
    count: int = MISTAKES,
    say: Callable[[str], None] = lambda text: None,
) -> ErrorReport:
    """Return the error report of a run.

    Args:
        pairs, labelled: a file instead of the held-out data of the run; see
            `whyformer.workflows.evaluate` and `whyformer.workflows.labelling`.
        count: maximum number of mistakes to show.
        say: called with a line that states which columns of a file are read.
    Raises: UsageError if the task of the run does not fit the kind of file, or has no error report.
    """
    task = task_of(run)
    of_pairs, of_labels = isinstance(task, Translation), isinstance(task, Classification | Tagging)
    for file, fits, flag, tasks in (
        (pairs, of_pairs, "pairs", "`translate`"),
        (labelled, of_labels, "labelled", "`classify`, `regress` or `tag`"),
    ):
        if file is not None and not fits:
            raise UsageError(
                f"`--{flag}` is for runs of the task {tasks}, but `{run}` has the task "
                f"`{task.recipe.task}`. Leave it out."
            )
    given = pairs or labelled
    where = f"`{given}`" if given else "the held-out data of the run"
    if isinstance(task, Translation):
        items = task.data.dev
        if pairs is not None:
            read = read_items(pairs, columns, encoding, run=run, say=say)
            items = [Item(source, right) for source, right in zip(*read, strict=True)]
        found = errors_of_pairs(task, run, items, where, count)
    elif isinstance(task, Classification):
        examples = task.held_out
        if labelled is not None:
            names = _columns(run, labelled, columns, encoding)
            examples = examples_to_score(
                read_examples(
                    str(labelled),
                    text=names[0] if names else None,
                    second=names[1] if len(names) == 3 else None,
                    label=names[-1] if names else None,
                    reading=Reading(encoding),
                )
            )
        found = errors_of_labels(task, run, _some(examples, where), where, count)
    elif isinstance(task, Tagging):
        sentences = task.dev
        if labelled is not None:
            names = _columns(run, labelled, columns, encoding)
            sentences = list(
                read_tagged(
                    str(labelled),
                    text=names[0] if names else None,
                    label=names[-1] if names else None,
                    reading=Reading(encoding),
                )
            )
        found = errors_of_tags(task, run, _some(sentences, where), where, count)
    else:
        raise UsageError(
            f"`{run}` has the task `{task.recipe.task}`, whose outputs are not separate answers "
            "that are right or wrong. Use `whyformer evaluate`."
        )
    return found if given else replace(found, verdict=_verdict(run))


def _some(items: list[One], where: str) -> list[One]:
    if not items:
        raise DataError(f"There must be at least one item with a label in {where}.")
    return items


def _columns(run: Path, file: Path, columns: Sequence[str], encoding: str | None) -> Sequence[str]:
    return columns or remembered(load_labeller(run), file, Reading(encoding))


def _verdict(run: Path) -> tuple[str, ...]:
    kept = read_verdict(run)
    return tuple(Verdict.from_json(kept["verdict"]).lines()) if kept else ()
