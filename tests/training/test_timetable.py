"""A timetable with one decision is the plain schedule; later decisions bend it without a jump."""

import random
from itertools import pairwise

import pytest

from whyformer.training.schedules import SCHEDULES, ends, learning_rate
from whyformer.training.timetable import (
    ENDLESS,
    Decision,
    Timetable,
    read_timetable,
    write_timetable,
)

ALL = pytest.mark.parametrize("schedule", SCHEDULES)
NUMBERS = {"peak": 0.5, "warmup": 10, "d_model": 16}


@ALL
def test_one_decision_is_the_plain_schedule_bit_for_bit(schedule: str) -> None:
    timetable = Timetable.fixed(57)
    for step in range(1, 58):
        plain = learning_rate(schedule, step, total=57, **NUMBERS)
        assert timetable.learning_rate(schedule, step, **NUMBERS) == plain


def replanned(seed: int) -> Timetable:
    """Return a run whose plan is made and changed at random."""
    rng, timetable, step = random.Random(seed), Timetable([Decision(0, ENDLESS)]), 0
    for _ in range(rng.randint(1, 8)):
        step += rng.randint(1, 40)
        timetable.add(Decision(step, step + rng.randint(20, 400)))
    return timetable


@ALL
@pytest.mark.parametrize("seed", range(20))
def test_the_learning_rate_never_jumps_and_ends_where_the_run_does(
    schedule: str, seed: int
) -> None:
    timetable = replanned(seed)
    last = timetable.last.updates
    rates = [timetable.learning_rate(schedule, s, **NUMBERS) for s in range(1, last + 1)]
    # The steepest change of a plan: to fall to zero within its last 20 updates, or to warm up.
    assert max(abs(b - a) for a, b in pairwise(rates)) <= NUMBERS["peak"] * 0.2
    if ends(schedule):
        assert rates[-1] < 0.2 * max(rates)
        assert all(b <= a * (1 + 1e-9) for a, b in pairwise(rates[10:]))


@ALL
@pytest.mark.parametrize("seed", range(5))
def test_a_later_decision_never_changes_an_earlier_update(schedule: str, seed: int) -> None:
    whole = replanned(seed)
    growing = Timetable(whole.decisions[:1])
    for decision in [*whole.decisions[1:], Decision(whole.last.updates, whole.last.updates)]:
        for step in range(growing.last.step + 1, decision.step + 1):
            early = growing.learning_rate(schedule, step, **NUMBERS)
            assert early == whole.learning_rate(schedule, step, **NUMBERS)
            assert growing.updates_at(step - 1) == whole.updates_at(step - 1)
        growing.add(decision)


def test_a_timetable_survives_the_disk(tmp_path) -> None:
    written = Timetable([Decision(0, ENDLESS), Decision(7, 30, 1.25, validate=True)])
    write_timetable(tmp_path, written)
    assert read_timetable(tmp_path).decisions == written.decisions


@pytest.mark.parametrize("second", [(0, 9), (5, 4), (-1, 9)])
def test_a_decision_out_of_order_is_refused(second: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="contradicts earlier decisions"):
        Timetable([Decision(0, 10), Decision(*second)])
