"""Load a run, or several as an ensemble, and translate lines as they arrive."""

import itertools
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyformer.bundle import Bundle, load_bundle
from whyformer.decoding.by_sentence import SentenceSplitter, refuse_several
from whyformer.decoding.expected import Expected
from whyformer.decoding.fallback import Fallback
from whyformer.decoding.packing import Weights, pack
from whyformer.decoding.settings import MAX_HYPOTHESES, Method, SearchSettings, unread
from whyformer.decoding.text_translator import WINDOW, TextTranslator, Translation
from whyformer.decoding.translator import Translator
from whyformer.foundation.config import build
from whyformer.foundation.devices import choose_device
from whyformer.foundation.errors import BundleError, UsageError
from whyformer.foundation.ranks import ALONE, Ranks
from whyformer.models.build import SourceModel, command_for
from whyformer.workflows.shortlist import read_shortlist

PAUSE_SECONDS = 0.02
"""If a live input sends nothing for this time, the lines read so far are translated."""


@dataclass(frozen=True)
class System:
    """Loaded runs, combined into one translator."""

    translator: Translator
    bundles: list[Bundle]

    @property
    def facts(self) -> dict[str, Any]:
        """The values saved with the first run, such as search settings; see `Bundle.facts`."""
        return self.bundles[0].facts


def load_system(
    runs: Sequence[Path],
    *,
    device: str = "auto",
    warn: bool = True,
    ranks: Ranks = ALONE,
    weights: Weights = Weights.FLOAT32,
    first: Bundle | None = None,
    tag: str | None = None,
    shortlist: bool = False,
) -> System:
    """Load one run, or several as an ensemble.

    Args:
        weights: data type of the weights; int8 needs the CPU.
        warn: log a warning for each line that is too long for the model.
        ranks: the processes that translate together; with device auto, each has a separate device.
        first: the model of the first run, if it is already loaded.
        tag: tag of the sources that do not begin with one; see `Expected.with_tag`.
        shortlist: score only the tokens on the shortlist that `whyformer shortlist` made for the
            first run.
    Raises: BundleError if a run is missing or damaged, or if the tokenizers differ; UsageError for
        int8 on a GPU, and for an unknown tag.
    """
    own = ranks.device if device == "auto" else None
    where = own or choose_device(device)
    if weights is Weights.INT8 and where.type != "cpu":
        raise UsageError("int8 weights need the CPU. Use --device cpu, or leave --weights out.")
    loaded = [] if first is None else [first]
    bundles = loaded + [load_bundle(run, device=where) for run in runs[len(loaded) :]]
    first = bundles[0]
    for run, other in zip(runs[1:], bundles[1:], strict=True):
        for side in ("source", "target"):
            mine = getattr(first, f"{side}_tokenizer").fingerprint
            if mine != getattr(other, f"{side}_tokenizer").fingerprint:
                raise BundleError(
                    f"Runs of an ensemble must share their tokenizers, but the {side} tokenizers "
                    f"of `{runs[0]}` and `{run}` differ. Choose runs trained on the same data "
                    "with the same `text` settings."
                )
    models: list[SourceModel] = []
    for run, bundle in zip(runs, bundles, strict=True):
        if not isinstance(bundle.model, SourceModel):
            raise UsageError(
                f"`{run}` holds a model of kind `{bundle.model.settings.family}`, which does not "
                f"translate. {command_for(bundle.model)}"
            )
        pack(bundle.model, weights)
        models.append(bundle.model)
    translator = Translator(
        models,
        first.source_tokenizer,
        first.target_tokenizer,
        max_source_tokens=min(model.settings.max_length for model in models),
        warn=warn and ranks.first,
        expected=Expected.from_facts(first.facts),
        ranks=ranks,
        shortlist=read_shortlist(runs[0]) if shortlist else None,
    )
    return System(translator.with_tag(tag), bundles)


