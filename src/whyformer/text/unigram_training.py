"""Learn the pieces of a unigram model by EM and pruning, with reproducible results.

The `tokenizers` library can also train such models, but it processes words in an order that differs
between runs. So two runs break ties differently, and the same texts give different tokenizers. This
file processes all words together, as arrays.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

LONGEST_PIECE = 16
LONGEST_WORD = 24
"""Maximum number of characters of a training word. Longer words are ignored, because the
probabilities of their tokenizations would underflow."""

MAX_WORDS = 100_000
MAX_SEEDS = 100_000
KEPT_SHARE = 0.75
"""Fraction of pieces that a pruning step keeps; 80 % in Kudo 2018, §3.2, step 2(d)."""


def learn_pieces(words: Counter[str], alphabet: Sequence[str], size: int) -> dict[str, float]:
    """Return at most ``size`` pieces with their log-probabilities, including the alphabet.

    Paper: Kudo 2018 (arXiv:1804.10959), §3.2.
    Differs: an expected count c has the weight c − ½ in the M step, which removes rare
    pieces (this weight is close to exp(digamma(c)), which SentencePiece uses). The cost of removing
    a piece is computed from all tokenizations of its spelling, not only from the second best one.
    """
    chosen = [(w, c) for w, c in words.items() if len(w) <= LONGEST_WORD]
    chosen = sorted(chosen, key=lambda item: (-item[1], item[0]))[:MAX_WORDS]
    counts = np.array([count for _, count in chosen], dtype=np.float64)
    pieces = [*alphabet, *_seeds(chosen)]
    index = {piece: k for k, piece in enumerate(pieces)}
    corpus = _Lattices([word for word, _ in chosen], index, whole=True)
    inside = _Lattices(pieces, index, whole=False)
    alone = np.arange(len(pieces)) < len(alphabet)  # single characters are never pruned
    p = _seed_probabilities(pieces, chosen)
    while True:
        p, _ = _step(corpus, p, counts, alone)
        p, expected = _step(corpus, p, counts, alone)
        if np.count_nonzero(p) <= size:
            break
        target = max(size, int(KEPT_SHARE * np.count_nonzero(p)))
        p = _prune(p, expected, inside, alone, target)
    scores = np.log(np.maximum(p, 1e-300))
    kept = np.flatnonzero(p)
    return {pieces[k]: round(float(scores[k]), 6) for k in kept}


def _step(
    corpus: "_Lattices", p: np.ndarray, counts: np.ndarray, alone: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the probabilities after one E step and one M step, and the expected counts."""
    expected = corpus.expected(p, counts)
    weights = np.maximum(expected - 0.5, np.where(alone, 0.5, 0.0))
    return weights / weights.sum(), expected


def _seeds(chosen: list[tuple[str, int]]) -> list[str]:
    """Return the substrings that occur at least twice and cover the most characters."""
    seen: Counter[str] = Counter()
    for word, count in chosen:
        for substring in _substrings(word):
            seen[substring] += count
    often = [(-count * len(s), s) for s, count in seen.items() if count > 1]
    return [s for _, s in sorted(often)[:MAX_SEEDS]]


def _substrings(word: str) -> Iterator[str]:
    for start in range(len(word) - 1):
        for end in range(start + 2, min(len(word), start + LONGEST_PIECE) + 1):
            yield word[start:end]


def _seed_probabilities(pieces: list[str], chosen: list[tuple[str, int]]) -> np.ndarray:
    seen: Counter[str] = Counter()
    for word, count in chosen:
        for character in word:
            seen[character] += count
        for substring in _substrings(word):
            seen[substring] += count
    p = np.array([seen[piece] for piece in pieces], dtype=np.float64)
    return np.maximum(p, 0.5) / p.sum()


def _prune(
    p: np.ndarray, expected: np.ndarray, inside: "_Lattices", alone: np.ndarray, size: int
) -> np.ndarray:
    """Return ``p`` with 0 for the pieces whose removal reduces the likelihood least."""
    otherwise = inside.totals(p)
    with np.errstate(divide="ignore", invalid="ignore"):
        cost = expected * (np.log(p) - np.log(otherwise))
    cost[p == 0] = -np.inf
    cost[alone] = np.inf
    order = np.argsort(
        -np.round(cost, 6), kind="stable"
    )  # of pieces with equal cost, the earlier one comes first
    pruned = np.zeros_like(p)
    pruned[order[:size]] = p[order[:size]]
    return pruned


class _Lattices:
    """All tokenizations of all words, with an edge for each occurrence of a piece in a word.

    Args: whole: whether a tokenization may consist of the whole word as one piece. False if the
        words are the pieces themselves, because otherwise each piece would be its own tokenization.
    """

    def __init__(self, words: Sequence[str], index: dict[str, int], *, whole: bool) -> None:
        edges = array("q")
        lengths = np.array([len(word) for word in words], dtype=np.int64)
        for number, word in enumerate(words):
            size = len(word)
            for start in range(size):
                for end in range(start + 1, min(size, start + LONGEST_PIECE) + 1):
                    piece = index.get(word[start:end])
                    if piece is not None and (whole or size == 1 or end - start < size):
                        edges.extend((number, start, end, piece))
        number, start, end, self.piece = np.frombuffer(edges, dtype=np.int64).reshape(-1, 4).T
        self.number = number
        self.first = np.cumsum(lengths + 1) - lengths - 1
        self.last = self.first + lengths
        self.start, self.end = self.first[number] + start, self.first[number] + end
        self._by_end = _groups(end)
        self._by_start = _groups(-start)

    def totals(self, p: np.ndarray) -> np.ndarray:
        """Return the total probability of all tokenizations of each word."""
        return self._walk(p, self._by_end, self.first, self.start, self.end)[self.last]

    def expected(self, p: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Return the expected count of each piece if word k occurs ``counts[k]`` times."""
        forward = self._walk(p, self._by_end, self.first, self.start, self.end)
        backward = self._walk(p, self._by_start, self.last, self.end, self.start)
        share = counts / forward[self.last]
        edge = forward[self.start] * p[self.piece] * backward[self.end] * share[self.number]
        return np.bincount(self.piece, weights=edge, minlength=len(p))

    def _walk(
        self,
        p: np.ndarray,
        groups: list[np.ndarray],
        begin: np.ndarray,
        here: np.ndarray,
        there: np.ndarray,
    ) -> np.ndarray:
        reached = np.zeros(int(self.last[-1]) + 1 if len(self.last) else 0)
        reached[begin] = 1.0
        for edges in groups:
            np.add.at(reached, there[edges], reached[here[edges]] * p[self.piece[edges]])
        return reached


def _groups(keys: np.ndarray) -> list[np.ndarray]:
    """Return, for each different key in ascending order, the indices at which the key occurs."""
    order = np.argsort(keys, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(keys[order])) + 1)
