import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyformer.evaluation.accuracy import (
    ExactMatch,
    TokenErrorRate,
    WordErrorRate,
    edit_distance,
)
from whyformer.evaluation.metric import score

tokens = st.lists(st.sampled_from("abc"), max_size=7)


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        ("", "", 0),
        ("a b c", "", 3),
        ("", "a b", 2),
        ("a b c", "a b c", 0),
        ("a b c", "a x c", 1),
        ("a b c", "b c", 1),
        ("k i t t e n", "s i t t i n g", 3),
    ],
)
def test_edit_distance_by_hand(a: str, b: str, distance: int) -> None:
    assert edit_distance(a.split(), b.split()) == distance


@given(tokens, tokens, tokens)
def test_edit_distance_is_a_distance(a: list[str], b: list[str], c: list[str]) -> None:
    ab = edit_distance(a, b)
    assert ab == edit_distance(b, a)
    assert (ab == 0) == (a == b)
    assert abs(len(a) - len(b)) <= ab <= max(len(a), len(b))
    assert ab <= edit_distance(a, c) + edit_distance(c, b)


def test_per_counts_edits_to_the_nearest_pronunciation() -> None:
    outputs = ["T AH M EY T OW", "K AE T S"]
    references = [["T AH M AA T OW", "T AH M EY T OW"], ["D AO G", "K AE T"]]
    # No edit over 6 phones, then one over 3.
    assert score(TokenErrorRate(), outputs, references).value == pytest.approx(100 / 9)


def test_per_of_equally_near_references_takes_the_first() -> None:
    rows = TokenErrorRate().statistics(["a b"], [["a b c", "a"]])
    np.testing.assert_array_equal(rows, [[1, 3]])


def test_per_may_exceed_a_hundred() -> None:
    assert score(TokenErrorRate(), ["a b c"], [["x"]], resamples=0).value == 300.0
    assert score(TokenErrorRate(), [""], [[""]], resamples=0).value == 0.0


def test_wer_is_the_share_of_wrong_lines() -> None:
    outputs = ["K AE T", "K  AE T S", "D AO G", ""]
    references = [["K AE T"], ["X", "K AE T S"], ["D AA G", "D AO G Z"], ["X"]]
    assert score(WordErrorRate(), outputs, references).value == 50.0


def test_exact_compares_letters() -> None:
    outputs = ["ab c", "ab  c", "AB C", " ab c\n"]
    references = [["ab c"]] * 4
    found = score(ExactMatch(), outputs, references)
    assert found.value == 50.0


def test_the_interval_of_a_share_is_the_binomials() -> None:
    right = [True] * 300 + [False] * 100
    outputs = ["a" if one else "b" for one in right]
    found = score(ExactMatch(), outputs, [["a"]] * 400)
    assert found.interval is not None
    spread = 100 * 1.96 * (0.75 * 0.25 / 400) ** 0.5
    assert found.interval[0] == pytest.approx(75 - spread, abs=0.6)
    assert found.interval[1] == pytest.approx(75 + spread, abs=0.6)


def test_signatures_say_what_a_word_is() -> None:
    assert "word:line" in WordErrorRate().signature([["a"]])
    assert "ref:nearest" in TokenErrorRate().signature([["a"], ["a", "b"]])
    assert "nrefs:var" in TokenErrorRate().signature([["a"], ["a", "b"]])
    for metric in (TokenErrorRate(), WordErrorRate(), ExactMatch()):
        assert "whyformer:" in metric.signature([["a"]])
