"""The journal: a line an update, and a resumed run forgets what its checkpoint does not know."""

import json

from whyformer.training.journal import JOURNAL, Journal, read_journal, read_timings
from whyformer.training.reports import StepReport


def report(step: int, **layers: float) -> StepReport:
    return StepReport(
        step=step,
        epoch=0,
        loss=1.5,
        nll=1.25,
        learning_rate=0.1,
        gradient_norm=2.0,
        tokens=7,
        seconds=0.25,
        layer_gradient_norms=layers,
    )


def test_only_what_a_resumed_run_repeats_is_in_the_journal(tmp_path):
    journal = Journal(tmp_path, after=0)
    journal.update(report(1, encoder=3.0))
    journal.update(report(2))
    journal.validation(2, {"loss": 1.0})
    journal.close()
    rest = {"epoch": 0, "loss": 1.5, "nll": 1.25, "learning_rate": 0.1}
    rest |= {"gradient_norm": 2.0, "tokens": 7}
    assert read_journal(tmp_path) == [
        {"step": 1, **rest, "layer_gradient_norms": {"encoder": 3.0}},
        {"step": 2, **rest},
        {"step": 2, "validation": {"loss": 1.0}},
    ]
    assert read_timings(tmp_path) == [
        {"step": 1, "seconds": 0.25, "tokens": 7},
        {"step": 2, "seconds": 0.25, "tokens": 7},
    ]


def test_lines_after_the_checkpoint_and_a_torn_last_line_are_forgotten(tmp_path):
    journal = Journal(tmp_path, after=0)
    for step in (1, 2, 3):
        journal.update(report(step))
    journal.close()
    with (tmp_path / JOURNAL).open("a") as file:
        file.write(json.dumps({"step": 2, "loss": 9})[:-3])  # killed while writing
    assert [line["step"] for line in read_journal(tmp_path)] == [1, 2, 3]
    Journal(tmp_path, after=2).close()
    assert [line["step"] for line in read_journal(tmp_path)] == [1, 2]
    assert [line["step"] for line in read_timings(tmp_path)] == [1, 2]


def test_a_journal_of_nothing_is_empty(tmp_path):
    assert read_journal(tmp_path) == []
