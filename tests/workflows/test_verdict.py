import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from toy_runs import SMALL
from whyformer.evaluation.verdict import Standing, Verdict
from whyformer.recipes.recipe import resolve
from whyformer.tasks.build import open_task
from whyformer.tasks.classification import Classification
from whyformer.tasks.translation import Translation
from whyformer.workflows.evaluate import evaluate_runs
from whyformer.workflows.runs.earlier import forget
from whyformer.workflows.runs.outcome import Outcome
from whyformer.workflows.runs.verifying import verify
from whyformer.workflows.train import train
from whyformer.workflows.verdict import verdict as module
from whyformer.workflows.verdict.effort import FIRST_PART, answered, sampled
from whyformer.workflows.verdict.labels import training_examples
from whyformer.workflows.verdict.pairs import training_pairs

ENCODER = {
    "model.d_model": 16, "model.heads": 2, "model.d_ff": 24, "model.layers": 1,
    "training.minutes": None, "training.updates": 4, "validation.every": 2, "text.vocabulary": 300,
}  # fmt: skip


def finished(out: Path, recipe: str = "copy", **changes: Any) -> Outcome:
    given = {"validation.verdict": True, **dotted(changes)}
    return train(resolve(recipe, given), out, quiet=True)


def dotted(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("__", "."): value for name, value in changes.items()}


def words(path: Path, rows: int = 240) -> Path:
    lines = [f"{'ab' * (n % 3)}{n:03}\t{'even' if n % 2 == 0 else 'odd'}\n" for n in range(rows)]
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    directory = tmp_path_factory.mktemp("verdict") / "run"
    return directory, finished(directory, **SMALL)


@pytest.fixture
def run(shared: tuple[Path, Outcome], tmp_path: Path) -> tuple[Path, Outcome]:
    """A copy of a run with a verdict, which a test may change."""
    return Path(shutil.copytree(shared[0], tmp_path / "run")), shared[1]


def test_a_run_ends_with_a_verdict_that_the_run_keeps(shared: tuple[Path, Outcome]) -> None:
    directory, outcome = shared
    assert outcome.verdict is not None
    assert outcome.verdict.standing is Standing.WORSE  # after four updates
    assert outcome.verdict.advice
    kept = module.read_verdict(directory)
    assert kept is not None
    assert kept["step"] == outcome.scores["step"]
    assert Verdict.from_json(kept["verdict"]) == outcome.verdict
    assert json.loads(json.dumps(outcome.to_json()))["verdict"] == kept["verdict"]


def test_the_same_command_again_returns_the_kept_verdict(
    run: tuple[Path, Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "verdict_on", None)
    assert finished(run[0], **SMALL).verdict == run[1].verdict


def test_a_damaged_or_missing_verdict_is_computed_again(run: tuple[Path, Outcome]) -> None:
    file = run[0] / module.VERDICT
    file.write_text(file.read_text(encoding="utf-8").replace("model", "modle", 1), encoding="utf-8")
    assert finished(run[0], **SMALL).verdict == run[1].verdict
    assert module.read_verdict(run[0]) is not None


@pytest.mark.parametrize("wanted", [False, None])
def test_without_a_verdict_by_request_and_by_default_after_seconds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wanted: bool | None
) -> None:
    recipe = resolve("copy", {"validation.verdict": wanted} | dotted(SMALL))
    assert train(recipe, tmp_path).verdict is None
    assert module.read_verdict(tmp_path) is None
    assert ("No verdict, because" in capsys.readouterr().err) == (wanted is None)


