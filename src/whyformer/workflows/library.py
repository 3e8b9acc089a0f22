"""The functions of ``import whyformer``: train a recipe, load a run, translate with it."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import whyformer.registries  # noqa: F401  (built-in variants are registered before plugins)
from whyformer.bundle import load_bundle
from whyformer.decoding.by_sentence import translate_by_sentence
from whyformer.decoding.generator import Continuation
from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.pair_scorer import PairScore
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.text_translator import Translation
from whyformer.foundation import plugins
from whyformer.foundation.devices import choose_device
from whyformer.foundation.errors import UsageError
from whyformer.foundation.plugins import load_installed
from whyformer.foundation.torchrun import world_size
from whyformer.models.build import ModelSettings, SourceModel
from whyformer.recipes.recipe import Resolved, resolve
from whyformer.recipes.task_declaration import TASKS, ItemForm
from whyformer.recipes.unused import refuse_unused
from whyformer.tasks.classification import Prediction
from whyformer.tasks.items import ITEMS, PARAMETERS, GivenItems
from whyformer.tasks.tagging import Tagger
from whyformer.workflows import train as training
from whyformer.workflows.auto.resolve import resolve_automatically
from whyformer.workflows.engines import Engine, Engines
from whyformer.workflows.generate import language_model
from whyformer.workflows.glossary import Glossary
from whyformer.workflows.labelling import labeller
from whyformer.workflows.minimum_risk import SAMPLES, minimum_risk
from whyformer.workflows.python.fit import Fit
from whyformer.workflows.python.look import Look, look
from whyformer.workflows.python.shown import shown
from whyformer.workflows.search_settings import search_settings

log = logging.getLogger(__name__)

Data = Any
"""The path of a file, or an iterable of items; any other value raises an error."""


class Model:
    """A loaded run, or an ensemble of translation runs, as returned by `load`.

    The task of the run determines which methods work: `translate`, `answers` and `score` for
    translation, `generate` for language models, `label` for classifiers and taggers. `look` works
    for all tasks.
    """

    def __init__(
        self,
        runs: Sequence[Path],
        device: str = "auto",
        engine: str = Engine.AUTO,
        *,
        shortlist: bool = False,
    ) -> None:
        load_installed()
        self._runs = list(runs)
        self._bundle = load_bundle(runs[0], device=choose_device(device))
        self._engines = Engines(
            runs,
            engine,
            device=device,
            warn=True,
            say=log.warning,
            first=self._bundle,
            shortlist=shortlist,
        )
        if isinstance(self._bundle.model, SourceModel) or len(runs) > 1 or shortlist:
            _ = self._engines.choose({})  # report now what cannot be translated with

    @property
    def settings(self) -> ModelSettings:
        """The settings of the model; `settings.family` is the model family, such as transformer."""
        return self._bundle.model.settings

    @property
    def search(self) -> SearchSettings:
        """The search settings of the recipe, which are the defaults of `translate`."""
        return search_settings(self._bundle.facts, {})

    def translate(
        self,
        texts: Sequence[str],
        *,
        split_sentences: bool = False,
        split_long: bool = False,
        mbr: str | None = None,
        glossary: Mapping[str, str] | None = None,
        fallback: bool = False,
        tag: str | None = None,
        **search: Any,
    ) -> list[str]:
        """Return the best translation of each text, in order.

        Args:
            split_sentences: translate each sentence of a text separately, and join the
                translations with spaces.
            split_long: the same, only for the texts that are too long for the model.
            mbr: minimum Bayes risk with ``chrf`` or ``bleu``: of ``nbest`` samples (default: 16),
                return the one that is most similar to all samples.
            glossary: source terms with their translations. If a text contains a term, its
                translation must contain the translation of the term.
            fallback: search texts again if their translation repeats itself or is cut.
            tag: tag of the texts that do not begin with one, such as ``de``; see `data.mix`.
            search: fields of `SearchSettings` by name, such as ``beam=1`` or ``force=["a word"]``.
        """
        found = self.answers(
            texts,
            split_sentences=split_sentences,
            split_long=split_long,
            mbr=mbr,
            glossary=glossary,
            fallback=fallback,
            tag=tag,
            **search,
        )
        return [answer.text for answer in found]

    def answers(
        self,
        texts: Sequence[str],
        *,
        split_sentences: bool = False,
        split_long: bool = False,
        mbr: str | None = None,
        glossary: Mapping[str, str] | None = None,
        fallback: bool = False,
        tag: str | None = None,
        **search: Any,
    ) -> list[Translation]:
        """Return all hypotheses for each text, best first, with texts, scores and tokens.

        Args: split_sentences, split_long, mbr, glossary, fallback, tag, search: see `translate`.
        """
        if split_sentences and split_long:
            raise UsageError(
                "`split_long` has no effect with `split_sentences`, which splits all texts. Leave "
                "one of them out."
            )
        if mbr is not None:
            if split_sentences or split_long:
                raise UsageError(
                    "`mbr` and splitting into sentences cannot be combined. Leave one of them out."
                )
            search = {"method": "sample", "nbest": SAMPLES} | search
        asked = {"a glossary": glossary is not None, "a fallback": fallback}
        of_torch = [name for name, given in asked.items() if given]
        chosen = self._engines.choose(search, of_torch=of_torch, tag=tag)
        translator, settings = chosen.translator, chosen.settings
        options: dict[str, Any] = {"fallback": fallback}
        if glossary is not None:
            options["required"] = Glossary(glossary.items()).required
        if split_sentences or split_long:
            return translate_by_sentence(
                translator, texts, settings, long_only=not split_sentences, **options
            )
        found = translator.translate(texts, settings, **options)
        return found if mbr is None else list(minimum_risk(found, mbr, settings))

    def score(
        self,
        sources: Sequence[str],
        targets: Sequence[str | Hypothesis],
        *,
        tag: str | None = None,
    ) -> list[PairScore | None]:
        """Return the log-probability of each target given its source, in nats.

        Args:
            targets: texts, or hypotheses of `answers`, which are scored with their tokens.
            tag: see `translate`.
        Returns: the score of each pair; None for a target that is too long for the model.
        """
        return self._engines.score(sources, targets, tag=tag)

    def generate(
        self, prompts: Sequence[str], *, tokens: int = 200, **search: Any
    ) -> list[list[Continuation]]:
        """Continue each prompt; the best continuation is the first.

        Args:
            tokens: maximum number of tokens of each continuation.
            search: fields of `SearchSettings` by name, such as ``temperature=0.7``.
        Raises: UsageError if the run is not a language model.
        """
        return language_model(self._bundle, self._runs[0]).generate(
            prompts, tokens=tokens, **search
        )

    def label(self, texts: Sequence[Any]) -> list[Prediction] | list[list[str]]:
        """Return the predicted label or number of each text; for a tagger, a label for each word.

        Args: texts: texts, or pairs of texts if the run was trained on pairs.
        Raises: UsageError if the run is neither a classifier nor a tagger.
        """
        found = labeller(self._bundle, self._runs[0])
        if isinstance(found, Tagger):
            return found.tag([one.split() if isinstance(one, str) else one for one in texts])
        return found.classify([(one, None) if isinstance(one, str) else one for one in texts])

    def look(self, text: str, target: str | None = None, *, parameters: str = "*") -> Look:
        """Run the model on one text; return attention weights, residual stream and gradients.

        Args:
            text: a source, a text, or two texts separated by a tab.
            target: a translation, a label, a number, or labels separated by spaces; None uses
                the prediction of the model.
            parameters: pattern of parameter names, such as ``*.weight``, to choose gradients.
        Raises: UsageError if the model cannot read the text or target, or is an ensemble.
        """
        if len(self._runs) > 1:
            raise UsageError("`look` needs one model, but this is an ensemble. Load one run.")
        return look(self._bundle, self._runs[0], text, target, parameters=parameters)

    def _repr_html_(self) -> str:
        """Return the small page of the model, which Jupyter shows."""
        return shown(self._bundle, self._runs)


def load(
    run: Path | str,
    *more: Path | str,
    device: str = "auto",
    engine: str = Engine.AUTO,
    shortlist: bool = False,
) -> Model:
    """Load a run, or several translation runs as an ensemble.

    >>> import tempfile
    >>> tiny = {"model.d_model": 16, "model.heads": 2, "model.d_ff": 32, "training.updates": 2}
    >>> tiny["validation.sentences"] = 2
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = train("copy", out=folder, overrides=tiny, quiet=True)
    ...     model = load(folder)
    >>> len(model.translate(["s01 s02", "s03"]))
    2
    >>> seen = model.look("s01 s02", "s01 s02")
    >>> seen.tokens["text"]
    ['s01', 's02', '<eos>']
    >>> seen.attention["decoder.layers.0.cross_attention"].shape  # heads, target, source
    torch.Size([2, 3, 3])

    Args:
        device: auto, cpu, cuda, cuda:0 or mps.
        engine: auto, torch, ctranslate2 or onnx. With auto, each request uses CTranslate2 if the
            run has an up-to-date conversion that supports the request, and torch otherwise.
        shortlist: for translation with torch: score only the likely target tokens, which
            ``whyformer shortlist`` saved with the first run.
    Raises: BundleError if a run is missing or damaged; UsageError if the runs are incompatible.
    """
    return Model([Path(one) for one in (run, *more)], device, engine, shortlist=shortlist)


def load_plugin(source: Path | str) -> None:
    """Import a plugin, so that the names that it registers can be used.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plugin = Path(folder, "example_without_names.py")
    ...     _ = plugin.write_text("__version__ = '1.0'", encoding="utf-8")
    ...     load_plugin(plugin)

    Args: source: a Python file, a directory with an `__init__.py`, or an installed module's name.
    Raises: PluginError if the plugin does not exist, or if its import fails.
    """
    plugins.load(str(source))


def train(
    recipe: str | Path | None = None,
    *,
    out: Path | str,
    data: Data | None = None,
    dev: Data | None = None,
    overrides: Mapping[str, Any] | None = None,
    full: bool = False,
    overwrite: bool = False,
    quiet: bool = False,
) -> training.Outcome:
    """Train a built-in recipe or a YAML file into ``out``, or resume the run in ``out``.

    >>> import tempfile
    >>> pairs = [(f"{a} {b}", f"{b} {a}") for a in "abcdefgh" for b in "abcdefgh"]
    >>> tiny = {"model.d_model": 16, "model.heads": 2, "model.d_ff": 32, "training.updates": 2}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     outcome = train(out=folder, data=pairs, overrides=tiny, quiet=True)
    >>> outcome.updates
    2

    Args:
        recipe: None chooses the settings from ``data``. The task of items is
            not chosen: it is the task in ``overrides`` (default: `translate`). No settings are
            chosen from an iterator, because an iterator can be read only once.
        data: the path of a file, or any iterable of items: pairs (source, target) or dicts; texts
            for the tasks `language`, `masked` and `replaced`; (text, label) or (text, second,
            label) for `classify` and `regress`; (words, labels) for `tag`. Name the keys of dicts
            in ``overrides``, like the columns of files:
            ``{"data.source": "de", "data.target": "en"}``. The items are read once, as a stream,
            and saved in ``out``. To resume the run, give the same items again.
        dev: validation data, in the same forms as ``data``; None splits off a part of ``data``.
        overrides: dotted settings that override the recipe, such as ``{"model.d_model": 256}``.
        full: use the `full` variant of the recipe.
        overwrite: delete the run in ``out`` and start again.
        quiet: show no progress.
    Raises: ConfigError for invalid settings; DataError for invalid data, with the number of the
        item.
    """
    run = None if overwrite else Path(out)
    resolved, items = _resolved(recipe, data, dev, overrides, full=full, run=run)
    return training.train(resolved, Path(out), items=items, overwrite=overwrite, quiet=quiet)


def fit(
    recipe: str | Path | None = None,
    *,
    out: Path | str,
    data: Data | None = None,
    dev: Data | None = None,
    overrides: Mapping[str, Any] | None = None,
    full: bool = False,
    overwrite: bool = False,
    quiet: bool = True,
) -> Fit:
    """Train like `train`, but return an iterable over the updates.

    Leaving the loop early (``break``, an exception, Ctrl-C) writes a checkpoint. The same call, or
    another loop over the same object, then resumes the run bit for bit.

    >>> import tempfile
    >>> tiny = {"model.d_model": 16, "model.heads": 2, "model.d_ff": 32, "training.updates": 3}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     steps = fit("copy", out=folder, overrides=tiny | {"validation.sentences": 2})
    ...     for step in steps:
    ...         if step.step == 2:
    ...             break
    ...     [step.step for step in steps]
    [3]

    Args: recipe, out, data, dev, overrides, full, overwrite, quiet: see `train`.
    Returns: an iterable of `Step`.
    """
    run = None if overwrite else Path(out)
    resolved, items = _resolved(recipe, data, dev, overrides, full=full, run=run)
    return Fit(resolved, Path(out), items, overwrite=overwrite, quiet=quiet)


def _resolved(
    recipe: str | Path | None,
    data: Data | None,
    dev: Data | None,
    overrides: Mapping[str, Any] | None,
    *,
    full: bool,
    run: Path | None = None,
) -> tuple[Resolved, GivenItems]:
    """Return the recipe with its data, and the items given in Python instead of files."""
    load_installed()
    given: dict[str, Any] = dict(overrides or {})
    items: dict[str, Iterable[Any]] = {}
    for part, value in (("train", data), ("dev", dev)):
        name = f"data.{part}"
        if value is None:
            continue
        if name in given:
            raise UsageError(
                f"`{PARAMETERS[part]}` and the setting `{name}` were both given. Keep one."
            )
        of_files = isinstance(value, str | Path)
        given[name] = [str(value)] if of_files else [ITEMS]
        if not of_files:
            items[part] = value
    resolved = resolve_automatically(recipe, given, full=full, run=run, items=items.get("train"))
    texts = bool(items) and TASKS[resolved.recipe.task].items is ItemForm.TEXTS
    if texts and "data.documents" not in resolved.origins:
        # By default, each text is one document.
        resolved = resolve(recipe, {**given, "data.documents": "lines"}, full=full)
    refuse_unused(resolved.recipe, given, ranks=world_size())
    return resolved, GivenItems(**items)
