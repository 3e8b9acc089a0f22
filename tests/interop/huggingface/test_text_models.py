"""Encoders and language models are imported, used, fine-tuned and exported."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import ByteLevelBPETokenizer

from whyformer.bundle import load_bundle
from whyformer.cli.main import main
from whyformer.foundation.config import read_yaml
from whyformer.foundation.errors import OutputError, UsageError
from whyformer.interop.huggingface.exporting import export
from whyformer.interop.huggingface.importing import import_model
from whyformer.models.bert import BERT
from whyformer.models.gpt import GPT
from whyformer.workflows.generate import language_model
from whyformer.workflows.labelling import labeller
from whyformer.workflows.library import load, train

transformers = pytest.importorskip("transformers", reason='needs pip install "whyformer[export]"')
pytestmark = pytest.mark.filterwarnings("ignore")

LINES = ["The dog sleeps on the mat.", "A cat, a dog: both run!", "good food", "bad service here"]
WORDS = [
    "the", "dog", "sleep", "##s", "on", "mat", "a", "cat", "both", "run", "good", "food", "bad",
    "service", "here", ".", ",", ":", "!",
]  # fmt: skip
SIZES = {
    "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 20,
    "initializer_range": 0.3, "max_position_embeddings": 40,
}  # fmt: skip


@torch.no_grad()
def saved(model: Any, path: Path) -> Any:
    for parameter in model.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.1)
    model.save_pretrained(path)
    return model.eval()


def bert(path: Path, ending: str, *, kind: str = "Bert", **changes: Any) -> Any:
    """Write a model with the files of the first BERT: its vocabulary is a vocab.txt."""
    path.mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (path / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    settings = {"do_lower_case": True, "tokenizer_class": "BertTokenizer"}
    (path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(vocab_size=len(vocabulary), **SIZES | changes)
    return saved(getattr(transformers, f"{kind}{ending}")(config), path)


def byte_level(path: Path, special: list[str]) -> int:
    """Write a byte-level tokenizer and return the size of its vocabulary."""
    path.mkdir()
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(LINES, vocab_size=280, special_tokens=special, show_progress=False)
    trained.save_model(str(path))
    return trained.get_vocab_size()


def gpt2(path: Path) -> Any:
    size = byte_level(path, ["<|endoftext|>"])
    settings = {"tokenizer_class": "GPT2Tokenizer"} | dict.fromkeys(
        ("bos_token", "eos_token", "unk_token"), "<|endoftext|>"
    )
    (path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=size, n_embd=12, n_layer=2, n_head=3, n_positions=64, initializer_range=0.3,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    return saved(transformers.GPT2LMHeadModel(config), path)


def roberta(path: Path, ending: str, **changes: Any) -> Any:
    size = byte_level(path, ["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    settings = {"tokenizer_class": "RobertaTokenizer"}
    (path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    torch.manual_seed(0)
    config = transformers.RobertaConfig(vocab_size=size, type_vocab_size=1, **SIZES | changes)
    return saved(getattr(transformers, f"Roberta{ending}")(config), path)


LABELS = {"id2label": {0: "good", 1: "bad", 2: "so-so"}, "num_labels": 3}
WRITERS: dict[str, Callable[[Path], Any]] = {
    "bert": lambda path: bert(path, "ForMaskedLM"),
    "bert without head": lambda path: bert(path, "Model"),
    "bert classifier": lambda path: bert(path, "ForSequenceClassification", **LABELS),
    "bert tagger": lambda path: bert(path, "ForTokenClassification", **LABELS),
    "bert regression": lambda path: bert(path, "ForSequenceClassification", num_labels=1),
    "electra": lambda path: bert(path, "ForPreTraining", kind="Electra", embedding_size=8),
    "roberta": lambda path: roberta(path, "ForMaskedLM"),
    "roberta classifier": lambda path: roberta(path, "ForSequenceClassification", **LABELS),
    "gpt2": gpt2,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_is_imported_after_a_comparison(name: str, tmp_path: Path):
    WRITERS[name](tmp_path / "published")
    done = import_model(tmp_path / "published", tmp_path / "run", sentences=5)
    assert done.comparison is not None
    assert done.comparison.faults() == []
    assert done.comparison.difference < 1e-4
    new = [note for note in done.notes if "no weights for" in note]
    assert bool(new) is (name in ("bert", "bert without head", "roberta"))
    load_bundle(tmp_path / "run")
    recipe, _ = read_yaml(tmp_path / "run" / "recipe.yaml")
    tasks = {
        "gpt2": "language",
        "bert tagger": "tag",
        "electra": "tag",
        "bert regression": "regress",
    }
    assert recipe["task"] == tasks.get(name, "classify")
    assert recipe["training"]["learning_rate"] < 1e-4  # a trained model forgets at a higher one


def test_an_imported_classifier_gives_the_probabilities_of_transformers(tmp_path: Path, capsys):
    other = bert(tmp_path / "published", "ForSequenceClassification", **LABELS)
    import_model(tmp_path / "published", tmp_path / "run", sentences=2)
    found = labeller(load_bundle(tmp_path / "run"), tmp_path / "run").classify(
        [(line, None) for line in LINES] + [("a cat", "a dog")]
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "published")
    for line, one in zip([(line,) for line in LINES] + [("a cat", "a dog")], found, strict=True):
        with torch.no_grad():
            shares = other(**tokenizer(*line, return_tensors="pt")).logits.softmax(-1)[0]
        wanted = dict(zip(("good", "bad", "so-so"), shares.tolist(), strict=True))
        assert one.probabilities == pytest.approx(wanted, abs=1e-5)
    assert main(["classify", str(tmp_path / "run"), "--text", LINES[0]]) == 0
    assert found[0].label in capsys.readouterr().out


def test_pairs_of_texts_have_the_separators_of_roberta(tmp_path: Path):
    other = roberta(tmp_path / "published", "ForSequenceClassification", **LABELS)
    import_model(tmp_path / "published", tmp_path / "run", sentences=0)
    (found,) = load(tmp_path / "run").label([("good food", "bad service")])
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "published")
    with torch.no_grad():
        shares = other(**tokenizer("good food", "bad service", return_tensors="pt")).logits.softmax(
            -1
        )
    wanted = dict(zip(("good", "bad", "so-so"), shares[0].tolist(), strict=True))
    assert found.probabilities == pytest.approx(wanted, abs=1e-5)


def test_an_imported_tagger_labels_words_as_transformers_does(tmp_path: Path):
    other = bert(tmp_path / "published", "ForTokenClassification", **LABELS)
    import_model(tmp_path / "published", tmp_path / "run", sentences=2)
    sentences = [["the", "dog", "sleeps", "here"], ["bad", "food", "!"]]
    found = load(tmp_path / "run").label(sentences)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "published")
    for words, labels in zip(sentences, found, strict=True):
        encoded = tokenizer(words, is_split_into_words=True, return_tensors="pt")
        with torch.no_grad():
            best = other(**encoded).logits[0].argmax(-1).tolist()
        first = [encoded.word_ids().index(number) for number in range(len(words))]
        assert labels == [("good", "bad", "so-so")[best[place]] for place in first]


def test_an_imported_regression_predicts_the_numbers_of_transformers(tmp_path: Path):
    other = bert(tmp_path / "published", "ForSequenceClassification", num_labels=1)
    import_model(tmp_path / "published", tmp_path / "run", sentences=2)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "published")
    with torch.no_grad():
        wanted = other(**tokenizer(LINES[0], return_tensors="pt")).logits.item()
    (found,) = load(tmp_path / "run").label([LINES[0]])
    assert found.number == pytest.approx(wanted, abs=1e-5)


def test_texts_of_an_imported_language_model_are_those_of_generate(tmp_path: Path):
    other = gpt2(tmp_path / "published")
    import_model(tmp_path / "published", tmp_path / "run", sentences=2)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "published")
    generator = language_model(load_bundle(tmp_path / "run"), tmp_path / "run")
    prompts = ["The dog", " A cat, a", ""]
    found = generator.generate(prompts, tokens=12, beam=1, method="beam")
    for prompt, (one,) in zip(prompts, found, strict=True):
        ids = tokenizer(f"<|endoftext|>{prompt}", return_tensors="pt")
        (row,) = other.generate(**ids, max_new_tokens=12, do_sample=False, pad_token_id=0)
        assert one.text == tokenizer.decode(row, skip_special_tokens=True)


def test_an_imported_encoder_starts_a_classifier(tmp_path: Path):
    bert(tmp_path / "published", "ForMaskedLM")
    import_model(tmp_path / "published", tmp_path / "bert", sentences=2)
    pairs = [(line, label) for line in LINES for label in ("yes", "no")] * 20
    overrides = {
        "task": "classify", "start_from": str(tmp_path / "bert"), "training.updates": 1,
        "validation.every": 1, "data.row_tokens": 32,
    }  # fmt: skip
    train(out=tmp_path / "run", data=pairs, overrides=overrides, quiet=True)
    before, after = (load_bundle(tmp_path / one).model for one in ("bert", "run"))
    assert isinstance(before, BERT)
    assert isinstance(after, BERT)
    assert after.settings.outputs == 2
    assert after.settings.norm_epsilon == 1e-12
    for name, tensor in before.layers.named_parameters():
        torch.testing.assert_close(after.layers.get_parameter(name), tensor, rtol=0, atol=1e-3)


TINY = {
    "model.layers": 1, "model.d_model": 16, "model.heads": 2, "model.d_ff": 16,
    "model.max_length": 40, "data.row_tokens": 32, "training.updates": 2, "validation.every": 2,
    "text.vocabulary": 300,
}  # fmt: skip
TRAINED: dict[str, tuple[str, dict[str, Any]]] = {
    "EsmForSequenceClassification": ("classify", {}),
    "BertForSequenceClassification": (
        "classify", {"model.positions": "learned", "model.wiring": "post-norm"}
    ),
    "EsmForTokenClassification": ("tag", {}),
    "BertForPreTraining": ("masked", {"model.wiring": "post-norm"}),
    "GPTNeoXForCausalLM": ("language", {}),
    "GPT2LMHeadModel": ("language", {"model.positions": "learned"}),
    "LlamaForCausalLM": ("language", {"model.norm": "rms", "model.activation": "swiglu"}),
}  # fmt: skip


@pytest.mark.parametrize("class_name", TRAINED)
def test_trained_models_are_exported_with_tokenizer_and_imported_again(
    class_name: str, tmp_path: Path
):
    task, changes = TRAINED[class_name]
    data: Any = [f"{line} {number}" for line in LINES for number in range(30)]
    if task == "classify":
        data = [(text, "long" if len(text) > 20 else "short") for text in data]
    elif task == "tag":
        data = [
            (text.split(), ["w" if w.isalpha() else "x" for w in text.split()]) for text in data
        ]
    overrides = {"task": task, **TINY, **changes}
    train(out=tmp_path / "run", data=data, overrides=overrides, quiet=True)
    done = export(tmp_path / "run", tmp_path / "out", card="# Card\n", texts=5)
    assert done.class_name == class_name
    assert done.comparison.faults() == []
    assert (tmp_path / "out" / "README.md").read_text(encoding="utf-8") == "# Card\n"
    kind = getattr(transformers, class_name)
    other = kind.from_pretrained(tmp_path / "out", local_files_only=True)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out", local_files_only=True)
    model = load_bundle(tmp_path / "run").model
    if isinstance(model, GPT):
        assert tokenizer("A dog").input_ids[0] == 1
        text = other.generate(**tokenizer("A dog", return_tensors="pt"), max_new_tokens=5)
        assert tokenizer.decode(text[0], skip_special_tokens=True).startswith("A dog")
    again = import_model(tmp_path / "out", tmp_path / "again", sentences=3)
    assert again.comparison is not None
    assert again.comparison.faults() == []
    export(tmp_path / "again", tmp_path / "twice", texts=3)


def test_a_regression_is_exported_in_the_units_of_its_numbers(tmp_path: Path):
    data = [(f"{'a ' * n}b", str(100 + 10 * n)) for n in range(1, 9)] * 20
    overrides = {
        "task": "regress", "model.positions": "learned", "model.wiring": "post-norm",
        "training.batch_tokens": 512, **TINY,
    }  # fmt: skip
    train(out=tmp_path / "run", data=data, overrides=overrides, quiet=True)
    export(tmp_path / "run", tmp_path / "out", texts=3)
    pipeline = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "out")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "out")
    (wanted,) = load(tmp_path / "run").label(["a a b"])
    found = pipeline(**tokenizer("a a b", return_tensors="pt")).logits.item()
    assert found == pytest.approx(wanted.number, rel=1e-4)


def test_a_model_that_no_class_expresses_is_refused_with_the_reasons(tmp_path: Path):
    data = [(f"{line} {n}", str(n % 2)) for line in LINES for n in range(30)]
    overrides = {"task": "classify", "model.positions": "alibi", **TINY}
    train(out=tmp_path / "run", data=data, overrides=overrides, quiet=True)
    with pytest.raises(UsageError, match="is alibi: Esm needs learned or rotary"):
        export(tmp_path / "run", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_on_pairs_of_texts_is_not_written_without_segments(tmp_path: Path):
    data = [(line, other, str(line == other)) for line in LINES for other in LINES] * 8
    overrides = {"task": "classify", "data.second": "2", **TINY}
    train(out=tmp_path / "run", data=data, overrides=overrides, quiet=True)
    with pytest.raises(UsageError, match="trained on pairs of texts: Esm has no segments"):
        export(tmp_path / "run", tmp_path / "out")


def test_an_existing_directory_is_not_replaced(tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(OutputError, match="already exists"):
        export(tmp_path / "run", tmp_path / "out")
