"""A comparison is registered before its start, and a later change cannot hide."""

from dataclasses import replace

import pytest

from whyformer.foundation.errors import DataError, UsageError
from whyformer.workflows.compare.registration import (
    REGISTRATION,
    Registration,
    described,
    registered,
)

ONE = Registration(
    recipe={"name": "copy", "sha256": "0"},
    arms={"base": {}, "small": {"settings": {"model.d_model": ["8"]}}},
    seeds=[1, 2],
    tuning={"values": {}, "seeds": []},
    budget="2 updates a training",
    metric=None,
    margin=1.0,
    test=None,
    stop_early=True,
)


def test_the_same_comparison_stays_registered(tmp_path):
    first = registered(ONE, tmp_path / "c")
    assert registered(ONE, tmp_path / "c") == first
    assert described(first).startswith("Registered at ")


@pytest.mark.parametrize(
    "change", [{"margin": 2.0}, {"seeds": [1, 2, 3]}, {"code": {"sha256": "1"}}]
)
def test_what_changes_after_the_start_is_said_forever(tmp_path, change):
    registered(ONE, tmp_path / "c")
    changed = registered(replace(ONE, **change), tmp_path / "c")
    assert next(iter(change)) in described(changed)
    again = registered(ONE, tmp_path / "c")
    assert described(again).startswith("Not pre-registered")


@pytest.mark.parametrize(
    "change",
    [{"budget": "3 updates"}, {"arms": {"base": {}}}, {"metric": "chrf"}, {"tuning": {}}],
)
def test_another_comparison_is_refused(tmp_path, change):
    registered(ONE, tmp_path / "c")
    with pytest.raises(UsageError, match=f"its {next(iter(change))} differ"):
        registered(replace(ONE, **change), tmp_path / "c")


def test_a_changed_registration_and_a_full_directory_are_refused(tmp_path):
    registered(ONE, tmp_path / "c")
    file = tmp_path / "c" / REGISTRATION
    file.write_text(file.read_text("utf-8").replace("1.0", "0.1"), encoding="utf-8")
    with pytest.raises(DataError, match="damaged"):
        registered(ONE, tmp_path / "c")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="is not empty"):
        registered(ONE, tmp_path / "d")
