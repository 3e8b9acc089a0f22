"""What a run shows about its progress."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.cells import cell_len

from whyformer.recipes.recipe import resolve
from whyformer.recipes.run_length import RunLength
from whyformer.tasks.build import TASKS, open_task
from whyformer.training.reports import StepReport
from whyformer.workflows import display
from whyformer.workflows.display import Display, wrapped
from whyformer.workflows.train import train

REPORT = StepReport(
    step=10, epoch=0, loss=1.0, nll=1.0, learning_rate=0.1, gradient_norm=1.0, tokens=100,
    seconds=0.5, layer_gradient_norms={},
)  # fmt: skip


class Planned(RunLength):
    """The length of a run that was decided already."""

    def __init__(self, planned: int | None, seconds_left: float | None) -> None:
        self._planned, self._seconds_left = planned, seconds_left

    def updates_at(self, step: int) -> int | None:
        return self._planned

    @property
    def seconds_left(self) -> float | None:
        return self._seconds_left


@pytest.mark.parametrize("width", [20, 40, 80, 400])
@pytest.mark.parametrize(
    "line",
    [
        "files       a.tsv: TSV; source = column 1 (“가나다라 마바사 아자차카”), target = column 2",
        f"            training.minutes 5.0: {'x' * 100} and more",
        "verdict: this model is not better than a simple baseline",
        "", "short",
    ],
)  # fmt: skip
def test_a_wrapped_line_fits_and_loses_nothing(line: str, width: int) -> None:
    found = wrapped(line, width)
    parts = found.split("\n")
    assert "".join(found.split()) == "".join(line.split())
    assert all(cell_len(part) <= max(width, 30) for part in parts)
    indent = 12 if line[:1] != "v" and len(line) > 12 else 0
    assert all(part.startswith(" " * min(indent, width // 2)) for part in parts[1:])


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
    # Only the clock of the display: a server in another thread needs its own.
    monkeypatch.setattr(display, "time", SimpleNamespace(monotonic=lambda: next(now)))
    length = Planned(planned, seconds_left)
    shown = Display()
    with shown.training(length, 0, "texts"):
        shown.update(REPORT, length)
    said = capsys.readouterr().err
    assert wanted in said
    assert "200 texts/s" in said  # 100 in half a second
    if seconds_left is None:
        assert "left 1:00" in said  # 10 updates took 20 seconds, and 30 are left


WORDS = ("the", "big", "cat", "saw", "a", "small", "dog")
TEXTS = [" ".join(WORDS[i % 5 : i % 5 + 2]) for i in range(40)]
"""Texts of two words, of which a batch therefore has twice as many words as texts."""
TAGGED = [f"{text}\tO B-X" for text in TEXTS]
UNITS = {
    "translate": ("copy", None, "tokens"),
    "language": ("tiny-gpt", TEXTS, "tokens"),
    "masked": ("tiny-bert", TEXTS, "masked tokens"),
    "replaced": ("tiny-electra", TEXTS, "masked tokens"),
    "classify": ("classify", [f"{t}\t{'yes' if 'cat' in t else 'no'}" for t in TEXTS], "texts"),
    "regress": ("regress", [f"{t}\t{len(t)}" for t in TEXTS], "texts"),
    "tag": ("tag", TAGGED, "words"),
}
"""Task -> recipe, training data and what the progress line must count."""


@pytest.mark.parametrize("name", TASKS)
def test_the_progress_line_names_what_the_batches_count(tmp_path: Path, name: str) -> None:
    recipe, lines, wanted = UNITS[name]
    settings: dict[str, object] = {"training.batch_tokens": 64}
    if lines:
        (tmp_path / "data").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (tmp_path / "dev").write_text("\n".join(lines[:5]) + "\n", encoding="utf-8")
        settings |= {
            "data.train": [str(tmp_path / "data")], "data.dev": [str(tmp_path / "dev")],
            "text.vocabulary": 280,
        }  # fmt: skip
    if name == "masked":
        settings["data.documents"] = "lines"  # next-sentence prediction needs several documents
    task = open_task(resolve(recipe, settings).recipe, tmp_path / "run")
    assert task.unit == wanted
    batch = task.batches.batch(0, 0)
    rows = len(getattr(batch, "ids", ()))
    if wanted == "texts":
        assert batch.tokens == rows
    if wanted == "words":
        assert batch.tokens == 2 * rows
    if wanted == "masked tokens":
        hidden = sum(task.batches.batch(0, k).tokens for k in range(task.batches.count(0)))
        assert hidden < sum(len(text.split()) for text in TEXTS)


def test_quiet_hides_facts_but_not_what_was_left_out(tmp_path, capsys):
    data = tmp_path / "pairs.tsv"
    data.write_text("".join(f"a {n}\tb {n}\n" for n in range(150)) + "c\t \n" * 3, encoding="utf-8")
    small = {"training.updates": 1, "validation.every": 1, "data.train": [str(data)],
             "model.d_model": 16, "model.heads": 2, "model.d_ff": 16}  # fmt: skip
    train(resolve("translate", small), tmp_path / "run", quiet=True)
    said = capsys.readouterr().err
    assert "dropped" in said
    assert "round trip" not in said


@pytest.mark.parametrize(
    ("asked", "shown"),
    [({}, "fact\nwarning\n"), ({"quiet": True}, "warning\n"), ({"silent": True}, "")],
)
def test_quiet_hides_facts_and_other_ranks_show_nothing(capsys, asked, shown):
    with Display(**asked) as display:
        display.say("fact")
        display.warn("warning")
    assert capsys.readouterr().err == shown
