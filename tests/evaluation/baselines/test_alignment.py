from hypothesis import given, settings
from hypothesis import strategies as st

from whyformer.evaluation.baselines.alignment import MOST, align_pairs, longest_unit
from whyformer.evaluation.baselines.joint_ngrams import JointNgrams

WORDS = st.text("abc", max_size=6)
PAIRS = st.lists(st.tuples(WORDS, st.text("xyz", max_size=9)), min_size=1, max_size=12)
CIPHER = {"a": "x", "b": "yz", "c": ""}


@settings(max_examples=80, deadline=None)
@given(pairs=PAIRS, longest=st.integers(1, 3))
def test_an_alignment_covers_both_strings_in_order(
    pairs: list[tuple[str, str]], longest: int
) -> None:
    for (source, target), units in zip(pairs, align_pairs(pairs, longest=longest), strict=True):
        possible = source != "" and len(target) <= longest * len(source)
        assert (units is not None) == possible
        if units is not None:
            assert [symbol for symbol, _ in units] == list(source)
            assert [symbol for _, made in units for symbol in made] == list(target)
            assert max(len(made) for _, made in units) <= longest


def test_units_grow_only_as_far_as_the_pairs_need_and_are_limited() -> None:
    assert longest_unit([("a", "x")] * 10) == 2
    assert longest_unit([("a", "xyz")] * 10) == 3
    assert longest_unit([("a", "x" * 9)] * 10) == MOST
    assert longest_unit([]) == 2


def test_the_alignment_finds_the_rules_of_a_cipher() -> None:
    words = ["abc", "bca", "cab", "ab", "ba", "ac", "cb", "bb", "aab", "ccb"]
    pairs = [(word, "".join(CIPHER[letter] for letter in word)) for word in words]
    for units in align_pairs(pairs):
        assert units is not None
        assert all("".join(made) == CIPHER[symbol] for symbol, made in units)


def test_joint_ngrams_translate_new_words_of_a_cipher() -> None:
    words = ["abc", "bca", "cab", "ab", "ba", "ac", "cb", "bb", "aab", "ccb"] * 2
    model = JointNgrams([(word, "".join(CIPHER[letter] for letter in word)) for word in words])
    assert ["".join(one) for one in model.translate(["cabba", "b", ""])] == ["xyzyzx", "yz", ""]


def test_a_symbol_without_training_data_produces_nothing() -> None:
    model = JointNgrams([("a", "x"), ("b", "y"), ("ab", "xy")])
    assert model.translate(["a?b"]) == model.translate(["ab"]) == [["x", "y"]]


def test_the_translation_of_a_word_does_not_depend_on_the_other_words() -> None:
    words = ["ab", "ba", "aab", "bba", "abab", "b"]
    model = JointNgrams([(word, word.replace("a", "x").replace("bb", "y")) for word in words])
    together = model.translate(["abba", "a", "babab", ""])
    assert together == [model.translate([one])[0] for one in ("abba", "a", "babab", "")]
