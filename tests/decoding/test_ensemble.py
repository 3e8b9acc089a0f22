import pytest
import torch

from toy_models import ToyModel, sources
from whyformer.decoding.ensemble import Ensemble
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.errors import UsageError


@pytest.mark.parametrize("seed", range(4))
def test_a_model_with_itself_is_the_model(seed: int) -> None:
    ids, real = sources(4, seed)
    wanted = SearchSettings(beam=3, nbest=3, max_length=6)
    alone = search(ToyModel(seed), ids, real, wanted)
    twice = search(Ensemble([ToyModel(seed), ToyModel(seed)]), ids, real, wanted)
    for one, other in zip(alone, twice, strict=True):
        assert [a.tokens for a in one] == [b.tokens for b in other]
        for a, b in zip(one, other, strict=True):
            assert a.score == pytest.approx(b.score, abs=1e-5)


def test_probabilities_are_the_mean() -> None:
    first, second = ToyModel(1), ToyModel(2)
    both = Ensemble([first, second])
    source, tokens = torch.tensor([[9]]), torch.tensor([[1]])
    logits, _ = both.step(both.begin(source, None), tokens)
    mean = (first.probabilities([9], [1]) + second.probabilities([9], [1])) / 2
    torch.testing.assert_close(logits[0].exp(), mean.float(), rtol=1e-5, atol=1e-7)


def test_different_vocabularies_are_refused() -> None:
    both = Ensemble([ToyModel(1), ToyModel(2, vocabulary=9)])
    with pytest.raises(UsageError, match=r"share one target vocabulary, but their sizes are 8, 9"):
        search(both, torch.tensor([[9]]), None, SearchSettings())


def test_an_empty_ensemble_is_refused() -> None:
    with pytest.raises(UsageError, match="at least one model"):
        Ensemble([])
