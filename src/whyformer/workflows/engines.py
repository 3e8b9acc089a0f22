"""Choose the engine for translation: PyTorch, or CTranslate2 or ONNX Runtime with a conversion of
the run."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.pair_scorer import PairScore
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.text_translator import TextTranslator
from whyformer.decoding.weights import Weights
from whyformer.foundation.errors import (
    BundleError,
    MissingExtraError,
    MissingPackageError,
    UsageError,
    nearest,
)
from whyformer.foundation.gpu_drivers import is_surely_cpu
from whyformer.foundation.model_files import find_bundle
from whyformer.foundation.ranks import ALONE, Ranks
from whyformer.foundation.wording import counted
from whyformer.interop.conversion import (
    Record,
    find_conversion,
    is_stale,
    read_record,
    stands_alone,
)
from whyformer.interop.engine import CTranslate2Translator, search_refusal
from whyformer.workflows.search_settings import search_settings

if TYPE_CHECKING:  # these modules import torch, which a conversion does not need
    from whyformer.bundle import Bundle
    from whyformer.interop.onnx.translator import OnnxTranslator
    from whyformer.workflows.systems import System

KEPT = 64
"""Number of different search settings that are kept."""


class Engine(StrEnum):
    """The inference engine."""

    AUTO = "auto"
    TORCH = "torch"
    CTRANSLATE2 = "ctranslate2"
    ONNX = "onnx"


@dataclass(frozen=True)
class ConversionEngine:
    """An engine that uses conversions.

    Args:
        engine: name of the engine, and of its format for `convert`.
        package: package that computes the conversion.
        missing: error for a missing package.
        translator: opens a conversion.
        refusal: function that returns why the engine does not support search settings and a
            prefix; None if it supports them.
    """

    engine: Engine
    package: str
    missing: UsageError
    translator: "Callable[..., CTranslate2Translator | OnnxTranslator]"
    refusal: Callable[[SearchSettings, str], str | None]


def conversion_engine(engine: Engine) -> ConversionEngine:
    """Return the engine that computes the conversions for ``engine``; auto means CTranslate2."""
    if engine == Engine.ONNX:
        from whyformer.interop.onnx.translator import OnnxTranslator

        missing = MissingExtraError("onnxruntime", "export")
        return ConversionEngine(
            engine, "onnxruntime", missing, OnnxTranslator, OnnxTranslator.refusal
        )
    missing = MissingPackageError("ctranslate2")
    name = Engine.CTRANSLATE2
    return ConversionEngine(name, "ctranslate2", missing, CTranslate2Translator, search_refusal)


@dataclass(frozen=True)
class Chosen:
    """A translator and its search settings.

    Args: bundles: the loaded runs; empty if the engine is not torch.
    """

    translator: TextTranslator
    settings: SearchSettings
    bundles: "list[Bundle]"


class Engines:
    """The engines that can translate with one or more runs. Each is loaded when it is first needed.

    Args:
        engine: auto uses CTranslate2 if an up-to-date conversion exists and supports the request.
            A quantized conversion is used only with weights=int8, or if its engine is named.
        ranks: the processes that divide the lines among themselves.
        weights: data type of the weights; None means float32, or those of the conversion if its
            engine is named. With int8, the engine auto uses an int8 conversion, or else torch.
        warn: whether to log a warning for each line that is too long for the model.
        say: called with a sentence if a conversion is out of date or quantized, or if nothing is
            quantized.
        first: the model of the first run, if it is already loaded.
        shortlist: score only the tokens on the shortlist of the first run; see `read_shortlist`.
            With a shortlist, the engine auto means torch.
    Raises: UsageError for an unknown engine, and for weights or runs that it does not support.
    """

    def __init__(
        self,
        runs: Sequence[Path],
        engine: str = Engine.AUTO,
        *,
        device: str = "auto",
        ranks: Ranks = ALONE,
        weights: str | None = None,
        warn: bool = False,
        say: Callable[[str], None] = lambda text: None,
        first: "Bundle | None" = None,
        shortlist: bool = False,
    ) -> None:
        if engine not in set(Engine):
            raise UsageError(f"`{engine}` is not an engine.{nearest(engine, list(Engine))}")
        if weights is not None and weights not in set(Weights):
            raise UsageError(
                f"`{weights}` is not a data type of weights.{nearest(weights, list(Weights))}"
            )
        if engine == Engine.TORCH and any(stands_alone(run) for run in runs):
            raise UsageError(
                "The torch engine needs a run, but this is a conversion without a run. Give the "
                "run that it was made from."
            )
        if (
            engine == Engine.AUTO
            and len(runs) == 1
            and find_conversion(runs[0], Engine.ONNX) == runs[0]
        ):
            engine = Engine.ONNX  # a conversion without its run has only one engine
        self._runs, self._engine = list(runs), Engine(engine)
        self._weights = None if weights is None else Weights(weights)
        self._converted = conversion_engine(self._engine)
        self._device, self._ranks, self._warn, self._say = device, ranks, warn, say
        self._first, self._warned, self._shortlist = first, False, shortlist
        self._kept: dict[str, SearchSettings] = {}

    def choose(
        self,
        given: Mapping[str, Any],
        *,
        prefix: str = "",
        of_torch: Sequence[str] = (),
        tag: str | None = None,
    ) -> Chosen:
        """Return the translator and the search settings for a request.

        Args:
            given: search settings that override the settings of the run.
            of_torch: flags that were given and that only the torch engine supports.
            tag: tag of the sources that do not begin with one; see `Expected.with_tag`.
        Raises: UsageError if the requested engine does not support the request.
        """
        of_torch = [*of_torch, *["a shortlist"] * self._shortlist]
        found = self._by_conversion(given, prefix, of_torch)
        if isinstance(found, Chosen):
            return replace(found, translator=found.translator.with_tag(tag))
        self._require_torch(found)
        system = self.system
        longest = system.translator.max_source_tokens
        settings = search_settings(system.facts, given, longest=longest)
        return Chosen(system.translator.with_tag(tag), settings, system.bundles)

    def score(
        self,
        sources: Sequence[str],
        targets: Sequence[str | Hypothesis],
        *,
        tag: str | None = None,
    ) -> list[PairScore | None]:
        """Return the log-probability of each target; see `PairScorer.score`.

        Raises: UsageError if the requested engine cannot score the pairs.
        """
        try:
            if self._shortlist:
                raise UsageError("The ctranslate2 engine does not support a shortlist.")
            return self.conversion.with_tag(tag).score(sources, targets)
        except BundleError:
            raise
        except UsageError as reason:
            self._require_torch(reason)
        return self.system.translator.with_tag(tag).score(sources, targets)

    @functools.cached_property
    def system(self) -> "System":
        """The runs as one translator of torch."""
        from whyformer.acceleration.int8_linear import LARGE_INT8
        from whyformer.decoding.packing import is_rounded
        from whyformer.workflows.systems import load_system

        system = load_system(
            self._runs,
            device=self._device,
            warn=self._warn,
            ranks=self._ranks,
            weights=self._weights or Weights.FLOAT32,
            first=self._first,
            shortlist=self._shortlist,
        )
        rounded = self._weights is Weights.INT8
        if rounded and self._ranks.first and not is_rounded(system.translator.models):
            self._say(
                f"--weights int8 quantizes matrices of {LARGE_INT8:,} weights or more, but this "
                "model has only smaller ones. Nothing is quantized."
            )
        return system

    @functools.cached_property
    def conversion(self) -> "CTranslate2Translator | OnnxTranslator":
        """The conversion of the run. Raises: UsageError with the reason if it cannot be used."""
        found = self._found
        if isinstance(found, UsageError):
            raise found
        place, record = found
        if record.quantization != "none" and self._weights is None:
            self._tell(
                f"The conversion `{place}` is used, whose weights are {record.quantization}."
            )
        return self._converted.translator(place, warn=self._warn, ranks=self._ranks)

    @functools.cached_property
    def _found(self) -> tuple[Path, Record] | UsageError:
        """The directory and the description of the conversion, or an error that says why it cannot
        be used."""
        if self._engine == Engine.TORCH:
            return UsageError("The torch engine was requested.")
        engine = self._converted.engine
        if len(self._runs) > 1:
            return UsageError(
                f"The {engine} engine supports one run, not an ensemble. Give one run."
            )
        (run,) = self._runs
        directory = find_conversion(run, engine)
        if directory is None:
            find_bundle(run)  # raises an error if this is not a run
            what = "conversion" if engine == Engine.CTRANSLATE2 else f"conversion to {engine}"
            quantized = f" --quantize {Weights.INT8}" if self._weights is Weights.INT8 else ""
            return UsageError(
                f"`{run}` contains no {what}. Make one with: whyformer convert {run} --to {engine}"
                f"{quantized}"
            )
        if not _is_cpu(self._device):
            return UsageError(f"The {engine} engine needs the CPU. Use --device cpu.")
        if find_spec(self._converted.package) is None:
            return self._converted.missing
        record = read_record(directory)
        if is_stale(run, record):
            return _Stale(
                f"The conversion in `{directory}` is out of date, because the run has changed. "
                f"Convert it again with: whyformer convert {run} --to {engine}."
            )
        return self._with_other_weights(directory, record) or (directory, record)

    def _with_other_weights(self, directory: Path, record: Record) -> UsageError | None:
        """Return an error if a conversion does not have the weights of the request."""
        named = self._engine != Engine.AUTO or stands_alone(self._runs[0])
        if self._weights is None and named:
            return None
        wanted = self._weights or Weights.FLOAT32
        stored = Weights.FLOAT32 if record.quantization == "none" else Weights(record.quantization)
        if stored is wanted:
            return None
        if not named and stored is not Weights.FLOAT32:
            return _Rounded(
                f"The conversion `{directory}` is not used, because its weights are {stored}. To "
                f"use it, give --engine {record.engine}."
            )
        quantize = "none" if wanted is Weights.FLOAT32 else wanted
        return UsageError(
            f"`--weights {wanted}` was given, but the weights of the conversion `{directory}` are "
            f"{stored}. Make another conversion with: whyformer convert RUN --to {record.engine} "
            f"--quantize {quantize}"
        )

    def _by_conversion(
        self, given: Mapping[str, Any], prefix: str, of_torch: Sequence[str]
    ) -> Chosen | UsageError:
        """Return a translator for the conversion, or an error that says why it cannot be used."""
        found = self._found
        if isinstance(found, UsageError):
            return found
        _, record = found
        if of_torch:
            return UsageError(
                f"The {self._converted.engine} engine does not support {' or '.join(of_torch)}. "
                "Use --engine torch."
            )
        settings = self._search_settings(record, given)
        if refusal := self._converted.refusal(settings, prefix):
            return UsageError(f"{refusal}. Use --engine torch.")
        rows = None if self._engine == Engine.ONNX else record.rows
        if rows is not None and (settings.max_length or 0) >= rows:
            return UsageError(
                f"The conversion supports {counted(rows, 'position')}, but a translation "
                f"can have {counted(settings.max_length or 0, 'token')} and eos. Lower "
                "--max-length or use --engine torch."
            )
        return Chosen(self.conversion, settings, [])

    def _search_settings(self, record: Record, given: Mapping[str, Any]) -> SearchSettings:
        """Return the settings of a request. Those of earlier requests are kept, because checking
        them takes about 5 % of the time of a short translation."""
        key = repr(sorted(given.items()))
        if key not in self._kept:
            found = search_settings(record.facts, given, longest=record.max_source_tokens)
            if len(self._kept) == KEPT:
                self._kept.clear()
            self._kept[key] = found
        return self._kept[key]

    def _require_torch(self, reason: UsageError) -> None:
        """Raise the reason why the conversion cannot be used, unless torch may be used instead."""
        requested = self._engine in (Engine.CTRANSLATE2, Engine.ONNX)
        if requested or any(stands_alone(run) for run in self._runs):
            raise reason
        if isinstance(reason, _Stale | _Rounded) and not self._warned:
            self._tell(f"{reason} The torch engine is used.")
            self._warned = True

    def _tell(self, text: str) -> None:
        if self._ranks.first:
            self._say(text)


def _is_cpu(device: str) -> bool:
    """Return whether a name of a device means the CPU; torch is imported only if it is needed."""
    if is_surely_cpu(device):
        return True
    from whyformer.foundation.devices import choose_device

    return choose_device(device).type == "cpu"


class _Stale(UsageError):
    """Error for a conversion that is out of date, because its run was changed later."""


class _Rounded(UsageError):
    """Error for a quantized conversion that the command did not ask for."""
