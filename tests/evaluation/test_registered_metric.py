"""A metric that is registered from outside: scores, intervals, comparisons and validations."""

import numpy as np
import pytest

from toy_runs import SMALL
from whyformer.evaluation.interval import IntervalKind
from whyformer.evaluation.metric import METRICS, metric_named, reads
from whyformer.evaluation.report import evaluate_texts
from whyformer.foundation.errors import PluginError, UsageError
from whyformer.recipes.recipe import resolve
from whyformer.training.journal import read_journal
from whyformer.workflows.evaluate import evaluate_files
from whyformer.workflows.train import train


class Length:
    """Characters written per 100 characters of the first reference."""

    name = "length"
    unit = "characters per 100 characters of the reference, higher is better"
    higher_is_better = True
    interval = IntervalKind.BOOTSTRAP

    def signature(self, references):
        return "length"

    def statistics(self, hypotheses, references):
        pairs = zip(hypotheses, references, strict=True)
        return np.array([(len(one), len(answers[0])) for one, answers in pairs], dtype=float)

    def value(self, sums):
        return float(100 * sums[0] / sums[1])


@pytest.fixture
def toy():
    METRICS.register("length")(Length)
    yield
    METRICS.forget("length")
    with pytest.raises(UsageError, match="`length` is not a metric"):
        metric_named("length")


REFERENCES = [["a dog runs"], ["the cat"]] * 10
SHORT = ["a dog", "the"] * 10


def test_a_registered_metric_has_scores_intervals_and_comparisons(toy):
    systems = [[answers[0] for answers in REFERENCES], SHORT]
    report = evaluate_texts(systems, REFERENCES, ["length"], names=["whole", "short"])
    (score,) = report.scores["short"]
    assert score.value == pytest.approx(100 * 8 / 17)
    assert score.interval[0] < score.value < score.interval[1]
    (comparison,) = report.comparisons
    assert comparison.difference == pytest.approx(100 * 8 / 17 - 100)
    assert comparison.interval[1] < 0
    assert comparison.p < 0.01
    assert "length: characters per 100" in report.table()


def test_a_registered_metric_scores_files(toy, tmp_path):
    for name, lines in (("out", SHORT), ("right", [one for (one,) in REFERENCES])):
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = evaluate_files([tmp_path / "out"], [tmp_path / "right"], ["length", "exact"])
    assert [one.name for one in report.scores[str(tmp_path / "out")]] == ["length", "exact"]
    message = r"`--lowercase` is only for .* or chrf, but the metrics are length"
    with pytest.raises(UsageError, match=message):
        evaluate_files([tmp_path / "out"], [tmp_path / "right"], ["length"], lowercase=True)


def test_a_registered_metric_chooses_the_best_weights(toy, tmp_path):
    settings = SMALL | {"validation.metric": "length"}
    outcome = train(resolve("copy", settings), tmp_path / "run", quiet=True)
    assert outcome.scores["length"] >= 0
    lines = read_journal(tmp_path / "run")
    values = [line["validation"]["length"] for line in lines if "validation" in line]
    assert len(values) == 2
    assert outcome.scores["length"] == max(values)


def test_the_arguments_of_a_metric_are_the_settings_it_reads():
    assert reads("bleu") == ("lowercase", "tokenize")
    assert reads("ter") == ()


def test_what_is_no_metric_is_refused():
    METRICS.register("odd")(lambda: {"name": "odd"})
    with pytest.raises(PluginError, match=r"The metric `odd` must have name, .* but `dict` lacks"):
        metric_named("odd")
    METRICS.forget("odd")
