"""The learning curve of a run, in its page and in the terminal."""

import re

import pytest
from rich.console import Console

from toy_runs import SMALL
from whyformer.recipes.recipe import resolve
from whyformer.workflows.display import Display
from whyformer.workflows.learning_curve import POINTS, Curve, LearningCurve
from whyformer.workflows.report import training_page
from whyformer.workflows.report.training_page import TrainingPage
from whyformer.workflows.terminal_chart import BLANK, DOTS, terminal_chart
from whyformer.workflows.train import train, training_steps

AGAIN = '<meta http-equiv="refresh"'


def test_a_long_curve_keeps_few_points_and_its_mean():
    curve = Curve()
    for x in range(1, 100_001):
        curve.add(x, x % 10)
    points = curve.points
    assert POINTS / 2 <= len(points) <= POINTS
    assert points[-1][0] == 100_000
    assert all(y == pytest.approx(4.5, abs=0.05) for _, y in points[:-1])
    assert [x for x, _ in points] == sorted(x for x, _ in points)


def dots(lines: list[str]) -> set[tuple[int, int]]:
    """Return column and row of all dots that are set."""
    return {
        (2 * across + column, 4 * down + row)
        for down, line in enumerate(lines)
        for across, cell in enumerate(line.partition("┤")[2])
        for column, bits in enumerate(DOTS)
        for row, bit in enumerate(bits)
        if (ord(cell) - BLANK) & bit
    }


def test_a_straight_line_is_drawn_as_its_pixels():
    lines = list(terminal_chart([(0, 7.0), (7, 0.0)], width=4, height=2))
    assert dots(lines) == {(n, n) for n in range(8)}
    assert [line.split()[0] for line in lines] == ["7.00", "0.00"]
    level = list(terminal_chart([(3, 1.0), (5, 1.0)], width=2, height=1))
    assert {row for _, row in dots(level)} == {2}
    assert {column for column, _ in dots(level)} == {0, 1, 2, 3}


def test_the_page_grows_while_the_run_trains(tmp_path, monkeypatch):
    monkeypatch.setattr(training_page, "EVERY_SECONDS", 0)
    page = tmp_path / "run" / "training.html"
    for number, _ in enumerate(training_steps(resolve("copy", SMALL), tmp_path / "run")):
        assert f"{number + 1} update" in page.read_text(encoding="utf-8")
    text = page.read_text(encoding="utf-8")
    assert "The training ended after 4 updates of 4." in text
    assert "validation loss" in text


def test_the_page_of_a_resumed_run_has_the_updates_from_before(tmp_path):
    steps = training_steps(resolve("copy", SMALL), tmp_path / "run")
    for _ in range(3):
        next(steps)
    steps.close()
    page = tmp_path / "run" / "training.html"
    assert "The training ended after 3 updates of 4." in page.read_text(encoding="utf-8")
    train(resolve("copy", SMALL), tmp_path / "run", quiet=True)
    whole = tmp_path / "whole"
    train(resolve("copy", SMALL), whole, quiet=True)
    charts = [
        re.sub("run|whole", "", one.read_text(encoding="utf-8"))
        for one in (page, whole / "training.html")
    ]
    assert charts[0] == charts[1]


def test_the_page_loads_itself_again_until_the_end_and_is_not_written_too_often(tmp_path):
    curve = LearningCurve("bleu")
    page = TrainingPage(tmp_path, curve)
    curve.training.add(1, 2.0)
    page.update(1, None)
    first = (tmp_path / "training.html").read_text(encoding="utf-8")
    assert f'{AGAIN} content="5">' in first
    assert "1 update so far." in first
    curve.validated(2, {"loss": 1.0, "bleu": 3.0})
    page.update(2, 10)
    assert (tmp_path / "training.html").read_text(encoding="utf-8") == first
    page.close()
    last = (tmp_path / "training.html").read_text(encoding="utf-8")
    assert "validation bleu" in last
    assert AGAIN not in last


@pytest.mark.parametrize(("rows", "drawn"), [(40, True), (20, False)])
def test_a_terminal_with_enough_rows_shows_the_curve(monkeypatch, rows, drawn):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    display = Display()
    display._console = Console(width=30, height=rows)
    display._curve = LearningCurve("loss")
    for x in range(10):
        assert not display._bar.above
        display._curve.training.add(x, 3.0 - x / 10)
        display._draw()
    lines = display._bar.above.splitlines()
    assert len(lines) == (7 if drawn else 0)
    assert all(len(line) <= 30 for line in lines)
    assert not drawn or lines[0].strip().startswith("training loss")
