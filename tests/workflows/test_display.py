"""What a run shows about its progress."""

from types import SimpleNamespace

import pytest

from whyformer.training.reports import StepReport
from whyformer.workflows import display
from whyformer.workflows.display import Display

REPORT = StepReport(
    step=10, epoch=0, loss=1.0, nll=1.0, learning_rate=0.1, gradient_norm=1.0, tokens=100,
    seconds=0.5, layer_gradient_norms={},
)  # fmt: skip


@pytest.mark.parametrize(
    ("planned", "seconds_left", "wanted"),
    [(40, None, "update 10/40"), (40, 125.0, "left 2:05"), (None, 3600.0, "update 10/?")],
)
def test_the_time_left_is_that_of_the_run(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    planned: int | None,
    seconds_left: float | None,
    wanted: str,
) -> None:
    now = iter((100.0, 120.0, 120.0, 120.0))
    monkeypatch.setattr(display.time, "monotonic", lambda: next(now))
    length = SimpleNamespace(updates_at=lambda step: planned, seconds_left=seconds_left)
    shown = Display()
    with shown.training(length, 0):  # pyright: ignore[reportArgumentType]
        shown.update(REPORT, length)  # pyright: ignore[reportArgumentType]
    said = capsys.readouterr().err
    assert wanted in said
    if seconds_left is None:
        assert "left 1:00" in said  # 10 updates took 20 seconds, and 30 are left
