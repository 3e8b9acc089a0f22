"""The length limit follows the training targets: never below what they need."""

import numpy as np
import pytest

from whyformer.decoding.expected import USUAL, Expected
from whyformer.decoding.limits import limit_of
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.training_lengths import MARGIN, learned_limit, seen_bytes
from whyformer.text.symbols import FIRST_BYTE, FIRST_PIECE

PLAIN = SearchSettings()


def learned(source: list[int], target: list[int]) -> Expected:
    """Args: lengths with eos."""
    return Expected(False, *learned_limit(np.array(source), np.array(target)))


@pytest.mark.parametrize("seed", range(5))
def test_every_target_of_training_fits_with_a_margin(seed):
    random = np.random.default_rng(seed)
    source = random.integers(2, 60, 900)
    target = (source * random.uniform(0.2, 9) * random.uniform(0.5, 2, 900)).astype(int) + 1
    expected = learned(source.tolist(), target.tolist())
    for one, needed in zip(source.tolist(), target.tolist(), strict=True):
        assert limit_of(PLAIN, one, None, expected) >= max(needed - 1, PLAIN.limit(one))
        assert expected.limit(one) >= int(MARGIN * (needed - 1)) - 1


def test_short_sources_with_targets_of_100_tokens_get_them():
    expected = learned([13] * 500, [101] * 500)
    assert PLAIN.limit(13) < 100 <= limit_of(PLAIN, 13, None, expected) < 150


def test_rare_long_sources_are_covered_like_frequent_short_ones():
    source, target = [4] * 100_000 + [100] * 500, [5] * 100_000 + [400] * 500
    assert learned(source, target).limit(100) >= 399


def test_one_misaligned_pair_among_many_does_not_set_the_limit():
    expected = learned([10] * 5000, [12] * 4999 + [5000])
    assert expected.limit(10) < 100


def test_a_given_max_length_and_the_end_of_the_model_hold():
    expected = Expected(target_ratio=10.0, target_extra=5)
    assert limit_of(SearchSettings(max_length=7), 20, None, expected) == 7
    assert limit_of(PLAIN, 20, 64, expected) == 63  # and eos
    assert limit_of(PLAIN, 20, None, expected) == 205


def test_a_run_without_the_fact_keeps_the_limit_of_its_settings():
    assert Expected.from_facts({}) == USUAL
    assert limit_of(PLAIN, 20, None, USUAL) == PLAIN.limit(20)


@pytest.mark.parametrize("bad", [None, "9", True, -1.0, float("nan"), float("inf"), 1e300])
def test_a_fact_that_is_no_sensible_number_is_ignored(bad):
    facts = {"target_ratio": bad, "target_extra": bad}
    assert Expected.from_facts(facts) == USUAL


@pytest.mark.parametrize("kind", ["uint16", "uint32", "int64"])
def test_seen_bytes_are_those_whose_tokens_occur(kind, monkeypatch):
    monkeypatch.setattr("whyformer.decoding.training_lengths.CHUNK", 3)
    ids = np.array([4, FIRST_BYTE, 300, FIRST_PIECE, FIRST_PIECE - 1, 7, 7], dtype=kind)
    assert seen_bytes(ids) == [0, 2, 255]
    assert Expected.from_facts({"target_bytes": [0, 2]}).target_bytes == {0, 2}
    for bad in (None, "ab", [256], [-1], [True], [1.0]):
        assert Expected.from_facts({"target_bytes": bad}).target_bytes is None
