"""The laboratory on the command line: what it lists, tells, measures and refuses."""

import json
from pathlib import Path

import pytest

from made_up_scaling import made
from whyformer.lab.experiments.scaling import EXPERIMENT
from whyformer.lab.method.experiment import Mode
from whyformer.lab.method.questions import written
from whyformer.lab.method.record import PUBLISHED, read_record, write_record


@pytest.fixture
def published(monkeypatch, tmp_path):
    """Publish made-up results of question 1. Returns: where they are; tests may write others."""
    directory = tmp_path / "published"
    write_record(directory / "scaling.json", EXPERIMENT, made(Mode.FULL), wall_seconds=1)

    def result_of(name: str, place: Path = directory):
        path = place / f"{name}.json"
        return read_record(path) if path.is_file() else None

    monkeypatch.setattr("whyformer.lab.method.record.result_of", result_of)
    monkeypatch.setattr("whyformer.lab.method.record.PUBLISHED", directory)
    return directory


@pytest.fixture
def measured(monkeypatch):
    """Fill grids with made-up numbers at once. Returns: what was asked for."""
    asked = []

    def run(experiment, mode, directory, *, progress, **options):
        asked.append({"name": experiment.name, "mode": mode, "directory": directory, **options})
        progress(2, 10)
        progress(10, 10)
        return made(mode)

    monkeypatch.setattr("whyformer.lab.method.runner.run", run)
    return asked


# --- list and show


def test_list_names_every_question_and_verdict(cli, published):
    said = cli("lab", "list")
    assert said.code == 0
    for name in written():
        assert f"\n{name} " in f"\n{said.out}"
    assert "✓ supported: Without √d_k the scores grow" in " ".join(said.out.split())
    if len(written()) > 1:
        assert "not yet measured" in said.out
    assert "✓ 확인됨: √d_k로 나누지 않으면" in cli("lab", "list", "--lang", "ko").out


def test_list_as_json(cli, published):
    found = json.loads(cli("lab", "list", "--json").out)
    assert list(found) == written()
    assert found["scaling"]["claims"]["explosion"]["verdict"] == "supported under conditions"
    assert found["scaling"]["claims"]["explosion"]["holds"][0] == "d_k = 4"


def test_show_tells_answer_criteria_numbers_and_origin(cli, published):
    text = " ".join(cli("lab", "show", "scaling").out.split())
    for words in (
        "Why divide by √d_k?", "✓ supported: Without √d_k the scores grow",
        "Holds: d_k = 4", "0.50 ± 0.02", "gap_none", "Page:", "Run: full, whyformer",
    ):  # fmt: skip
        assert words in text
    assert "{" not in text
    assert "$" not in text
    korean = cli("lab", "show", "scaling", "--lang", "ko").out
    assert "조건부로 확인됨" in korean


def test_lines_fit_a_terminal_in_both_languages(cli, published):
    from rich.cells import cell_len

    for language in ("en", "ko"):
        lines = cli("lab", "show", "scaling", "--lang", language).out.splitlines()
        assert max(map(cell_len, lines)) <= 80


def test_show_before_anything_is_measured(cli, monkeypatch):
    monkeypatch.setattr("whyformer.lab.method.record.result_of", lambda name: None)
    said = cli("lab", "show", "scaling")
    assert said.code == 0
    assert "not yet measured: Dividing by d_k" in " ".join(said.out.split())
    found = json.loads(cli("lab", "show", "scaling", "--json").out)
    assert found["measured"] is None
    assert found["numbers"] == {}


def test_an_unknown_question_names_the_nearest(cli):
    sentence = cli("lab", "show", "scalling").sentence
    assert "`scalling` is not a question of the laboratory. Did you mean `scaling`?" in sentence


# --- ask


@pytest.mark.parametrize(
    "words",
    [
        ["왜 루트 d_k로 나누나요?"], ["why sqrt dk"], ["why", "sqrt", "dk"],
        ["Why do we DIVIDE the scores?"], ["소프트맥스는 왜 포화되나요"],
    ],
)  # fmt: skip
def test_ask_finds_the_question_in_both_languages(cli, published, words):
    said = cli("ask", *words)
    assert said.code == 0
    assert "(scaling)" in said.out.splitlines()[0]


def test_ask_answers_in_the_language_of_the_question(cli, published):
    korean = " ".join(cli("ask", "왜 루트 d_k로 나누나요?").out.split())
    assert "확인됨: √d_k로 나누지 않으면" in korean
    assert "페이지: " in korean
    english = " ".join(cli("ask", "왜 루트 d_k로 나누나요?", "--lang", "en").out.split())
    assert "✓ supported: Without √d_k" in english
    assert EXPERIMENT.brief is not None
    assert EXPERIMENT.brief.answer.en in english
    assert EXPERIMENT.brief.answer.ko in korean
    assert "whyformer lab run scaling --full" in english


def test_ask_as_json(cli, published):
    found = json.loads(cli("ask", "why", "sqrt", "dk", "--json").out)
    assert found["name"] == "scaling"
    assert found["asked"] == "why sqrt dk"
    assert found["claims"]["variance"]["verdict"] == "supported"
    assert found["command"] == "whyformer lab run scaling --full"
    assert set(found["page"]) == {"en", "ko"}


def test_ask_says_that_a_question_is_not_measured_yet(cli, published):
    answer = cli("ask", "does teacher forcing harm?")
    assert answer.code == 0
    assert "The laboratory has not measured this yet." in answer.out
    assert "(beam)" in answer.out
    korean = cli("ask", "티처 포싱은", "해로운가요?")
    assert "아직 이 질문을 측정하지 않았습니다" in korean.out
    assert "아직 이 질문을" in cli("ask", "does teacher forcing harm?", "--lang", "ko").out


