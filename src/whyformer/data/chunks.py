"""Tokenize pairs in chunks of a few thousand, in one process or several.

The ids of a chunk depend only on the chunk, the tokenizers and the filters, and the results keep
the order of the chunks, so the corpus is the same with any number of processes. Each process has
one chunk in memory. The processes are started directly, not with `multiprocessing`, which would run
the script of the caller again.
"""

import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from whyformer.data.filters import Filters, SideReport
from whyformer.data.reading import Pair
from whyformer.foundation import plugins
from whyformer.foundation.errors import DataError
from whyformer.text.normalization import normalize
from whyformer.text.pieces import UNITS
from whyformer.text.symbols import EOS, FIRST_BYTE, UNK
from whyformer.text.tokenizer import Tokenizer, tokenizer_from_json

SIDES = ("source", "target")
COLUMNS = (*SIDES, "text")
ALONE_CHUNKS = 8
"""Number of chunks that this process encodes alone. Other processes are started only for larger
data."""

Tokenizers = tuple[Tokenizer, Tokenizer]


@dataclass
class Encoded:
    """The result of encoding one chunk.

    Args:
        part: number of the corpus of the chunk; see `Pair.part`.
        columns: for each column name, the concatenated rows and the length of each row.
        dropped: the reason and the line of each pair that is left out.
        failures: lines of the pairs whose ids do not decode to the same text.
    """

    read: int
    kept: int = 0
    part: int = 0
    columns: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    sides: tuple[SideReport, SideReport] = field(
        default_factory=lambda: (SideReport(), SideReport())
    )
    dropped: list[tuple[str, int | str]] = field(default_factory=list)
    failures: list[int | str] = field(default_factory=list)


def encode_chunk(chunk: Sequence[Pair], tokenizers: Tokenizers, filters: Filters) -> Encoded:
    """Filter and tokenize a chunk."""
    found = Encoded(len(chunk), part=chunk[0].part)
    readable: list[Pair] = []
    for pair in chunk:
        if reason := filters.reason_by_text(pair.source, pair.target):
            found.dropped.append((reason, pair.place))
        else:
            readable.append(pair)
    source_ids = tokenizers[0].encode_batch([pair.source for pair in readable])
    target_ids = tokenizers[1].encode_batch([pair.target for pair in readable])
    kept: list[Pair] = []
    rows: tuple[list[list[int]], list[list[int]]] = ([], [])
    for pair, source, target in zip(readable, source_ids, target_ids, strict=True):
        if reason := filters.reason_by_tokens(len(source), len(target)):
            found.dropped.append((reason, pair.place))
            continue
        kept.append(pair)
        rows[0].append(source)
        rows[1].append(target)
        if not all(
            tokenizer.decode(ids) == tokenizer.normalize(text)
            for tokenizer, ids, text in (
                (tokenizers[0], source, pair.source),
                (tokenizers[1], target, pair.target),
            )
        ):
            found.failures.append(pair.place)
    found.kept = len(kept)
    texts = [normalize(text) for pair in kept for text in (pair.source, pair.target)]
    for k, (name, side) in enumerate(zip(SIDES, found.sides, strict=True)):
        found.columns[name] = _flat(rows[k], side, tokenizers[k].first_piece)
        side.words = sum(len(text.split()) for text in texts[k::2])
    encoded = [text.encode() for text in texts]
    lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
    found.columns["text"] = (np.frombuffer(b"".join(encoded), dtype=np.uint8), lengths)
    return found


def encode_chunks(
    chunks: Iterable[list[Pair]], tokenizers: Tokenizers, filters: Filters, *, workers: int
) -> Iterator[Encoded]:
    """Yield the result of each chunk, in order.

    Args: workers: number of processes; 1 means only this one. This process always encodes the first
    few chunks, so that a small corpus does not wait for other processes to start. If the code for
    the units of a tokenizer is in a notebook or script, other processes cannot import it, and this
    process encodes all chunks.
    Raises: DataError when a process ends before it has finished.
    """
    chunks = iter(chunks)
    alone = not all(plugins.loads_elsewhere(UNITS.module_of(one.units)) for one in tokenizers)
    for chunk in chunks if workers == 1 or alone else islice(chunks, ALONE_CHUNKS):
        yield encode_chunk(chunk, tokenizers, filters)
    first = next(chunks, None)
    if first is None:
        return
    with ExitStack() as stack:
        encoders = [stack.enter_context(_Encoder(tokenizers, filters)) for _ in range(workers)]
        working: deque[_Encoder] = deque()
        chunk: list[Pair] | None = first
        while chunk is not None:
            if len(working) < workers:
                encoder = encoders[len(working)]
            else:
                encoder = working.popleft()
                yield encoder.result()
            encoder.begin(chunk)
            working.append(encoder)
            chunk = next(chunks, None)
        while working:
            yield working.popleft().result()


class _Encoder:
    """A handle to another process, which encodes one chunk at a time."""

    def __init__(self, tokenizers: Tokenizers, filters: Filters) -> None:
        texts = tuple(tokenizer.to_json() for tokenizer in tokenizers)
        self._setting = (plugins.sources(), *texts, filters.model_dump_json())

    def __enter__(self) -> "_Encoder":
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [sys.executable, "-c", "from whyformer.data.chunks import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # One thread per process, because more threads inside the tokenizers would be slower.
            env=os.environ | {"PYTHONPATH": paths, "TOKENIZERS_PARALLELISM": "false"},
        )
        self.begin(self._setting)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._process.kill()
        self._process.communicate()

    def begin(self, work: Any) -> None:
        """Send a chunk to the process. The process is waiting for a chunk, so sending does not
        block."""
        assert self._process.stdin is not None
        try:
            pickle.dump(work, self._process.stdin, pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def result(self) -> Encoded:
        """Wait for the process, and return its result for the chunk."""
        assert self._process.stdout is not None
        try:
            return pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError):
            raise self._ended() from None

    def _ended(self) -> DataError:
        return DataError(
            f"A process that tokenizes ended with code {self._process.wait()} before its work was "
            "done; the memory may have been too small. Try again with OMP_NUM_THREADS=1."
        )


def _flat(
    rows: Sequence[list[int]], side: SideReport, first_piece: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the concatenated rows, each with EOS, and the lengths of the rows. Also count their
    tokens in ``side``."""
    lengths = np.fromiter((len(row) + 1 for row in rows), dtype=np.int64, count=len(rows))
    total = int(lengths.sum())
    flat = np.fromiter((i for row in rows for i in (*row, EOS)), dtype=np.int64, count=total)
    side.tokens = total
    side.longest = int(lengths.max(initial=0))
    side.unknown = int((flat == UNK).sum())
    side.spelled = int(((flat >= FIRST_BYTE) & (flat < first_piece)).sum())
    return flat, lengths


def main() -> None:
    """The work of one of the other processes: encode chunks from standard input until this input
    ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # texts that libraries print must not mix with the results
    named, *texts, given = pickle.load(sys.stdin.buffer)
    for plugin in named:  # a plugin may define a tokenizer's units
        plugins.load(plugin)
    source, target = (tokenizer_from_json(text) for text in texts)
    filters = Filters.model_validate_json(given)
    with suppress(EOFError, BrokenPipeError, pickle.UnpicklingError):  # the parent ended
        while True:
            chunk = pickle.load(sys.stdin.buffer)
            found = encode_chunk(chunk, (source, target), filters)
            pickle.dump(found, answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()
