import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyformer.evaluation.baselines.kneser_ney import (
    USUAL_DISCOUNTS,
    KneserNey,
    discounts_of,
)

VOCABULARY = 4
SEQUENCES = st.lists(
    st.lists(st.integers(0, VOCABULARY - 1), max_size=8), min_size=1, max_size=12
).filter(any)


def arrays(sequences: list[list[int]]) -> list[np.ndarray]:
    return [np.array(one, dtype=np.int64) for one in sequences]


@settings(max_examples=60, deadline=None)
@given(
    sequences=SEQUENCES,
    order=st.integers(1, 5),
    ends=st.booleans(),
    history=st.lists(st.integers(0, VOCABULARY), max_size=6),
)
def test_the_probabilities_after_any_history_sum_to_one(
    sequences: list[list[int]], order: int, ends: bool, history: list[int]
) -> None:
    # Token VOCABULARY is in the vocabulary, but not in the training sequences.
    model = KneserNey(arrays(sequences), vocabulary=VOCABULARY + 1, order=order, ends=ends)
    state = model.start[None]
    for token in history:
        _, state = model.step(state, np.array([token]))
    log_p, _ = model.step(np.repeat(state, model.size, 0), np.arange(model.size))
    assert np.exp(log_p).sum() == pytest.approx(1, abs=1e-9)
    assert log_p[model.bos] == -np.inf


@settings(max_examples=40, deadline=None)
@given(sequences=SEQUENCES, order=st.integers(1, 5), ends=st.booleans())
def test_scoring_a_sequence_at_once_equals_scoring_it_token_by_token(
    sequences: list[list[int]], order: int, ends: bool
) -> None:
    model = KneserNey(arrays(sequences[1:] or sequences), vocabulary=5, order=order, ends=ends)
    at_once = model.log_probabilities(np.array(sequences[0], dtype=np.int64))
    state, found = model.start[None], []
    for token in [*sequences[0], *([model.eos] if ends else [])]:
        log_p, state = model.step(state, np.array([token]))
        found.append(log_p[0])
    np.testing.assert_allclose(at_once, found, atol=1e-12)


def test_a_bigram_model_equals_the_values_worked_out_by_hand() -> None:
    # Sequences a b and a b. Too few counts for estimates, so D = 0.5, 1, 1.5.
    # Bigrams: <s> a 2, a b 2, b </s> 2. Left contexts: a 1, b 1, </s> 1.
    # P1(a) = (1 - 0.5)/3 + (3 · 0.5/3)/3 = 1/3, and the same for b and </s>.
    # P2(b | a) = (2 - 1)/2 + (1/2) · 1/3 = 2/3; P2(a | a) = (1/2) · 1/3 = 1/6.
    model = KneserNey(arrays([[0, 1], [0, 1]]), vocabulary=2, order=2)
    _, after_a = model.step(model.start[None], np.array([0]))
    log_p, _ = model.step(np.repeat(after_a, 3, 0), np.array([0, 1, model.eos]))
    np.testing.assert_allclose(np.exp(log_p), [1 / 6, 2 / 3, 1 / 6])


def test_lower_orders_count_different_left_contexts_not_occurrences() -> None:
    # 1 occurs 6 times, always after 0. 2 occurs 3 times, after 0, 1 and 3.
    model = KneserNey(
        arrays([[0, 1, 0, 1, 0, 1], [0, 1, 0, 1, 0, 1], [0, 2], [1, 2], [3, 2]]),
        vocabulary=5,
        order=2,
    )
    unseen = np.repeat(model.start[None], 2, 0)
    unseen[:, 1] = 4  # a context without counts: the unigrams decide
    log_p, _ = model.step(unseen, np.array([1, 2]))
    assert log_p[1] > log_p[0]


def test_discounts_follow_the_equation_and_stay_between_0_and_their_count() -> None:
    counts = np.repeat([1, 2, 3, 4], [8, 4, 2, 1])
    y = 8 / (8 + 2 * 4)
    expected = (1 - 2 * y * 4 / 8, 2 - 3 * y * 2 / 4, 3 - 4 * y * 1 / 2)
    assert discounts_of(counts) == pytest.approx(expected)
    assert discounts_of(np.array([5, 6])) == USUAL_DISCOUNTS


def test_a_longer_context_predicts_a_regular_text_better() -> None:
    text = np.tile([0, 1, 2, 0, 2, 1], 50)
    bits = [
        -KneserNey([text], vocabulary=3, order=order, ends=False).log_probabilities(text).sum()
        for order in (1, 2, 3)
    ]
    assert bits[0] > bits[1] > bits[2]
