"""Choose the engine for translation: PyTorch, or CTranslate2 with a conversion of the run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from whyformer.acceleration.int8_linear import LARGE_INT8
from whyformer.bundle import Bundle, find_bundle
from whyformer.decoding.packing import Weights, is_rounded
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.text_translator import TextTranslator
from whyformer.foundation.devices import choose_device
from whyformer.foundation.errors import MissingPackageError, UsageError, nearest
from whyformer.foundation.ranks import ALONE, Ranks
from whyformer.foundation.wording import counted
from whyformer.interop.conversion import find_conversion, is_stale, read_record, stands_alone
from whyformer.interop.engine import CTranslate2Translator, search_refusal
from whyformer.workflows.translate import load_system, search_settings


class Engine(StrEnum):
    """The inference engine."""

    AUTO = "auto"
    TORCH = "torch"
    CTRANSLATE2 = "ctranslate2"


@dataclass(frozen=True)
class Chosen:
    """A translator and its search settings.

    Args: bundles: the loaded runs; empty if the engine is not torch.
    """

    translator: TextTranslator
    settings: SearchSettings
    bundles: list[Bundle]


def choose(
    runs: Sequence[Path],
    engine: str,
    given: Mapping[str, Any],
    *,
    device: str,
    prefix: str,
    ranks: Ranks = ALONE,
    weights: str = Weights.FLOAT32,
    of_torch: Sequence[str] = (),
    tag: str | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Chosen:
    """Choose an engine, and load the translator of one or more runs.

    Args:
        engine: auto uses CTranslate2 if an up-to-date conversion exists and supports the options.
        given: search settings that override the settings of the run.
        ranks: the processes that divide the lines among themselves.
        weights: data type of the weights in torch. With int8, the engine auto means torch.
        of_torch: flags that were given and that only the torch engine supports.
        tag: tag of the sources that do not begin with one; see `Expected.with_tag`.
        say: called with a sentence if a conversion is out of date, or if nothing is quantized.
    Raises: UsageError if the chosen engine does not support the options.
    """
    if engine not in set(Engine):
        raise UsageError(f"`{engine}` is not an engine.{nearest(engine, list(Engine))}")
    if weights not in set(Weights):
        raise UsageError(
            f"`{weights}` is not a data type of weights.{nearest(weights, list(Weights))}"
        )
    if weights != Weights.FLOAT32:
        if engine == Engine.CTRANSLATE2:
            raise UsageError(
                f"`--weights {weights}` has no effect on the ctranslate2 engine, which uses the "
                "weights that are stored in the conversion. Make another conversion with: "
                f"whyformer convert {runs[0]} --to ctranslate2 "
                f"--quantize {weights}"
            )
        engine = Engine.TORCH
    if engine == Engine.TORCH and any(stands_alone(run) for run in runs):
        raise UsageError(
            "The torch engine needs a run, but this is a conversion without a run. Give the run "
            "that it was made from."
        )
    if engine != Engine.TORCH:
        found = _by_conversion(runs, given, device, prefix, of_torch, ranks)
        if isinstance(found, Chosen):
            return replace(found, translator=found.translator.with_tag(tag))
        if engine == Engine.CTRANSLATE2 or any(stands_alone(run) for run in runs):
            raise found
        if isinstance(found, _Stale) and ranks.first:
            say(f"{found} The torch engine is used.")
    system = load_system(
        runs, device=device, warn=False, ranks=ranks, weights=Weights(weights), tag=tag
    )
    if weights == Weights.INT8 and ranks.first and not is_rounded(system.translator.models):
        say(
            f"--weights int8 quantizes matrices of {LARGE_INT8:,} weights or more, but this model "
            "has only smaller ones. Nothing is quantized."
        )
    longest = system.translator.max_source_tokens
    settings = search_settings(system.facts, given, longest=longest)
    return Chosen(system.translator, settings, system.bundles)


class _Stale(UsageError):
    """Error for a conversion that is out of date, because its run was changed later."""


def _by_conversion(
    runs: Sequence[Path],
    given: Mapping[str, Any],
    device: str,
    prefix: str,
    of_torch: Sequence[str],
    ranks: Ranks,
) -> Chosen | UsageError:
    """Return a translator for the conversion, or an error that says why it cannot be used."""
    if len(runs) > 1:
        return UsageError("The ctranslate2 engine supports one run, not an ensemble. Give one run.")
    (run,) = runs
    directory = find_conversion(run)
    if directory is None:
        find_bundle(run)  # raises an error if this is not a run
        return UsageError(
            f"`{run}` contains no conversion. Make one with: whyformer convert {run} --to "
            "ctranslate2"
        )
    if of_torch:
        return UsageError(
            f"The ctranslate2 engine does not support {' or '.join(of_torch)}. Use --engine torch."
        )
    if choose_device(device).type != "cpu":
        return UsageError("The ctranslate2 engine needs the CPU. Use --device cpu.")
    if find_spec("ctranslate2") is None:
        return MissingPackageError("ctranslate2")
    record = read_record(directory)
    if is_stale(run, record):
        return _Stale(
            f"The conversion in `{directory}` is out of date, because the run has changed. "
            f"Convert it again with: whyformer convert {run} --to ctranslate2."
        )
    settings = search_settings(record.facts, given, longest=record.max_source_tokens)
    if refusal := search_refusal(settings, prefix):
        return UsageError(f"{refusal}. Use --engine torch.")
    if record.rows is not None and (settings.max_length or 0) >= record.rows:
        return UsageError(
            f"The conversion supports {counted(record.rows, 'position')}, but a translation can "
            f"have {counted(settings.max_length or 0, 'token')} and eos. Lower --max-length or "
            "use --engine torch."
        )
    return Chosen(CTranslate2Translator(directory, warn=False, ranks=ranks), settings, [])
