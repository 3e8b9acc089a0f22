"""Models of Marian, BART and T5 compute the same in whyformer as in transformers, and back."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.testing import assert_close

import tiny
from whyformer.foundation.errors import BundleError, UsageError
from whyformer.interop.huggingface.architectures.architecture import ABSENT, Vocabularies, choose
from whyformer.interop.huggingface.architectures.known import ARCHITECTURES
from whyformer.interop.huggingface.architectures.t5 import T5
from whyformer.interop.huggingface.directory import Directory, open_directory, write_directory
from whyformer.models.build import build_model
from whyformer.models.transformer import Transformer
from whyformer.text.symbols import BOS, EOS, PAD

transformers = pytest.importorskip("transformers", reason='needs pip install "whyformer[export]"')

import tiny_hugging_face  # noqa: E402

EXACT = {"rtol": 1e-5, "atol": 1e-5}
MODELS = tiny_hugging_face.MODELS
EVERY_MODEL = pytest.mark.parametrize("quirks", MODELS.values(), ids=MODELS)


def imported(directory: Directory, quirks: tiny_hugging_face.Quirks) -> Transformer:
    architecture = choose(directory.config, ARCHITECTURES)
    settings = architecture.settings_from(directory)
    weights = architecture.weights_in(directory, settings, quirks.vocabularies)
    model = build_model(settings, quirks.vocabularies.sizes, shared=True)
    assert isinstance(model, Transformer)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(weights[name])
    return model.eval()


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return sources with eos and padding, which of their tokens are real, and targets."""
    draws = torch.Generator().manual_seed(1)
    source = torch.randint(5, 24, (3, 9), generator=draws)
    source[0, 5:] = PAD
    source[0, 4] = source[1:, -1] = EOS
    target = torch.randint(5, 24, (3, 7), generator=draws)
    target[:, 0] = BOS
    return source, source != PAD, target


def translated(ids: torch.Tensor, quirks: tiny_hugging_face.Quirks) -> torch.Tensor:
    table = torch.tensor([-1 if i is None else i for i in quirks.vocabularies.target])
    return table[ids]


@torch.no_grad()
def logits_of(theirs: Any, quirks: tiny_hugging_face.Quirks) -> torch.Tensor:
    source, real, target = batch()
    return theirs(
        input_ids=translated(source, quirks),
        attention_mask=real.long(),
        decoder_input_ids=translated(target, quirks),
    ).logits


@torch.no_grad()
def assert_same(ours: Transformer, theirs: Any, quirks: tiny_hugging_face.Quirks) -> None:
    found = ours(*batch())
    there = (ours.projection.bias != ABSENT).nonzero()[:, 0]
    assert sorted(translated(there, quirks).tolist()) == list(range(23))
    expected = logits_of(theirs, quirks)
    assert_close(found[..., there], expected[..., translated(there, quirks)], **EXACT)
    probabilities = found.softmax(-1)[..., there]
    assert_close(probabilities, expected.softmax(-1)[..., translated(there, quirks)], **EXACT)


@EVERY_MODEL
def test_logits_equal_those_of_transformers(quirks, tmp_path):
    theirs = tiny_hugging_face.save(quirks, tmp_path)
    assert_same(imported(open_directory(tmp_path), quirks), theirs, quirks)


@EVERY_MODEL
def test_a_model_that_is_written_again_computes_the_same_in_transformers(quirks, tmp_path):
    theirs = tiny_hugging_face.save(quirks, tmp_path / "first")
    directory = open_directory(tmp_path / "first")
    ours = imported(directory, quirks)
    architecture = choose(directory.config, ARCHITECTURES)
    assert architecture.refusals(ours.settings) == []
    config = architecture.config_from(ours.settings, quirks.vocabularies)
    tensors = architecture.weights_out(
        dict(ours.named_parameters()), ours.settings, quirks.vocabularies
    )
    again = tmp_path / "again"
    again.mkdir()
    write_directory(again, config, {}, tensors)
    loaded = transformers.AutoModelForSeq2SeqLM.from_pretrained(again).eval()
    assert type(loaded) in (type(theirs), transformers.T5ForConditionalGeneration)
    assert_close(logits_of(loaded, quirks), logits_of(theirs, quirks), **EXACT)
    assert_same(imported(open_directory(again), quirks), theirs, quirks)


@pytest.mark.parametrize("name", ["OPUS-MT", "BART", "T5"])
def test_a_model_of_whyformer_is_written_and_computes_the_same(name, tmp_path):
    like = MODELS[name]
    tiny_hugging_face.save(like, tmp_path / "like")
    directory = open_directory(tmp_path / "like")
    architecture = choose(directory.config, ARCHITECTURES)
    settings = architecture.settings_from(directory)
    other = {"norm_epsilon": 1e-3} if name == "T5" else {"biases": "feed-forward"}
    model = tiny.build(**settings.model_dump() | {"output_bias": "none"} | other)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    own = Vocabularies(range(tiny.VOCABULARY), range(tiny.VOCABULARY))
    assert architecture.refusals(model.settings) == []
    config = architecture.config_from(model.settings, own)
    tensors = architecture.weights_out(dict(model.named_parameters()), model.settings, own)
    write_directory(tmp_path, config, {}, tensors)
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path).eval()
    draws = torch.Generator().manual_seed(1)
    source, target = tiny.ids(draws, 3, 6), tiny.ids(draws, 3, 7)
    with torch.no_grad():
        expected = theirs(input_ids=source, decoder_input_ids=target).logits
        assert_close(model.eval()(source, None, target), expected, **EXACT)


