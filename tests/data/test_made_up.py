"""Made-up pairs: as many as asked, always the same, with lengths and words as in real text."""

from collections import Counter
from itertools import islice

import numpy as np

from whyformer.data.made_up import LONGEST, SHORTEST, made_up_pairs


def test_as_many_as_asked_and_always_the_same():
    pairs = list(made_up_pairs(5000, seed=1))
    assert [pair.line for pair in pairs] == list(range(1, 5001))
    assert pairs == list(islice(made_up_pairs(9000, seed=1), 5000))
    assert pairs != list(made_up_pairs(5000, seed=2))
    assert list(made_up_pairs(0, seed=1)) == []


def test_lengths_are_those_of_captions_and_go_together():
    pairs = list(made_up_pairs(5000, seed=1))
    lengths = np.array([[len(side.split()) for side in pair[1:3]] for pair in pairs])
    assert lengths.min() >= SHORTEST
    assert lengths.max() <= LONGEST
    assert 13 < lengths[:, 0].mean() < 15
    assert np.corrcoef(np.log(lengths.T))[0, 1] > 0.7


def test_words_follow_zipf_and_languages_differ():
    pairs = list(made_up_pairs(3000, seed=1))
    (first, often), (_, next_often) = Counter(
        word for pair in pairs for word in pair.source.split()
    ).most_common(2)
    assert 1.6 < often / next_often < 2.4
    assert not any(first in pair.target.split() for pair in pairs)
