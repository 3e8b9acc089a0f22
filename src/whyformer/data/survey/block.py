"""Many texts as one array of code points, so that numpy measures all of them at once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Bool, Int64, UInt8, UInt32

from whyformer.data.survey.characters import CLASSES, FIRST_LETTER, SPACE, class_of_point

TEXTS = 2048
"""Maximum number of texts in a block."""
CHARACTERS = 1 << 20
"""A block with this many characters or more gets no further texts."""
LINE_END = 10


@runtime_checkable
class Sided(Protocol):
    """An item of the data with two texts."""

    @property
    def source(self) -> str:
        """The source, or the text if an item has only one."""
        ...

    @property
    def target(self) -> str:
        """The target, or the label."""
        ...


Item = TypeVar("Item", bound=Sided)


def in_blocks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield the items in lists that are small enough for a `Block`."""
    found: list[Item] = []
    size = 0
    for item in items:
        found.append(item)
        size += len(item.source) + len(item.target)
        if len(found) == TEXTS or size > CHARACTERS:
            yield found
            found, size = [], 0
    if found:
        yield found


@dataclass(frozen=True)
class Block:
    """The code points of some texts in one array. A line end follows each text."""

    points: UInt32[np.ndarray, " points"]
    starts: Int64[np.ndarray, " texts"]
    """For each text, the index of its first code point."""
    lengths: Int64[np.ndarray, " texts"]
    """For each text, its number of characters."""

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Block":
        """Return the block of one or more texts."""
        joined = "\n".join(texts) + "\n"
        points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
        starts = np.zeros(len(texts), dtype=np.int64)
        np.cumsum(lengths[:-1] + 1, out=starts[1:])
        return cls(points, starts, lengths)

    @cached_property
    def classes(self) -> UInt8[np.ndarray, " points"]:
        """For each character, the number of its class (see `characters`)."""
        return class_of_point()[self.points]

    @cached_property
    def rows(self) -> Int64[np.ndarray, " points"]:
        """For each character, the index of the text to which it belongs."""
        return np.repeat(np.arange(len(self.starts)), self.lengths + 1)

    @cached_property
    def counts(self) -> Int64[np.ndarray, "texts classes"]:
        """For each text, its number of characters in each class. Line ends count as spaces."""
        places = self.rows * CLASSES + self.classes
        size = len(self.starts) * CLASSES
        return np.bincount(places, minlength=size).reshape(len(self.starts), CLASSES)

    @cached_property
    def letters(self) -> Int64[np.ndarray, "texts scripts"]:
        """For each text, its number of letters in each script."""
        return self.counts[:, FIRST_LETTER:]

    @cached_property
    def words(self) -> Int64[np.ndarray, " texts"]:
        """For each text, its number of words, separated by spaces."""
        space = self.classes == SPACE
        begins = ~space
        begins[1:] &= space[:-1]
        return self.per_text(begins)

    def per_text(self, found: Bool[np.ndarray, " points"]) -> Int64[np.ndarray, " texts"]:
        """Return, for each text, how many of its characters are marked in ``found``."""
        return np.add.reduceat(found, self.starts, dtype=np.int64)

    @cached_property
    def dominant(self) -> Int64[np.ndarray, " texts"]:
        """For each text, the script to which most of its letters belong; -1 for a text without
        letters."""
        most = self.letters.argmax(axis=1)
        return np.where(self.letters.any(axis=1), most, -1)
