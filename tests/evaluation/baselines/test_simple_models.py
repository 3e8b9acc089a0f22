import sys

import pytest

from whyformer.evaluation.baselines.frequent_tags import FrequentTags
from whyformer.evaluation.baselines.linear import predicted_labels, predicted_numbers
from whyformer.evaluation.baselines.pairs import Symbols, are_symbols, pair_baseline
from whyformer.foundation.errors import MissingExtraError

ENDINGS = {"ing": "V", "ly": "A", "ness": "N"}


def exact(outputs: list[str], right: list[str]) -> float:
    return sum(a == b for a, b in zip(outputs, right, strict=True))


def test_unknown_words_get_the_label_of_their_longest_known_ending() -> None:
    words = [stem + ending for stem in ("walk", "slow", "kind") for ending in ENDINGS]
    labels = [label for _ in range(3) for label in ENDINGS.values()]
    tagger = FrequentTags([words], [labels])
    assert tagger.tag([["darkness", "quickly", "reading"]]) == [["N", "A", "V"]]


def test_a_known_word_gets_its_most_frequent_label_even_against_its_ending() -> None:
    tagger = FrequentTags([["sing", "king", "king", "king"]], [["V", "N", "N", "V"]])
    assert tagger.tag([["king"]]) == [["N"]]


def test_the_linear_model_learns_labels_and_numbers_of_letters() -> None:
    texts = [(f"{'good' if n % 2 else 'awful'} film {n}", None) for n in range(60)]
    labels = ["+" if n % 2 else "-" for n in range(60)]
    asked = [("a good one", None), ("an awful one", None)]
    assert predicted_labels(texts, labels, asked) == ["+", "-"]
    numbers = [float(n % 2) for n in range(60)]
    high, low = predicted_numbers(texts, numbers, asked)
    assert high > 0.6 > 0.4 > low


def test_the_linear_model_compares_the_two_texts_of_a_pair() -> None:
    words = [f"w{number}x" for number in range(40)]
    pairs = [(a, a if same else words[-1 - n]) for n, a in enumerate(words) for same in (0, 1)]
    asked = [("new", "new"), ("new", "old")]
    assert predicted_labels(pairs, ["no", "yes"] * 40, asked) == ["yes", "no"]


def test_without_scikit_learn_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match=r"whyformer\[baselines\]"):
        predicted_labels([("a", None)], ["x"], [("a", None)])


def test_joint_ngrams_are_chosen_for_words_and_the_nearest_source_for_sentences() -> None:
    words = [f"{a}{b}{c}" for a in "abcd" for b in "efgh" for c in "ijkl"]
    cipher = [(word, " ".join(word.upper())) for word in words]
    found = pair_baseline(cipher, exact, seconds=5)
    assert found.method == "n-grams of aligned symbols"
    assert found.translate(["alg"]) == ["A L G"]
    long = [(f"this sentence is number {n} of a long list of sentences", f"{n}") for n in range(50)]
    found = pair_baseline(long, exact, seconds=5)
    assert found.method == "the target of the most similar training source"
    assert found.translate(["this sentence is number 31 of all"]) == ["31"]


def test_a_small_time_limit_uses_fewer_pairs() -> None:
    pairs = [(f"word{number}", f"WORD{number}") for number in range(300)]
    assert pair_baseline(pairs, exact, seconds=0.01).pairs < 300
    assert pair_baseline(pairs, exact, seconds=60).pairs == 300


@pytest.mark.parametrize("text", ["가능성", "k a̠ː n", "abc def", ""])
def test_symbols_give_back_the_text(text: str) -> None:
    symbols = Symbols(separated=are_symbols([text]))
    assert symbols.text(symbols.of(text)) == text


def test_pairs_that_cannot_be_aligned_use_the_nearest_source() -> None:
    pairs = [(letter, letter * 30) for letter in "abcdefghij"]
    assert pair_baseline(pairs, exact, seconds=5).method.startswith("the target of")
