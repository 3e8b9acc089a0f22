"""Translation runs become directories of Hugging Face, tokenizer included."""

from dataclasses import replace

import pytest
import torch

import toy_runs
from whyformer.bundle import Bundle, load_bundle, save_bundle
from whyformer.cli.main import main
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.foundation.errors import UsageError
from whyformer.interop.huggingface.exporting import export
from whyformer.interop.huggingface.importing import import_model
from whyformer.models.build import build_model
from whyformer.models.transformer import TransformerSettings
from whyformer.text.tokenizer import train_tokenizer

transformers = pytest.importorskip("transformers", reason='needs pip install "whyformer[export]"')

import tiny_hugging_face  # noqa: E402

pytestmark = pytest.mark.usefixtures("unchecked")
LAYERS = {"wiring": "post-norm", "encoder_layers": 2, "decoder_layers": 1}
SHAPES = {
    "MarianMTModel": {"activation": "relu"},
    "BartForConditionalGeneration": {
        "positions": "learned", "embedding_norm": "sum", "biases": "all", "max_length": 64,
    },
    "T5ForConditionalGeneration": {
        "wiring": "pre-norm", "norm": "rms", "biases": "none", "positions": "relative",
        "score_scale": "none", "embedding_scale": "one",
    },
}  # fmt: skip
"""For each class, settings that it can express."""


def toy(**shape: object) -> Bundle:
    """Return a model of three languages with random weights, none of which has a neutral value."""
    tokenizer = train_tokenizer("bpe", tiny_hugging_face.LINES, vocabulary=320)
    torch.manual_seed(0)
    settings = TransformerSettings.model_validate(toy_runs.SHAPE | LAYERS | shape)
    model = build_model(settings, (len(tokenizer),) * 2, shared=True).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return Bundle(model, tokenizer, tokenizer, {"decoding": {"beam": 1}})


@pytest.mark.parametrize("name", SHAPES)
def test_a_run_becomes_the_class_that_can_express_it(name, tmp_path):
    save_bundle(tmp_path / "run" / "model", toy(**SHAPES[name]))
    done = export(tmp_path / "run", tmp_path / "out", texts=4)
    assert done.class_name == name
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "out")
    assert type(model).__name__ == name
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    ids = tokenizer(tiny_hugging_face.LINES[0], return_tensors="pt")
    output = model.generate(**ids, max_new_tokens=5, do_sample=False, num_beams=1)
    assert output.shape == (1, 6)
    back = import_model(tmp_path / "out", tmp_path / "back", sentences=2)
    assert back.comparison is not None
    assert back.comparison.parity.greedy_same == 2


WRITERS = {
    "marian": tiny_hugging_face.write_marian,
    "t5": lambda path: tiny_hugging_face.write_t5(path, library=False),
    "bart": lambda path: tiny_hugging_face.write_bart(path, library=True),
}


@pytest.mark.parametrize("name", WRITERS)
def test_an_imported_model_goes_back(name, tmp_path):
    theirs = WRITERS[name](tmp_path / "given")
    import_model(tmp_path / "given", tmp_path / "run", sentences=0)
    done = export(tmp_path / "run", tmp_path / "out", texts=3)
    assert done.comparison.tokenized_same == done.comparison.parity.greedy_same == 3
    again = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "out")
    before, after = theirs.state_dict(), again.state_dict()
    assert before.keys() == after.keys()
    for key in before.keys() - {"model.shared.weight"}:
        if "embed" not in key and "lm_head" not in key and key != "final_logits_bias":
            torch.testing.assert_close(after[key], before[key], rtol=1e-6, atol=1e-6)


def test_a_setting_that_no_class_has_is_named(tmp_path):
    save_bundle(tmp_path / "run" / "model", toy(positions="rotary"))
    needed = r"`model\.positions` is rotary: MarianMT needs"
    with pytest.raises(UsageError, match=needed) as refusal:
        export(tmp_path / "run", tmp_path / "out")
    assert "BERT" not in str(refusal.value)  # no class for another family is proposed
    assert not (tmp_path / "out").exists()


def test_the_command_writes_a_directory(tmp_path, capsys):
    save_bundle(tmp_path / "run" / "model", toy())
    out = tmp_path / "out"
    assert main(["export", str(tmp_path / "run"), "--out", str(out), "--texts", "2"]) == 0
    assert "class: MarianMTModel" in capsys.readouterr().out
    assert (out / "README.md").is_file()


@pytest.mark.filterwarnings("ignore:Recommended")
@pytest.mark.parametrize("name", WRITERS)
def test_a_fine_tuned_model_goes_back(name, tmp_path):
    WRITERS[name](tmp_path / "given")
    import_model(tmp_path / "given", tmp_path / "run", sentences=0)
    bundle = load_bundle(tmp_path / "run")
    with torch.no_grad():  # as training does: the rows of different symbols change differently
        for parameter in bundle.model.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    save_bundle(tmp_path / "tuned" / "model", bundle)
    done = export(tmp_path / "tuned", tmp_path / "out", texts=3)
    assert done.comparison.parity.difference < 1e-4
    assert done.comparison.parity.greedy_same == 3
    back = import_model(tmp_path / "out", tmp_path / "back", sentences=2)
    assert back.comparison is not None
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "out")
    ids = tokenizer(tiny_hugging_face.LINES[0], return_tensors="pt")
    plain = {"do_sample": False, "num_beams": 1, "no_repeat_ngram_size": 0, "min_length": 0}
    output = model.generate(ids["input_ids"], max_new_tokens=8, **plain)
    translator = Translator([bundle.model], bundle.source_tokenizer, bundle.target_tokenizer)
    settings = SearchSettings(beam=1, nbest=1, max_length=8)
    (ours,) = translator.translate([tiny_hugging_face.LINES[0]], settings)
    assert tokenizer.decode(output[0], skip_special_tokens=True).strip() == ours.text.strip()


def test_the_search_settings_of_a_run_go_to_hugging_face_and_back(tmp_path):
    search = {"beam": 3, "length_penalty": 0.4, "max_length": 12, "no_repeat_ngram": 2}
    one = toy(**SHAPES["MarianMTModel"])
    save_bundle(tmp_path / "run" / "model", replace(one, facts={"decoding": search}))
    export(tmp_path / "run", tmp_path / "out", texts=2)
    loaded = transformers.GenerationConfig.from_pretrained(tmp_path / "out")
    assert (loaded.num_beams, loaded.max_length, loaded.no_repeat_ngram_size) == (3, 13, 2)
    import_model(tmp_path / "out", tmp_path / "back", sentences=2)
    found = load_bundle(tmp_path / "back").facts["decoding"]
    assert {name: found[name] for name in search} == search
