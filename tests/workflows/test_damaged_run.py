"""A run whose files are damaged is refused on resume, by the name of the file."""

import json
import random
import re
import shutil
from pathlib import Path

import pytest

from toy_runs import SMALL
from whyformer.foundation.errors import ConfigError, WhyformerError
from whyformer.recipes.recipe import resolve
from whyformer.workflows.runs.verifying import verify
from whyformer.workflows.train import train

FILES = ("checkpoint/state.json", "checkpoint/state.safetensors", "run.json", "recipe.yaml")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    train(resolve("copy", SMALL), out, quiet=True)
    return out


def refused(out: Path) -> str:
    with pytest.raises(WhyformerError) as failure:
        train(resolve("copy", SMALL), out, quiet=True)
    assert failure.value.exit_code == 2
    return str(failure.value)


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_is_refused_on_resume_by_name(run, tmp_path, name):
    out = shutil.copytree(run, tmp_path / "run")
    whole, rng = (out / name).read_bytes(), random.Random(name)
    for _ in range(3):
        content = bytearray(whole)
        place = rng.choice([k for k, byte in enumerate(whole) if not chr(byte).isspace()])
        content[place] ^= 1 << rng.randrange(7)
        (out / name).write_bytes(content)
        said = refused(out)
        assert any(part in said for part in (name, Path(name).name, name.split("/")[0]))


def test_a_changed_recipe_is_named_and_an_intact_one_is_listed(run, tmp_path):
    out = shutil.copytree(run, tmp_path / "run")
    parts = {part.path: part.checked for part in verify(out)}
    assert parts[out / "recipe.yaml"]
    with (out / "recipe.yaml").open("ab") as file:
        file.write(b"#")
    (damaged,) = (part for part in verify(out) if part.fault)
    assert damaged.path == out / "recipe.yaml"
    for said in (refused(out), str(damaged.fault)):
        assert said.startswith(f"`{out / 'recipe.yaml'}` changed after it was written")
        assert "run.json` is damaged" not in said


def test_a_run_of_another_task_is_refused_with_the_task_and_few_settings(run, tmp_path):
    with pytest.raises(ConfigError) as failure:
        train(resolve("tiny-gpt", {"data.train": [__file__]}), run, quiet=True)
    said = str(failure.value)
    assert '(task: "translate" before, "language" now; ' in said
    assert said.count(" before, ") == 5
    assert re.search(r"; and \d+ more\)", said)


@pytest.mark.parametrize("name", ["run.json", "recipe.yaml"])
@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, None])
def test_a_run_file_that_is_empty_damaged_or_missing_is_one_sentence(run, tmp_path, name, content):
    out = shutil.copytree(run, tmp_path / "run")
    (out / name).unlink()
    if content is not None:
        (out / name).write_bytes(content)
    assert name in refused(out)


def test_an_intact_run_of_the_old_format_is_resumed(run, tmp_path):
    out = shutil.copytree(run, tmp_path / "run")
    for place in (out / "run.json", out / "checkpoint" / "state.json"):
        state = json.loads(place.read_text(encoding="utf-8"))
        del state["seal"]
        files = state.pop("files")
        if place.name == "run.json":
            del state["format"]
        else:
            state |= {"format": 3, "files": list(files)}
        place.write_text(json.dumps(state), encoding="utf-8")
    assert train(resolve("copy", SMALL), out, quiet=True).updates == 4


BY_MINUTES = {name: value for name, value in SMALL.items() if name != "training.updates"} | {
    "training.minutes": 1e-4
}


@pytest.mark.parametrize("fault", ["flip", "empty", "list", "missing"])
def test_a_damaged_timetable_is_refused_on_resume_by_name(tmp_path, fault):
    recipe, out = resolve("copy", BY_MINUTES), tmp_path / "run"
    train(recipe, out, quiet=True)
    path = out / "timetable.json"
    content = path.read_bytes()
    flipped = content.replace(b'"updates": 1', b'"updates": 2')
    assert flipped != content
    found = {"flip": flipped, "empty": b"", "list": b"[]"}.get(fault)
    path.unlink()
    if found is not None:
        path.write_bytes(found)
    with pytest.raises(WhyformerError, match=r"timetable\.json") as failure:
        train(recipe, out, quiet=True)
    assert failure.value.exit_code == 2
