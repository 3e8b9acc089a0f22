"""The page of a run: everything that its journal and its evaluation hold, in one file."""

import re

import pytest

from whyformer.decoding.alignment import Aligned
from whyformer.evaluation.score import Score
from whyformer.training.journal import Journal
from whyformer.training.reports import StepReport
from whyformer.workflows.learning_curve import POINTS
from whyformer.workflows.report.page import Mistake, ReportContent, write_report

UPDATES = 2 * POINTS + 20


@pytest.fixture
def page(tmp_path):
    journal = Journal(tmp_path, after=0)
    for step in range(1, UPDATES + 1):
        norms = {"encoder.0": 0.5, "decoder.0": 2.0 / step} if step % 10 == 0 else {}
        journal.update(StepReport(step, 1, 3.0, 2.5 / step, 1e-3, 1.0, 100, 0.6, norms))
        if step % 100 == 0:
            journal.validation(step, {"loss": 2.0, "per": 30.0})
    journal.close()
    (tmp_path / "recipe.yaml").write_text("task: <b>\n", encoding="utf-8")
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    content = ReportContent(
        title="A run & its page",
        scores=[Score("per", 12.345, "%, lower is better", (11.0, 13.5), "sig|1", 200)],
        pronounced=[("zorb", [("Z AO1 R B", -0.25), ("Z OW1 B", -2.5)])],
        alignments=[Aligned(["z", "<eos>"], ["Z", "<eos>"], [[0.75, 0.25], [0.125, 0.875]])],
        mistakes=[Mistake("colonel", "K AH0", "K ER1", 2, 0.5)],
        repeat="whyformer demo",
        metric="per",
    )
    return write_report(tmp_path, content).read_text(encoding="utf-8")


def test_every_curve_is_drawn(page):
    assert page.count('<svg class="plot"') == 3 + 2 + 1  # curves, gradient norms, one alignment
    for name in ("training loss", "validation loss", "per", "learning rate", "0"):
        assert f"<span>{name}</span>" in page
    for axis in ("minutes of training", "nats per token", "validation per", "decoder, L2 norm"):
        assert f">{axis}</p>" in page


def test_long_curves_are_thinned_to_means(page):
    tips = page.count("training loss\n")
    assert POINTS / 2 < tips <= POINTS


def test_the_weights_of_an_alignment_are_a_table_too(page):
    numbers = page[page.index("<summary>Numbers</summary>") :]
    assert '<td class="n">0.750</td><td class="n">0.250</td>' in numbers


def test_scores_answers_and_mistakes_are_listed(page):
    for words in ("<b>12.35</b>", "11.00 – 13.50", "Z AO1 R B", "log p -0.25", "colonel"):
        assert words in page


def test_every_table_scrolls_by_itself_on_a_narrow_screen(page):
    tables = page.split("<table")[:-1]
    assert len(tables) >= 4
    for before in tables:
        assert re.search(r'<div class="?wide"?[^>]*>$', before), before[-200:]


def test_the_page_needs_nothing_beside_it(page):
    for word in ("http", "src=", "href=", "url(", "@import", "/* charts.css */"):
        assert word not in page
    assert "<script>" in page
    assert "task: &lt;b&gt;" in page
