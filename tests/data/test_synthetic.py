"""The small tasks have the answers they are named for."""

import pytest

from whyformer.data.synthetic import Task, synthetic_pairs


@pytest.mark.parametrize(
    ("task", "answer"), [("copy", list), ("reverse", lambda s: s[::-1]), ("sort", sorted)]
)
def test_answers_are_right(task, answer):
    for pair in synthetic_pairs(task, 50, seed=0, shortest=2, longest=6, symbols=12):
        source = pair.source.split()
        assert 2 <= len(source) <= 6
        assert pair.target.split() == answer(source)


@pytest.mark.parametrize("task", Task)
def test_the_seed_decides_everything(task):
    first = list(synthetic_pairs(task, 20, seed=3))
    assert list(synthetic_pairs(task, 20, seed=3)) == first
    assert list(synthetic_pairs(task, 20, seed=4)) != first
    assert [pair.line for pair in first] == list(range(1, 21))
