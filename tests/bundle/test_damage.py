"""Damage to any file of a model directory is named, and a deliberate change can be sealed."""

import json
import random
from pathlib import Path

import pytest

from toy_runs import seal, toy_bundle, toy_run
from whyformer.bundle import load_bundle, save_bundle
from whyformer.foundation.errors import BundleError, ConfigError
from whyformer.foundation.integrity import first_changed_file
from whyformer.workflows.runs.sealing import reseal
from whyformer.workflows.runs.verifying import verify

FILES = ("config.json", "model.safetensors", "source.json", "target.json")


def edit(run: Path, **changes: object) -> None:
    """Change `config.json` by hand; None removes a key."""
    path = run / "model" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | changes
    kept = {key: value for key, value in config.items() if value is not None}
    path.write_text(json.dumps(kept), encoding="utf-8")


def old_format(run: Path) -> Path:
    edit(run, format=1, files=None, seal=None)
    return run


@pytest.mark.parametrize("name", FILES)
def test_one_flipped_bit_is_refused_by_name(tmp_path, name):
    run = toy_run(tmp_path / "run", shared=False)
    path = run / "model" / name
    whole, rng = path.read_bytes(), random.Random(name)
    for _ in range(12):
        content, at = bytearray(whole), rng.randrange(len(whole))
        content[at] ^= 1 << rng.randrange(8)
        if name == "config.json" and bytes(content).split() == whole.split():
            continue  # one kind of white space became another
        path.write_bytes(content)
        with pytest.raises(BundleError) as refused:
            load_bundle(run)
        assert name in str(refused.value)
    path.write_bytes(whole)
    load_bundle(run)


def test_a_missing_tokenizer_is_not_replaced_by_the_other(tmp_path):
    run = toy_run(tmp_path / "run", shared=False)
    (run / "model" / "target.json").unlink()
    with pytest.raises(BundleError, match=r"target\.json` is missing"):
        load_bundle(run)


def test_a_changed_setting_is_named(tmp_path):
    run = toy_run(tmp_path / "run")
    config = json.loads((run / "model" / "config.json").read_text(encoding="utf-8"))
    edit(run, model={**config["model"], "dropout": 0.7})
    with pytest.raises(BundleError, match=r"changed .*: `model\.dropout`\. .*doctor .* --reseal"):
        load_bundle(run)


@pytest.mark.parametrize(
    "changes",
    [{"format": 1}, {"seal": None}, {"files": None}, {"format": 1, "seal": None}, {"format": 0}],
)
def test_verification_cannot_be_switched_off_by_one_change(tmp_path, changes):
    run = toy_run(tmp_path / "run")
    edit(run, **changes)
    with pytest.raises(BundleError, match=r"config\.json` (changed|is damaged)"):
        load_bundle(run)


def test_a_directory_of_format_1_is_read_with_a_note(tmp_path, capsys):
    load_bundle(old_format(toy_run(tmp_path / "run")))
    note = capsys.readouterr().err
    assert note.count("\n") == 1
    assert "has an older format without checksums" in note
    assert "sources that are longer than these are not reported" in note


def test_sealing_again_names_the_changes_and_makes_the_run_load(tmp_path, capsys):
    run = toy_run(tmp_path / "run")
    edit(run, facts={"decoding": {"beam": 3}})
    source = run / "model" / "source.json"
    source.write_text(source.read_text(encoding="utf-8") + " ", encoding="utf-8")
    done = reseal(run)
    assert "facts.decoding.beam" in done.settings
    assert done.files == ["source.json"]
    verify(run)
    assert load_bundle(run).facts == {"decoding": {"beam": 3}}
    old = old_format(toy_run(tmp_path / "old"))
    reseal(old)
    load_bundle(old)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("fault", ["tokenizer", "weights", "settings"])
def test_what_cannot_be_loaded_is_not_sealed(tmp_path, fault):
    run = toy_run(tmp_path / "run")
    config = run / "model" / "config.json"
    if fault == "tokenizer":
        (run / "model" / "source.json").write_text("", encoding="utf-8")
    elif fault == "weights":
        bundle = toy_bundle()
        next(bundle.model.parameters()).data.view(-1)[0] = float("nan")
        save_bundle(tmp_path / "spoilt", bundle)
        spoilt = (tmp_path / "spoilt" / "model.safetensors").read_bytes()
        (run / "model" / "model.safetensors").write_bytes(spoilt)
    else:
        edit(run, model={"d_model": 10**9})
    before = config.read_bytes()
    with pytest.raises(BundleError, match="Only a model that can be loaded can be sealed"):
        reseal(run)
    assert config.read_bytes() == before


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_by_name(tmp_path, value):
    bundle = toy_bundle()
    name, parameter = next(iter(bundle.model.named_parameters()))
    parameter.data.view(-1)[0] = value
    save_bundle(tmp_path / "model", bundle)
    with pytest.raises(BundleError, match=f"the weights `{name}` contain NaN or infinity"):
        load_bundle(tmp_path)


LARGEST = {"d_model": 1 << 17, "d_ff": 1 << 20, "encoder_layers": 10**4, "decoder_layers": 10**4}


@pytest.mark.parametrize("setting", [*LARGEST, "max_length"])
def test_a_size_beyond_its_bound_is_refused(tmp_path, setting):
    run = toy_run(tmp_path / "run")
    config = json.loads((run / "model" / "config.json").read_text(encoding="utf-8"))
    seal(run, model={**config["model"], setting: 10**9})
    with pytest.raises(ConfigError, match=f"`{setting}` must be at most"):
        load_bundle(run)


@pytest.mark.parametrize("setting", LARGEST)
def test_absurd_sizes_are_compared_with_the_header_before_memory_is_taken(tmp_path, setting):
    run = toy_run(tmp_path / "run")
    config = json.loads((run / "model" / "config.json").read_text(encoding="utf-8"))
    seal(run, model={**config["model"], setting: LARGEST[setting]})
    with pytest.raises(BundleError, match=r"does not fit its config\.json"):
        load_bundle(run)


def test_a_listed_name_that_no_file_can_have_is_missing(tmp_path):
    for name in ("x" * 5000, "a\0b"):
        assert first_changed_file(tmp_path, {name: "0" * 64}) == (name, "is missing")
