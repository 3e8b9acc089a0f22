import math
from collections import Counter

import numpy as np
import pytest
import torch

from toy_models import VOCABULARY, ToyModel, sources
from whyformer.decoding.penalties import length_penalty
from whyformer.decoding.sampling import draw, likely
from whyformer.decoding.search import search
from whyformer.decoding.settings import Method, SearchSettings
from whyformer.text.symbols import BOS, EOS


def settings(**fields: object) -> SearchSettings:
    return SearchSettings(method=Method.SAMPLE, **fields)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("seed", range(5))
def test_temperature_near_zero_is_greedy_search(seed: int) -> None:
    ids, real = sources(4, seed)
    cold = search(ToyModel(seed), ids, real, settings(temperature=1e-4, max_length=8))
    greedy = search(ToyModel(seed), ids, real, SearchSettings(beam=1, max_length=8))
    assert cold == greedy


def test_one_candidate_is_greedy_search() -> None:
    ids, real = sources(4, 7)
    greedy = search(ToyModel(7), ids, real, SearchSettings(beam=1, max_length=8))
    # Pad, bos, mask and unk are banned before the k most probable are taken.
    assert search(ToyModel(7), ids, real, settings(top_k=1, max_length=8)) == greedy


def test_frequencies_are_the_models_probabilities() -> None:
    model, draws = ToyModel(11), 4000
    found = search(model, torch.tensor([[9, 8]]), None, settings(nbest=draws, max_length=2))[0]
    counts = Counter(one.tokens for one in found)

    def allowed(past: list[int]) -> np.ndarray:
        shares = model.probabilities([9, 8], past).numpy()[[2, 5, 6, 7]]
        return shares / shares.sum()

    first = allowed([1])
    expected = {(): first[0]}
    for a, share in zip((5, 6, 7), first[1:], strict=True):
        second = allowed([1, a])
        expected[(a,)] = share * second[0]
        expected |= {(a, b): share * p for b, p in zip((5, 6, 7), second[1:], strict=True)}
    assert sum(expected.values()) == pytest.approx(1.0)
    for tokens, p in expected.items():  # 5 standard deviations of a binomial
        spread = 5 * math.sqrt(draws * p * (1 - p)) + 1
        assert abs(counts[tokens] - draws * p) < spread
    chi_square = sum((counts[t] - draws * p) ** 2 / (draws * p) for t, p in expected.items())
    assert chi_square < 32.9  # 99.9 % quantile with 12 degrees of freedom


def test_log_probabilities_are_before_temperature() -> None:
    model = ToyModel(12)
    wanted = settings(nbest=20, max_length=3, temperature=3.0, top_p=0.9)
    for one in search(model, torch.tensor([[9]]), None, wanted)[0]:
        said = [*one.tokens, *[EOS] * one.finished]
        truth = sum(
            math.log(model.probabilities([9], [BOS, *said[:place]])[token])
            for place, token in enumerate(said)
        )
        assert one.log_probability == pytest.approx(truth, abs=1e-5)
        assert one.score == pytest.approx(truth / length_penalty(len(said), 0.6), abs=1e-5)


def test_a_draw_at_the_limit_is_finished_as_often_as_eos_is_next() -> None:
    model, draws = ToyModel(11), 4000
    found = search(model, torch.tensor([[9, 8]]), None, settings(nbest=draws, max_length=1))[0]
    at_limit = [one for one in found if one.tokens == (5,)]
    shares = model.probabilities([9, 8], [BOS, 5]).numpy()[[2, 5, 6, 7]]
    share = shares[0] / shares.sum()
    finished = sum(one.finished for one in at_limit)
    assert len(at_limit) > 100
    spread = 5 * math.sqrt(len(at_limit) * share * (1 - share)) + 1
    assert abs(finished - len(at_limit) * share) < spread


def test_the_first_draw_is_the_same_however_many_follow() -> None:
    ids, real = sources(3, 4)
    few = search(ToyModel(4), ids, real, settings(nbest=2, max_length=9, seed=8))
    many = search(ToyModel(4), ids, real, settings(nbest=7, max_length=9, seed=8))
    assert [found[:2] for found in many] == few
    other = search(ToyModel(4), ids, real, settings(nbest=7, max_length=9, seed=9))
    assert other != many


def test_top_k_keeps_exactly_k() -> None:
    logits = torch.tensor([[0.0, 3.0, 1.0, 2.0]])
    kept = likely(logits, settings(top_k=2))
    torch.testing.assert_close(
        kept,
        torch.tensor([[0.0, 3.0, 0.0, 2.0]])
        .where(logits >= 2, torch.tensor(-math.inf))
        .softmax(-1),
    )
    torch.testing.assert_close(likely(logits, settings(top_k=9)), logits.softmax(-1))


@pytest.mark.parametrize(
    ("p", "kept"),
    [
        (0.2, [1]),
        (0.5, [1]),
        (0.51, [1, 3]),
        (0.79, [1, 3]),
        (0.81, [1, 2, 3]),
        (1.0, [0, 1, 2, 3]),
    ],
)
def test_top_p_keeps_the_fewest_that_hold_the_mass(p: float, kept: list[int]) -> None:
    probabilities = torch.tensor([0.05, 0.5, 0.15, 0.3], dtype=torch.float64)
    found = likely(probabilities.log()[None], settings(top_p=p))[0]
    assert found.nonzero().flatten().tolist() == kept
    torch.testing.assert_close(found[kept], probabilities[kept] / probabilities[kept].sum())


@pytest.mark.parametrize(
    ("p", "kept"),
    [(0.0, [0, 1, 2, 3]), (0.1, [0, 1, 2, 3]), (0.11, [1, 2, 3]), (0.31, [1, 3]), (1.0, [1])],
)
def test_min_p_keeps_tokens_by_their_share_of_the_highest_probability(
    p: float, kept: list[int]
) -> None:
    probabilities = torch.tensor([0.05, 0.5, 0.15, 0.3], dtype=torch.float64)
    found = likely((probabilities * 8).log()[None], settings(min_p=p))[0]
    assert found.nonzero().flatten().tolist() == kept
    torch.testing.assert_close(found[kept], probabilities[kept] / probabilities[kept].sum())
    both = likely(probabilities.log()[None], settings(min_p=p, top_p=0.6))[0]
    assert both.nonzero().flatten().tolist() == [one for one in kept if one in (1, 3)]


def test_min_p_follows_the_temperature() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0]])
    kept = [likely(logits, settings(min_p=0.3, temperature=t))[0] > 0 for t in (1.0, 2.0, 0.5)]
    assert [one.tolist() for one in kept] == [
        [False, True, True], [True, True, True], [False, False, True]
    ]  # fmt: skip


def test_draws_invert_the_cumulative_distribution() -> None:
    probabilities = torch.tensor([0.0, 0.25, 0.0, 0.5, 0.25, 0.0])
    uniform = torch.tensor([0.0, 0.24, 0.25, 0.74, 0.75, 1 - 1e-16], dtype=torch.float64)
    found = draw(probabilities.expand(6, -1), uniform)
    assert found.tolist() == [1, 1, 3, 3, 4, 4]


def test_one_draw_that_ends_does_not_end_the_others() -> None:
    found = search(ToyModel(5), torch.tensor([[9]]), None, settings(nbest=30, max_length=6))[0]
    assert len(found) == 30
    assert len({len(one.tokens) for one in found}) > 2


def test_toy_vocabulary_is_small() -> None:
    assert VOCABULARY == 8  # the frequencies above are worked out for three words
