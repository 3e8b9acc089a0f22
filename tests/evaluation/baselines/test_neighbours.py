import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyformer.evaluation.baselines.neighbours import SIZES, NeighbourIndex

TEXTS = st.lists(st.text("abc 가", min_size=1, max_size=12), min_size=1, max_size=15)


def grams(text: str) -> Counter[str]:
    padded = f" {text} "
    return Counter(padded[at : at + n] for n in SIZES for at in range(len(padded) - n + 1))


def brute_force(texts: list[str], query: str) -> list[float]:
    """Return the cosine of the TF-IDF vectors of the query and each text."""
    counted = [grams(text) for text in texts]
    seen = Counter(gram for one in counted for gram in one)

    def vector(counts: Counter[str]) -> dict[str, float]:
        found = {
            gram: (1 + math.log(times)) * (math.log((1 + len(texts)) / (1 + seen[gram])) + 1)
            for gram, times in counts.items()
        }
        norm = math.sqrt(sum(value**2 for value in found.values()))
        return {gram: value / norm for gram, value in found.items()}

    asked = vector(grams(query))
    return [
        sum(value * asked.get(gram, 0.0) for gram, value in vector(one).items()) for one in counted
    ]


@settings(max_examples=60, deadline=None)
@given(texts=TEXTS, query=st.text("abcd 가", max_size=12))
def test_similarities_equal_those_of_all_comparisons(texts: list[str], query: str) -> None:
    found = NeighbourIndex(texts).nearest(query, len(texts))
    expected = brute_force(texts, query)
    assert [one.similarity for one in found] == pytest.approx(
        sorted((one for one in expected if one > 0), reverse=True)
    )
    for one in found:
        assert one.similarity == pytest.approx(expected[one.number])


@settings(max_examples=40, deadline=None)
@given(texts=TEXTS)
def test_a_training_text_is_its_own_nearest_neighbour(texts: list[str]) -> None:
    index = NeighbourIndex(texts)
    for text in texts:
        nearest = index.nearest(text)[0]
        assert nearest.similarity == pytest.approx(1)
        assert grams(texts[nearest.number]) == grams(text)


def test_a_text_without_common_letters_has_no_neighbour() -> None:
    assert NeighbourIndex(["ab", "ba"]).nearest("xyz") == []
    assert NeighbourIndex([]).nearest("a") == []


def test_the_best_of_many_texts_is_the_first_of_the_full_ranking() -> None:
    generator = np.random.default_rng(1)
    texts = ["".join(generator.choice(list("abcdef "), 12)) for _ in range(300)]
    index = NeighbourIndex(texts)
    every = [one.number for one in index.nearest(texts[7][:8], len(texts))]
    assert [one.number for one in index.nearest(texts[7][:8], 5)] == every[:5]
