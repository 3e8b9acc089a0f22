import math

import pytest

from whyformer.evaluation.perplexity import perplexity_scores
from whyformer.foundation.errors import DataError


def test_a_uniform_model_is_as_perplexed_as_its_vocabulary_is_large() -> None:
    (found,) = perplexity_scores(10 * math.log(37), 10)
    assert found.value == pytest.approx(37)
    assert found.unit == "per token, lower is better"
    assert found.n == 10


def test_bits_are_counted_by_hand() -> None:
    _, characters, bytes_ = perplexity_scores(math.log(2) * 24, 4, characters=6, bytes_=12)
    assert (characters.name, characters.value) == ("bits_per_character", pytest.approx(4.0))
    assert (bytes_.name, bytes_.value) == ("bits_per_byte", pytest.approx(2.0))
    assert bytes_.unit == "bits per byte, lower is better"
    assert bytes_.interval is None


def test_a_hopeless_model_has_infinite_perplexity() -> None:
    assert perplexity_scores(1e6, 1)[0].value == math.inf


@pytest.mark.parametrize(
    ("nll", "tokens", "message"),
    [
        (-1.0, 5, "`nll` must be"),
        (math.nan, 5, "`nll` must be"),
        (1.0, 0, "`tokens` must be at least 1, but it is 0"),
    ],
)
def test_impossible_sums_are_explained(nll: float, tokens: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        perplexity_scores(nll, tokens)
