"""A corpus: token ids and texts in memory-mapped files, built once and reused.

Files in the directory: ``{source,target}.bin`` contains the ids, each text ending with EOS;
``text.bin`` contains the texts in UTF-8; ``*.offsets.bin`` contains the start of each text and the
end of the last one, as int64; ``corpus.json`` contains everything else, with a hash of every file.
The memory use does not grow with the number of pairs, neither for building nor for reading.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from whyformer.data.chunks import COLUMNS, SIDES, Encoded, encode_chunks
from whyformer.data.filters import CorpusReport, Filters, Occurrences, SideReport
from whyformer.data.mapped import (
    explain_damage_after_writing,
    mapped,
    refuse_foreign_ids,
    refuse_wrong_counts,
    refuse_wrong_offsets,
)
from whyformer.data.reading import Pair
from whyformer.foundation.errors import DataError
from whyformer.foundation.files import (
    atomic_directory,
    recover_directory,
    sha256_of,
    standing,
)
from whyformer.foundation.integrity import (
    SEAL,
    changed_settings,
    format_of,
    note_without_checksums,
    write_sealed,
)
from whyformer.foundation.parsing import read_json, reason_of
from whyformer.foundation.wording import counted
from whyformer.text.tokenizer import Tokenizer

STATE = "corpus.json"
FORMAT = 2
"""Version of the format. Version 2 added the hash of ``corpus.json``; version 1 can still be
read."""
CHUNK = 4096
"""Number of pairs in a chunk; each process has one chunk in memory."""


class Corpus:
    """Pairs of token sequences on disk. To get a corpus, call `open_corpus` or `build_corpus`."""

    def __init__(self, directory: Path, state: dict[str, Any]) -> None:
        self.directory = directory
        self.fingerprint: str = state["fingerprint"]
        self.key: str = state["key"]
        self.format: int = state["format"]
        self.report = _report_from(state["report"])
        self.parts: list[int] = state.get("parts", [self.report.kept])
        """Number of pairs of each corpus of a mixture; the pairs of a corpus are consecutive."""
        self.ids = {
            side: mapped(directory / f"{side}.bin", state["dtypes"][side]) for side in SIDES
        }
        self.offsets = {c: mapped(directory / f"{c}.offsets.bin", "int64") for c in COLUMNS}
        self.text = mapped(directory / "text.bin", "uint8")
        """All sources and targets, concatenated, in UTF-8."""
        self.source_lengths: Int[np.ndarray, " pairs"] = _lengths(self.offsets["source"])
        self.target_lengths: Int[np.ndarray, " pairs"] = _lengths(self.offsets["target"])

    def __len__(self) -> int:
        return len(self.source_lengths)

    def source(self, index: int) -> Int[np.ndarray, " source"]:
        """Return the source ids of pair ``index``, ending with EOS."""
        return self._row("source", index)

    def target(self, index: int) -> Int[np.ndarray, " target"]:
        """Return the target ids of pair ``index``, ending with EOS."""
        return self._row("target", index)

    def texts(self, index: int) -> tuple[str, str]:
        """Return the texts of source and target, in NFC."""
        start, middle, end = self.offsets["text"][2 * index : 2 * index + 3]
        source, target = self.text[start:middle], self.text[middle:end]
        return source.tobytes().decode(), target.tobytes().decode()

    def _row(self, side: str, index: int) -> np.ndarray:
        start, end = self.offsets[side][index : index + 2]
        return self.ids[side][start:end].astype(np.int64)


def build_corpus(
    pairs: Iterable[Pair],
    source_tokenizer: Tokenizer,
    target_tokenizer: Tokenizer,
    directory: Path,
    *,
    filters: Filters | None = None,
    key: str = "",
    progress: Callable[[int], None] | None = None,
    workers: int = 1,
) -> Corpus:
    """Tokenize ``pairs`` into ``directory``, or open the corpus there if it was built from the same
    data.

    Args:
        pairs: the pairs; those of a mixture are sorted by `Pair.part`.
        key: hash of the pairs, from `whyformer.data.reading.pair_key`. With "", the corpus is
            always built again.
        progress: called with the number of pairs read so far, every few thousand pairs.
        workers: number of processes; the corpus is identical with any number.
    Raises: DataError when all pairs are left out, with the reasons; OutputError when the disk is
    full.
    """
    directory = Path(directory)
    filters = filters or Filters()
    tokenizers = (source_tokenizer, target_tokenizer)
    full_key = _full_key(key, tokenizers, filters)
    sizes = (len(source_tokenizer), len(target_tokenizer))
    if key and (corpus := _reusable(directory, full_key, sizes)):
        return corpus
    dtypes = {
        side: "uint16" if len(tokenizer) <= 1 << 16 else "uint32"
        for side, tokenizer in zip(SIDES, tokenizers, strict=True)
    }
    with atomic_directory(directory) as temporary:
        report, parts = CorpusReport(), [0]
        with ExitStack() as stack:
            columns = {
                name: stack.enter_context(_Column(temporary, name, dtypes.get(name, "uint8")))
                for name in COLUMNS
            }
            for found in encode_chunks(_chunks(pairs), tokenizers, filters, workers=workers):
                _add(found, columns, report)
                parts += [0] * (found.part + 1 - len(parts))
                parts[found.part] += found.kept
                if progress:
                    progress(report.read)
        if not report.kept:
            raise DataError(report.nothing_left())
        for side in (report.source, report.target):
            side.fertility = (side.tokens - report.kept) / max(side.words, 1)
        files = {name: digest for column in columns.values() for name, digest in column.digests()}
        state = {
            "format": FORMAT,
            "key": full_key,
            "fingerprint": _fingerprint(files, tokenizers),
            "dtypes": dtypes,
            "files": files,
            "report": asdict(report),
        } | ({"parts": parts} if len(parts) > 1 else {})
        write_sealed(temporary / STATE, state)
    with explain_damage_after_writing(directory):
        corpus = Corpus(directory, state)
        _refuse_inconsistent(corpus, None)
        return corpus


def open_corpus(directory: Path, vocabularies: tuple[int, int] | None = None) -> Corpus:
    """Open a corpus that `build_corpus` has built, after verifying the hash of every file.

    Args: vocabularies: sizes of the source and the target vocabulary; every id must be smaller than
        the size of its vocabulary.
    Raises: DataError when the directory is not a corpus, has a newer format, or is damaged.
    """
    directory = standing(directory)
    place = directory / STATE
    try:
        state = read_json(place)
    except FileNotFoundError:
        raise DataError(
            f"`{directory}` must be a corpus directory, but it has no corpus.json. Build it first."
        ) from None
    except (ValueError, OSError) as error:
        raise DataError(f"`{place}` is damaged ({reason_of(error)}). {_REBUILD}") from None
    try:
        format_of(place, state, newest=FORMAT, oldest=1)
    except ValueError as error:
        raise DataError(f"`{place}` is damaged ({error}). {_REBUILD}") from None
    if (SEAL in state) != (state["format"] > 1) or (SEAL in state and changed_settings(state)):
        raise DataError(f"`{place}` changed after it was written. {_REBUILD}")
    try:
        for name, digest in state["files"].items():
            file = directory / name
            there = os.path.isfile(file)  # also False if the file's name is too long
            if not there or sha256_of(file) != digest:
                changed = "was changed or truncated after the corpus was built"
                what = changed if there else "is missing from the corpus"
                raise DataError(f"`{file}` {what}. {_REBUILD}")
        corpus = Corpus(directory, state)
        _refuse_inconsistent(corpus, vocabularies)
        return corpus
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise DataError(f"`{place}` is damaged ({reason_of(error)}). {_REBUILD}") from None


def _refuse_inconsistent(corpus: Corpus, vocabularies: tuple[int, int] | None) -> None:
    """Raise ValueError if the ids, offsets and counts of a corpus contradict each other."""
    for side, size in zip(SIDES, vocabularies or (), strict=False):
        refuse_foreign_ids(corpus.ids[side], size)
    pairs = corpus.report.kept
    parts = corpus.parts
    if not all(type(part) is int and part >= 0 for part in parts) or sum(parts) != pairs:
        raise ValueError(f"`parts` has {parts} for {counted(pairs, 'pair')}")
    for name in COLUMNS:
        ends = corpus.offsets[name]
        values = corpus.text if name == "text" else corpus.ids[name]
        refuse_wrong_offsets(ends, values, name)
        if len(ends) - 1 != (2 * pairs if name == "text" else pairs):
            entries = counted(len(ends) - 1, "entry", "entries")
            raise ValueError(f"`{name}` has {entries} for {counted(pairs, 'pair')}")


_REBUILD = "Delete the directory and build the corpus again."


class _Column:
    """Appends arrays to one file, and the offset of the end of each array to another file. Computes
    the hashes of both files."""

    def __init__(self, directory: Path, name: str, dtype: str) -> None:
        self.names = (f"{name}.bin", f"{name}.offsets.bin")
        self.dtype = dtype
        self.end = 0
        self.files = [(directory / file).open("wb") for file in self.names]
        self.hashes = [hashlib.sha256(), hashlib.sha256()]
        self._write(1, np.zeros(1, dtype=np.int64))

    def append(self, values: np.ndarray, lengths: np.ndarray) -> None:
        ends = self.end + np.cumsum(lengths, dtype=np.int64)
        self.end += len(values)
        self._write(0, values.astype(self.dtype, copy=False))
        self._write(1, ends)

    def digests(self) -> list[tuple[str, str]]:
        """Return the names and hashes of the two files."""
        return [(name, h.hexdigest()) for name, h in zip(self.names, self.hashes, strict=True)]

    def __enter__(self) -> "_Column":
        return self

    def __exit__(self, *failure: object) -> None:
        for file in self.files:
            file.close()

    def _write(self, which: int, values: np.ndarray) -> None:
        block = values.tobytes()
        self.files[which].write(block)
        self.hashes[which].update(block)


def _chunks(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """Yield chunks of pairs. The pairs of a chunk belong to the same part."""
    for _, part in groupby(pairs, lambda pair: pair.part):
        while chunk := list(islice(part, CHUNK)):
            yield chunk


def _add(found: Encoded, columns: dict[str, _Column], report: CorpusReport) -> None:
    """Write the encoded pairs of a chunk, and add their counts to the report."""
    for name, (values, lengths) in found.columns.items():
        columns[name].append(values, lengths)
    report.read += found.read
    report.kept += found.kept
    for reason, line in found.dropped:
        report.drop(reason, line)
    for line in found.failures:
        report.round_trip_failures.add(line)
    for side, more in zip((report.source, report.target), found.sides, strict=True):
        side.tokens += more.tokens
        side.words += more.words
        side.longest = max(side.longest, more.longest)
        side.unknown += more.unknown
        side.spelled += more.spelled


def _reusable(directory: Path, full_key: str, vocabularies: tuple[int, int]) -> Corpus | None:
    if not directory.exists():
        recover_directory(directory)
    try:
        corpus = open_corpus(directory, vocabularies)
    except DataError:
        return None
    if corpus.key != full_key:
        return None
    if corpus.format == 1:
        note_without_checksums(directory, "Delete it to build it again with checksums.")
    return corpus


def _full_key(key: str, tokenizers: tuple[Tokenizer, Tokenizer], filters: Filters) -> str:
    parts = [key, *(t.fingerprint for t in tokenizers), filters.model_dump_json()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _fingerprint(files: dict[str, str], tokenizers: tuple[Tokenizer, Tokenizer]) -> str:
    """Return a hash that identifies the ids and the tokenizers of a corpus."""
    ids = [files[f"{side}{ending}"] for side in SIDES for ending in (".bin", ".offsets.bin")]
    return hashlib.sha256(
        "\n".join([*ids, *(t.fingerprint for t in tokenizers)]).encode()
    ).hexdigest()


def _report_from(state: dict[str, Any]) -> CorpusReport:
    report = CorpusReport(
        read=state["read"],
        kept=state["kept"],
        dropped={reason: Occurrences(**found) for reason, found in state["dropped"].items()},
        source=SideReport(**state["source"]),
        target=SideReport(**state["target"]),
        round_trip_failures=Occurrences(**state["round_trip_failures"]),
    )
    occurrences = [*report.dropped.values(), report.round_trip_failures]
    for part in (report, report.source, report.target, *occurrences):
        refuse_wrong_counts(part)
    return report


def _lengths(offsets: np.ndarray) -> np.ndarray:
    return np.diff(offsets).astype(np.int32)
