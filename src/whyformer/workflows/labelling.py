"""Load a classifier or a tagger, and evaluate it on a labelled file."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from whyformer.bundle import Bundle, load_bundle
from whyformer.data.formats.recognition import Wanted
from whyformer.data.labelled import Example, example_roles, examples_to_score, read_examples
from whyformer.data.reading import DEFAULT, Reading
from whyformer.data.tagged import Tagged, blanks_left_out, read_tagged, word_columns
from whyformer.evaluation.score import Score
from whyformer.foundation.devices import choose_device
from whyformer.foundation.errors import DataError, UsageError
from whyformer.models.bert import BERT, AnswerOf
from whyformer.models.build import command_for
from whyformer.tasks.classification import Classifier
from whyformer.tasks.tagging import Tagger
from whyformer.workflows.reading_of_training import as_in_training
from whyformer.workflows.source_checks import SourceCheck


def load_labeller(run: Path, *, device: str = "auto") -> Classifier | Tagger:
    """Load a run of the tasks `classify`, `regress` and `tag`.

    Raises: BundleError if the run is missing or damaged; UsageError if the run has another task.
    """
    return labeller(load_bundle(run, device=choose_device(device)), run)


def labeller(bundle: Bundle, run: Path) -> Classifier | Tagger:
    """Return a loaded run as a classifier or tagger. Raises: UsageError for another task."""
    model = bundle.model
    if not isinstance(model, BERT) or not model.settings.outputs:
        raise UsageError(
            f"`{run}` cannot predict labels: it holds a model of kind `{model.settings.family}` "
            f"without a classification head. {command_for(model)}"
        )
    if model.settings.answer_of is AnswerOf.TOKENS:
        facts = bundle.facts
        return Tagger(
            model,
            bundle.source_tokenizer,
            facts["labels"],
            facts["row_tokens"],
            facts.get("columns", {}),
        )
    return Classifier(bundle, model)


def evaluate_labelled(
    run: Path,
    file: Path,
    columns: Sequence[str] = (),
    *,
    encoding: str | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> list[Score]:
    """Return the scores of a classifier or tagger on a labelled file, for all metrics of its task.

    Args:
        columns: names of the columns or keys of the text and the label, or of the first text, the
            second text and the label. If empty, the names used in training apply if the file has
            them.
        warn: function that prints a warning, for example about texts that differ from the training
            data.
    Raises: DataError if the file has no text, or has a label that the run does not know.
    """
    found = load_labeller(run)
    items = labelled_items(found, run, file, columns, encoding=encoding, warn=warn)
    return found.evaluate(items)  # pyright: ignore[reportArgumentType]  # those of its task


def labelled_items(
    found: Classifier | Tagger,
    run: Path,
    file: Path,
    columns: Sequence[str] = (),
    *,
    encoding: str | None = None,
    warn: Callable[[str], None] = lambda text: None,
) -> list[Example] | list[Tagged]:
    """Return the texts of a labelled file for a classifier, or its sentences for a tagger.

    Args: found: the loaded run. run, file, columns, warn: see `evaluate_labelled`.
    """
    if len(columns) not in (0, 2, 3):
        raise UsageError(
            "`--columns` takes two names (text, label) or three (first text, second text, label), "
            f"but the number of names is {len(columns)}."
        )
    given, reading = bool(columns), as_in_training(run, file, encoding, warn)
    columns = columns or remembered(found, file, reading)
    text, label = (columns[0], columns[-1]) if columns else (None, None)
    if isinstance(found, Tagger):
        if len(columns) == 3:
            raise UsageError(
                f"`{run}` labels the words of single texts, not of pairs. Give --columns TEXT "
                "LABELS."
            )
        sentences = list(read_tagged(str(file), text=text, label=label, reading=reading))
        if not sentences:
            raise DataError(f"`{file}` must have at least one sentence with labels.")
        for said in (blanks_left_out(sentences), found.unknown_labels(sentences)):
            if said:
                warn(f"`{file}`: {said}")
        _check(found, ((one.line, " ".join(one.words)) for one in sentences), f"`{file}`: ", warn)
        return sentences
    second = columns[1] if len(columns) == 3 else None
    options: dict[str, Any] = {
        "text": text, "second": second, "label": label, "reading": reading,
        "number": not found.labels,
    }  # fmt: skip
    roles = example_roles(str(file), **options)
    if not given and (roles.table.named or len(roles.table.columns) > 3):
        warn(roles.described())
    examples = examples_to_score(read_examples(str(file), **options))
    if not examples:
        raise DataError(f"`{file}` must have at least one text with a label.")
    _check(
        found,
        ((one.line, f"{one.first} {one.second or ''}") for one in examples),
        f"`{file}`: ",
        warn,
    )
    return examples


def _check(
    labeller: Classifier | Tagger,
    texts: Iterable[tuple[int, str]],
    where: str,
    warn: Callable[[str], None],
) -> None:
    for finding in SourceCheck(labeller.tokenizer).add_all(texts).findings():
        warn(where + finding)


def remembered(
    labeller: Classifier | Tagger, file: Path, reading: Reading = DEFAULT
) -> tuple[str, ...]:
    """Return the column names used in training if the file has them; otherwise an empty tuple."""
    kept = labeller.columns
    columns = (kept.get("text"), kept.get("second"), kept.get("label"))
    names = tuple(name for name in columns if name)
    if not names or (isinstance(labeller, Tagger) and word_columns(str(file), None, None, reading)):
        return ()
    table = reading.table(file, Wanted.LABELLED)
    return names if table and all(table.place(name) is not None for name in names) else ()
