"""Compute figures of one side of the data: lengths, scripts, different characters and words."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64

from whyformer.data.survey.block import Block
from whyformer.data.survey.characters import CLASSES, EMOJI, FIRST_LETTER, SCRIPTS

LONGEST_COUNTED = 1 << 16
"""In the quantiles, a longer text counts as a text of this length. The length of the longest text
is exact."""
DIFFERENT_WORDS = 200_000
"""Up to this many different words are counted exactly. A larger number is estimated, with an error
of about 1 %."""
POINTS = 0x110000


class Lengths:
    """A histogram of the lengths of texts."""

    def __init__(self) -> None:
        self.counts: Int64[np.ndarray, " lengths"] = np.zeros(LONGEST_COUNTED + 1, dtype=np.int64)
        self.longest = 0
        self.total = 0

    def add(self, lengths: Int64[np.ndarray, " texts"]) -> None:
        """Add the lengths of some texts."""
        capped = np.minimum(lengths, LONGEST_COUNTED)
        found = np.bincount(capped)
        self.counts[: len(found)] += found
        self.longest = max(self.longest, int(lengths.max(initial=0)))
        self.total += int(lengths.sum())

    def quantile(self, share: float) -> int:
        """Return the smallest length L such that at least the fraction ``share`` of the texts is
        not longer than L."""
        sums = self.counts.cumsum()
        return int(np.searchsorted(sums, share * sums[-1]))

    def to_json(self) -> dict[str, float]:
        """Return the figures as JSON."""
        count = int(self.counts.sum())
        return {
            "median": self.quantile(0.5), "95%": self.quantile(0.95), "longest": self.longest,
            "mean": self.total / max(1, count),
        }  # fmt: skip


@dataclass
class Different:
    """A count of different words. If there are more than `DIFFERENT_WORDS`, only a known fraction
    of them, chosen by a hash, is stored, and the count is estimated from this fraction."""

    halvings: int = 0
    _words: set[str] = field(default_factory=set)

    def add(self, words: Sequence[str]) -> None:
        """Add some words."""
        if self.halvings:
            words = [word for word in words if self._kept(word)]
        self._words.update(words)
        while len(self._words) > DIFFERENT_WORDS:
            self.halvings += 1
            self._words = {word for word in self._words if self._kept(word)}

    def _kept(self, word: str) -> bool:
        return zlib.crc32(word.encode("utf-8", "surrogatepass")) % (1 << self.halvings) == 0

    @property
    def count(self) -> int:
        """The number of different words; an estimate if `halvings` is not 0."""
        return len(self._words) << self.halvings


class SideFigures:
    """The figures of one side of the data; texts are added block by block."""

    def __init__(self) -> None:
        self.characters, self.words = Lengths(), Lengths()
        self.different_words = Different()
        self.dominant: Int64[np.ndarray, " scripts"] = np.zeros(len(SCRIPTS), dtype=np.int64)
        """For each script, the number of texts in which most letters belong to it."""
        self.classes: Int64[np.ndarray, " classes"] = np.zeros(CLASSES, dtype=np.int64)
        """For each class of characters, the number of characters."""
        self.emoji = 0
        """Number of texts that contain an emoji."""
        self._points: Int64[np.ndarray, " points"] = np.zeros(POINTS, dtype=np.int64)

    def add(self, block: Block, texts: Sequence[str]) -> None:
        """Add the texts of a block."""
        self.characters.add(block.lengths)
        self.words.add(block.words)
        self.different_words.add(" ".join(texts).split())
        lettered = block.dominant[block.dominant >= 0]
        self.dominant += np.bincount(lettered, minlength=len(SCRIPTS))
        self.classes += block.counts.sum(axis=0)
        self.emoji += int((block.counts[:, EMOJI] > 0).sum())
        found = np.bincount(block.points)
        self._points[: len(found)] += found

    @property
    def different_characters(self) -> int:
        """The number of different characters, without the line end."""
        return int((self._points > 0).sum() - (self._points[10] > 0))

    @property
    def letters(self) -> dict[str, float]:
        """For each script, the fraction of the letters that belong to it, the largest fraction
        first."""
        letters = self.classes[FIRST_LETTER:]
        total = max(1, int(letters.sum()))
        order = np.argsort(-letters, kind="stable")
        return {SCRIPTS[one]: float(letters[one]) / total for one in order if letters[one]}

    def to_json(self) -> dict[str, object]:
        """Return the figures as JSON."""
        return {
            "characters": self.characters.to_json(),
            "words": self.words.to_json(),
            "different_characters": self.different_characters,
            "different_words": self.different_words.count,
            "different_words_estimated": self.different_words.halvings > 0,
            "scripts": {name: round(share, 6) for name, share in self.letters.items()},
            "texts_with_emoji": self.emoji,
        }
