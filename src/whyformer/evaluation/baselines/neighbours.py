"""Find the most similar training texts by their character n-grams, with an inverted index."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
SIZES = (2, 3)
"""Lengths of the character n-grams. A text gets a space at both ends."""
MOST_ENTRIES = 60_000
"""A query reads at most this number of index entries; it leaves out the most frequent n-grams."""
LARGEST_KEY = 2**62
SPARE = 32
"""Number of ids for letters of a query that do not occur in the training texts."""


@dataclass(frozen=True)
class Neighbour:
    """A training text: its number, and the cosine of its TF-IDF vector with that of the query."""

    number: int
    similarity: float


class NeighbourIndex:
    """An inverted index over character n-grams: n-gram -> texts with their TF-IDF weights.

    A query is compared only with the texts that share rare n-grams with it, so the cost of many
    queries is less than the number of queries × the number of texts.

    >>> index = NeighbourIndex(["a red dog", "two cats", "a red house"])
    >>> [one.number for one in index.nearest("the red dog", 2)]
    [0, 2]
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.size = len(texts)
        letters = sorted(set("".join(texts)) | {" "})
        self._letters = {letter: number for number, letter in enumerate(letters, start=1)}
        self._base = len(letters) + 1 + SPARE
        self._sizes = [n for n in SIZES if self._base ** (n + 1) < LARGEST_KEY]
        owners, grams = [], []
        for number, text in enumerate(texts):
            found = self._grams(text)
            grams.append(found)
            owners.append(np.full(len(found), number, dtype=np.int64))
        gram, owner = np.concatenate([*grams, []]), np.concatenate([*owners, []])
        self._known, which = np.unique(gram.astype(np.int64), return_inverse=True)
        many = max(1, self.size)
        pair, times = np.unique(which * many + owner.astype(np.int64), return_counts=True)
        which, self._owners = pair // many, pair % many
        self._starts = np.searchsorted(which, np.arange(len(self._known) + 1))
        frequency = np.diff(self._starts)
        self._rarity = np.log((1 + self.size) / (1 + frequency)) + 1.0
        weight = (1 + np.log(times)) * self._rarity[which]
        norm = np.sqrt(np.bincount(self._owners, weight**2, self.size))
        self._weights = weight / np.where(norm > 0, norm, 1.0)[self._owners]

    def nearest(self, text: str, count: int = 1) -> list[Neighbour]:
        """Return up to ``count`` texts that share an n-gram with ``text``, most similar first."""
        grams, times = np.unique(self._grams(text), return_counts=True)
        if not len(self._known) or not len(grams):
            return []
        place = np.searchsorted(self._known, grams)
        place[place == len(self._known)] = 0
        known = self._known[place] == grams
        unseen = np.log(1 + self.size) + 1.0
        weight = (1 + np.log(times)) * np.where(known, self._rarity[place], unseen)
        weight /= np.sqrt((weight**2).sum())
        place, weight = place[known], weight[known]
        entries = self._starts[place + 1] - self._starts[place]
        rarest = np.argsort(entries, kind="stable")
        used = rarest[np.cumsum(entries[rarest]) <= MOST_ENTRIES]
        scores = np.zeros(self.size)
        for number in used:
            rows = slice(self._starts[place[number]], self._starts[place[number] + 1])
            scores[self._owners[rows]] += weight[number] * self._weights[rows]
        some = np.arange(self.size)
        if count < self.size:
            some = np.sort(np.argpartition(-scores, count)[: count + 1])
        best = some[np.argsort(-scores[some], kind="stable")][:count]
        return [Neighbour(int(n), float(scores[n])) for n in best if scores[n] > 0]

    def _grams(self, text: str) -> Array:
        """Return a number for each n-gram of a text."""
        first_spare, new = len(self._letters) + 1, {}
        numbers = [
            self._letters.get(letter) or first_spare + new.setdefault(letter, len(new)) % SPARE
            for letter in f" {text} "
        ]
        letters = np.array(numbers, dtype=np.int64)
        found, longer = [], np.zeros(len(letters), dtype=np.int64)
        for n in range(1, max(self._sizes) + 1):
            longer = longer[: len(letters) - n + 1] * self._base + letters[n - 1 :]
            if n in self._sizes and len(longer):
                found.append(longer * (max(SIZES) + 1) + n)
        return np.concatenate(found)
