"""The unigram language model over pieces, and sampling from it."""

import bisect
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tokenizers import models

from whyformer.text.pieces import UNITS, Pieces, spell
from whyformer.text.subwords import (
    CACHED_WORDS,
    LONGEST_WORD,
    Subwords,
    choose_alphabet,
    count_runs,
    count_words,
    known_runs,
)
from whyformer.text.symbols import FIRST_PIECE

ALPHA = 0.2
"""Smoothing of unigram sampling: tokenization x is drawn with probability ∝ P(x)^α (Kudo, §3.2)."""


@UNITS.register("unigram")
class Unigram(Subwords):
    """A unigram language model over pieces; a word gets its most probable tokenization.

    Paper: Kudo 2018 (arXiv:1804.10959), §3.2; sampling §3.3 with l = ∞.
    Differs: characters outside the vocabulary are encoded as bytes.
    Args: scores: log-probability of each piece.
    """

    def __init__(
        self,
        units: str,
        pieces: Sequence[str],
        scores: Sequence[float],
        *,
        lowercase: bool = False,
    ) -> None:
        super().__init__(units, pieces, lowercase=lowercase)
        self.scores = tuple(float(score) for score in scores)
        self._weight = {
            piece: math.exp(ALPHA * score)
            for piece, score in zip(self.pieces, self.scores, strict=True)
        }
        self._longest = max(map(len, self.pieces), default=1)
        self._lattice: dict[str, list[tuple[list[float], list[int]]]] = {}
        # In the library, id 0 is the piece for unknown text. The spelling of this piece is longer
        # than any word, so the piece never occurs.
        unknown = ("?" * 2 * LONGEST_WORD, min(self.scores, default=0.0) - 10.0)
        vocabulary = [unknown, *zip(self.pieces, self.scores, strict=True)]
        self._library = models.Unigram(vocabulary, unk_id=0, byte_fallback=False)

    @classmethod
    def train(
        cls, units: str, texts: Iterable[str], *, vocabulary: int, lowercase: bool = False
    ) -> "Unigram":
        """Learn pieces and their probabilities from ``texts``; see `unigram_training`."""
        # Imported here: it needs numpy, and a trained tokenizer does not.
        from whyformer.text.unigram_training import learn_pieces

        counts = count_words(texts, lowercase)
        size = max(vocabulary - FIRST_PIECE, 0)
        alphabet = choose_alphabet(counts, size)
        runs = count_runs(counts, alphabet)
        scores = learn_pieces(runs, alphabet, size) if runs else {}
        ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
        pieces, values = [piece for piece, _ in ranked], [score for _, score in ranked]
        return cls(units, pieces, values, lowercase=lowercase)

    @classmethod
    def from_state(cls, units: str, state: Mapping[str, Any]) -> "Unigram":
        """Make a vocabulary from the JSON object of `to_json`; see `Pieces.from_state`."""
        return cls(units, state["pieces"], state["scores"], lowercase=state["lowercase"])

    def _cut(self, word: str) -> list[int]:
        ids: list[int] = []
        for known, run in known_runs(word, self._id):
            if known:
                ids += [t.id - 1 + FIRST_PIECE for t in self._library.tokenize(run)]
            else:
                ids += spell(run)
        return ids

    def _draw(self, word: str, rng: random.Random, rate: float) -> list[int]:
        """With probability ``rate``, draw a tokenization of ``word``; otherwise, return the best
        tokenization.

        The method is forward filtering and backward sampling. The weights of all tokenizations of
        each prefix are summed once. Then the pieces are drawn from the last to the first.
        """
        if rng.random() >= rate:
            cut = self._best.get(word)
            return self._tokenize_and_cache(word) if cut is None else cut
        lattice = self._lattice.get(word) or self._cache_lattice(word)
        backwards: list[int] = []
        end = len(word)
        while end:
            sums, starts = lattice[end]
            edge = bisect.bisect_right(sums, rng.random() * sums[-1], hi=len(sums) - 1)
            start = starts[edge]
            i = self._id.get(word[start:end])
            backwards += spell(word[start:end])[::-1] if i is None else [i]
            end = start
        return backwards[::-1]

    def _cache_lattice(self, word: str) -> list[tuple[list[float], list[int]]]:
        """Return, for each end position, the cumulative weights and the start positions of all
        pieces that end there."""
        if len(self._lattice) >= CACHED_WORDS:
            self._lattice.clear()
        lattice: list[tuple[list[float], list[int]]] = [([1.0], [])]
        for end in range(1, len(word) + 1):
            sums: list[float] = []
            starts: list[int] = []
            total = 0.0
            for start in range(max(0, end - self._longest), end):
                weight = self._weight.get(word[start:end])
                if weight is None and (end - start > 1 or word[start] in self._id):
                    continue
                total += (1.0 if weight is None else weight) * lattice[start][0][-1]
                sums.append(total)
                starts.append(start)
            lattice.append((sums, starts))
        self._lattice[word] = lattice
        return lattice

    def _unsplit(self, pieces: Sequence[str]) -> dict[str, Any]:
        never = min(self.scores, default=0.0) * 2 * LONGEST_WORD - 1.0
        return super()._unsplit(pieces) | {"scores": [*self.scores, *[never] * len(pieces)]}

    def _more(self, learned: Pieces, count: int) -> dict[str, Any]:
        assert isinstance(learned, Unigram)
        known = set(self.pieces)
        scored = zip(learned.pieces, learned.scores, strict=True)
        left = [(piece, score) for piece, score in scored if piece not in known]
        # Characters come first, because a piece is never used if one of its characters is unknown.
        new = [one for one in left if len(one[0]) == 1][: max(1, count // 2)]
        alphabet = {piece for piece in known if len(piece) == 1} | {piece for piece, _ in new}
        new += [one for one in left if len(one[0]) > 1 and alphabet.issuperset(one[0])]
        new = new[:count]
        return {
            "pieces": [*self.pieces, *(piece for piece, _ in new)],
            "scores": [*self.scores, *(score for _, score in new)],
        }

    def _state(self) -> dict[str, Any]:
        return {"scores": self.scores}
