"""Convert a run to the format of an engine. The conversion is kept only if its outputs equal those
of the run."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from whyformer.bundle import Bundle, load_bundle
from whyformer.data.corpus import open_corpus
from whyformer.decoding.expected import Expected
from whyformer.decoding.limits import limit_of
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.foundation.config import build
from whyformer.foundation.errors import DataError, OutputError, UsageError, WhyformerError
from whyformer.foundation.files import atomic_directory
from whyformer.foundation.model_files import SOURCE, TARGET
from whyformer.interop.conversion import CTRANSLATE2, FORMAT, RECORD, Record, fingerprint
from whyformer.interop.ctranslate2 import SPARE, check_expressible, specification
from whyformer.interop.ctranslate2_package import library
from whyformer.interop.engine import CTranslate2Generator, CTranslate2Translator
from whyformer.interop.gate import (
    Parity,
    ScoringGenerator,
    ScoringTranslator,
    compare_generators,
    compare_translators,
    random_pieces,
)
from whyformer.models.gpt import GPT
from whyformer.models.transformer import Transformer

QUANTIZATIONS = ("none", "int8")
MAX_ROWS = 16_384
"""A position table is extended to the longest output that the conversion may need, but not beyond
this number of positions."""
SENTENCES = 200
"""Default number of sentences in the parity check."""


class ParityError(WhyformerError):
    """Error for a converted model that differs from its run. The conversion is not kept."""


@dataclass(frozen=True)
class Sentences:
    """The sentences of the parity check.

    Args:
        sources: the sentences to translate.
        references: for each sentence, its references; None if they are not known.
        origin: description of the sentences for messages, such as "dev sentences".
    """

    sources: list[str]
    references: list[list[str]] | None
    origin: str


@dataclass(frozen=True)
class Converted:
    """A conversion that passed the parity check, and its measurements."""

    directory: Path
    record: Record
    parity: Parity
    origin: str

    def lines(self) -> list[str]:
        """Return the results of the conversion as lines of text."""
        quantized = self.record.quantization != "none"
        return [*self.parity.lines(quantized=quantized), f"conversion: {self.directory}"]

    def to_json(self) -> dict[str, Any]:
        """Return the results of the conversion as JSON values."""
        return {
            "directory": str(self.directory),
            "quantization": self.record.quantization,
            "fingerprint": self.record.fingerprint,
            "compared_on": self.origin,
            **asdict(self.parity),
        }


@runtime_checkable
class Exporter(Protocol):
    """Writes models in the format of one engine."""

    @property
    def engine(self) -> str:
        """The name of the engine."""
        ...

    def version(self) -> str:
        """Return the version of the engine's library. Raises: an error if it is not installed."""
        ...

    def check(self, settings: Any) -> None:
        """Raise UsageError with all reasons if the format does not support a model's settings."""
        ...

    def write(self, bundle: Bundle, directory: Path, quantization: str) -> int | None:
        """Write the files of the model.

        Returns: the number of rows of the position table; None if there is no table.
        """
        ...

    def translator(self, directory: Path) -> ScoringTranslator:
        """Return a translator that uses the written files."""
        ...

    def language_model(self, directory: Path) -> ScoringGenerator:
        """Return a language model that uses the written files."""
        ...


def convert(
    run: Path,
    *,
    quantization: str = "none",
    out: Path | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
    sentences: int = SENTENCES,
    beams: bool = True,
    say: Callable[[str], None] = lambda text: None,
    exporter: Exporter | None = None,
) -> Converted:
    """Convert the model of a run to the format of an engine. The conversion is written to ``out``,
    by default inside the run's directory.

    Args:
        quantization: none or int8.
        pairs: sentences and translations for the parity check; None uses the dev set of the run.
        sentences: maximum number of sentences to compare.
        beams: whether to compare also the best hypotheses with the search settings of the run. The
            check of a quantized model needs this comparison.
        say: called with progress messages.
        exporter: the engine; None means CTranslate2.
    Raises:
        UsageError: the run cannot be converted; or quantization is requested, but there are no
            references to evaluate it.
        ParityError: the conversion differs from the run.
    """
    exporter = exporter or CTranslate2Exporter()
    if quantization not in QUANTIZATIONS:
        raise UsageError(f"`--quantize` must be none or int8, but is {quantization}.")
    if sentences < 1:
        raise UsageError(f"`--sentences` must be at least 1, but is {sentences}.")
    version = exporter.version()
    directory = run / exporter.engine if out is None else out
    if directory.exists() and not (directory / RECORD).exists():
        raise OutputError(
            f"`{directory}` exists and is not a conversion, so it is not replaced. "
            "Choose another directory."
        )
    mark = fingerprint(run)
    bundle = load_bundle(run)
    exporter.check(bundle.model.settings)
    model = bundle.model
    assert isinstance(model, Transformer | GPT)
    chosen = comparison_sentences(run, bundle, pairs, sentences)
    if quantization != "none" and (isinstance(model, GPT) or chosen.references is None):
        raise UsageError(
            "A quantized model is evaluated by its translations, but "
            + (
                "a language model does not translate. Convert it with --quantize none."
                if isinstance(model, GPT)
                else "the dev set of this run is not available. Give --pairs FILE."
            )
        )
    settings = build(SearchSettings, bundle.facts.get("decoding", {}), where="search settings")
    with atomic_directory(directory) as temporary:
        record = Record(
            format=FORMAT,
            library=version,
            fingerprint=mark,
            quantization=quantization,
            rows=exporter.write(bundle, temporary, quantization),
            family=model.settings.family,
            max_source_tokens=model.settings.max_length,
            facts=bundle.facts,
            gate={},
            ends_with_run=model.settings.longest_target is not None,
            engine=exporter.engine,
        )
        (temporary / SOURCE).write_text(
            bundle.source_tokenizer.to_json(), encoding="utf-8", newline="\n"
        )
        if not bundle.shared:
            (temporary / TARGET).write_text(
                bundle.target_tokenizer.to_json(), encoding="utf-8", newline="\n"
            )
        record.write(temporary)
        say(f"Comparing {len(chosen.sources)} {chosen.origin} with the run.")
        parity = _compared(bundle, exporter, temporary, chosen, settings if beams else None)
        if faults := parity.faults(quantized=quantization != "none"):
            raise ParityError(
                "The converted model differs from the run and is not kept: "
                + "; ".join(faults)
                + "."
            )
        record = replace(record, gate=asdict(parity))
        record.write(temporary)
    return Converted(directory, record, parity, chosen.origin)


