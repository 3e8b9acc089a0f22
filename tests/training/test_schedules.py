"""Learning rates: Eq. 3 by hand, and the shape each name promises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyformer.training.schedules import SHAPES, Schedule, learning_rate, noam


def test_equation_3_by_hand():
    # 256^-0.5 = 1/16; warm-up 100: step · 100^-1.5 = step / 1000
    assert noam(1, 256, 100) == pytest.approx(1 / 16000)
    assert noam(50, 256, 100) == pytest.approx(50 / 16000)
    assert noam(100, 256, 100) == pytest.approx(1 / 160)
    assert noam(400, 256, 100) == pytest.approx(1 / 320)  # four times as far: half
    assert noam(1, 512, 4000) == pytest.approx(1.7469e-7, rel=1e-4)


@given(
    schedule=st.sampled_from(list(Schedule)),
    warmup=st.integers(0, 50),
    after=st.integers(1, 200),
    peak=st.floats(1e-5, 10),
)
def test_every_schedule_rises_to_its_peak_at_warm_up_and_never_above(schedule, warmup, after, peak):
    total = warmup + after

    def rate(step: int) -> float:
        return learning_rate(schedule, step, peak=peak, total=total, warmup=warmup, d_model=64)

    rates = [rate(step) for step in range(1, total + 1)]
    assert rates == [rate(step) for step in range(1, total + 1)]  # pure
    top = max(warmup, 1)
    assert rates[top - 1] == max(rates)
    assert all(r > 0 for r in rates)
    assert rates[:top] == sorted(rates[:top])
    assert rates[top - 1 :] == sorted(rates[top - 1 :], reverse=True)
    highest = peak * noam(top, 64, warmup) if schedule is Schedule.NOAM else peak
    if warmup:
        assert max(rates) == pytest.approx(highest)


@pytest.mark.parametrize("schedule", [Schedule.LINEAR, Schedule.COSINE])
def test_schedules_that_end_reach_nothing_at_the_end(schedule):
    shape = SHAPES[schedule]
    assert shape(100, 1000, 100) == 1
    assert shape(1000, 1000, 100) < 2e-3
    assert shape(1001, 1000, 100) == pytest.approx(0, abs=1e-12)
    assert shape(550, 1000, 100) == pytest.approx(0.5, abs=2e-3)


def test_a_trapezoid_rises_stays_and_falls_over_the_last_30_percent():
    shape = SHAPES[Schedule.TRAPEZOID]
    assert [shape(step, 1000, 100) for step in (1, 50, 100)] == [0.01, 0.5, 1]
    assert {shape(step, 1000, 100) for step in range(100, 702)} == {1}
    assert shape(851, 1000, 100) == pytest.approx(0.5)
    assert shape(1000, 1000, 100) == pytest.approx(1 / 300)
    assert shape(1, 1000, 0) == 1  # without warm-up the first step is a whole one


def test_a_constant_stays_and_an_inverse_root_halves_at_four_times():
    assert SHAPES[Schedule.CONSTANT](10**6, 1, 10) == 1
    assert SHAPES[Schedule.INVERSE_SQRT](400, 1, 100) == pytest.approx(0.5)
    assert set(SHAPES) | {Schedule.NOAM} == set(Schedule)
