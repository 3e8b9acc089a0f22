"""A bundle comes back as it was saved, or says in one sentence why it cannot."""

import errno
import json
import pickle
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from toy_runs import seal, toy_bundle, toy_run
from whyformer import bundle as bundles
from whyformer.bundle import load_bundle, save_bundle, save_tensors
from whyformer.foundation.errors import BundleError, OutputError
from whyformer.foundation.model_files import CONFIG, find_bundle


@pytest.mark.parametrize("shared", [True, False])
def test_what_was_saved_comes_back(tmp_path, shared):
    saved = toy_bundle(shared=shared)
    save_bundle(tmp_path / "model", saved)
    loaded = load_bundle(tmp_path)
    assert (tmp_path / "model" / "target.json").exists() is not shared
    assert loaded.facts == saved.facts
    assert loaded.model.settings == saved.model.settings
    assert loaded.source_tokenizer.fingerprint == saved.source_tokenizer.fingerprint
    assert loaded.target_tokenizer.fingerprint == saved.target_tokenizer.fingerprint
    assert not loaded.model.training
    for (name, mine), (other, theirs) in zip(
        saved.model.named_parameters(), loaded.model.named_parameters(), strict=True
    ):
        assert name == other
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


LATER = ("attention", "kv_heads", "attention_dropout")
"""Settings of a Transformer that older model directories do not have."""


def test_a_model_directory_without_later_settings_loads_as_before(tmp_path):
    run = toy_run(tmp_path)
    saved, config = toy_bundle(), json.loads((run / "model" / CONFIG).read_text(encoding="utf-8"))
    older = {name: value for name, value in config["model"].items() if name not in LATER}
    assert len(older) == len(config["model"]) - len(LATER)
    seal(run, model=older)
    loaded = load_bundle(run)
    assert loaded.model.settings == saved.model.settings
    for (name, mine), (other, theirs) in zip(
        saved.model.named_parameters(), loaded.model.named_parameters(), strict=True
    ):
        assert name == other
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


def test_a_run_and_its_model_directory_are_the_same_bundle(tmp_path):
    run = toy_run(tmp_path / "run")
    assert find_bundle(run) == find_bundle(run / "model") == run / "model"


def test_other_weights_may_be_saved_than_the_model_has(tmp_path):
    bundle = toy_bundle()
    doubled = {name: 2 * p.detach() for name, p in bundle.model.named_parameters()}
    save_bundle(tmp_path, bundle, weights=doubled)
    for name, parameter in load_bundle(tmp_path).model.named_parameters():
        torch.testing.assert_close(parameter, doubled[name], rtol=0, atol=0)


def test_loading_leaves_the_random_stream_alone(tmp_path):
    run = toy_run(tmp_path / "run")
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    load_bundle(run)
    torch.testing.assert_close(torch.rand(4), expected, rtol=0, atol=0)


def test_a_failed_save_leaves_the_former_bundle(tmp_path, monkeypatch):
    run = toy_run(tmp_path / "run", seed=1)
    before = (run / "model" / "model.safetensors").read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(bundles, "save_file", full)
    with pytest.raises(OutputError, match="There is no space left on the disk to write"):
        save_bundle(run / "model", toy_bundle(seed=2))
    assert (run / "model" / "model.safetensors").read_bytes() == before
    assert sorted(p.name for p in run.iterdir()) == ["model"]


