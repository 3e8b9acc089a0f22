"""An n-gram model with interpolated modified Kneser–Ney smoothing.

All counts are numpy arrays, and all queries are vectorised: a million tokens are counted in about a
second.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
NONE = -1
"""Index of a context that the model has not seen."""
USUAL_DISCOUNTS = (0.5, 1.0, 1.5)
"""Discounts that are used if the counts are too regular for an estimate, as in KenLM."""


@dataclass(frozen=True)
class _Level:
    """All n-grams of one order.

    Args:
        keys: (n-grams) context · vocabulary + token, sorted. A context is the index of an n-gram of
            the next lower order.
        seen: (n-grams) the discounted probability of the token after its context.
        backoff: (contexts) the probability that remains for the next lower order.
    """

    keys: Array
    seen: Array
    backoff: Array


class KneserNey:
    """P(token | previous tokens), interpolated over all orders.

    Paper: Chen and Goodman 1999, “An empirical study of smoothing techniques for language
        modeling”, §4.1.6 (modified Kneser–Ney).
    Differs: counts of n-grams that begin a sequence are not replaced by numbers of left contexts,
        because such n-grams have no left context (as in KenLM).

    The tokens of a sequence are numbers from 0. The model adds a symbol for its beginning (``bos``)
    and, if ``ends`` is set, for its end (``eos``).

    Args:
        sequences: the training sequences.
        vocabulary: number of different tokens.
        order: length of the longest n-grams; less if all sequences are shorter.
        ends: whether the end of a sequence is predicted.

    >>> model = KneserNey([np.array([0, 1, 0, 1, 0])], vocabulary=2, order=2, ends=False)
    >>> p = np.exp(model.log_probabilities(np.array([0, 1])))
    >>> bool(p[1] > 0.5)  # 1 always follows 0
    True
    """

    def __init__(
        self, sequences: Sequence[Array], *, vocabulary: int, order: int, ends: bool = True
    ) -> None:
        self.order, self.ends = order, ends
        self.bos, self.eos = vocabulary, vocabulary + 1
        self.size = vocabulary + 2
        tokens, depth = self._joined(sequences)
        self._levels: list[_Level] = []
        self._unigrams = np.zeros(self.size)
        self._count(tokens, depth)

    @property
    def start(self) -> Array:
        """(order) the state at the beginning of a sequence: for each length from 0, the index of
        the context of this length, or `NONE`."""
        state = np.full(self.order, NONE, dtype=np.int64)
        state[0] = 0
        if self.order > 1:
            state[1] = self.bos
        return state

    def step(self, states: Array, tokens: Array) -> tuple[Array, Array]:
        """Return ln P of each token after its state, and the states after the tokens.

        Args: states: (n, order). tokens: (n).
        """
        p = self._unigrams[tokens]
        after = np.full_like(states, NONE)
        after[:, 0] = 0
        if self.order > 1:
            after[:, 1] = tokens
        for length, level in enumerate(self._levels, start=1):
            context = states[:, length]
            known = context != NONE
            key = context * self.size + tokens
            place = np.searchsorted(level.keys, key)
            place[place == len(level.keys)] = 0
            found = known & (level.keys[place] == key)
            backoff = np.where(known, level.backoff[context], 1.0)
            p = np.where(found, level.seen[place], 0.0) + backoff * p
            if length + 1 < self.order:
                after[:, length + 1] = np.where(found, place, NONE)
        with np.errstate(divide="ignore"):  # bos has probability 0
            return np.log(p), after

    def log_probabilities(self, sequence: Array) -> Array:
        """Return ln P of each token of a sequence and, if ``ends`` is set, of eos."""
        tokens, depth = self._joined([sequence])
        grams = self._known_grams(tokens, depth)
        places = np.arange(1, len(tokens))
        states = np.full((len(places), self.order), NONE, dtype=np.int64)
        states[:, 0] = 0
        for length in range(1, self.order):
            states[:, length] = grams[length - 1][:-1]
        return self.step(states, tokens[1:])[0]

    def _joined(self, sequences: Sequence[Array]) -> tuple[Array, Array]:
        """Return all tokens, with bos and eos, and the place of each token in its sequence."""
        parts, depths = [], []
        for one in sequences:
            end = [self.eos] if self.ends else []
            parts.append(np.concatenate([[self.bos], one, end]).astype(np.int64))
            depths.append(np.arange(len(parts[-1])))
        return np.concatenate(parts), np.concatenate(depths)

    def _known_grams(self, tokens: Array, depth: Array) -> list[Array]:
        """Return, for each length from 1, the index of the n-gram that ends at each token."""
        grams = [tokens]
        for level in self._levels[: self.order - 2]:
            before = np.concatenate([[NONE], grams[-1][:-1]])
            whole = (depth >= len(grams)) & (before != NONE)
            key = before * self.size + tokens
            place = np.searchsorted(level.keys, key)
            place[place == len(level.keys)] = 0
            grams.append(np.where(whole & (level.keys[place] == key), place, NONE))
        return grams

    def _count(self, tokens: Array, depth: Array) -> None:
        keys, counts, suffixes, starts = [], [], [], []
        grams = tokens
        counts.append(np.bincount(tokens[depth > 0], minlength=self.size))
        starts.append(np.zeros(self.size, dtype=bool))
        for length in range(2, self.order + 1):
            before = np.concatenate([[NONE], grams[:-1]])
            whole = depth >= length - 1
            if not whole.any():  # all sequences are shorter
                self.order = length - 1
                break
            found, first, which, times = np.unique(
                before[whole] * self.size + tokens[whole],
                return_index=True,
                return_inverse=True,
                return_counts=True,
            )
            places = np.flatnonzero(whole)[first]
            keys.append(found)
            counts.append(times)
            suffixes.append(grams[places])
            starts.append(depth[places] == length - 1)
            grams = np.full(len(tokens), NONE, dtype=np.int64)
            grams[whole] = which
        for length in range(len(keys)):  # the highest order keeps its counts
            lefts = np.bincount(suffixes[length], minlength=len(counts[length]))
            counts[length] = np.where(starts[length], counts[length], lefts)
        seen, left = _discounted(counts[0], np.zeros(self.size, dtype=np.int64), 1)
        words = self.size - (1 if self.ends else 2)  # bos is never predicted
        self._unigrams = seen + left[0] / words
        self._unigrams[self.bos] = 0.0
        if not self.ends:
            self._unigrams[self.eos] = 0.0
        for found, times, lower in zip(keys, counts[1:], counts, strict=False):
            seen, left = _discounted(times, found // self.size, len(lower))
            self._levels.append(_Level(found, seen, left))


def _discounted(counts: Array, contexts: Array, many: int) -> tuple[Array, Array]:
    """Return the discounted probability of each n-gram, and the `backoff` of each context.

    Args: contexts: the context of each n-gram, below ``many``.
    """
    discounts = np.array([0.0, *discounts_of(counts)])[np.minimum(counts, 3)]
    total = np.bincount(contexts, counts, many)
    safe = np.where(total > 0, total, 1.0)
    taken = np.bincount(contexts, discounts, many)
    left = np.where(total > 0, taken / safe, 1.0)
    return (counts - discounts) / safe[contexts], left


def discounts_of(counts: Array) -> tuple[float, float, float]:
    """Return the discounts of n-grams that occur once, twice, and three times or more.

    Paper: Chen and Goodman 1999, eq. 26.
    """
    n1, n2, n3, n4 = (int((counts == times).sum()) for times in (1, 2, 3, 4))
    if not (n1 and n2 and n3):
        return USUAL_DISCOUNTS
    y = n1 / (n1 + 2 * n2)
    found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
    if all(0 < one < times for times, one in enumerate(found, start=1)):
        return found
    return USUAL_DISCOUNTS