def test_ask_as_json_names_the_open_question(cli, published):
    found = json.loads(cli("ask", "does teacher forcing harm?", "--json").out)
    assert found["name"] is None
    assert found["not_yet"]["name"] == "teacher_forcing"
    assert set(found["not_yet"]["text"]) == {"en", "ko"}
    assert found["nearest"][0]["name"] == "beam"


def test_ask_as_json_about_something_else_names_no_question(cli, published):
    answer = cli("ask", "cheese price", "--json")
    assert answer.code == 2
    found = json.loads(answer.out)
    assert (found["name"], found["not_yet"], found["nearest"]) == (None, None, [])


def test_ask_about_something_else(cli):
    assert "The laboratory has no answer to that yet." in cli("ask", "cheese price").sentence
    assert "아직 그 질문에 대한 답이 없습니다." in cli("ask", "치즈 값은?").sentence
    assert "A question is required" in cli("ask").sentence


# --- run


def test_run_is_quick_unless_told_otherwise(cli, measured, published, tmp_path):
    said = cli("lab", "run", "scaling", "--out", tmp_path)
    assert said.code == 0
    (asked,) = measured
    assert (asked["mode"], asked["seeds"], asked["workers"]) == (Mode.QUICK, None, None)
    assert asked["directory"] == tmp_path / "quick" / "scaling"
    assert str(asked["engine"]) == "processes"
    assert (tmp_path / "quick" / "scaling.json").is_file()
    assert "scaling (quick): 10/10" in said.err


def test_run_hands_its_options_on(cli, measured, published, tmp_path):
    said = cli("lab", "run", "scaling", "--full", "--seeds", 7, "--on", "ray", "--workers", 3,
               "--out", tmp_path)  # fmt: skip
    assert said.code == 0
    (asked,) = measured
    assert (asked["mode"], asked["seeds"], asked["workers"]) == (Mode.FULL, 7, 3)
    assert str(asked["engine"]) == "ray"
    assert read_record(tmp_path / "full" / "scaling.json").made["cells_from_an_earlier_start"] == 2


def test_run_prints_the_published_verdict_beside_its_own(cli, measured, published, tmp_path):
    text = " ".join(cli("lab", "run", "scaling", "--out", tmp_path).out.split())
    assert "variance this run: ✓ supported published: ✓ supported" in text
    assert "CONTRADICTS" not in text


def test_a_contradiction_is_flagged(cli, measured, published, tmp_path):
    def upside_down(settings, seed, numbers):
        if settings.get("arm") == "none":
            return {"loss": numbers["loss"] - 0.5}
        return numbers

    turned = made(Mode.FULL, upside_down)
    write_record(published / "scaling.json", EXPERIMENT, turned, wall_seconds=1)
    said = cli("lab", "run", "scaling", "--out", tmp_path)
    assert said.code == 1
    assert "CONTRADICTS the published verdict" in " ".join(said.out.split())
    assert "Contradicts the published verdict: scaling/training" in said.err
    found = json.loads(cli("lab", "run", "scaling", "--out", tmp_path, "--json").out)
    claims = found["scaling"]["claims"]
    assert {name for name, one in claims.items() if one["contradicts"]} == {"training"}
    assert claims["training"]["published"] == "refuted"


def test_results_of_an_older_revision_are_not_compared_with(cli, measured, published, tmp_path):
    path = published / "scaling.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(record | {"revision": 0}), encoding="utf-8")
    found = json.loads(cli("lab", "run", "scaling", "--out", tmp_path, "--json").out)
    claims = found["scaling"]["claims"].values()
    assert all(one["published"] is None and not one["contradicts"] for one in claims)


def test_run_all_measures_every_question(cli, measured, published, tmp_path, monkeypatch):
    monkeypatch.setattr("whyformer.lab.method.questions.written", lambda: ["scaling"])
    found = json.loads(cli("lab", "run", "--all", "--out", tmp_path, "--json").out)
    assert list(found) == ["scaling"]
    assert "text" not in found["scaling"]
    assert found["scaling"]["numbers"]["gap_none"]["value"] == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "Give the names of the questions to run, or --all"),
        (["scaling", "--all"], "Give the names of the questions to run, or --all"),
        (["scaling", "--quick", "--full"], "cannot be combined"),
        (["scaling", "--seeds", "0"], "`--seeds` must be from 1 to 10000, but it is 0"),
        (["scaling", "--workers", "-1"], "`--workers` must be from 1 to 1024, but it is -1"),
        (["scalling"], "Did you mean `scaling`?"),
        (["scaling", "--on", "slurm"], "slurm"),
    ],
)
def test_run_refuses_what_makes_no_sense(cli, measured, argv, words):
    assert words in cli("lab", "run", *argv).sentence
    assert measured == []


# --- report


def test_report_builds_pages_from_published_results(cli, published, tmp_path):
    said = cli("lab", "report", "--out", tmp_path / "pages")
    assert said.code == 0
    assert said.out.strip() == str(tmp_path / "pages" / "index.html")
    assert (tmp_path / "pages" / "scaling.ko.html").is_file()
    assert (tmp_path / "pages" / "results" / "scaling.json").is_file()


def test_report_in_one_language_from_ones_own_results(cli, published, tmp_path):
    said = cli("lab", "report", "--lang", "ko", "--results", published, "--out", tmp_path, "--json")
    files = [Path(name).name for name in json.loads(said.out)["files"]]
    assert files[0] == "index.ko.html"
    assert not (tmp_path / "index.html").exists()


def test_report_of_nothing_says_where_results_are(cli, tmp_path):
    assert "contains no results" in cli("lab", "report", "--results", tmp_path).sentence


def test_published_results_are_inside_of_the_package():
    assert PUBLISHED.parent.name == "lab"
