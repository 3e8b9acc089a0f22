"""Byte-pair encoding over characters or bytes, and BPE-dropout."""

import json
import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from tokenizers import Tokenizer as Library
from tokenizers import models, pre_tokenizers, trainers

from whyformer.text.pieces import UNITS, spell
from whyformer.text.subwords import (
    CACHED_WORDS,
    Subwords,
    choose_alphabet,
    count_runs,
    count_words,
    known_runs,
)
from whyformer.text.symbols import FIRST_BYTE, FIRST_PIECE

STAND_IN = 0x10000
"""A token stands in a string as the character with this number + its id; smaller numbers include
the surrogates, which are not characters."""


@UNITS.register("bpe")
class BPE(Subwords):
    """Byte-pair encoding over characters, as used in the paper (§5.1).

    Paper: Sennrich et al. 2016 (arXiv:1508.07909), §3.2; dropout: Provilkov et al. 2020
    (arXiv:1910.13267), §3.1, Algorithm 1.
    Differs: characters outside the vocabulary are encoded as bytes; there is no end-of-word symbol:
    the space before a word marks its start.
    Args: merges: pairs of ids to merge, in order of priority. The id of the merged piece follows
        from its spelling.
    """

    def __init__(
        self,
        units: str,
        pieces: Sequence[str],
        merges: Sequence[Sequence[int]],
        *,
        lowercase: bool = False,
    ) -> None:
        super().__init__(units, pieces, lowercase=lowercase)
        self.merges = tuple((int(left), int(right)) for left, right in merges)
        spelling = self._spelling_from(FIRST_BYTE)
        pairs = [(spelling[a - FIRST_BYTE], spelling[b - FIRST_BYTE]) for a, b in self.merges]
        self._rank = {pair: rank for rank, pair in enumerate(self.merges)}
        self._merged = [self._id[left + right] for left, right in pairs]
        self._path: dict[str, list[list[int]]] = {}
        # An id of the library is our id minus `_offset`. The library's vocabulary contains only
        # pieces, so that no text is encoded as a symbol or a byte token.
        self._offset = FIRST_BYTE if self.over_bytes else FIRST_PIECE
        known = self._spelling_from(self._offset)
        self._library = models.BPE(vocab={p: k for k, p in enumerate(known)}, merges=pairs)

    @classmethod
    def train(
        cls, units: str, texts: Iterable[str], *, vocabulary: int, lowercase: bool = False
    ) -> "BPE":
        """Learn merges from ``texts`` until the vocabulary is full or every pair occurs only
        once."""
        counts = count_words(texts, lowercase)
        size = max(vocabulary - FIRST_PIECE, 0)
        if cls.over_bytes:
            counts = Counter({_as_latin(word): count for word, count in counts.items()})
            alphabet = [chr(byte) for byte in range(256)]
            size += 256
        else:
            alphabet = choose_alphabet(counts, size)
        trainer = trainers.BpeTrainer(
            vocab_size=size, initial_alphabet=alphabet, min_frequency=2, show_progress=False
        )
        merges = _learn_merges(trainer, count_runs(counts, alphabet))
        pieces = [] if cls.over_bytes else list(alphabet)
        first = FIRST_BYTE if cls.over_bytes else FIRST_PIECE
        id_of = {piece: first + k for k, piece in enumerate(alphabet)}
        pairs: list[tuple[int, int]] = []
        for left, right in merges:
            if left + right not in id_of:
                id_of[left + right] = FIRST_PIECE + len(pieces)
                pieces.append(left + right)
            pairs.append((id_of[left], id_of[right]))
        return cls(units, pieces, pairs, lowercase=lowercase)

    def extended(self, texts: Iterable[str], count: int) -> "BPE":
        """Return this vocabulary with at most ``count`` further pieces, learned from ``texts``: new
        characters, and new merges after the old ones. All ids keep their meaning."""
        counts = count_words(texts, self.lowercase)
        new = [] if self.over_bytes else choose_alphabet(counts, count, self._id)
        base = type(self)(self.units, [*self.pieces, *new], self.merges, lowercase=self.lowercase)
        # A word becomes a string with one character for each of its tokens, so that the library
        # merges tokens.
        words: Counter[str] = Counter()
        for word, times in counts.items():
            words["".join(chr(STAND_IN + i) for i in base.encode(word))] += times
        ids = range(base._offset, len(base))
        stand_ins = [chr(STAND_IN + i) for i in ids]
        trainer = trainers.BpeTrainer(
            vocab_size=len(stand_ins) + count - len(new),
            initial_alphabet=stand_ins,
            min_frequency=2,
            show_progress=False,
        )
        spelling = dict(zip(stand_ins, base._spelling_from(base._offset), strict=True))
        pieces, merges, id_of = list(base.pieces), list(base.merges), dict(base._id)
        if self.over_bytes:
            id_of |= {chr(byte): FIRST_BYTE + byte for byte in range(256)}
        for pair in _learn_merges(trainer, count_runs(words, stand_ins)):
            left, right = ("".join(spelling[c] for c in part) for part in pair)
            if left + right not in id_of:
                id_of[left + right] = FIRST_PIECE + len(pieces)
                pieces.append(left + right)
            merges.append((id_of[left], id_of[right]))
        return type(self)(self.units, pieces, merges, lowercase=self.lowercase)

    @classmethod
    def from_state(cls, units: str, state: Mapping[str, Any]) -> "BPE":
        """Make a vocabulary from the JSON object of `to_json`; see `Pieces.from_state`."""
        return cls(units, state["pieces"], state["merges"], lowercase=state["lowercase"])

    def _spelling_from(self, first: int) -> list[str]:
        """Return the spellings of all ids from ``first`` on; a byte is one character."""
        return [*map(chr, range(256)), *self.pieces][first - FIRST_BYTE :]

    def ids_of_piece(self, piece: str) -> list[int]:
        """Return the ids that spell a piece of another vocabulary of the same kind."""
        return self._ids(piece) if self.over_bytes else self._cut(piece)

    def _ids(self, latin: str) -> list[int]:
        """Return the ids of bytes, written as the characters U+0000 to U+00FF."""
        return [token.id + FIRST_BYTE for token in self._library.tokenize(latin)]

    def _atoms(self, word: str) -> list[int]:
        """Return the ids of the characters or bytes of ``word``, before any merge."""
        if self.over_bytes:
            return spell(word)
        known = self._id
        return [i for c in word for i in ((known[c],) if c in known else spell(c))]

    def _cut(self, word: str) -> list[int]:
        if self.over_bytes:
            return self._ids(_as_latin(word))
        ids: list[int] = []
        for known, run in known_runs(word, self._id):
            if known:
                ids += [t.id + FIRST_PIECE for t in self._library.tokenize(run)]
            else:
                ids += spell(run)
        return ids

    def _draw(self, word: str, rng: random.Random, rate: float) -> list[int]:
        """Tokenize with BPE-dropout: in each step, every possible merge is skipped with probability
        ``rate``.

        The result has the same distribution as with one random number per merge, but this method
        needs far fewer random numbers. The number of consecutively skipped merges has a geometric
        distribution, and so has the number of steps until the best merge is skipped.
        """
        path = self._path.get(word) or self._cache_path(word)
        if rate >= 1.0:
            return path[0]
        chance = 1.0 - rng.random()
        steps = len(path) - 1
        if chance <= (1.0 - rate) ** steps:
            return path[-1]
        symbols = list(path[int(math.log(chance) / math.log1p(-rate))])
        dropped = 1  # the cached path ends here, because one merge is skipped
        log_rate = math.log(rate)
        while True:
            dropped += int(math.log(1.0 - rng.random()) / log_rate)
            candidates = self._candidates(symbols)
            if dropped >= len(candidates):
                return symbols
            self._merge(symbols, candidates[dropped])
            dropped = 0

    def _candidates(self, symbols: list[int]) -> list[tuple[int, int]]:
        """Return all possible merges as (priority, position), the best first."""
        rank = self._rank
        return sorted((rank[p], i) for i, p in enumerate(pairwise(symbols)) if p in rank)

    def _merge(self, symbols: list[int], candidate: tuple[int, int]) -> None:
        priority, position = candidate
        symbols[position : position + 2] = [self._merged[priority]]

    def _cache_path(self, word: str) -> list[list[int]]:
        """Return the ids of ``word`` after each merge when no merge is skipped; cache the
        result."""
        if len(self._path) >= CACHED_WORDS:
            self._path.clear()
        symbols = self._atoms(word)
        path = [list(symbols)]
        while candidates := self._candidates(symbols):
            self._merge(symbols, candidates[0])
            path.append(list(symbols))
        self._path[word] = path
        return path

    def _bytes_of(self, piece: str) -> bytes:
        return piece.encode("latin-1") if self.over_bytes else piece.encode()

    def _shown(self, i: int) -> str:
        text = self._bytes[i].decode("utf-8", errors="backslashreplace")
        return text.replace(" ", "▁")

    def _state(self) -> dict[str, Any]:
        return {"merges": self.merges}


@UNITS.register("byte_bpe")
class ByteBPE(BPE):
    """Byte-pair encoding over bytes: the alphabet is the 256 bytes, as in GPT-2.

    A piece is stored as text, with one character (U+0000 to U+00FF) for each byte.
    """

    over_bytes = True


def _learn_merges(trainer: trainers.BpeTrainer, runs: Counter[str]) -> list[tuple[str, str]]:
    """Return the merges that the library learns from ``runs`` (parts of words, with their counts);
    each part is repeated as often as it was counted."""
    library = Library(models.BPE())
    library.pre_tokenizer = pre_tokenizers.Split("\x00", "removed")
    ordered = sorted((run, count) for run, count in runs.items() if "\x00" not in run)
    repeated = ("\x00".join([run] * count) for run, count in ordered)
    library.train_from_iterator(repeated, trainer)
    return [(left, right) for left, right in json.loads(library.to_str())["model"]["merges"]]


def _as_latin(word: str) -> str:
    """Return the UTF-8 bytes of ``word`` written as the characters U+0000 to U+00FF."""
    return word.encode().decode("latin-1")
