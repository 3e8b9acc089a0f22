"""``whyformer view`` as a user types it: the page, what is said about it, and what is refused."""

import json
import re

import pytest

from toy_runs import toy_run
from whyformer.viewer import expressible

pytestmark = pytest.mark.usefixtures("unchecked")


def manifests(text: str) -> list[dict]:
    found = re.findall(r'<script type="application/json" id="manifest-\d">(.*?)</script>', text)
    return [json.loads(one) for one in found]


def test_the_page_has_the_model_and_its_size_is_printed(cli, run, tmp_path):
    out = tmp_path / "model.html"
    said = cli("view", run, "--out", out, "--examples", "a b", "c")
    assert said.code == 0, said.err
    (found,) = manifests(out.read_text(encoding="utf-8"))
    assert (found["name"], found["examples"]) == ("run", ["a b", "c"])
    assert f"{out}: 0." in said.out
    assert "needs no network" in said.out
    assert f"{found['parameters']:,} parameters in half precision" in said.out


def test_two_runs_are_in_one_page_with_their_names(cli, run, own_run, tmp_path):
    out = tmp_path / "both.html"
    said = cli("view", run, own_run, "--out", out, "--name", "before", "after", "--json")
    found = json.loads(said.out)
    assert [one["name"] for one in found["models"]] == ["before", "after"]
    assert found["bytes"] == out.stat().st_size
    assert [one["name"] for one in manifests(out.read_text(encoding="utf-8"))] == [
        "before",
        "after",
    ]


def test_runs_with_the_same_name_are_told_apart(cli, run, tmp_path):
    other = toy_run(tmp_path / "else" / "run")
    cli("view", run, other, "--out", tmp_path / "both.html")
    names = [one["name"] for one in manifests((tmp_path / "both.html").read_text("utf-8"))]
    assert names == [str(run), str(other)]


def test_a_page_is_replaced_and_another_file_is_not(cli, run, tmp_path):
    out = tmp_path / "model.html"
    assert cli("view", run, "--out", out).code == 0
    assert cli("view", run, "--out", out, "--name", "again").code == 0
    assert manifests(out.read_text(encoding="utf-8"))[0]["name"] == "again"
    out.write_text("<!doctype html><title>mine</title>", encoding="utf-8")
    assert "is not a page of `whyformer view`" in cli("view", run, "--out", out).sentence
    assert "mine" in out.read_text(encoding="utf-8")
    assert cli("view", run, "--out", out, "--overwrite").code == 0
    assert manifests(out.read_text(encoding="utf-8"))


def test_the_switches_of_the_page_have_the_lessons_of_the_laboratory(cli, run, tmp_path):
    cli("view", run, "--out", tmp_path / "model.html")
    text = (tmp_path / "model.html").read_text(encoding="utf-8")
    lessons = json.loads(re.findall(r'id="lessons">(.*?)</script>', text)[0])
    words = [claim["words"]["en"] for claim in lessons["scale"]["claims"]]
    assert words == ["supported", "supported under conditions", "inconclusive"]


def test_a_page_without_texts_of_the_user_has_no_examples(cli, run, own_run, tmp_path):
    for text, expected in (("data:\n  file: private.tsv\n", []), ("  builtin: cmudict\n", None)):
        (own_run / "recipe.yaml").write_text(text, encoding="utf-8")
        cli("view", own_run, "--out", tmp_path / "model.html")
        (found,) = manifests((tmp_path / "model.html").read_text(encoding="utf-8"))
        assert found["examples"] == expected or (
            expected is None and "whyformer" in found["examples"]
        )


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["RUN", "--name", "a", "b"], "2 names and 1 run were given. Give 1 name."),
        (["RUN", "--out", "HERE"], "is a directory. Give the path of a file."),
        (["HERE/nothing"], "does not exist"),
        (["HERE"], "is not a model directory"),
    ],
)
def test_what_cannot_be_done_is_refused(cli, run, tmp_path, argv, message):
    argv = [one.replace("RUN", str(run)).replace("HERE", str(tmp_path)) for one in argv]
    assert message in cli("view", *argv).sentence
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_the_page_cannot_compute_is_refused_with_the_reason(
    cli, run, tmp_path, monkeypatch
):
    monkeypatch.setattr(expressible, "refusals", lambda bundle: ["it computes with waves"])
    said = cli("view", run, "--out", tmp_path / "model.html")
    assert f"`{run}` cannot be shown on a page: it computes with waves." in said.sentence
    assert not (tmp_path / "model.html").exists()


def test_search_settings_that_the_page_ignores_are_named(cli, run, tmp_path):
    own = toy_run(tmp_path / "own", decoding={"beam": 4, "groups": 2, "forbid": ["g h"]})
    found = cli("view", own, "--out", tmp_path / "own.html")
    assert found.code == 0
    assert "ignores these search settings of own: groups, forbid." in found.err
    assert "ignores" not in cli("view", run, "--out", tmp_path / "plain.html").err
