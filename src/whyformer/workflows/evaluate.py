"""Evaluate runs, or files of existing translations, against references; compare systems."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from whyformer.data.filters import Occurrences
from whyformer.data.formats.recognition import Wanted
from whyformer.data.lines import read_lines
from whyformer.data.reading import Reading, pair_files, pair_roles, read_pairs
from whyformer.evaluation.metric import METRICS, check_lines, metric_named, reads
from whyformer.evaluation.report import Report, alternatives, evaluate_texts
from whyformer.foundation.errors import UsageError
from whyformer.foundation.ranks import ALONE, Ranks
from whyformer.foundation.wording import either
from whyformer.text.normalization import normalize as nfc
from whyformer.text.tokenizer import Tokenizer
from whyformer.workflows.engines import Engines
from whyformer.workflows.reading_of_training import as_in_training, facts_of
from whyformer.workflows.source_checks import SourceCheck

Items = tuple[list[str], list[list[str]]]
"""The sources, and one or more references for each source."""


def read_parallel(
    source: Path,
    references: Sequence[Path],
    encoding: str | None = None,
    *,
    run: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Items:
    """Read sources and one or more files of references, line by line.

    Args: run, say: see `read_items`.
    Raises: DataError if the numbers of lines differ.
    """

    def lines(path: Path) -> list[str]:
        reading = Reading(encoding) if run is None else as_in_training(run, path, encoding, say)
        return list(read_lines(path, reading.encoding))

    right = alternatives([lines(path) for path in references])
    sources = lines(source)
    check_lines(sources, right)
    return sources, right


def read_items(
    path: Path,
    columns: Sequence[str] = (),
    encoding: str | None = None,
    *,
    run: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Items:
    """Read pairs. Pairs with the same source become one item with several references.

    Sources are compared after Unicode normalization (NFC), because runs normalize their input.
    Args:
        columns: names or numbers of the columns of source and target. If empty, the columns of the
            training data are read if the file has these columns; otherwise, the content of the file
            decides which columns are read.
        run: a run; the file is read with the encoding and the delimiter of its training data if
            necessary; see `as_in_training`.
        say: function that prints a line. If the file has other columns, a line states which columns
            are read. Another line states the encoding.
    """
    if len(columns) not in (0, 2):
        raise UsageError(
            f"`--columns` takes the columns of source and target, but the number given is "
            f"{len(columns)}."
        )
    reading = Reading(encoding) if run is None else as_in_training(run, path, encoding, say)
    given = bool(columns)
    if run is not None and not given:
        columns = _columns_in_training(run, path, reading)
    source, target = columns or (None, None)
    options: dict[str, Any] = {
        "source": source,
        "target": target,
        "reading": reading,
        "alone": True,
    }
    if len(pair_files(path)) == 1:
        roles = pair_roles(str(path), **options)
        if not given and (roles.table.named or len(roles.table.columns) > 2):
            say(roles.described())
    grouped: dict[str, list[str]] = {}
    for pair in read_pairs(path, **options):
        grouped.setdefault(nfc(pair.source), []).append(pair.target)
    return list(grouped), list(grouped.values())


def _columns_in_training(run: Path, file: Path, reading: Reading) -> list[str]:
    """Return the columns that a run was trained on if the file has these columns; otherwise an
    empty list."""
    try:
        kept = [name for name in facts_of(run)["columns"].values() if isinstance(name, str)]
    except (KeyError, AttributeError):
        return []  # an old run; if the run is damaged, loading the run reports this
    if not file.is_file():
        return []
    table = reading.table(file, Wanted.PAIRS, kept)
    there = table and all(table.place(name) is not None for name in kept)
    return kept if there and len(kept) == 2 else []


def evaluate_runs(
    runs: Sequence[Path],
    sources: Sequence[str],
    references: Sequence[Sequence[str]],
    metrics: Sequence[str],
    *,
    search: Mapping[str, Any] | None = None,
    engine: str = "auto",
    weights: str | None = None,
    lowercase: bool = False,
    tokenize: str | None = None,
    normalize: bool = True,
    ranks: Ranks = ALONE,
    warn: Callable[[str], None] = lambda text: None,
    places: Sequence[int | str] | None = None,
    tag: str | None = None,
) -> Report | None:
    """Translate ``sources`` with each run and its search settings, and score the output.

    Args:
        search: settings that override the search settings of each run.
        engine: auto, torch, ctranslate2 or onnx; see `Engines`.
        weights: data type of the weights; see `Engines`.
        ranks: the processes that translate together; rank 0 scores, and the other ranks return
            None.
        warn: called with warnings about truncated outputs and sources that differ from the
            training data.
        tag: tag of the sources that do not begin with one; see `Expected.with_tag`.
        places: a line number or name for each source, to use in warnings (default: line numbers).
    """
    texts = _text_settings(metrics, lowercase, tokenize, normalize)
    names = _names_of(runs)
    systems: list[list[str]] = []
    places = places or range(1, len(sources) + 1)
    for run in runs:
        engines = Engines([run], engine, ranks=ranks, weights=weights, warn=True, say=warn)
        chosen = engines.choose(search or {}, tag=tag)
        translator, settings = chosen.translator, chosen.settings
        if ranks.first:
            check = SourceCheck(translator.source_tokenizer, translator.expected)
            for finding in check.add_all(zip(places, sources, strict=True)).findings():
                warn(f"`{run}`: {finding}")
            if _loses_case(translator.target_tokenizer, references) and not lowercase:
                warn(
                    f"The output of `{run}` is all lower case, but the references contain upper "
                    "case, so the difference counts as an error. Add --lowercase to ignore case."
                )
        found = translator.translate(sources, settings)
        cut = Occurrences()
        for place, answer in zip(places, found, strict=True):
            if answer.hypotheses and not answer.hypotheses[0][1].finished:
                cut.add(place)
        if cut.count and ranks.first:
            warn(f"`{run}`: the length limit cut {cut.of('translation')}.")
        systems.append([answer.text for answer in found])
    if not ranks.first:
        return None
    return evaluate_texts(systems, references, metrics, names=names, **texts)


def _loses_case(tokenizer: Tokenizer, references: Sequence[Sequence[str]]) -> bool:
    return tokenizer.lowercase and any(one != one.lower() for some in references for one in some)


def evaluate_files(
    hypotheses: Sequence[Path],
    references: Sequence[Path],
    metrics: Sequence[str],
    *,
    lowercase: bool = False,
    tokenize: str | None = None,
    normalize: bool = True,
    encoding: str | None = None,
) -> Report:
    """Score files of existing translations against the references, line by line.

    Raises: DataError if the numbers of lines differ.
    """
    texts = _text_settings(metrics, lowercase, tokenize, normalize)
    names = _names_of(hypotheses)
    right = alternatives([list(read_lines(path, encoding)) for path in references])
    systems = [list(read_lines(path, encoding)) for path in hypotheses]
    return evaluate_texts(systems, right, metrics, names=names, **texts)


def _text_settings(
    metrics: Sequence[str], lowercase: bool, tokenize: str | None, normalize: bool
) -> dict[str, Any]:
    """Return the settings for the comparison of texts.

    Raises: UsageError for an unknown metric, and for a setting that no metric uses.
    """
    settings: dict[str, Any] = {"lowercase": lowercase, "tokenize": tokenize or "13a"}
    for name in metrics:
        metric_named(name, **settings)
    for name, given in (("lowercase", lowercase), ("tokenize", tokenize is not None)):
        if given and not any(name in reads(metric) for metric in metrics):
            readers = either(metric for metric in METRICS if name in reads(metric))
            raise UsageError(
                f"`--{name}` is only for {readers}, but the metrics are {', '.join(metrics)}. "
                "Leave it out, or add one of these metrics to --metric."
            )
    return settings | {"normalize": normalize}


def _names_of(paths: Sequence[Path]) -> list[str]:
    """Return the names of the systems. Raises: UsageError if a system is given twice."""
    names = [str(path) for path in paths]
    for path in paths:
        if names.count(str(path)) > 1:
            raise UsageError(f"Systems to compare must differ, but `{path}` is given twice.")
    return names