def test_a_failing_baseline_does_not_lose_the_run(
    run: tuple[Path, Outcome], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("empty vocabulary")

    (run[0] / module.VERDICT).unlink()
    monkeypatch.setattr(module, "verdict_on", fail)
    outcome = finished(run[0], **SMALL)
    assert outcome.verdict is None
    assert outcome.updates == 4
    assert "empty vocabulary" in capsys.readouterr().err


def test_doctor_reports_a_damaged_verdict(run: tuple[Path, Outcome]) -> None:
    file = run[0] / module.VERDICT
    parts = {part.path: part.fault for part in verify(run[0])}
    assert parts[file] == ""
    file.write_text(file.read_text(encoding="utf-8").replace("model", "modle", 1), encoding="utf-8")
    parts = {part.path: part.fault for part in verify(run[0])}
    assert "is damaged" in parts[file]


def test_starting_again_deletes_the_verdict(run: tuple[Path, Outcome]) -> None:
    forget(run[0])
    assert module.read_verdict(run[0]) is None


@pytest.mark.parametrize("task", ["classify", "tag", "tiny-gpt"])
def test_every_task_with_a_baseline_has_a_verdict(tmp_path: Path, task: str) -> None:
    file = words(tmp_path / "data.tsv")
    given: dict[str, Any] = {**ENCODER, "data.train": [str(file)], "data.row_tokens": 16}
    if task == "tiny-gpt":
        given |= {"data.documents": "lines", "data.packing": "documents"}
    outcome = finished(tmp_path / "run", task, **given)
    assert outcome.verdict is not None
    assert outcome.verdict.comparison is not None
    name = {"tiny-gpt": "bits_per_character"}.get(task, "accuracy")
    assert outcome.verdict.score.name == outcome.verdict.comparison.metric == name


def test_a_run_of_numbers_has_a_verdict(tmp_path: Path) -> None:
    file = tmp_path / "data.tsv"
    file.write_text(
        "".join(f"{'x' * (n % 9)} {n}\t{n % 9}\n" for n in range(300)), encoding="utf-8"
    )
    outcome = finished(tmp_path / "run", "regress", **ENCODER, data__train=[str(file)])
    assert outcome.verdict is not None
    assert outcome.verdict.standing is Standing.WORSE
    assert outcome.verdict.score.name == "pearson"


def test_a_verdict_equals_the_score_of_evaluate(shared: tuple[Path, Outcome]) -> None:
    directory, outcome = shared
    task = open_task(resolve("copy", SMALL).recipe, directory)
    assert isinstance(task, Translation)
    assert outcome.verdict is not None
    items = task.data.dev[: outcome.verdict.score.n]
    sources, references = [one.source for one in items], [one.references for one in items]
    report = evaluate_runs([directory], sources, references, ["exact"])
    assert report is not None
    assert outcome.verdict.score == next(iter(report.scores.values()))[0]


def test_the_baseline_never_reads_held_out_items(tmp_path: Path) -> None:
    pairs = tmp_path / "train.tsv"
    pairs.write_text("".join(f"s{n}\tt{n}\n" for n in range(60)), encoding="utf-8")
    dev = tmp_path / "dev.tsv"  # the first ten are in both files
    dev.write_text("".join(f"s{n}\tt{n}\n" for n in [*range(10), 70, 71]), encoding="utf-8")
    recipe = resolve("translate", {"data.train": [str(pairs)], "data.dev": [str(dev)]}).recipe
    task = open_task(recipe, tmp_path / "run")
    assert isinstance(task, Translation)
    found = training_pairs(task, task.data.dev)
    assert {source for source, _ in found} == {f"s{n}" for n in range(10, 60)}

    given = {"data.train": [str(words(tmp_path / "a.tsv"))], "data.dev": [str(dev)]}
    dev.write_text(words(tmp_path / "b.tsv", 12).read_text(encoding="utf-8"), encoding="utf-8")
    task = open_task(resolve("classify", given).recipe, tmp_path / "run2")
    assert isinstance(task, Classification)
    assert len(training_examples(task, task.held_out)) == 240 - 12


def test_answers_stop_before_the_time_is_over_but_never_before_the_first_part() -> None:
    def slow(part: Any) -> list[int]:
        time.sleep(0.002 * len(part))
        return list(part)

    assert answered(range(1000), slow, 0.0) == list(range(FIRST_PART))
    assert answered(range(100), slow, 60.0) == list(range(100))
    assert FIRST_PART < len(answered(range(10_000), slow, 1.0)) < 10_000


def test_a_sample_is_repeatable_ordered_and_complete_if_it_fits() -> None:
    assert sampled(range(10), 20) == list(range(10))
    found = sampled(range(1000), 50)
    assert found == sampled(range(1000), 50) == sorted(set(found))
    assert len(found) == 50
