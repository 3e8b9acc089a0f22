"""``whyformer generate`` and ``evaluate --text`` as a user types them."""

import json
import shutil
from pathlib import Path

import pytest

from toy_runs import seal
from whyformer.cli.main import main
from whyformer.recipes.recipe import resolve
from whyformer.workflows.train import train


@pytest.fixture(scope="module", params=["tiny-gpt", "tiny-lstm-lm"])
def run(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    directory = tmp_path_factory.mktemp(request.param)
    text = directory / "text.txt"
    text.write_text("the cat sat on the mat\n" * 40, encoding="utf-8")
    small = {
        "data.train": [str(text)], "data.row_tokens": 32,
        "model.layers": 1, "model.d_model": 16,
        "training.minutes": None, "training.updates": 30, "training.batch_tokens": 256,
    }  # fmt: skip
    if request.param == "tiny-gpt":
        small |= {"model.heads": 2, "model.d_ff": 32}
    train(resolve(request.param, small), directory / "run", quiet=True)
    return directory / "run"


def test_a_prompt_is_continued(run: Path, capsys: pytest.CaptureFixture[str]):
    words = ["generate", str(run), "--prompt", "the", "--tokens", "5", "--seed", "1"]
    assert main(words) == 0
    first = capsys.readouterr().out
    assert first.startswith("the")
    assert main(words) == 0
    assert capsys.readouterr().out == first


def test_what_is_about_drawing_draws_whatever_the_recipe_does(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    copied = shutil.copytree(run, tmp_path / "run")
    config = copied / "model" / "config.json"
    found = json.loads(config.read_text(encoding="utf-8"))
    found["facts"]["decoding"]["method"] = "beam"
    seal(copied, facts=found["facts"])
    said = []
    for place in (run, copied):
        assert (
            main(["generate", str(place), "--prompt", "the", "--tokens", "9", "--seed", "1"]) == 0
        )
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]


def test_json_has_everything(run: Path, capsys: pytest.CaptureFixture[str]):
    words = ["generate", str(run), "--prompt", "the", "--prompt", "a", "--beam", "2"]
    assert main([*words, "--nbest", "2", "--json", "--tokens", "3"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["prompt"] for one in lines] == ["the", "a"]
    assert all(len(one["continuations"]) == 2 for one in lines)


def test_a_text_is_measured(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    text = tmp_path / "t.txt"
    text.write_text("the cat\n\nthe mat\n", encoding="utf-8")
    for documents in ("file", "lines", "paragraphs"):
        assert main(["evaluate", str(run), "--text", str(text), "--documents", documents]) == 0
        assert "bits per character" in capsys.readouterr().out
    assert main(["evaluate", str(run), "--text", str(text), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["systems"][0]
    assert found["characters"] == 16


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["generate", "RUN", "--prompt", "a", "--input", "x"], "were both given"),
        (["generate", "RUN", "--tokens", "0"], "`--tokens` must be from 1 to 100000, but it is 0"),
        (
            ["generate", "RUN", "--beam", "2", "--seed", "1"],
            "cannot be combined with sampling options",
        ),
        (["generate", "nowhere"], "does not exist"),
        (["translate", "RUN", "--text", "a"], "Use `whyformer generate`"),
        (["evaluate", "--text", "x"], "needs a run"),
        (["evaluate", "RUN", "--text", "x", "--documents", "pages"], "must be file, paragraphs"),
        (["evaluate", "RUN", "--text", "nowhere.txt"], "does not exist"),
        (["generate", "RUN", "--prompt", "the " * 200], "supports at most"),
    ],
)
def test_what_is_asked_wrongly_is_said(
    run: Path, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
):
    assert main([str(run) if word == "RUN" else word for word in words]) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert said.out == ""


def test_text_that_ends_where_the_model_does_is_named(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "in.txt").write_text("the\nthe cat\n", encoding="utf-8")
    words = ["generate", str(run), "--input", str(tmp_path / "in.txt"), "--beam", "1", "--json"]
    assert main([*words, "--tokens", "5"]) == 0
    assert capsys.readouterr().err == ""
    assert main([*words, "--tokens", "500"]) == 0
    said = capsys.readouterr()
    found = [json.loads(line)["continuations"][0] for line in said.out.splitlines()]
    cut = [not one["finished"] for one in found]
    assert [one["model_limit"] for one in found] == cut
    assert any(cut)
    assert "fewer than --tokens 500 were added to" in said.err