class CTranslate2Exporter:
    """Writes models in the format of CTranslate2."""

    engine = CTRANSLATE2

    def version(self) -> str:
        """See `Exporter`."""
        return library().__version__

    def check(self, settings: Any) -> None:
        """See `Exporter`."""
        check_expressible(settings)

    def write(self, bundle: Bundle, directory: Path, quantization: str) -> int | None:
        """Write the model with a position table that is long enough for the searches of the run;
        see `Exporter`."""
        settings = build(SearchSettings, bundle.facts.get("decoding", {}), where="search settings")
        longest = bundle.model.settings.max_length
        needed = limit_of(settings, longest, None, Expected.from_facts(bundle.facts))
        rows = max(longest, settings.limit(longest) + 1, min(needed + 1, MAX_ROWS))  # 1 for eos
        sizes = (len(bundle.source_tokenizer), len(bundle.target_tokenizer))
        assert isinstance(bundle.model, Transformer | GPT)
        spec = specification(bundle.model, sizes, rows)
        tables = hasattr(spec.decoder, "position_encodings")
        if tables:
            rows = len(spec.decoder.position_encodings.encodings) - SPARE
        spec.validate()
        spec.optimize(quantization=None if quantization == "none" else quantization)
        spec.save(str(directory))
        return rows if tables else None

    def translator(self, directory: Path) -> CTranslate2Translator:
        """See `Exporter`."""
        return CTranslate2Translator(directory, warn=False)

    def language_model(self, directory: Path) -> "CTranslate2Generator":
        """See `Exporter`."""
        return CTranslate2Generator(directory)


def comparison_sentences(
    run: Path, bundle: Bundle, pairs: Sequence[tuple[str, str]] | None, count: int
) -> Sentences:
    """Return the sentences for the parity check: the given pairs, the dev set or, if there is none,
    random pieces."""
    if isinstance(bundle.model, GPT):
        return Sentences([""] * count, None, "random prompts")
    origin = "sentences given"
    if pairs is None and (run / "corpus-dev").is_dir():
        corpus = open_corpus(run / "corpus-dev")
        pairs, origin = [corpus.texts(index) for index in range(len(corpus))], "dev sentences"
    if pairs is None:
        tokenizer = bundle.source_tokenizer
        texts = [tokenizer.decode(ids) for ids in random_pieces(len(tokenizer), count)]
        return Sentences([text for text in texts if text.strip()], None, "random sentences")
    pairs = [pair for pair in pairs if pair[0].strip() and pair[1].strip()]
    if not pairs:
        raise DataError("There must be at least one pair to compare, but all are empty.")
    places = np.unique(np.linspace(0, len(pairs) - 1, min(count, len(pairs))).round().astype(int))
    chosen = [pairs[place] for place in places]
    return Sentences([one[0] for one in chosen], [[one[1]] for one in chosen], origin)


def _compared(
    bundle: Bundle,
    exporter: Exporter,
    directory: Path,
    chosen: Sentences,
    settings: SearchSettings | None,
) -> Parity:
    model = bundle.model
    if isinstance(model, GPT):
        engine = exporter.language_model(directory)
        return compare_generators(model, engine, len(bundle.target_tokenizer), len(chosen.sources))
    assert isinstance(model, Transformer)
    translator = Translator(
        [model],
        bundle.source_tokenizer,
        bundle.target_tokenizer,
        max_source_tokens=model.settings.max_length,
        warn=False,
        expected=Expected.from_facts(bundle.facts),
    )
    engine = exporter.translator(directory)
    return compare_translators(translator, engine, chosen.sources, chosen.references, settings)