def search_settings(
    facts: Mapping[str, Any], given: Mapping[str, Any], *, longest: int | None = None
) -> SearchSettings:
    """Return the search settings of the run, overridden by the given settings.

    If ``nbest`` is given without ``beam``, the beam of the run is increased if necessary.

    Args: longest: `model.max_length` of the run, the upper bound of the given lengths.
    Raises: ConfigError if the settings are incompatible; UsageError for a setting without effect
        on this search, and for a length above the maximum of the model.
    """
    for name in ("max_length", "min_length"):
        wanted_length = given.get(name)
        if longest is not None and isinstance(wanted_length, int) and wanted_length > longest:
            raise UsageError(
                f"`{name}` must be at most {longest:,} (`model.max_length` of this run), but it is "
                f"{wanted_length:,}. Lower it."
            )
    tree = {**facts.get("decoding", {}), **given}
    if "nbest" in given and "beam" not in given and tree.get("method") != Method.SAMPLE:
        if isinstance(given["nbest"], int) and given["nbest"] > MAX_HYPOTHESES:
            raise UsageError(
                f"`nbest` must be at most {MAX_HYPOTHESES:,} for a beam search, but it is "
                f"{given['nbest']:,}. Lower it."
            )
        tree["beam"] = _wide_enough(tree)
    settings = build(SearchSettings, tree, where="search settings")
    for name in given:
        if reason := unread(settings, name):
            raise UsageError(f"`{name}` has no effect here: {reason}. Leave it out.")
    return settings


def _wide_enough(tree: Mapping[str, Any]) -> int | None:
    """Return the smallest beam of at least `nbest` that is divisible by `groups`."""
    defaults = SearchSettings()
    beam, nbest, groups = (
        tree.get(name, getattr(defaults, name)) for name in ("beam", "nbest", "groups")
    )
    if not all(isinstance(one, int) and one > 0 for one in (beam, nbest, groups)) or nbest <= beam:
        return beam
    return -(-nbest // groups) * groups


def answers(
    translator: TextTranslator,
    lines: Iterable[str],
    settings: SearchSettings,
    *,
    prefix: str = "",
    live: bool = False,
    split_sentences: bool = False,
    split_long: bool = False,
    required: Callable[[str], Sequence[str]] | None = None,
    fallback: bool = False,
) -> Iterator[Translation]:
    """Translate lines in order.

    Args:
        prefix: text that every translation must begin with.
        split_sentences: translate each sentence of a line separately and join the translations.
        split_long: the same, only for the lines that are too long for the model.
        required, fallback: see `TextTranslator.translate`.
        live: whether the input is interactive. With an interactive input, the lines read so far are
            translated whenever the input pauses. With any other input, many lines are read ahead.
    """
    if split_sentences or split_long:
        refuse_several(settings)
        if prefix:
            raise UsageError(
                "A prefix applies to a whole line, so it cannot be combined with splitting lines "
                "into sentences. Leave one of them out."
            )
        splitter = SentenceSplitter(None if split_sentences else translator.is_too_long)
        found = answers(
            translator,
            splitter.split(lines),
            settings,
            live=live,
            required=required,
            fallback=fallback,
        )
        yield from splitter.joined(found)
        return
    if fallback:
        Fallback(settings)  # raises an error for a search that does not support it
    if settings.method is Method.SAMPLE:  # samples depend on line numbers, so use one stream
        window = 1 if live else WINDOW
        taken = itertools.count(1)
        seen = 0

        def counted() -> Iterator[str]:
            nonlocal seen
            for line in lines:
                seen = next(taken)
                yield line

        def prefixes() -> Iterator[str]:
            given = 0
            while given < seen:  # one prefix for each line that was read
                given += 1
                yield prefix

        yield from translator.stream(counted(), settings, prefixes=prefixes(), window=window)
        return
    for window in arrived(lines) if live else _windows(lines):
        yield from translator.translate(
            window,
            settings,
            prefixes=[prefix] * len(window),
            required=required,
            fallback=fallback,
        )


def arrived(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield the lines read so far whenever the input pauses or a window is full.

    If reading fails, the lines before the error are yielded first.
    """
    waiting: queue.Queue[str | BaseException | None] = queue.Queue(2 * WINDOW)

    def read() -> None:
        try:
            for line in lines:
                waiting.put(line)
        except BaseException as error:  # noqa: BLE001 -- raised again in the main thread
            waiting.put(error)
        else:
            waiting.put(None)

    threading.Thread(target=read, daemon=True).start()
    item: str | BaseException | None = ""
    while isinstance(item, str):
        window: list[str] = []
        item = waiting.get()
        while isinstance(item, str):
            window.append(item)
            if len(window) == WINDOW:
                break
            try:
                item = waiting.get(timeout=PAUSE_SECONDS)
            except queue.Empty:
                break
        if window:
            yield window
    if item is not None:
        raise item


def _windows(lines: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(lines)
    while window := list(itertools.islice(iterator, WINDOW)):
        yield window
