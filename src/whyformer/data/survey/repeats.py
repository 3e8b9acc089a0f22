"""Find repeated pairs, sources with several targets, and near-duplicates of validation data.

Only hashes of 64 bits are stored. If there are more than `IN_MEMORY` items, the hashes are written
to temporary files, so that the memory use does not grow with the data. Each file contains one part
of the range of hashes, so equal texts are in the same file.
"""

import hashlib
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO

import numpy as np
from jaxtyping import Bool, UInt8, UInt64

from whyformer.data.held_out import Draw, Key, place

IN_MEMORY = 1 << 20
"""Maximum number of items whose hashes are kept in memory."""
PARTS = 64
"""Number of temporary files."""
DUPLICATE, SEVERAL, NEAR_VALIDATION = 1, 2, 4
"""The bits that `Repeats.marks` may contain."""
RECORD = np.dtype([
    ("near", "u8"), ("source", "u8"), ("target", "u8"), ("index", "u4"), ("held", "u1"),
])  # fmt: skip
_NOT_WORDS = re.compile(r"[\W_]+")


def near_key(text: str) -> str:
    """Return a text in lower case without punctuation and spaces. Near-duplicates have equal keys.

    >>> near_key("Don't stop!") == near_key("dont  STOP")
    True
    """
    return _NOT_WORDS.sub("", text.casefold()) or text


@dataclass(frozen=True)
class Repeats:
    """The repeated items of the data."""

    marks: UInt8[np.ndarray, " items"] = field(default_factory=lambda: np.zeros(0, dtype=np.uint8))
    """For each item of the training data, its bits `DUPLICATE`, `SEVERAL` and `NEAR_VALIDATION`."""
    duplicates: int = 0
    """Number of items that repeat an earlier item."""
    sources: int = 0
    """Number of different sources."""
    several: int = 0
    """Number of different sources that have several targets."""
    in_several: int = 0
    """Number of items whose source has several targets."""
    validation: int = 0
    """Number of items of the validation data: the given data, or the items that training would hold
    out."""
    near_validation: int = 0
    """Number of items of the validation data that are also in the training data, ignoring case,
    punctuation and spaces."""


class RepeatFinder:
    """Collects the hashes of items to find repeated ones; see the description of the module.

    Args:
        key: function that normalizes a text; texts with equal normalized forms are equal.
        draw: collects the sources from which training would choose its validation set. If
            validation data is added, ``draw`` is not used.
    """

    def __init__(self, key: Key, draw: Draw) -> None:
        self._key, self._draw = key, draw
        self._parts: list[np.ndarray] = []
        self._kept = self._count = 0
        self._files: list[IO[bytes]] = []
        self._closing = ExitStack()

    def __enter__(self) -> "RepeatFinder":
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def add(
        self,
        sources: Sequence[str],
        targets: Sequence[str],
        *,
        drawn: Sequence[bool] = (),
        held: bool = False,
    ) -> None:
        """Add a block of items.

        Args:
            drawn: for each item, whether training could choose it for its validation set.
            held: whether the items are validation data.
        """
        key = self._key
        places = [place(key(text)) for text in sources]
        found = np.zeros(len(sources), dtype=RECORD)
        found["near"] = _hashes([near_key(text) for text in sources])
        found["source"] = places
        found["target"] = _hashes([key(text) for text in targets])
        found["held"] = held
        for where, able in zip(places, drawn, strict=False):
            if able:
                self._draw.add_place(where)
        if not held:
            found["index"] = np.arange(self._count, self._count + len(found))
            self._count += len(found)
        self._parts.append(found)
        self._kept += len(found)
        if self._kept > IN_MEMORY:
            self._spill()

    def _spill(self) -> None:
        if not self._files:
            for _ in range(PARTS):
                file = tempfile.TemporaryFile()  # noqa: SIM115  (closed at the end)
                self._files.append(self._closing.enter_context(file))
        records = np.concatenate(self._parts)
        part = records["near"] // np.uint64(2**64 // PARTS)
        for number, file in enumerate(self._files):
            file.write(records[part == number].tobytes())
        self._parts, self._kept = [], 0

    def _records(self) -> Iterator[np.ndarray]:
        if not self._files:
            yield np.concatenate(self._parts) if self._parts else np.zeros(0, dtype=RECORD)
            return
        if self._parts:
            self._spill()
        for file in self._files:
            file.seek(0)
            yield np.frombuffer(file.read(), dtype=RECORD)

    def found(self, chosen: frozenset[int] | None) -> Repeats:
        """Return the repeated items. Call this function once, after all items were added.

        Args: chosen: the places (see `held_out.place`) of the sources that training would hold out;
            None if validation data was added.
        """
        marks = np.zeros(self._count, dtype=np.uint8)
        sums = Counter[str]()
        held = np.array(sorted(chosen or ()), dtype=np.uint64)
        for records in self._records():
            if not len(records):
                continue
            train = records[records["held"] == 0]
            _mark_repeats(train, marks, sums)
            is_held = records["held"] > 0
            if chosen is not None:
                is_held = np.isin(records["source"], held)
            _mark_near(records, is_held, marks, sums)
        return Repeats(marks, **sums)


def _hashes(texts: Sequence[str]) -> UInt64[np.ndarray, " texts"]:
    digests = (hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(b"".join(digests), dtype="<u8")


def _mark_repeats(
    train: np.ndarray, marks: UInt8[np.ndarray, " items"], sums: Counter[str]
) -> None:
    order = np.lexsort((train["index"], train["target"], train["source"]))
    source, target = train["source"][order], train["target"][order]
    index = train["index"][order]
    new_source = np.ones(len(order), dtype=bool)
    new_source[1:] = source[1:] != source[:-1]
    new_pair = new_source.copy()
    new_pair[1:] |= target[1:] != target[:-1]
    marks[index[~new_pair]] |= DUPLICATE
    group = new_source.cumsum() - 1
    many = np.bincount(group[new_pair], minlength=0) > 1
    marks[index[many[group]]] |= SEVERAL
    sums["duplicates"] += int((~new_pair).sum())
    sums["sources"] += int(new_source.sum())
    sums["several"] += int(many.sum())
    sums["in_several"] += int(many[group].sum())


def _mark_near(
    records: np.ndarray,
    held: Bool[np.ndarray, " records"],
    marks: UInt8[np.ndarray, " items"],
    sums: Counter[str],
) -> None:
    shared = np.intersect1d(records["near"][held], records["near"][~held])
    in_both = np.isin(records["near"], shared)
    marks[records["index"][in_both & ~held]] |= NEAR_VALIDATION
    sums["validation"] += int(held.sum())
    sums["near_validation"] += int((in_both & held).sum())
