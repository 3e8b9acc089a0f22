"""Convert a run to CTranslate2, and keep the conversion only if its outputs equal those of the
run."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from whyformer.bundle import SOURCE, TARGET, Bundle, load_bundle
from whyformer.data.corpus import open_corpus
from whyformer.decoding.expected import Expected
from whyformer.decoding.search import limit_of
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.foundation.config import build
from whyformer.foundation.errors import DataError, OutputError, UsageError, WhyformerError
from whyformer.foundation.files import atomic_directory
from whyformer.interop.conversion import FORMAT, PLACE, RECORD, Record, fingerprint
from whyformer.interop.ctranslate2 import SPARE, check_expressible, library, specification
from whyformer.interop.engine import CTranslate2Translator, cores, open_engine
from whyformer.interop.gate import Parity, compare_generators, compare_translators, random_pieces
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


def convert(
    run: Path,
    *,
    quantization: str = "none",
    out: Path | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
    sentences: int = SENTENCES,
    say: Callable[[str], None] = lambda text: None,
) -> Converted:
    """Convert the model of a run to the format of CTranslate2. The conversion is written to
    ``out``, by default inside the run's directory.

    Args:
        quantization: none or int8.
        pairs: sentences and translations for the parity check; None uses the dev set of the run.
        sentences: maximum number of sentences to compare.
        say: called with progress messages.
    Raises:
        UsageError: the run cannot be converted; or quantization is requested, but there are no
            references to evaluate it.
        ParityError: the conversion differs from the run.
    """
    if quantization not in QUANTIZATIONS:
        raise UsageError(f"`--quantize` must be none or int8, but is {quantization}.")
    if sentences < 1:
        raise UsageError(f"`--sentences` must be at least 1, but is {sentences}.")
    version = library().__version__
    directory = run / PLACE if out is None else out
    if directory.exists() and not (directory / RECORD).exists():
        raise OutputError(
            f"`{directory}` exists and is not a conversion, so it is not replaced. "
            "Choose another directory."
        )
    mark = fingerprint(run)
    bundle = load_bundle(run)
    check_expressible(bundle.model.settings)
    model = bundle.model
    assert isinstance(model, Transformer | GPT)
    chosen = _sentences(run, bundle, pairs, sentences)
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
    longest = model.settings.max_length
    expected = Expected.from_facts(bundle.facts)
    needed = limit_of(settings, longest, None, expected)
    rows = max(longest, settings.limit(longest) + 1, min(needed + 1, MAX_ROWS))  # 1 for eos
    sizes = (len(bundle.source_tokenizer), len(bundle.target_tokenizer))
    spec = specification(model, sizes, rows)
    tables = hasattr(spec.decoder, "position_encodings")
    if tables:
        rows = len(spec.decoder.position_encodings.encodings) - SPARE
    record = Record(
        format=FORMAT,
        library=version,
        fingerprint=mark,
        quantization=quantization,
        rows=rows if tables else None,
        family=model.settings.family,
        max_source_tokens=model.settings.max_length,
        facts=bundle.facts,
        gate={},
        ends_with_run=model.settings.longest_target is not None,
    )
    with atomic_directory(directory) as temporary:
        spec.validate()
        spec.optimize(quantization=None if quantization == "none" else quantization)
        spec.save(str(temporary))
        (temporary / SOURCE).write_text(
            bundle.source_tokenizer.to_json(), encoding="utf-8", newline="\n"
        )
        if not bundle.shared:
            (temporary / TARGET).write_text(
                bundle.target_tokenizer.to_json(), encoding="utf-8", newline="\n"
            )
        record.write(temporary)
        say(f"Comparing {len(chosen.sources)} {chosen.origin} with the run.")
        parity = _compared(bundle, temporary, chosen, settings)
        if faults := parity.faults(quantized=quantization != "none"):
            raise ParityError(
                "The converted model differs from the run and is not kept: "
                + "; ".join(faults)
                + "."
            )
        record = Record(**{**record.__dict__, "gate": asdict(parity)})
        record.write(temporary)
    return Converted(directory, record, parity, chosen.origin)


def _sentences(
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
    bundle: Bundle, directory: Path, chosen: Sentences, settings: SearchSettings
) -> Parity:
    model = bundle.model
    if isinstance(model, GPT):
        engine = open_engine("Generator", directory, cores())
        count = len(chosen.sources)
        return compare_generators(model, engine, len(bundle.target_tokenizer), count)
    assert isinstance(model, Transformer)
    translator = Translator(
        [model],
        bundle.source_tokenizer,
        bundle.target_tokenizer,
        max_source_tokens=model.settings.max_length,
        warn=False,
        expected=Expected.from_facts(bundle.facts),
    )
    engine = CTranslate2Translator(directory, warn=False)
    return compare_translators(translator, engine, chosen.sources, chosen.references, settings)
