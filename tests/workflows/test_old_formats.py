"""Every part of a run is read in each older format with a note, and refused in a newer one."""

import json
import shutil
from pathlib import Path

import pytest

from toy_runs import SMALL
from whyformer.data import corpus as corpora
from whyformer.data import documents as texts
from whyformer.foundation.errors import UsageError
from whyformer.foundation.integrity import FILES, SEAL, sealed_text
from whyformer.recipes.recipe import resolve
from whyformer.training import checkpoints, timetable
from whyformer.workflows.runs import run_file
from whyformer.workflows.train import train

STATES = {
    "run.json": run_file.FORMAT,
    "checkpoint/state.json": checkpoints.FORMAT,
    "corpus/corpus.json": corpora.FORMAT,
    "timetable.json": timetable.FORMAT,
}
"""File -> the newest format that is read."""
BY_MINUTES = {name: value for name, value in SMALL.items() if name != "training.updates"} | {
    "training.minutes": 1e-4,
    "training.warmup": 0,
}
TEXT = {
    "model.d_model": 16,
    "model.heads": 2,
    "model.d_ff": 24,
    "model.layers": 1,
    "training.updates": 2,
    "training.warmup": 0,
    "data.train": [__file__],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    train(resolve("copy", BY_MINUTES), out, quiet=True)
    return out


def resumed(out: Path, capsys) -> str:
    """Resume a copy of the run and return standard error; the refusal when there is one."""
    capsys.readouterr()
    try:
        train(resolve("copy", BY_MINUTES), out, quiet=True)
    except UsageError as refusal:
        return str(refusal)
    return capsys.readouterr().err


def rewritten(path: Path, *, sealed: bool = True, **changes: object) -> None:
    state = json.loads(path.read_text(encoding="utf-8")) | changes
    del state[SEAL]
    path.write_text(sealed_text(state) if sealed else json.dumps(state), encoding="utf-8")


def test_a_run_of_this_format_is_resumed_without_a_note(run, tmp_path, capsys):
    assert resumed(shutil.copytree(run, tmp_path / "run"), capsys) == ""


@pytest.mark.parametrize(("name", "newest"), STATES.items())
def test_a_newer_format_is_refused_with_the_advice_to_upgrade(run, tmp_path, capsys, name, newest):
    for sealed in (True, False):
        out = shutil.copytree(run, tmp_path / f"run-{sealed}")
        rewritten(out / name, sealed=sealed, format=newest + 1)
        said = resumed(out, capsys)
        assert f"has format {newest + 1}, and this version of whyformer reads up to" in said
        assert f"`{out / name}`" in said
        assert said.endswith("Upgrade whyformer.")


@pytest.mark.parametrize("name", [name for name in STATES if not name.startswith("corpus")])
@pytest.mark.parametrize("found", ["x", None, True, -1, 1.5])
def test_a_format_that_is_no_number_is_one_sentence(run, tmp_path, capsys, name, found):
    out = shutil.copytree(run, tmp_path / "run")
    rewritten(out / name, format=found)
    said = resumed(out, capsys)
    assert "damaged" in said or "older version of whyformer" in said
    for word in ("Error", "NoneType", "'int'", "not supported"):
        assert word not in said


@pytest.mark.parametrize(
    ("name", "old"),
    [
        ("run.json", {"format": 1}),
        ("checkpoint/state.json", {"format": 3, "files": ["state.safetensors"]}),
        ("checkpoint/state.json", {"format": 2, "files": ["state.safetensors"]}),
        ("corpus/corpus.json", {"format": 1}),
    ],
)
def test_an_older_format_is_read_with_one_note(run, tmp_path, capsys, name, old):
    out = shutil.copytree(run, tmp_path / "run")
    rewritten(out / name, sealed=False, **old)
    if name == "run.json":
        state = json.loads((out / name).read_text(encoding="utf-8"))
        del state[FILES], state["format"]
        (out / name).write_text(json.dumps(state), encoding="utf-8")
    said = resumed(out, capsys)
    part = name if name == "run.json" else name.split("/")[0]
    assert said.startswith(f"Note: `{out / part}` has an older format without checksums; ")
    assert said.count("\n") == 1


def test_tokenizers_of_an_older_format_are_read_with_one_note(run, tmp_path, capsys):
    out = shutil.copytree(run, tmp_path / "run")
    place = out / "tokenizers" / "key"
    place.write_text(place.read_text(encoding="utf-8").splitlines()[0], encoding="utf-8")
    said = resumed(out, capsys)
    assert said.startswith(f"Note: `{out / 'tokenizers'}` has an older format without checksums")
    assert said.count("\n") == 1


def test_a_checkpoint_of_the_oldest_format_is_refused(run, tmp_path, capsys):
    for old in ({"format": 1}, {"format": 0}):
        out = shutil.copytree(run, tmp_path / f"run{old['format']}")
        rewritten(out / "checkpoint" / "state.json", sealed=False, **old)
        assert "is of an older version of whyformer" in resumed(out, capsys)


@pytest.mark.parametrize("name", ["tokenizers", "corpus", "corpus-dev"])
@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_what_is_made_again_is_named_in_spite_of_quiet(run, tmp_path, capsys, name, fault):
    out = shutil.copytree(run, tmp_path / "run")
    if fault == "missing":
        shutil.rmtree(out / name)
    elif name == "tokenizers":
        (out / name / "key").unlink()
    else:
        (out / name / "source.bin").write_bytes(b"")
    said = resumed(out, capsys)
    assert said.startswith(f"`{out / name}` was missing, damaged or of an older format. It was")
    assert said.count("\n") == 1
    assert resumed(out, capsys) == ""


def test_a_text_of_an_older_format_is_made_again(tmp_path, capsys):
    recipe, out = resolve("tiny-gpt", TEXT), tmp_path / "run"
    train(recipe, out, quiet=True)
    assert capsys.readouterr().err == ""
    rewritten(out / "corpus" / texts.STATE, sealed=False, format=1)
    train(recipe, out, quiet=True)
    assert f"`{out / 'corpus'}` was missing, damaged or of an older" in capsys.readouterr().err
    rewritten(out / "corpus" / texts.STATE, format=texts.FORMAT + 1)
    with pytest.raises(UsageError, match="Upgrade whyformer"):
        train(recipe, out, quiet=True)


def test_what_is_made_again_must_be_what_the_run_was_begun_with(run, tmp_path, capsys):
    out = shutil.copytree(run, tmp_path / "run")
    rewritten(out / "run.json", corpus="another")
    assert resumed(out, capsys) == ""
    shutil.rmtree(out / "corpus")
    assert "differs from the data at the start of the run" in resumed(out, capsys)
