"""What a comparison costs is known before it starts, and what is left while it runs."""

import pytest

from whyformer.recipes.recipe import Recipe, resolve
from whyformer.workflows.compare import cells as cells_module
from whyformer.workflows.compare.arms import Arm
from whyformer.workflows.compare.budget import Budget, Unit
from whyformer.workflows.compare.cell import RESULT
from whyformer.workflows.compare.cells import Cells
from whyformer.workflows.compare.cost import Clock
from whyformer.workflows.compare.design import Design
from whyformer.workflows.compare.pace import UPDATES, expected_seconds, measured_pace
from whyformer.workflows.compare.space import Space

TINY = {
    "model.d_model": 16, "model.heads": 2, "model.d_ff": 16, "model.encoder_layers": 1,
    "model.decoder_layers": 1, "training.updates": 100, "training.warmup": 0,
    "validation.sentences": 2,
}  # fmt: skip
ARMS = [Arm("base", {}), Arm("wide", {"model.d_model": ["32"]})]


def design(unit: Unit, amount: float) -> Design:
    space = Space({"training.learning_rate": ["0.1", "0.2"]})
    return Design({"name": "copy", "sha256": ""}, ARMS, 3, Budget(unit, amount), 1.0, space)


def recipe_of(arm: Arm, more: object) -> Recipe:
    return resolve("copy", TINY).recipe


@pytest.mark.usefixtures("unchecked")
def test_the_pace_is_measured_from_a_few_updates_and_leaves_no_run(tmp_path):
    resolved = resolve("copy", TINY)
    pace = measured_pace(resolved, tmp_path / "run")
    assert min(pace.values()) > 0
    assert not (tmp_path / "run").exists()
    seconds = expected_seconds(pace, resolved.recipe)
    assert seconds > pace["start"] + 100 * pace["update"]
    assert UPDATES < 100


def test_a_training_costs_its_start_its_updates_and_its_validations():
    pace = {"start": 10.0, "update": 2.0, "validation": 5.0}
    every = resolve("copy", {**TINY, "validation.every": 30}).recipe
    assert expected_seconds(pace, every) == 10 + 100 * 2 + (4 + 1) * 5  # 30, 60, 90, 100
    automatic = resolve("copy", TINY).recipe
    assert expected_seconds(pace, automatic) == 10 + 100 * 2 + (5 + 1) * 5  # every 20 updates


def test_the_time_of_a_training_is_that_of_the_budget_or_of_earlier_trainings(tmp_path):
    minutes = Cells(design(Unit.MINUTES, 2), recipe_of, tmp_path)
    assert minutes.known_seconds(["base", "wide"]) == {"base": 120, "wide": 120}
    updates = Cells(design(Unit.UPDATES, 9), recipe_of, tmp_path)
    assert updates.known_seconds(["base", "wide"]) == {}
    for seed, seconds in ((1, 10), (2, 20)):
        directory = updates.directory("wide", seed)
        directory.mkdir(parents=True)
        (directory / RESULT).write_text(f'{{"seconds": {seconds}}}', encoding="utf-8")
    assert updates.known_seconds(["base", "wide"]) == {"wide": 15}
    assert updates.finished(["base", "wide"]) == {"base": 0, "wide": 2}
    pace = updates._pace_directory("base")
    pace.mkdir(parents=True)
    text = '{"start": 1.0, "update": 0.0, "validation": 0.0}'
    (pace / cells_module.RESULT).write_text(text, encoding="utf-8")
    assert updates.measured_seconds(["base"], {"base": recipe_of(ARMS[0], {})}) == {"base": 1.0}
    assert updates.finished(["base"]) == {"base": 0}  # the pace is not a training


def test_the_time_left_falls_with_each_training_and_with_each_clear_verdict():
    clock = Clock({"base": 10.0, "wide": 30.0}, {"base": 2, "wide": 2}, workers=2)
    assert clock.seconds == (2 * 10 + 2 * 30) / 2
    clock.finished("base", 14.0)
    assert clock.seconds == (14 + 2 * 30) / 2
    clock.settled("wide")
    assert clock.seconds == 14 / 2
    assert Clock({}, {"base": 1}, 1).seconds is None


def test_a_design_counts_its_trials():
    found = design(Unit.UPDATES, 9)
    assert found.trainings_of_an_arm == 2 + 3
    assert found.described(2) == (
        "At most 10 trainings of 9 updates a training (2 arms, 3 seeds, 2 trials for each arm), "
        "2 at a time"
    )
