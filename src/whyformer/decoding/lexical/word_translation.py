"""IBM Model 1: the probability that a source token is translated as a target token."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

PASSES = 5
"""Number of passes of expectation maximization."""
CELLS = 1 << 20
"""Number of (source token, target token) cells of sentence pairs that are computed at once."""

Pair = tuple[Int[np.ndarray, " _"], Int[np.ndarray, " _"]]
"""The ids of the source and of the target of a sentence pair."""


@dataclass(frozen=True)
class WordTranslation:
    """The translation table t(target | source) of IBM Model 1, for all pairs of tokens that occur
    together in a sentence pair.

    Args:
        sources, targets: the ids of each entry, ordered by source, then by target.
        probabilities: t(target | source); the entries of a source sum to 1.
    """

    sources: Int[np.ndarray, " entries"]
    targets: Int[np.ndarray, " entries"]
    probabilities: Float[np.ndarray, " entries"]

    def best(self, count: int, sources: int) -> Int[np.ndarray, "sources count"]:
        """Return the most probable targets of each source id, best first; −1 for none.

        Args: sources: size of the source vocabulary.
        """
        order = np.lexsort((self.targets, -self.probabilities, self.sources))
        owner = self.sources[order]
        place = np.arange(len(order)) - np.searchsorted(owner, owner)  # rank within its source
        kept = place < count
        found = np.full((sources, count), -1)
        found[owner[kept], place[kept]] = self.targets[order][kept]
        return found


def word_translation(pairs: Sequence[Pair], *, passes: int = PASSES) -> WordTranslation:
    """Estimate the translation table from sentence pairs.

    Paper: Brown et al. 1993, “The mathematics of statistical machine translation”, §4.
    Differs: the empty source word is a token of the source, such as eos, if it ends each source.

    >>> pairs = [(np.array(s), np.array(t)) for s, t in [([1, 2], [7, 8]), ([2], [8])]]
    >>> word_translation(pairs, passes=20).best(1, 3).tolist()
    [[-1], [7], [8]]
    """
    width = 1 + max((int(target.max()) for _, target in pairs if len(target)), default=0)
    keys = np.empty(0, np.int64)
    for found, _ in _chunks(pairs, width):
        keys = np.union1d(keys, found)
    sources, targets = np.divmod(keys, width)
    p = np.full(len(keys), 1.0)
    for _ in range(passes):
        counts = np.zeros(len(keys))
        for found, words in _chunks(pairs, width):
            entries = np.searchsorted(keys, found)
            total = np.bincount(words, p[entries])
            counts += np.bincount(entries, p[entries] / total[words], len(keys))
        p = counts / np.bincount(sources, counts)[sources]
    return WordTranslation(sources, targets, p)


def _chunks(
    pairs: Sequence[Pair], width: int
) -> Iterator[tuple[Int[np.ndarray, " cells"], Int[np.ndarray, " cells"]]]:
    """Yield, for each cell of a chunk of pairs, the key of its tokens, and the number of its target
    word in the chunk."""
    keys: list[np.ndarray] = []
    words: list[np.ndarray] = []
    size = count = 0
    for source, target in pairs:
        keys.append((source[:, None] * width + target).ravel())
        words.append(np.tile(np.arange(count, count + len(target)), len(source)))
        size, count = size + len(keys[-1]), count + len(target)
        if size >= CELLS:
            yield np.concatenate(keys), np.concatenate(words)
            keys, words, size, count = [], [], 0, 0
    if size:
        yield np.concatenate(keys), np.concatenate(words)
