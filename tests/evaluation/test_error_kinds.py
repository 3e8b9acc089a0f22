import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyformer.evaluation.accuracy import edit_distance
from whyformer.evaluation.edits import aligned, confusions
from whyformer.evaluation.error_kinds import TrainingSources, output_kinds, repeats

WORDS = st.text("abc", max_size=7)


@given(output=WORDS, reference=WORDS)
def test_an_alignment_covers_both_strings_with_the_fewest_edits(
    output: str, reference: str
) -> None:
    edits = aligned(output, reference)
    assert "".join(right for right, _ in edits) == reference
    assert "".join(written for _, written in edits) == output
    assert sum(a != b for a, b in edits) == edit_distance(output, reference)
    assert ("", "") not in edits


def test_confusions_count_substitutions_insertions_and_deletions() -> None:
    found = confusions([aligned("xbc", "abc"), aligned("xb", "abc"), aligned("abcd", "abc")])
    assert found == {("a", "x"): 2, ("c", ""): 1, ("", "d"): 1}


@pytest.mark.parametrize(
    ("source", "output", "reference", "kinds"),
    [
        ("a dog", "", "ein Hund", ["empty"]),
        ("a dog", "a dog", "ein Hund", ["copied"]),
        ("Anna", "Anna", "Anna", []),
        ("the big dog runs", "the big Hund runs", "der große Hund rennt", ["untranslated"]),
        ("a b c d e", "eins", "eins zwei drei vier", ["too short"]),
        ("one", "eins zwei", "eins", ["too long"]),
        ("so", "sehr sehr sehr gut", "sehr gut ja wirklich", ["repeated"]),
        ("in 1998", "im Jahr", "im Jahr 1998", ["missing number"]),
        ("in May", "im Mai 1998", "im Mai damals", ["invented number"]),
        ("in 1998", "im 1989", "im 1998", ["missing number", "invented number"]),
        ("in 1998", "im 1989", "im Jahr", ["invented number"]),
        ("s01 x", "s02 b", "s03 c", []),
        ("a", "ja", "nein", []),
    ],
)
def test_each_kind_of_output(source: str, output: str, reference: str, kinds: list[str]) -> None:
    assert output_kinds(source, output.split(), reference.split()) == kinds


def test_an_unfinished_output_is_cut() -> None:
    assert output_kinds("a", ["b"], ["c"], finished=False) == ["cut at the length limit"]


@given(st.text("ab", max_size=4), st.text("cd", min_size=1, max_size=4))
def test_a_sequence_in_a_row_is_repeated(before: str, part: str) -> None:
    assert repeats(before + part * (3 if len(part) == 1 else 2))


def test_one_symbol_twice_is_not_repeated() -> None:
    assert not repeats("abccde")


def test_kinds_of_a_source_follow_the_training_sources() -> None:
    training = TrainingSources.of(["abc"] * 30 + ["abd"] * 2)
    assert training.kinds("cab") == []
    assert training.kinds("da") == ["rare characters"]
    assert training.kinds("a?") == ["unseen characters"]
    assert training.kinds("abca") == ["long source"]
