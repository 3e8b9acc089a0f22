"""The hand-written sampling beside the library's cutting, and beside the papers' definitions."""

import math
import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyformer.text.bpe import BPE
from whyformer.text.pieces import UNITS
from whyformer.text.subwords import LONGEST_WORD, split_words
from whyformer.text.symbols import FIRST_PIECE
from whyformer.text.unigram import ALPHA, Unigram

TEXTS = ["low lower lowest newer newest wide wider widest", "der den dem des die das"] * 4


def plain_bpe_dropout(bpe: BPE, word: str, rng: random.Random, rate: float) -> list[int]:
    """Algorithm 1 of Provilkov et al. 2020, a draw per possible merge."""
    symbols = bpe._atoms(word)
    while True:
        possible = [
            (bpe._rank[pair], i)
            for i, pair in enumerate(pairwise(symbols))
            if pair in bpe._rank and rng.random() >= rate
        ]
        if not possible:
            return symbols
        priority, i = min(possible)
        symbols[i : i + 2] = [bpe._merged[priority]]


@given(st.text(max_size=60))
def test_words_joined_are_the_text(text):
    words = split_words(text)
    assert "".join(words) == text
    assert all(0 < len(word) <= LONGEST_WORD + 1 for word in words)


def test_punctuation_is_a_word_and_marks_stay_with_their_letters():
    assert split_words("Nein, हिन्दी.") == ["Nein", ",", " हिन्दी", "."]


@pytest.mark.parametrize("units", ["bpe", "byte_bpe"])
@given(text=st.text(alphabet="lowernstid ", max_size=30))
def test_our_merges_without_dropout_are_the_librarys(units, text):
    bpe = UNITS[units].train(units, TEXTS, vocabulary=300)
    for word in split_words(text):
        assert bpe._cache_path(word)[-1] == bpe._cut(word)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_has_the_law_of_a_draw_per_merge(rate):
    bpe = BPE.train("bpe", TEXTS, vocabulary=300)
    rng, trials = random.Random(1), 5_000
    ours = Counter(tuple(bpe.sample(" lowest", rng, rate)) for _ in range(trials))
    plain = Counter(tuple(plain_bpe_dropout(bpe, " lowest", rng, rate)) for _ in range(trials))
    distance = sum(abs(ours[cut] - plain[cut]) for cut in ours | plain) / (2 * trials)
    assert len(plain) > 3
    assert distance < 0.05  # two samples of one law differ by about 0.02 here


def test_full_dropout_leaves_characters():
    bpe = BPE.train("bpe", TEXTS, vocabulary=300)
    assert bpe.tokens(bpe.sample("lowest", random.Random(0), 1.0)) == list("lowest")


def test_unigram_sampling_draws_each_cutting_by_its_smoothed_probability():
    scores = {"a": -1.0, "b": -2.0, "ab": -4.0, "aba": -9.0}
    unigram = Unigram("unigram", list(scores), list(scores.values()))
    cuttings = [("a", "b", "a"), ("ab", "a"), ("aba",)]
    weights = [math.exp(ALPHA * sum(scores[p] for p in cutting)) for cutting in cuttings]
    rng, trials = random.Random(0), 5_000
    drawn = Counter(tuple(unigram.tokens(unigram.sample("aba", rng, 1.0))) for _ in range(trials))
    for cutting, weight in zip(cuttings, weights, strict=True):
        assert drawn[cutting] / trials == pytest.approx(weight / sum(weights), abs=0.03)


def test_unigram_takes_the_most_probable_cutting():
    unigram = Unigram("unigram", ["a", "b", "ab"], [-1.0, -2.0, -2.5])
    assert unigram.tokens(unigram.encode("abba")) == ["ab", "b", "a"]


def test_a_frequent_word_becomes_a_piece_of_its_own():
    words = ["while", "green", "horse", "plant"]
    unigram = Unigram.train("unigram", ["a " + " ".join(words)] * 50, vocabulary=400)
    assert unigram.tokens(unigram.encode(" while green")) == ["▁while", "▁green"]


def test_merges_learned_by_hand():
    # "aab" four times: aa or ab may come first; both pairs occur 4 times, and then the whole word.
    bpe = BPE.train("bpe", ["aab"] * 4, vocabulary=FIRST_PIECE + 8)
    assert bpe.tokens(bpe.encode("aab")) == ["aab"]
    assert len(bpe.merges) == 2


def test_rare_characters_are_spelled_in_bytes():
    texts = ["abc abd " * 2000, "ξ"]
    bpe = BPE.train("bpe", texts, vocabulary=400)
    assert "ξ" not in bpe.pieces
    assert bpe.tokens(bpe.encode("ξ")) == ["<0xCE>", "<0xBE>"]
