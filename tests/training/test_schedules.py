"""Learning rates: Eq. 3 by hand, and the shape each name promises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny
from whyformer.foundation.config import build
from whyformer.foundation.errors import ConfigError
from whyformer.training.loop import fit, start
from whyformer.training.schedules import SCHEDULES, ends, learning_rate, without_end
from whyformer.training.settings import TrainingSettings
from whyformer.training.timetable import Decision, Timetable


def noam(step: float, d_model: int, warmup: float) -> float:
    return SCHEDULES["noam"](step, total=1, warmup=warmup, d_model=d_model)


def shape_of(schedule: str):
    """Return a schedule as a function of step, total and warm-up."""
    return lambda step, total, warmup: SCHEDULES[schedule](
        step, total=total, warmup=warmup, d_model=64
    )


def test_equation_3_by_hand():
    # 256^-0.5 = 1/16; warm-up 100: step · 100^-1.5 = step / 1000
    assert noam(1, 256, 100) == pytest.approx(1 / 16000)
    assert noam(50, 256, 100) == pytest.approx(50 / 16000)
    assert noam(100, 256, 100) == pytest.approx(1 / 160)
    assert noam(400, 256, 100) == pytest.approx(1 / 320)  # four times as far: half
    assert noam(1, 512, 4000) == pytest.approx(1.7469e-7, rel=1e-4)


@given(
    schedule=st.sampled_from(list(SCHEDULES)),
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
    highest = peak * noam(top, 64, warmup) if schedule == "noam" else peak
    if warmup:
        assert max(rates) == pytest.approx(highest)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_schedules_that_end_reach_nothing_at_the_end(schedule):
    shape = shape_of(schedule)
    assert shape(100, 1000, 100) == 1
    assert shape(1000, 1000, 100) < 2e-3
    assert shape(1001, 1000, 100) == pytest.approx(0, abs=1e-12)
    assert shape(550, 1000, 100) == pytest.approx(0.5, abs=2e-3)


def test_a_trapezoid_rises_stays_and_falls_over_the_last_30_percent():
    shape = shape_of("trapezoid")
    assert [shape(step, 1000, 100) for step in (1, 50, 100)] == [0.01, 0.5, 1]
    assert {shape(step, 1000, 100) for step in range(100, 702)} == {1}
    assert shape(851, 1000, 100) == pytest.approx(0.5)
    assert shape(1000, 1000, 100) == pytest.approx(1 / 300)
    assert shape(1, 1000, 0) == 1  # without warm-up the first step is a whole one


def test_a_constant_stays_and_an_inverse_root_halves_at_four_times():
    assert shape_of("constant")(10**6, 1, 10) == 1
    assert shape_of("inverse-sqrt")(400, 1, 100) == pytest.approx(0.5)


def test_a_schedule_has_an_end_exactly_when_the_number_of_updates_changes_it():
    for schedule in SCHEDULES:
        shape = shape_of(schedule)
        depends = any(shape(step, 500, 10) != shape(step, 900, 10) for step in range(1, 500))
        assert ends(schedule) is depends, schedule


@pytest.fixture
def toys():
    """Two schedules as a plugin registers them; they are forgotten afterwards."""

    @SCHEDULES.register("halving")
    def halving(step: float, *, total: int, warmup: float, d_model: int) -> float:
        return 0.5 ** (4 * step / total)

    @SCHEDULES.register("steady")
    @without_end
    def steady(step: float, *, total: int, warmup: float, d_model: int) -> float:
        return 1 / d_model

    yield
    for name in ("halving", "steady"):
        SCHEDULES.forget(name)
        assert name not in TrainingSettings.model_json_schema()["properties"]["schedule"]["enum"]
        message = rf'`schedule` must be noam, inverse-sqrt, .*, but "{name}" was found'
        with pytest.raises(ConfigError, match=message):
            build(TrainingSettings, {"schedule": name}, where="x")


def test_a_registered_schedule_sets_the_learning_rate_of_a_run(toys):
    assert "halving" in TrainingSettings.model_json_schema()["properties"]["schedule"]["enum"]
    settings = TrainingSettings(updates=4, learning_rate=0.01, schedule="halving", warmup=0)
    state = start(tiny.build(0), settings)
    reports = fit(state, tiny.CopyBatches(), settings, d_model=16)
    assert [r.learning_rate for r in reports] == [0.005, 0.0025, 0.00125, 0.000625]


def test_a_registered_schedule_is_stretched_unless_it_has_no_end(toys):
    timetable = Timetable([Decision(0, 99), Decision(50, 74)])
    rate = {"step": 74, "peak": 1.0, "warmup": 0, "d_model": 16}
    assert timetable.learning_rate("halving", **rate) == 0.5 ** (4 * 98 / 99)
    assert timetable.learning_rate("steady", **rate) == 1 / 16
