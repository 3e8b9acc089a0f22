"""Minutes are kept whatever the machine does, and the recorded decisions repeat the run."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from whyformer.training.pacing import Pacer
from whyformer.training.timetable import ENDLESS, Decision, Timetable

MINUTE = 60.0
MOST = 100_000
"""Updates after which a simulation has gone wrong."""


@dataclass
class Machine:
    """A clock that moves when work is done; `slowness` of the share of the time that is gone."""

    total: float
    slowness: Callable[[float], float] = lambda gone: 1.0
    noise: float = 0.0
    now: float = 1000.0
    _random: random.Random = field(default_factory=lambda: random.Random(1))

    def work(self, seconds: float) -> None:
        factor = self.slowness((self.now - 1000.0) / self.total)
        self.now += seconds * factor * (1 + self.noise * self._random.uniform(-1, 1))

    def __call__(self) -> float:
        return self.now


@dataclass
class Simulated:
    seconds: float
    timetable: Timetable
    validations: list[int]
    ends: list[float]
    """After each update, the expected end of the run in seconds since its start."""

    @property
    def updates(self) -> int:
        return self.timetable.last.updates


def simulated(
    machine: Machine,
    *,
    update: float = 0.5,
    validation: float = 2.0,
    every: int = 0,
    most: int = ENDLESS,
) -> Simulated:
    """Train by the clock of a machine, as `whyformer train` does."""
    pacer = Pacer(machine.total, every=every, most=most, clock=machine)
    timetable, validations, ends = Timetable([Decision(0, most)]), [], []
    machine.work(4 * update)  # the first update of a process is slow
    for step in range(1, MOST):
        machine.work(update)
        decision = pacer.decide(step, timetable)
        ends.append(machine.now - 1000.0 + pacer.until_end)
        if decision:
            timetable.add(decision)
        last = step == timetable.updates_at(step)
        if last or timetable.validates(step) or (every and step % every == 0):
            validations.append(step)
            with pacer.validating():
                machine.work(validation)
        if last:
            return Simulated(machine.now - 1000.0, timetable, validations, ends)
    raise AssertionError("the run has no end")


SLOWNESS: dict[str, Callable[[float], float]] = {
    "steady": lambda gone: 1,
    "4 x slower midway": lambda gone: 4 if gone > 0.5 else 1,
    "4 x faster midway": lambda gone: 0.25 if gone > 0.5 else 1,
    "4 x slower near the end": lambda gone: 4 if gone > 0.93 else 1,
    "4 x slower at the very end": lambda gone: 4 if gone > 0.985 else 1,
    "4 x faster near the end": lambda gone: 0.25 if gone > 0.93 else 1,
    "slow at the start": lambda gone: 4 if gone < 0.03 else 1,
    "fast at the start": lambda gone: 0.25 if gone < 0.03 else 1,
    "changing all the time": lambda gone: 4 if int(gone * 23) % 2 else 1,
    "drifting": lambda gone: 4**gone,
}


@pytest.mark.parametrize("name", SLOWNESS)
@pytest.mark.parametrize("every", [0, 30])
def test_a_run_ends_after_its_maximum_number_of_updates(name: str, every: int) -> None:
    machine = Machine(10 * MINUTE, SLOWNESS[name], noise=0.1)
    run = simulated(machine, validation=0.2, every=every, most=200)
    assert run.updates == 200  # 100 s of work, unless the machine is slow
    assert run.seconds < 10 * MINUTE
    assert every or 10 <= len(run.validations) <= 25
    place = run.timetable.place
    assert place(201) == pytest.approx(201)  # the learning rate falls to its end
    freely = simulated(Machine(MINUTE, SLOWNESS[name], noise=0.1), every=every)
    bounded = simulated(Machine(MINUTE, SLOWNESS[name], noise=0.1), every=every, most=10**6)
    assert bounded.updates == pytest.approx(freely.updates, rel=0.1)


@pytest.mark.parametrize("most", [200, ENDLESS])
def test_the_expected_end_is_the_last_update_or_the_limit(most: int) -> None:
    run = simulated(Machine(5 * MINUTE), validation=0.2, most=most)
    later = run.ends[len(run.ends) // 2 :]  # then the speed is measured
    assert later == pytest.approx([run.seconds] * len(later), rel=0.05)


UNEVEN = pytest.mark.parametrize("name", SLOWNESS)


@UNEVEN
@pytest.mark.parametrize("noise", [0.0, 0.3])
@pytest.mark.parametrize(
    ("minutes", "update", "validation", "every"),
    [
        (5, 0.5, 2.0, 0),
        (1, 0.05, 0.4, 0),
        (0.5, 0.02, 0.3, 0),
        (0.5, 0.02, 0.3, 100),
        (5, 0.5, 2.0, 70),
        (5, 0.5, 2.0, 10_000),  # never reached
        (20, 2.5, 0.0, 0),
        (1, 0.25, 1.2, 0),  # each validation takes 2 % of the time
    ],
)
def test_the_minutes_are_kept_within_a_tenth_whatever_the_speed(
    name: str, noise: float, minutes: float, update: float, validation: float, every: int
) -> None:
    total = minutes * MINUTE
    machine = Machine(total, SLOWNESS[name], noise)
    found = simulated(machine, update=update, validation=validation, every=every)
    # A validation that begins last cannot be made shorter when the machine becomes slower then.
    assert 0.9 <= found.seconds / total <= 1.1
