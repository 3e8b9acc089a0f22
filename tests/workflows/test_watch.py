"""Show a training: a chart that a notebook updates, or a progress bar."""

import re
import sys
import types
from html import unescape
from typing import Any

import pytest

import whyformer
from whyformer.training.reports import Step, StepReport
from whyformer.workflows.python.watch import POINTS, Curves


def step(number: int, loss: float = 2.0, validation: dict[str, float] | None = None) -> Step:
    report = StepReport(number, 0, loss, loss, 0.1, 1.0, 64, 0.01)
    return Step.of(report, validation or {}, metric="bleu", planned=1000)


class Handle:
    def __init__(self, pages: list[str]) -> None:
        self.pages = pages

    def update(self, shown: str) -> None:
        self.pages.append(shown)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pretend that a notebook's kernel runs this process; return what its cell shows."""
    pages: list[str] = []
    display: Any = types.ModuleType("IPython.display")
    display.HTML = lambda text: text

    def show(text: str, *, display_id: bool) -> Handle:
        assert display_id
        assert not pages  # later drawings take its place
        pages.append(text)
        return Handle(pages)

    display.display = show
    ipython: Any = types.ModuleType("IPython")
    shell = types.SimpleNamespace(kernel=object())
    ipython.get_ipython = lambda: shell
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return pages


def test_a_notebook_shows_one_chart_that_is_updated(notebook: list[str], capsys) -> None:
    steps = [step(1), step(2), step(3, 1.5, {"loss": 1.6, "bleu": 12.0}), step(4)]
    assert list(whyformer.watch(steps)) == steps
    assert len(notebook) >= 3  # the first step, the validation, the end
    last = unescape(notebook[-1])
    assert "Update 4 of 1000" in last
    assert last.count('<svg class="plot"') == 2
    assert "validation bleu" in last
    assert "validation loss" in last
    assert capsys.readouterr() == ("", "")


def test_elsewhere_a_bar_is_drawn_on_standard_error(capsys) -> None:
    steps = [step(1), step(2, 1.5, {"loss": 1.6, "bleu": 12.0})]
    assert list(whyformer.watch(steps)) == steps
    said = capsys.readouterr()
    assert said.out == ""
    assert re.search(r"update 2 of 1000 +loss 1\.500 +bleu\s+12\.000", said.err)


def test_a_terminal_of_ipython_is_no_notebook(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    ipython: Any = types.ModuleType("IPython")
    ipython.get_ipython = object
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert len(list(whyformer.watch([step(1)]))) == 1
    assert "update 1" in capsys.readouterr().err


def test_leaving_the_loop_closes_the_steps() -> None:
    closed = []

    def steps():
        try:
            for number in range(1, 9):
                yield step(number)
        finally:
            closed.append(True)

    for one in whyformer.watch(steps()):
        if one.step == 2:
            break
    assert closed == [True]


def test_long_curves_are_thinned_to_means() -> None:
    curves = Curves()
    for number in range(1, 10 * POINTS + 1):
        curves.add(step(number, float(number)))
    assert POINTS / 2 <= len(curves.loss) <= POINTS
    assert sum(count for _, _, count in curves.loss) == 10 * POINTS
    total = sum(mean * count for _, mean, count in curves.loss)
    assert total == pytest.approx(sum(range(1, 10 * POINTS + 1)))
    assert curves.loss[-1][0] == 10 * POINTS
