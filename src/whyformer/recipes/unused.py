"""Find settings that a run never reads, and reject them, so that no flag is silently without
effect."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from whyformer.blocks.recurrence import Cell
from whyformer.blocks.recurrent_initialization import RecurrentInitialization
from whyformer.data.formats.recognition import Format, Wanted
from whyformer.data.formats.table import HEADERS
from whyformer.data.lines import STDIN
from whyformer.decoding.settings import unread
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.foundation.wording import either
from whyformer.models.recurrent.language import RecurrentLanguageSettings
from whyformer.models.recurrent.settings import RecurrentSettings
from whyformer.recipes.recipe import Builtin, DataSettings, Recipe
from whyformer.recipes.start import OF_NEW_HEAD, RATES
from whyformer.recipes.task_declaration import OF_SOME_TASKS, TASKS, ItemForm
from whyformer.text.pieces import UNITS
from whyformer.text.tokenizer import TokenizerSettings
from whyformer.training.averaging import Averaging
from whyformer.training.distillation import Level
from whyformer.training.optimizers import OPTIMIZERS, OPTIONAL, reads


def refuse_unused(
    recipe: Recipe,
    given: Iterable[str],
    *,
    ranks: int | None = None,
    typed: Mapping[str, str] | None = None,
) -> None:
    """Reject settings that a run of ``recipe`` never reads.

    Args:
        given: dotted names of the settings that were given, such as ``training.matrix_ratio``.
        ranks: number of training processes; None if it is not known yet.
        typed: for the dotted name of a setting, the short flag that the user typed instead.
    Raises: ConfigError for the first unused setting, with the reason.
    """
    for name in (one.replace("-", "_") for one in given):
        if reason := reason_unused(recipe, name, ranks=ranks):
            flag = (typed or {}).get(name, name.replace("_", "-"))
            if flag == "columns":
                _refuse_columns(recipe, name)
            raise ConfigError(f"`--{flag}` has no effect here: {reason}. Leave it out.")


def _refuse_columns(recipe: Recipe, name: str) -> None:
    """Raise ConfigError if `--columns` names more columns than the task reads."""
    if name not in OF_SOME_TASKS or name in TASKS[recipe.task].reads:
        return
    readers = _listed([task for task, kind in TASKS.items() if name in kind.reads])
    if name == "data.second":
        both = "SOURCE,TARGET" if recipe.task == "translate" else "TEXT,LABEL"
        raise ConfigError(
            f"`--columns` names a second text, which only {readers} can read, but the task is "
            f"{recipe.task}. Three columns are a text, a second text and a label. Give two: "
            f"--columns {both}."
        )
    raise ConfigError(
        f"`--columns` names two columns, but the task `{recipe.task}` reads one. "
        "Give --columns TEXT."
    )


def refuse_unread(given: Iterable[str], read: Sequence[str], command: str) -> None:
    """Reject settings that a command does not read.

    Args:
        given: dotted names of the settings that were given.
        read: dotted names of the settings that the command reads. A name that ends with a dot means
            all settings of that section.
    Raises: ConfigError for the first setting that is not read.
    """
    for name in (one.replace("-", "_") for one in given):
        if not any(name == one or (one[-1] == "." and name.startswith(one)) for one in read):
            raise ConfigError(
                f"`--{name.replace('_', '-')}` has no effect on `whyformer {command}`, which only "
                f"reads {', '.join(one.removesuffix('.') for one in read)}. Leave it out."
            )


def reason_unused(recipe: Recipe, name: str, *, ranks: int | None = None) -> str | None:
    """Return why a run of ``recipe`` never reads the setting ``name``; None if the run reads it."""
    section = name.partition(".")[0]
    declared = section if section in OF_SOME_TASKS else name
    if declared in OF_SOME_TASKS and declared not in TASKS[recipe.task].reads:
        tasks = [task for task, kind in TASKS.items() if declared in kind.reads]
        use = "uses" if len(tasks) == 1 else "use"
        return f"only {_listed(tasks)} {use} it, and the task is {recipe.task}"
    reasons = (_of_data, _of_text, _of_model, _of_other_runs, _of_training, _of_decoding)
    if name == "training.parallel" and ranks == 1:
        return "it applies only to training with several processes (torchrun)"
    return next((found for reason in reasons if (found := reason(recipe, name))), None)


def _of_data(recipe: Recipe, name: str) -> str | None:
    data = recipe.data
    if name == "data.stress" and data.builtin is not Builtin.CMUDICT:
        return "it applies only with --data.builtin cmudict"
    names = ("data.source", "data.target", "data.second")
    if data.builtin and name in (*names, "data.dev"):
        return f"the built-in data {data.builtin} includes a validation set and has no columns"
    if name == "data.dev_share":
        if data.dev:
            return "--dev gives the validation set"
        if data.builtin and data.builtin is not Builtin.TOPICS:
            return f"the built-in data {data.builtin} includes a validation set"
    if name == "data.dev_share" and data.mix and all(one.dev for one in data.mix):
        return "every corpus of --data.mix has a validation set"
    of_pairs = TASKS[recipe.task].items is ItemForm.PAIRS and name in names
    if of_pairs and data.train and not _is_read(data, name):
        return "the files have two columns without names, the source and the target"
    if name in ("data.header", "data.encoding", "data.delimiter") and data.builtin:
        return f"the built-in data {data.builtin} has no files"
    if name == "data.header" and data.files and not _has_format(recipe, HEADERS):
        return "none of the files is a TSV, CSV or Excel file"
    if name == "data.delimiter" and data.files and not _has_format(recipe, DELIMITED):
        return "none of the files is text with columns"
    if name == "validation.sentences" and recipe.validation.metric == "loss":
        return "validation with --validation.metric loss does not decode"
    return None


def _of_text(recipe: Recipe, name: str) -> str | None:
    text = recipe.text
    if name.startswith("text.") and name != "text.sampling":
        if recipe.start_from:
            return "the tokenizer comes from --start-from"
        if recipe.distil.teachers:
            return "the tokenizer comes from the teachers"
    if reason := _of_file(text, name):
        return reason
    if name == "text.units" and text.source_units and text.target_units:
        return "text.source_units and text.target_units are both set"
    if name == "text.lowercase" and None not in (text.source_lowercase, text.target_lowercase):
        return "text.source_lowercase and text.target_lowercase are both set"
    spaceless = UNITS[text.of_source].gaps and UNITS[text.of_target].gaps
    if name == "text.keep_spaces" and spaceless:
        return f"units of type {text.of_source} never contain spaces"
    if name == "text.shared" and text.of_source != text.of_target:
        return f"the two sides have different units, {text.of_source} and {text.of_target}"
    if name == "text.shared" and text.lowers_source != text.lowers_target:
        return "one side is lowercased and the other is not"
    return None


def _of_file(text: TokenizerSettings, name: str) -> str | None:
    """Return why a setting has no effect on a tokenizer that is read from a file."""
    files = (text.file_of_source, text.file_of_target)
    if name in ("text.units", "text.vocabulary") and None not in files:
        return "the tokenizer is read from a file"
    if name == "text.source_units" and text.file_of_source:
        return "the tokenizer of the source is read from a file"
    if name == "text.target_units" and text.file_of_target:
        return "the tokenizer of the target is read from a file"
    if name == "text.from_file" and text.source_from_file and text.target_from_file:
        return "text.source_from_file and text.target_from_file are both set"
    if name == "text.shared" and files[0] != files[1]:
        return "the two sides have different tokenizer files"
    return None


def _of_model(recipe: Recipe, name: str) -> str | None:
    model = recipe.model
    if not name.startswith("model."):
        return None
    if recipe.start_from and name.removeprefix("model.") not in (*RATES, *OF_NEW_HEAD):
        return (
            "the shape comes from the model in --start-from; only the dropout and the task head "
            "can be changed"
        )
    if name in ("model.outputs", "model.answer_of"):
        return f"the task {recipe.task} sets it"
    if name.startswith("model.ngram_") and getattr(model, "ngrams", 1) == 1:
        return "`model.ngrams` is 1, so that n-grams have no vectors"
    if name.startswith("model.character_ngram_") and not getattr(model, "character_ngrams", 0):
        return "`model.character_ngrams` is 0, so that the head does not read characters"
    if isinstance(model, RecurrentSettings | RecurrentLanguageSettings):
        chrono = model.initialization is RecurrentInitialization.CHRONO
        if name == "model.chrono_span" and not chrono:
            return "it applies only with --model.initialization chrono"
        if name == "model.forget_bias" and (chrono or model.cell is not Cell.LSTM):
            return "it applies only with --model.cell lstm and an initialization other than chrono"
        if name == "model.dropout_form" and not model.dropout:
            return "`model.dropout` is 0"
    return None


def _of_other_runs(recipe: Recipe, name: str) -> str | None:
    if name == "extend_vocabulary" and not recipe.start_from:
        return "there is no --start-from, so the vocabulary is learned from the data"
    if name == "preset" and recipe.start_from:
        return "the shape comes from the model in --start-from"
    sequence = recipe.distil.level is Level.SEQUENCE
    if name.startswith("distil.") and name != "distil.teachers" and not recipe.distil.teachers:
        return "there is no teacher (--distil.teachers)"
    if name == "distil.hidden" and recipe.model.family != "bert":
        return f"only encoders use it, and the model is of family {recipe.model.family}"
    if name in ("distil.weight", "distil.temperature", "distil.hidden") and sequence:
        return "with --distil.level sequence, there are no probabilities to learn"
    if name == "distil.nbest" and not sequence:
        return "it applies only with --distil.level sequence"
    if name == "distil.temperature" and not recipe.distil.weight:
        return "`distil.weight` is 0"
    return None


def _of_training(recipe: Recipe, name: str) -> str | None:
    training, kind = recipe.training, recipe.training.optimizer
    field = name.removeprefix("training.")
    if field in OPTIONAL and field not in reads(kind):
        readers = either(one for one in OPTIMIZERS if field in reads(one))
        return f"it applies only with --training.optimizer {readers}, and the optimizer is {kind}"
    if name == "training.ema_decay" and training.average is not Averaging.EMA:
        return f"it applies only with --training.average ema, and the average is {training.average}"
    if name == "training.average_last" and training.average is not Averaging.CHECKPOINTS:
        return (
            "it applies only with --training.average checkpoints, and the average is "
            f"{training.average}"
        )
    return None


def _of_decoding(recipe: Recipe, name: str) -> str | None:
    section, _, field = name.partition(".")
    return unread(recipe.decoding, field) if section == "decoding" else None


def _is_read(data: DataSettings, name: str) -> bool:
    """Return whether a file of pairs has, or may have, the column that the setting ``name``
    selects."""
    column = getattr(data, name.removeprefix("data."))
    for path in (*data.train, *data.dev):
        if path == STDIN:
            continue
        # The path is the prefix of two files, or its error is reported later.
        if not Path(path).is_file():
            return True
        try:
            table = data.reading.table(path, Wanted.PAIRS, (data.source, data.target))
        except DataError:
            return True
        if table and (table.named or len(table.columns) > 2 or table.place(column) is not None):
            return True
    return False


def _has_format(recipe: Recipe, formats: Sequence[Format]) -> bool:
    """Return whether at least one data file has one of these formats."""
    data, wanted = recipe.data, WANTED.get(TASKS[recipe.task].items or ItemForm.TEXTS)
    for path in data.files:
        if wanted is None or not Path(path).is_file():
            continue
        try:
            if data.reading.format(path, wanted) in formats:
                return True
        except DataError:
            return True  # this error is reported later
    return False


DELIMITED = (Format.TSV, Format.CSV)
WANTED = {
    ItemForm.PAIRS: Wanted.PAIRS, ItemForm.LABELLED_TEXTS: Wanted.LABELLED,
    ItemForm.TAGGED_WORDS: Wanted.TAGGED, ItemForm.TEXTS: Wanted.TEXTS,
}  # fmt: skip
"""For each form of items, the kind of data that a task reads from its files."""


def _listed(tasks: Sequence[str]) -> str:
    *others, last = tasks
    named = f"{', '.join(others)} and {last}" if others else last
    return f"the task{'s' if others else ''} {named}"
