import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from toy_runs import SMALL
from whyformer.cli.main import main
from whyformer.foundation.errors import DataError, UsageError
from whyformer.recipes.recipe import resolve
from whyformer.tasks.tagging import Tagger
from whyformer.workflows.errors.errors import error_report
from whyformer.workflows.errors.page import errors_page
from whyformer.workflows.labelling import load_labeller
from whyformer.workflows.train import train

ENCODER = {
    "model.d_model": 16, "model.heads": 2, "model.d_ff": 24, "model.layers": 1,
    "training.minutes": None, "training.updates": 4, "validation.every": 4, "text.vocabulary": 300,
}  # fmt: skip


def trained(folder: Path, recipe: str, lines: list[str], **given: Any) -> Path:
    file = folder / "data.tsv"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    settings = {"data.train": [str(file)], "data.dev_share": 0.3, **given}
    train(resolve(recipe, settings), folder / "run", quiet=True)
    return folder / "run"


@pytest.fixture(scope="module")
def pairs_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = [f"w{n:02}\tW {n:02}" for n in range(90)] + ["twice\tone", "twice\ttwo"]
    given = {**SMALL, "training.minutes": None, "text.units": "chars"}
    return trained(tmp_path_factory.mktemp("errors"), "translate", lines, **given)


def test_the_report_counts_every_wrong_answer_and_shows_the_worst(pairs_run: Path) -> None:
    report = error_report(pairs_run, count=3)
    assert report.wrong == report.items > 3  # after four updates
    assert len(report.mistakes) == 3
    rates = [one.rate for one in report.mistakes]
    assert rates == sorted(rates, reverse=True)
    exact = next(score for score in report.scores if score.name == "exact")
    assert exact.value == pytest.approx(100 * (1 - report.wrong / report.items))
    assert sum(times for *_, times in report.confusions) > 0


def test_neighbours_are_training_items_and_contradictions_are_found(pairs_run: Path) -> None:
    report = error_report(pairs_run)
    held_out = {one.source for one in report.mistakes}
    near = {one.source for mistake in report.mistakes for one in mistake.neighbours}
    assert near
    assert not near & held_out
    assert report.contradictory == 1
    assert dict(report.contradictions[0].targets) == {"one": 1, "two": 1}


def test_a_file_replaces_the_held_out_data(pairs_run: Path, tmp_path: Path) -> None:
    file = tmp_path / "test.tsv"
    file.write_text("w01\tW 01\nw01\tW 1\né\tE\n", encoding="utf-8")
    report = error_report(pairs_run, pairs=file)
    assert report.items == 2
    kinds = {one.source: one.kinds for one in report.mistakes}
    assert "unseen characters" in kinds["é"]
    assert "unseen characters" not in kinds["w01"]


def test_text_json_and_page_show_the_same_report(
    pairs_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "errors.html"
    assert main(["errors", str(pairs_run), "--count", "2", "--html", str(page)]) == 0
    text = capsys.readouterr().out
    assert main(["errors", str(pairs_run), "--count", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    for mistake in found["mistakes"]:
        assert mistake["source"] in text
        assert mistake["source"] in page.read_text(encoding="utf-8")
    assert main(["errors", str(pairs_run), "--html", str(page)]) == 2  # the file exists


def test_a_tagger_is_calibrated_by_words(tmp_path: Path) -> None:
    lines = [f"w{n} in x{n % 3}\tA B {'CD'[n % 2]}" for n in range(200)]
    run = trained(tmp_path, "tag", lines, **ENCODER)
    report = error_report(run)
    assert report.curve is not None
    bins = report.curve.bins
    assert sum(one.items for one in bins) == 3 * report.items
    accuracy = next(score.value for score in report.scores if score.name == "accuracy")
    right = sum(one.right * one.items for one in bins) / (3 * report.items)
    assert 100 * right == pytest.approx(accuracy)
    tagger = load_labeller(run)
    assert isinstance(tagger, Tagger)
    for mistake in report.mistakes:
        words = mistake.source.split()
        ((*labelled,),) = tagger.tag_with_probabilities([words])
        assert mistake.answer == " ".join(label for label, _ in labelled)
        assert mistake.confidence == pytest.approx(math.prod(p for _, p in labelled), rel=1e-4)


@pytest.mark.parametrize("task", ["classify", "tag"])
def test_runs_with_labels_have_a_report(tmp_path: Path, task: str) -> None:
    lines = [f"{'good' if n % 2 else 'bad'}{n}\t{'yes' if n % 2 else 'no'}" for n in range(200)]
    run = trained(tmp_path, task, lines, **ENCODER)
    report = error_report(run)
    accuracy = report.scores[0].value
    assert accuracy == pytest.approx(100 * (1 - report.wrong / report.items))
    assert sum(times for *_, times in report.confusions) == report.wrong
    assert {one.right for one in report.mistakes} <= {"yes", "no"}
    assert report.curve is not None
    assert sum(one.items for one in report.curve.bins) == report.items
    assert "Worst answers" in errors_page(report)
    file = tmp_path / "test.tsv"
    file.write_text("good1\tno\nbad2\tyes\n", encoding="utf-8")
    assert error_report(run, labelled=file).items == 2
    with pytest.raises(UsageError, match="is for runs of the task `translate`"):
        error_report(run, pairs=file)


def test_a_run_with_numbers_has_a_report_of_its_largest_errors(tmp_path: Path) -> None:
    lines = [f"w{n}\t{100 if n % 20 == 0 else n % 7}.5" for n in range(200)]
    run = trained(tmp_path, "regress", lines, **ENCODER)
    report = error_report(run)
    assert 0 < report.wrong < report.items
    assert {one.right for one in report.mistakes} == {"100.5"}
    assert all(one.rate > 1 for one in report.mistakes)
    rates = [one.rate for one in report.mistakes]
    assert rates == sorted(rates, reverse=True)
    assert "standard deviation" in report.notes[0]
    assert "Worst answers" in errors_page(report)


def test_changed_training_data_is_refused(pairs_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="directory of a run"):
        error_report(tmp_path)
    folder = tmp_path / "moved"
    shutil.copytree(pairs_run.parent, folder)
    recipe = folder / "run" / "recipe.yaml"
    data = pairs_run.parent / "data.tsv"
    assert str(data) in recipe.read_text(encoding="utf-8")
    before = data.read_text(encoding="utf-8")
    data.write_text(before + "more\tMORE\n", encoding="utf-8")
    try:
        with pytest.raises(DataError, match="has changed since the training"):
            error_report(folder / "run")
    finally:
        data.write_text(before, encoding="utf-8")
