"""Which engine translates: PyTorch, or CTranslate2 with a conversion of the run."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from whyformer.foundation.errors import MissingExtraError, UsageError, nearest
from whyformer.foundation.ranks import ALONE, Ranks
from whyformer.foundation.wording import counted
from whyformer.interop.conversion import find_conversion, is_stale, read_record, stands_alone
from whyformer.interop.engine import CTranslate2Translator, search_refusal
from whyformer.workflows.translate import load_system, search_settings


class Engine(StrEnum):
    """What computes."""

    AUTO = "auto"
    TORCH = "torch"
    CTRANSLATE2 = "ctranslate2"


@dataclass(frozen=True)
class Chosen:
    """A translator ready to search as asked. Args: bundles: the runs, loaded by torch only."""

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
    alignments: bool,
    ranks: Ranks = ALONE,
    weights: str = Weights.FLOAT32,
) -> Chosen:
    """Load what translates.

    Args:
        engine: auto takes CTranslate2 where a fresh conversion is there and can do what is asked.
        given: search settings laid over the run's own.
        ranks: who translates together.
        weights: how torch holds them; with int8, auto takes torch.
    Raises: UsageError when the engine that was named cannot do what is asked.
    """
    if engine not in set(Engine):
        raise UsageError(f"`{engine}` is not an engine.{nearest(engine, list(Engine))}")
    if weights not in set(Weights):
        raise UsageError(f"`{weights}` are no weights.{nearest(weights, list(Weights))}")
    if weights != Weights.FLOAT32:
        if engine == Engine.CTRANSLATE2:
            raise UsageError(
                "The ctranslate2 engine has the weights of its conversion. Make one with: "
                f"whyformer convert {runs[0]} --to ctranslate2 --quantize {weights}"
            )
        engine = Engine.TORCH
    if engine == Engine.TORCH and any(stands_alone(run) for run in runs):
        raise UsageError(
            "The torch engine needs a run, but this is a conversion without one. Give the run "
            "that it was made from."
        )
    if engine != Engine.TORCH:
        found = _by_conversion(runs, given, device, prefix, alignments, ranks)
        if isinstance(found, Chosen):
            return found
        if engine == Engine.CTRANSLATE2 or any(stands_alone(run) for run in runs):
            raise found
        if isinstance(found, _Stale) and ranks.first:
            print(f"whyformer: {found} Translated by torch.", file=sys.stderr)
    system = load_system(runs, device=device, warn=False, ranks=ranks, weights=Weights(weights))
    if weights == Weights.INT8 and ranks.first and not is_rounded(system.translator.models):
        print(
            f"whyformer: --weights int8 rounds weights of {LARGE_INT8:,} numbers and more, and "
            "there is none here: nothing is rounded.",
            file=sys.stderr,
        )
    longest = system.translator.max_source_tokens
    settings = search_settings(system.facts, given, longest=longest)
    return Chosen(system.translator, settings, system.bundles)


class _Stale(UsageError):
    """A run went on after its conversion was made."""


def _by_conversion(
    runs: Sequence[Path],
    given: Mapping[str, Any],
    device: str,
    prefix: str,
    alignments: bool,
    ranks: Ranks,
) -> Chosen | UsageError:
    """Return a conversion as a translator, or why it cannot be one."""
    if len(runs) > 1:
        return UsageError("The ctranslate2 engine takes one run, not an ensemble. Give one run.")
    (run,) = runs
    directory = find_conversion(run)
    if directory is None:
        find_bundle(run)  # says better what is wrong with a directory that is no run
        return UsageError(
            f"`{run}` holds no conversion. Make one with: whyformer convert {run} --to ctranslate2"
        )
    if alignments:
        return UsageError(
            "The ctranslate2 engine keeps no weights for --alignments. Use --engine torch."
        )
    if choose_device(device).type != "cpu":
        return UsageError("The ctranslate2 engine computes on the CPU. Give --device cpu.")
    if find_spec("ctranslate2") is None:
        return MissingExtraError("ctranslate2", "export")
    record = read_record(directory)
    if is_stale(run, record):
        return _Stale(
            f"The conversion in `{directory}` was made before the run changed. "
            f"Make it again with: whyformer convert {run} --to ctranslate2."
        )
    settings = search_settings(record.facts, given, longest=record.max_source_tokens)
    if refusal := search_refusal(settings, prefix):
        return UsageError(f"{refusal}. Use --engine torch.")
    if record.rows is not None and (settings.max_length or 0) >= record.rows:
        return UsageError(
            f"The conversion holds {counted(record.rows, 'position')}, but a translation may have "
            f"{counted(settings.max_length or 0, 'token')} and eos. Lower --max-length or "
            "use --engine torch."
        )
    return Chosen(CTranslate2Translator(directory, warn=False, ranks=ranks), settings, [])
