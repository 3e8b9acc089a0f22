"""Compare engines and number formats on one run: size on disk, quality on dev, latency, throughput.

Every engine computes on the CPU, with the search settings of the run and with greedy search. The
conversions of a run are used if they are up to date; missing ones are made in a temporary
directory, with the check of `convert`.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from whyformer.data.corpus import open_corpus
from whyformer.decoding.packing import is_rounded
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.text_translator import TextTranslator
from whyformer.decoding.weights import Weights
from whyformer.evaluation.metric import METRICS
from whyformer.evaluation.report import evaluate_texts
from whyformer.evaluation.score import Score
from whyformer.foundation.errors import DataError, UsageError, WhyformerError
from whyformer.foundation.model_files import find_bundle
from whyformer.interop.conversion import find_conversion, is_stale, read_record
from whyformer.interop.convert import QUANTIZATIONS, CTranslate2Exporter, Exporter, convert
from whyformer.interop.onnx.export import OnnxExporter
from whyformer.workflows.reading_of_training import facts_of
from whyformer.workflows.search_settings import search_settings
from whyformer.workflows.systems import load_system

Pairs = Sequence[tuple[str, str]]
SENTENCES = 200
"""Default number of sentences whose translations are scored."""
ALONE = 30
"""Number of sentences that are translated one by one, to measure the latency."""
BATCH = 64
MIB = 2**20


@dataclass(frozen=True)
class Row:
    """The measurements of one engine with one number format and one search.

    Args:
        search: `beam N` or `greedy`.
        size: number of bytes on disk.
        score: the score of the translations.
        latency: median milliseconds for one sentence.
        throughput: sentences per second in batches of 64.
        problem: why there are no measurements; "" if there are.
    """

    engine: str
    weights: str
    search: str = ""
    size: int = 0
    score: Score | None = None
    latency: float = 0.0
    throughput: float = 0.0
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return all values as JSON."""
        return {**vars(self), "score": self.score.to_json() if self.score else None}


@dataclass(frozen=True)
class Candidate:
    """An engine with a number format.

    Args: opened: function that returns a translator and its size on disk, given the run, an empty
        directory, and pairs for the check of a conversion.
    """

    engine: str
    weights: str
    opened: Callable[[Path, Path, Pairs], tuple[TextTranslator, int]]


def of_torch(weights: Weights) -> Candidate:
    """Return PyTorch as a candidate."""

    def opened(run: Path, scratch: Path, pairs: Pairs) -> tuple[TextTranslator, int]:
        translator = load_system([run], device="cpu", warn=False, weights=weights).translator
        if weights is Weights.INT8 and not is_rounded(translator.models):
            raise UsageError("The model has no matrix that is large enough.")
        return translator, size_of(find_bundle(run))

    return Candidate("torch", weights.value, opened)


def of_conversion(exporter: Exporter, quantization: str) -> Candidate:
    """Return a converted model as a candidate."""

    def opened(run: Path, scratch: Path, pairs: Pairs) -> tuple[TextTranslator, int]:
        place = find_conversion(run, exporter.engine)
        if place is not None:
            record = read_record(place)
            if record.quantization != quantization or is_stale(run, record):
                place = None
        if place is None:
            place = scratch / exporter.engine
            convert(run, quantization=quantization, out=place, pairs=pairs, exporter=exporter)
        translator = exporter.translator(place)
        assert isinstance(translator, TextTranslator)
        return translator, size_of(place)

    weights = "float32" if quantization == "none" else quantization
    return Candidate(exporter.engine, weights, opened)


CANDIDATES = [
    *(of_torch(weights) for weights in Weights),
    *(
        of_conversion(exporter, quantization)
        for exporter in (CTranslate2Exporter(), OnnxExporter())
        for quantization in QUANTIZATIONS
    ),
]
"""Every row of the table."""


def compare_engines(
    run: Path,
    pairs: Pairs | None = None,
    *,
    sentences: int = SENTENCES,
    say: Callable[[str], None] = lambda text: None,
) -> list[Row]:
    """Measure every candidate.

    Args:
        pairs: sentences with their translations; None uses the dev set of the run.
        say: called with a line before each candidate.
    Raises: DataError if there are no sentences.
    """
    pairs = list(islice(_dev_pairs(run) if pairs is None else pairs, sentences))
    if not pairs:
        raise DataError(f"`{run}` has no dev set to compare engines on. Give --pairs FILE.")
    facts = facts_of(run)
    usual = search_settings(facts, {})
    searches = {f"beam {usual.beam}": usual} if usual.beam > 1 else {}
    searches["greedy"] = search_settings(facts, {"beam": 1, "nbest": 1})
    metric = next((name for name in facts.get("validation") or () if name in METRICS), "chrf")
    rows: list[Row] = []
    for candidate in CANDIDATES:
        say(f"Measuring {candidate.engine}, {candidate.weights}.")
        with tempfile.TemporaryDirectory() as scratch:
            try:
                opened = candidate.opened(run, Path(scratch), pairs)
            except WhyformerError as problem:
                rows.append(Row(candidate.engine, candidate.weights, problem=str(problem)))
                continue
            for name, settings in searches.items():
                row = Row(candidate.engine, candidate.weights, name, opened[1])
                rows.append(_measured(row, opened[0], pairs, settings, metric))
    return rows


def _measured(
    row: Row,
    translator: TextTranslator,
    pairs: Pairs,
    settings: SearchSettings,
    metric: str,
) -> Row:
    """Return the row with its measurements."""
    sources = [source for source, _ in pairs]
    translator.translate(sources[:2], settings)  # to warm up
    alone: list[float] = []
    for source in sources[:ALONE]:
        began = time.perf_counter()
        translator.translate([source], settings)
        alone.append(time.perf_counter() - began)
    began = time.perf_counter()
    found = translator.translate(sources, settings, batch_lines=BATCH)
    seconds = time.perf_counter() - began
    report = evaluate_texts(
        [[one.text for one in found]], [[target] for _, target in pairs], [metric], names=["run"]
    )
    return replace(
        row,
        score=report.scores["run"][0],
        latency=1000 * statistics.median(alone),
        throughput=len(sources) / seconds,
    )


def table(rows: Sequence[Row]) -> list[str]:
    """Return the rows as an aligned table, followed by the reasons for missing measurements."""
    measured = [row for row in rows if row.score is not None]
    head = [
        "engine",
        "weights",
        "search",
        "size",
        "quality on dev",
        "one sentence",
        f"batches of {BATCH}",
    ]
    cells = [
        head,
        *(
            [
                row.engine,
                row.weights,
                row.search,
                f"{row.size / MIB:.1f} MiB",
                str(row.score),
                f"{row.latency:.2f} ms",
                f"{row.throughput:.1f} sentences/s",
            ]
            for row in measured
        ),
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    return [*lines, *(f"{row.engine} {row.weights}: {row.problem}" for row in rows if row.problem)]


def size_of(directory: Path) -> int:
    """Return the number of bytes of all files in a directory."""
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())


def _dev_pairs(run: Path) -> Pairs:
    place = run / "corpus-dev"
    if not place.is_dir():
        return []
    corpus = open_corpus(place)
    return [corpus.texts(number) for number in range(len(corpus))]