def test_safetensors_errors_keep_their_number(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise bundles.SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(bundles, "save_file", full)
    with pytest.raises(OSError, match="No space left") as caught:
        save_tensors({}, tmp_path / "x.safetensors")
    assert caught.value.errno == errno.ENOSPC


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(BundleError, match=r"The model directory `.*nowhere` does not exist"):
        load_bundle(tmp_path / "nowhere")


def test_a_directory_without_a_model_is_named(tmp_path):
    with pytest.raises(BundleError, match=r"is not a model directory: it has no config\.json"):
        load_bundle(tmp_path)


class Trap:
    """A pickle of this touches a file when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (subprocess.check_call, (["touch", str(self.path)],))


def test_a_pickle_in_the_directory_is_never_loaded(tmp_path):
    touched = tmp_path / "touched"
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(touched)))
    with pytest.raises(BundleError, match=r"has the pickle `pytorch_model\.bin`"):
        load_bundle(tmp_path / "run")
    assert not touched.exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_named_as_weights_is_never_loaded(tmp_path, protocol):
    run, touched = toy_run(tmp_path / "run"), tmp_path / "touched"
    place = run / "model" / "model.safetensors"
    place.write_bytes(pickle.dumps(Trap(touched), protocol=protocol))
    with pytest.raises(BundleError, match=r"is a pickle|is missing, truncated or damaged"):
        load_bundle(run)
    assert not touched.exists()


def test_a_torch_file_named_as_weights_is_refused(tmp_path):
    run = toy_run(tmp_path / "run")
    torch.save({"a": torch.ones(2)}, run / "model" / "model.safetensors")
    with pytest.raises(BundleError, match="is a pickle, not a safetensors file"):
        load_bundle(run)


@pytest.mark.parametrize("kept", [0, 5, 100, -10])
def test_truncated_weights_are_refused(tmp_path, kept):
    run = toy_run(tmp_path / "run")
    place = run / "model" / "model.safetensors"
    place.write_bytes(place.read_bytes()[:kept])
    with pytest.raises(BundleError, match=r"model\.safetensors` is missing, truncated or damaged"):
        load_bundle(run)


def test_every_wrong_tensor_is_counted_in_one_error(tmp_path):
    run = toy_run(tmp_path / "run")
    place = run / "model" / "model.safetensors"
    tensors = load_file(place)
    name = "decoder.layers.0.cross_attention.project_query.weight"
    assert name in tensors
    tensors[name] = torch.zeros(3, 3)
    tensors["stranger"] = torch.zeros(1)
    save_file(tensors, place)
    seal(run)
    with pytest.raises(
        BundleError, match=rf"`{name}` should be \(16, 16\), found \(3, 3\) \(2 fau"
    ):
        load_bundle(run)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 3}, "has format 3, and this version of whyformer reads up to 2"),
        ({"format": "x"}, r'is damaged \(the format must be a whole number, but it is "x"\)'),
        ({"kind": "diffusion"}, "holds a model of kind `diffusion`"),
        ({"kind": None}, "is damaged: it lacks kind"),
        ({"vocabularies": 7}, "is damaged: it lacks vocabularies"),
        ({"vocabularies": [1, 2]}, r"the tokenizers have \d+ and \d+ tokens"),
        ({"model": [], "facts": None}, "is damaged: it lacks facts, model"),
    ],
)
def test_a_config_that_is_not_ours_is_refused(tmp_path, changes, message):
    run = toy_run(tmp_path / "run")
    seal(run, **changes)
    with pytest.raises(BundleError, match=message):
        load_bundle(run)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": '])
def test_a_damaged_config_is_refused(tmp_path, text):
    run = toy_run(tmp_path / "run")
    (run / "model" / "config.json").write_text(text, encoding="utf-8")
    with pytest.raises(BundleError, match=r"config\.json` is damaged"):
        load_bundle(run)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", None])
def test_a_damaged_tokenizer_is_refused(tmp_path, content):
    run = toy_run(tmp_path / "run")
    place = run / "model" / "source.json"
    if content is None:
        place.unlink()
    else:
        place.write_bytes(content)
    with pytest.raises(BundleError, match=r"source\.json.*Copy the model directory again"):
        load_bundle(run)


def test_a_model_that_is_being_replaced_is_read_whole(tmp_path, monkeypatch):
    """A training writes a better model while another process loads the former one."""
    run = toy_run(tmp_path / "run")
    other = toy_bundle(1)
    read_weights = bundles._read_weights
    times = []

    def replaced_meanwhile(path, model):
        times.append(path)
        if len(times) == 1:
            save_bundle(run / "model", other)
        read_weights(path, model)

    monkeypatch.setattr(bundles, "_read_weights", replaced_meanwhile)
    loaded = load_bundle(run)
    assert len(times) == 2
    for (_, mine), (_, theirs) in zip(
        loaded.model.named_parameters(), other.model.named_parameters(), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)


def test_looking_for_a_model_leaves_its_writer_alone(tmp_path):
    run = toy_run(tmp_path / "run")
    with bundles.atomic_directory(run / "model") as temporary:
        (temporary / "half").write_text("")
        load_bundle(run)
        assert (temporary / "half").exists()