def test_every_file_of_a_divided_model_is_read(tmp_path):
    quirks = MODELS["BART"]
    theirs = tiny_hugging_face.save(quirks, tmp_path, max_shard_size="8KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    assert_same(imported(open_directory(tmp_path), quirks), theirs, quirks)


def test_a_model_without_its_output_projection_is_read(tmp_path):
    quirks = MODELS["BART"]
    theirs = tiny_hugging_face.build(quirks)
    theirs.final_logits_bias.zero_()
    theirs.model.save_pretrained(tmp_path)
    assert_same(imported(open_directory(tmp_path), quirks), theirs, quirks)


def test_half_precision_becomes_single_precision(tmp_path):
    quirks = MODELS["T5"]
    theirs = tiny_hugging_face.build(quirks).half()
    theirs.save_pretrained(tmp_path)
    assert_same(imported(open_directory(tmp_path), quirks), theirs.float(), quirks)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    directory = tmp_path_factory.mktemp("saved")
    tiny_hugging_face.save(MODELS["T5"], directory)
    return directory


@pytest.fixture
def copy(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def changed(directory: Path, **changes: Any) -> dict[str, Any]:
    config = json.loads((directory / "config.json").read_text()) | changes
    (directory / "config.json").write_text(json.dumps(config))
    return config


def test_an_unknown_architecture_is_refused_with_the_known_ones(copy):
    config = changed(copy, model_type="t6")
    with pytest.raises(UsageError, match=r"must be one of bart, .*marian.* t5") as failure:
        choose(config, ARCHITECTURES)
    assert "but it is t6." in str(failure.value)
    del config["model_type"]
    with pytest.raises(UsageError, match=r"it is missing in its config\.json"):
        choose(config, ARCHITECTURES)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"model_type": "t5", "relative_attention_num_buckets": 8}, "must be 32, but is 8"),
        ({"model_type": "t5", "feed_forward_proj": "gated-relu"}, "but is gated-relu"),
        (
            {"model_type": "bart", "activation_function": "tanh"},
            "`activation_function` must be one of relu, .* but is tanh",
        ),
        (
            {
                "model_type": "marian", "activation_function": "relu",
                "encoder_ffn_dim": 8, "decoder_ffn_dim": 16,
            },
            "`decoder_ffn_dim` is 16 and `encoder_ffn_dim` is 8, but whyformer has one size",
        ),
    ],
)  # fmt: skip
def test_a_configuration_that_cannot_be_expressed_is_refused_with_the_reason(config, reason):
    with pytest.raises(UsageError, match=f"cannot be imported: .*{reason}"):
        choose(config, ARCHITECTURES)


def test_pickles_are_refused(copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(BundleError, match="A pickle can run any code when opened"):
        open_directory(copy)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(BundleError, match=f"has no {name}"):
        open_directory(copy)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_damaged_file_is_named(copy, name):
    (copy / name).write_bytes((copy / name).read_bytes()[:100])
    with pytest.raises(BundleError, match=rf"{name}` cannot be read"):
        open_directory(copy)


def test_an_index_that_names_files_outside_the_directory_is_refused(copy):
    index = {"weight_map": {"shared.weight": "../model.safetensors"}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(BundleError, match="is not a file of this directory"):
        open_directory(copy)


def read_weights(directory: Path) -> None:
    imported(open_directory(directory), MODELS["T5"])


def test_a_missing_weight_is_named(copy):
    changed(copy, num_decoder_layers=3)
    with pytest.raises(UsageError, match=r"must contain `decoder\.block\.2\..*, but do not"):
        read_weights(copy)


def test_a_weight_without_a_place_is_named(copy):
    changed(copy, num_layers=1)
    with pytest.raises(UsageError, match=r"has 16 weights that whyformer does not know, such as"):
        read_weights(copy)


def test_a_weight_of_another_shape_is_named(copy):
    changed(copy, d_ff=21)
    with pytest.raises(UsageError, match=r"DenseReluDense\.wi\.weight` .* does not fit its config"):
        read_weights(copy)


REFUSED = {
    "MarianMT": [{"wiring": "pre-norm"}, {"positions": "rotary"}, {"activation": "swiglu"}],
    "BART": [{"positions": "sinusoidal", "embedding_norm": "sum"}, {"norm": "rms"}],
    "T5": [{"wiring": "post-norm"}, {"tying": "decoder"}, {"biases": "all"}],
}


@pytest.mark.parametrize(
    ("title", "changes"), [(title, one) for title, many in REFUSED.items() for one in many]
)
def test_a_setting_that_an_architecture_lacks_is_refused_with_the_reason(title, changes):
    architecture = next(one for one in ARCHITECTURES if getattr(one, "title", "") == title)
    reasons = architecture.refusals(tiny.shape(**changes))
    name, value = next(iter(changes.items()))
    assert any(one.startswith(f"`model.{name}` is {value}: {title} needs ") for one in reasons)


def test_another_family_is_refused(copy):
    for architecture in ARCHITECTURES[:3]:
        (reason,) = architecture.refusals(tiny.gpt().settings)
        assert reason.startswith("`model.family` is gpt: ")


def test_t5_has_no_output_bias(copy):
    quirks = MODELS["T5"]
    model = imported(open_directory(copy), quirks)
    with torch.no_grad():
        model.projection.bias[7] = 0.5
    weights = dict(model.named_parameters())
    with pytest.raises(UsageError, match="T5 has no output bias, but"):
        T5().weights_out(weights, model.settings, quirks.vocabularies)


def test_a_t5_whose_decoder_is_deeper_is_refused(copy):
    model = imported(open_directory(copy), MODELS["T5"])
    settings = model.settings.model_copy(update={"decoder_layers": 4})
    (reason,) = T5().refusals(settings)
    assert reason.startswith("`model.decoder_layers` is 4: the method generate")
