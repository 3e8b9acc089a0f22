"""A translation run: the translations are those of `whyformer translate`."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from whyformer.bundle import Bundle, read_outline
from whyformer.decoding.by_sentence import translate_by_sentence
from whyformer.decoding.pair_scorer import PairScore
from whyformer.decoding.text_translator import TextTranslator, Translation
from whyformer.decoding.translator import Translator
from whyformer.decoding.watched import Watched
from whyformer.interop.conversion import stands_alone
from whyformer.serving.jobs import Gone
from whyformer.serving.refusals import GoneError
from whyformer.serving.runs.served import Operation, ServedRun
from whyformer.workflows.engines import Chosen, Engines

log = logging.getLogger(__name__)
KEPT = 256
"""Number of different settings whose translators are kept."""


class TranslationRun(ServedRun):
    """A run that translates, with CTranslate2 if its conversion supports the request, else torch.

    Args: engine, device: see `Engines`.
    """

    def __init__(self, name: str, run: Path, *, engine: str, device: str) -> None:
        self._engines = Engines([run], engine, device=device, say=log.warning)
        chosen = self._engines.choose({})
        self.translator: TextTranslator = chosen.translator
        """The translator of requests without special search settings."""
        self._gone: Gone = lambda: False
        self._chosen: dict[str, Chosen] = {}
        operations = [Operation.TRANSLATE, Operation.SCORE]
        family = "transformer"
        if not stands_alone(run):
            operations.append(Operation.ATTENTION)
            family = read_outline(run).settings.family
        names = {"Translator": "torch", "OnnxTranslator": "onnx"}
        super().__init__(
            name,
            run,
            operations,
            chosen.translator.source_tokenizer,
            family=family,
            engine=names.get(type(chosen.translator).__name__, "ctranslate2"),
        )
        self.method = chosen.settings.method

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags with which sources can begin, such as the codes of target languages."""
        return self.translator.expected.tags

    def bundle(self) -> Bundle:
        """Return the run in torch. It is loaded when it is first needed."""
        return self._engines.system.bundles[0]

    def warm_up(self) -> None:
        """See `ServedRun`."""
        tag = self.tags[0] if self.tags and self.translator.expected.needs_tag else None
        self.translate(["a"], {}, tag=tag, gone=lambda: False)

    def translate(
        self,
        texts: Sequence[str],
        search: dict[str, Any],
        *,
        gone: Gone,
        prefix: str = "",
        tag: str | None = None,
        split_sentences: bool = False,
        split_long: bool = False,
        fallback: bool = False,
    ) -> list[Translation]:
        """Return the translation of each text.

        Args:
            search: fields of `SearchSettings` that differ from those of the run.
            gone: see `Gone`. With torch, the search stops when it returns True.
            prefix, tag, split_sentences, split_long, fallback: see `TextTranslator.translate`,
                `Expected.with_tag` and `translate_by_sentence`.
        Raises: UsageError if the run cannot translate with these options.
        """
        chosen = self._choice(search, prefix, tag, fallback=fallback)
        translator, settings = self._stoppable(chosen.translator, gone), chosen.settings
        if split_sentences or split_long:
            return translate_by_sentence(
                translator, texts, settings, long_only=not split_sentences, fallback=fallback
            )
        prefixes = [prefix] * len(texts) if prefix else None
        return translator.translate(texts, settings, prefixes=prefixes, fallback=fallback)

    def score(
        self, pairs: Sequence[tuple[str, str]], *, tag: str | None, gone: Gone
    ) -> list[PairScore | None]:
        """Return the log-probability of each target given its source; None if it is too long."""
        sources, targets = zip(*pairs, strict=True)
        return self._engines.score(sources, targets, tag=tag)

    def _choice(
        self, search: dict[str, Any], prefix: str, tag: str | None, *, fallback: bool
    ) -> Chosen:
        """Return the translator and the settings of a request; keep them for the next one."""
        key = repr((sorted(search.items()), bool(prefix), tag, fallback))
        if key not in self._chosen:
            of_torch = ["a second search"] * fallback
            found = self._engines.choose(search, prefix=prefix, of_torch=of_torch, tag=tag)
            if len(self._chosen) == KEPT:
                self._chosen.clear()
            self._chosen[key] = found
        return self._chosen[key]

    def _stoppable(self, translator: TextTranslator, gone: Gone) -> TextTranslator:
        """Return a translator whose search stops when no client waits for its result."""
        self._gone = gone
        if isinstance(translator, Translator) and not isinstance(translator.searched, Watched):
            translator.searched = Watched(translator.searched, self._stop_if_gone)
        return translator

    def _stop_if_gone(self, tokens: Tensor) -> None:
        if self._gone():
            raise GoneError
