"""The functions of ``import whyformer``: train a recipe, load a run, translate with it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import whyformer.registries  # noqa: F401  (built-in variants are registered before plugins)
from whyformer.decoding.by_sentence import translate_by_sentence
from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.scoring import PairScore
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.text_translator import Translation
from whyformer.foundation import plugins
from whyformer.foundation.plugins import load_installed
from whyformer.foundation.torchrun import world_size
from whyformer.recipes.recipe import resolve
from whyformer.recipes.unused import refuse_unused
from whyformer.workflows import train as training
from whyformer.workflows.translate import load_system, search_settings


class Model:
    """A trained run, or an ensemble of several, ready to translate; made by `load`."""

    def __init__(self, runs: Sequence[Path], device: str = "auto") -> None:
        load_installed()
        self._system = load_system(runs, device=device)
        self.search: SearchSettings = search_settings(self._system.facts, {})
        """The default search settings: those of its recipe."""

    def translate(
        self, texts: Sequence[str], *, split_sentences: bool = False, **search: Any
    ) -> list[str]:
        """Return the best translation of each text, in order.

        Args:
            split_sentences: translate each sentence of a text separately, and join the
                translations with spaces.
            search: fields of `SearchSettings` by name, such as ``beam=1``.
        """
        found = self.answers(texts, split_sentences=split_sentences, **search)
        return [answer.text for answer in found]

    def answers(
        self, texts: Sequence[str], *, split_sentences: bool = False, **search: Any
    ) -> list[Translation]:
        """Return all hypotheses for each text, best first, with texts, scores and tokens.

        Args: split_sentences, search: see `translate`.
        """
        translator = self._system.translator
        settings = search_settings(self._system.facts, search, longest=translator.max_source_tokens)
        if split_sentences:
            return translate_by_sentence(translator, texts, settings)
        return translator.translate(texts, settings)

    def score(
        self, sources: Sequence[str], targets: Sequence[str | Hypothesis]
    ) -> list[PairScore | None]:
        """Return the log-probability of each target given its source, in nats.

        Args: targets: texts, or hypotheses of `answers`, which are scored with their tokens.
        Returns: None for a target that is longer than the model's positions.
        """
        return self._system.translator.score(sources, targets)


def load(run: Path | str, *more: Path | str, device: str = "auto") -> Model:
    """Load a run, or several runs as an ensemble.

    Args: device: auto, cpu, cuda, cuda:0 or mps.
    Raises: BundleError if a run is missing or damaged; UsageError if the runs are incompatible.
    """
    return Model([Path(one) for one in (run, *more)], device)


def load_plugin(source: Path | str) -> None:
    """Import a plugin, so that the names it registers are known.

    Args: source: a Python file, a directory with an `__init__.py`, or an installed module's name.
    Raises: PluginError when there is none, or when it fails.
    """
    plugins.load(str(source))


def train(
    recipe: str | Path | None = None,
    *,
    out: Path | str,
    overrides: Mapping[str, Any] | None = None,
    full: bool = False,
    overwrite: bool = False,
    quiet: bool = False,
) -> training.Outcome:
    """Train a built-in recipe or a YAML file into ``out``, or resume the run in ``out``.

    Args:
        recipe: None uses the recipe `translate`.
        overrides: dotted settings that override the recipe, such as ``{"model.d_model": 256}``.
        full: use the `full` variant of the recipe.
    """
    load_installed()
    resolved = resolve(recipe, overrides, full=full)
    refuse_unused(resolved.recipe, overrides or {}, ranks=world_size())
    return training.train(resolved, Path(out), overwrite=overwrite, quiet=quiet)
