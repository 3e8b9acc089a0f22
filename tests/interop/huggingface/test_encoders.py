"""Encoders of transformers and of whyformer compute the same, in both directions."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch.testing import assert_close

from whyformer.interop.huggingface.architectures.architecture import Ids, Vocabularies
from whyformer.interop.huggingface.architectures.bert import (
    BERTArchitecture,
    ELECTRAArchitecture,
    ESMArchitecture,
    RoBERTaArchitecture,
)
from whyformer.interop.huggingface.architectures.encoder_only import Encoder
from whyformer.interop.huggingface.directory import open_directory, write_directory
from whyformer.models.bert import BERT, AnswerOf, BERTSettings

BERT_IDS: Ids = [0, 2, 3, 1, 4, *range(5, 23)]
"""[PAD], [UNK], [CLS], [SEP] and [MASK] come first."""
ROBERTA_IDS: Ids = [1, 0, 2, 3, 22, *range(4, 22)]
"""The mask is the last token."""
SIZES = {
    "vocab_size": 23, "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3,
    "intermediate_size": 20, "initializer_range": 0.3,
}  # fmt: skip
CLASSES: dict[str, tuple[str, Encoder, Ids, dict[str, Any]]] = {
    "BERT": ("Bert", BERTArchitecture(), BERT_IDS, {"max_position_embeddings": 16}),
    "RoBERTa": (
        "Roberta", RoBERTaArchitecture(), ROBERTA_IDS,
        {"max_position_embeddings": 18, "type_vocab_size": 1, "layer_norm_eps": 1e-5},
    ),
    "ELECTRA": (
        "Electra", ELECTRAArchitecture(), BERT_IDS,
        {"max_position_embeddings": 16, "embedding_size": 8},
    ),
    "ELECTRA as wide as its embeddings": (
        "Electra", ELECTRAArchitecture(), BERT_IDS,
        {"max_position_embeddings": 16, "embedding_size": 12},
    ),
}  # fmt: skip
HEADS = ["ForMaskedLM", "ForSequenceClassification", "ForTokenClassification"]


@torch.no_grad()
def theirs(kind: str, ending: str, **changes: Any) -> Any:
    """Return a model of transformers with random weights, none of which has a neutral value."""
    name, _, _, usual = CLASSES[kind]
    config = getattr(transformers, f"{name}Config")(**SIZES | usual | changes)
    torch.manual_seed(0)
    model = getattr(transformers, f"{name}{ending}")(config).eval()
    for parameter in model.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


def saved(model: Any, path: Path) -> Path:
    model.save_pretrained(path)
    return path


def imported(architecture: Encoder, ids: Ids, path: Path) -> BERT:
    directory = open_directory(path)
    assert architecture.reasons_against(directory.config) == []
    settings = architecture.settings_from(directory)
    vocabularies = Vocabularies(ids, ids)
    model = BERT(settings, vocabularies.sizes)
    weights = architecture.weights_in(directory, settings, vocabularies)
    for name, parameter in model.named_parameters():  # tied ones once
        parameter.data.copy_(weights.pop(name))
    assert not weights
    return model.eval()


def batch(ids: Ids) -> tuple[Any, ...]:
    """Return our ids, their ids, the mask of real tokens, and segments, with padding."""
    ours = torch.randint(5, 23, (3, 9), generator=torch.Generator().manual_seed(1))
    ours[:, 0] = 1
    real = torch.arange(9) < torch.tensor([[9], [6], [4]])
    ours[~real] = 0
    mapped = torch.tensor([0 if i is None else i for i in ids])[ours]
    return ours, mapped, real, (torch.arange(9) >= 3).long().expand(3, -1) * real


@torch.no_grad()
def our_logits(model: BERT, ours: Any, real: Any, segments: Any) -> Any:
    if not model.settings.outputs:
        return model.masked(model(ours, real, segments))
    of_tokens = model.settings.answer_of is AnswerOf.TOKENS
    answers = model.token_answers if of_tokens else model.answers
    return answers(ours, real, segments)


@torch.no_grad()
def their_logits(model: Any, mapped: Any, real: Any, segments: Any) -> Any:
    types = {"token_type_ids": segments} if has_segments(model) else {}
    found = model(input_ids=mapped, attention_mask=real.long(), **types)
    return found.prediction_logits if "prediction_logits" in found else found.logits


def has_segments(model: Any) -> bool:
    return getattr(model.config, "type_vocab_size", 0) == 2


def assert_same(model: BERT, other: Any, ids: Ids, tolerance: float = 1e-5) -> None:
    ours, mapped, real, segments = batch(ids)
    if other.config.model_type == "esm":
        segments = torch.zeros_like(segments)
    found, wanted = (
        our_logits(model, ours, real, segments),
        their_logits(other, mapped, real, segments),
    )
    if not model.settings.outputs:
        order = torch.tensor([i or 0 for i in ids])
        found, wanted = found.log_softmax(-1), wanted[..., order].log_softmax(-1)
    if found.ndim == 3:
        found, wanted = found[real], wanted[real]
    assert_close(found, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("ending", HEADS)
@pytest.mark.parametrize("kind", CLASSES)
def test_imported_encoders_compute_the_same(kind: str, ending: str, tmp_path: Path):
    _, architecture, ids, _ = CLASSES[kind]
    other = theirs(kind, ending, num_labels=3)
    model = imported(architecture, ids, saved(other, tmp_path))
    assert_same(model, other, ids)


@torch.no_grad()
def test_next_sentence_prediction_is_imported(tmp_path: Path):
    _, architecture, ids, _ = CLASSES["BERT"]
    other = theirs("BERT", "ForPreTraining")
    model = imported(architecture, ids, saved(other, tmp_path))
    assert_same(model, other, ids)
    ours, mapped, real, segments = batch(ids)
    wanted = other(input_ids=mapped, attention_mask=real.long(), token_type_ids=segments)
    found = model.next_sentence(model.pooled(model(ours, real, segments)))
    assert_close(found, wanted.seq_relationship_logits, rtol=1e-5, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("kind", CLASSES)
def test_an_encoder_without_head_has_new_heads(kind: str, tmp_path: Path):
    _, architecture, ids, _ = CLASSES[kind]
    other = theirs(kind, "Model")
    model = imported(architecture, ids, saved(other, tmp_path))
    ours, mapped, real, segments = batch(ids)
    types = {"token_type_ids": segments} if has_segments(other) else {}
    wanted = other(input_ids=mapped, attention_mask=real.long(), **types)
    found = model(ours, real, segments)
    assert_close(found[real], wanted.last_hidden_state[real], rtol=1e-5, atol=1e-5)
    directory = open_directory(tmp_path)
    new = architecture.new_weights(directory, model.settings)
    assert new == [*(["pooler"] if kind.startswith("ELECTRA") else []), "next_sentence", "masked"]
    assert architecture.new_weights(directory, BERTSettings(outputs=2)) == []


@torch.no_grad()
def test_the_discriminator_gives_the_probability_that_a_token_was_replaced(tmp_path: Path):
    _, architecture, ids, _ = CLASSES["ELECTRA"]
    other = theirs("ELECTRA", "ForPreTraining")
    model = imported(architecture, ids, saved(other, tmp_path))
    ours, mapped, real, segments = batch(ids)
    wanted = their_logits(other, mapped, real, segments).sigmoid()
    found = our_logits(model, ours, real, segments).softmax(-1)[..., 1]
    assert_close(found[real], wanted[real], rtol=1e-5, atol=1e-5)
    assert architecture.facts_from(open_directory(tmp_path))["labels"] == ["original", "replaced"]


def test_names_of_old_directories_are_known(tmp_path: Path):
    _, architecture, ids, _ = CLASSES["BERT"]
    other = theirs("BERT", "ForMaskedLM")
    directory = open_directory(saved(other, tmp_path))
    tensors = {name: directory.tensor(name) for name in directory.files}
    for new, old in (("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")):
        tensors = {name.replace(new, old): tensor for name, tensor in tensors.items()}
    tensors["cls.predictions.decoder.weight"] = tensors["bert.embeddings.word_embeddings.weight"]
    tensors["bert.embeddings.position_ids"] = torch.arange(16.0)
    write_directory(tmp_path, directory.config, {}, tensors)
    assert_same(imported(architecture, ids, tmp_path), other, ids)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"hidden_act": "swish2"}, "`hidden_act` must be one of"),
        ({"hidden_act": "relu"}, "the head for masked tokens must have gelu"),
        ({"position_embedding_type": "relative_key"}, "`position_embedding_type` must be absolute"),
        ({"is_decoder": True}, "`is_decoder` must be false"),
        ({"type_vocab_size": 4}, "`type_vocab_size` must be 1 or 2, but is 4"),
        ({"architectures": ["BertForQuestionAnswering"]}, "its class ends with ForQuestion"),
        ({"problem_type": "multi_label_classification"}, "a text has several labels"),
        ({"tie_word_embeddings": False}, "must be tied"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_the_reason(changes: dict[str, Any], reason: str):
    config = {"model_type": "bert", "architectures": ["BertForMaskedLM"], "hidden_act": "gelu"}
    (found,) = BERTArchitecture().reasons_against(config | changes)
    assert reason in found


OURS: dict[str, dict[str, Any]] = {
    "pre-trained": {},
    "classifier": {"outputs": 3},
    "tagger": {"outputs": 3, "answer_of": "tokens"},
    "layers with equal weights": {"sharing": "all"},
    "relu": {"activation": "relu", "outputs": 1},
}
OURS_AS_ESM: dict[str, dict[str, Any]] = {
    "pre-norm": {"wiring": "pre-norm"},
    "pre-norm and rotary": {"wiring": "pre-norm", "positions": "rotary", "heads": 2},
    "pre-norm classifier": {"wiring": "pre-norm", "positions": "rotary", "heads": 2, "outputs": 3},
    "pre-norm tagger": {"wiring": "pre-norm", "outputs": 3, "answer_of": "tokens"},
}
OURS_AS_ELECTRA: dict[str, dict[str, Any]] = {
    "narrow embeddings": {"embedding_width": 6},
    "narrow tagger": {"embedding_width": 6, "outputs": 3, "answer_of": "tokens"},
    "classifier with gelu": {"outputs": 3, "head_layer": "gelu"},
    "discriminator": {"outputs": 2, "answer_of": "tokens", "head_layer": "gelu"},
}


@torch.no_grad()
def our_model(**changes: Any) -> BERT:
    sizes = {"layers": 2, "d_model": 12, "heads": 3, "d_ff": 20, "max_length": 16}
    torch.manual_seed(0)
    model = BERT(BERTSettings(**sizes | changes), (23, 23)).eval()
    for parameter in model.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.3)
    return model


def written(model: BERT, architecture: Encoder, path: Path) -> Any:
    """Return the model of transformers that loads what we write."""
    settings, vocabularies = model.settings, Vocabularies(range(23), range(23))
    assert architecture.refusals(settings) == []
    config = architecture.config_from(settings, vocabularies)
    labels = ["a", "b", "c"][: settings.outputs] if settings.outputs > 1 else []
    config |= architecture.facts_to(settings, {"labels": labels})
    weights = dict(model.named_parameters())
    write_directory(path, config, {}, architecture.weights_out(weights, settings, vocabularies))
    kind = getattr(transformers, config["architectures"][0])
    other, report = kind.from_pretrained(path, local_files_only=True, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    return other.eval()


@pytest.mark.parametrize("name", [*OURS, *OURS_AS_ELECTRA, *OURS_AS_ESM])
def test_exported_encoders_compute_the_same_and_can_be_imported_again(name: str, tmp_path: Path):
    as_electra, as_esm = name in OURS_AS_ELECTRA, name in OURS_AS_ESM
    kind = ELECTRAArchitecture if as_electra else ESMArchitecture if as_esm else BERTArchitecture
    architecture = kind()
    model = our_model(**(OURS | OURS_AS_ELECTRA | OURS_AS_ESM)[name])
    other = written(model, architecture, tmp_path)
    again = imported(architecture, range(23), tmp_path)
    ours, mapped, real, segments = batch(range(23))
    if as_esm:
        segments = torch.zeros_like(segments)
    found = our_logits(again, ours, real, segments).log_softmax(-1)
    wanted = our_logits(model, ours, real, segments).log_softmax(-1)
    rows = real if wanted.ndim == 3 else slice(None)
    assert_close(found[rows], wanted[rows], rtol=1e-5, atol=1e-5)
    if name == "discriminator":
        share = their_logits(other, mapped, real, segments).sigmoid()
        assert_close(share[real], wanted.exp()[..., 1][real], rtol=1e-5, atol=1e-5)
    else:
        assert_same(model, other, range(23))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"wiring": "pre-norm"}, "`model.wiring` is pre-norm: Bert needs post-norm"),
        ({"positions": "rotary", "d_model": 16, "heads": 4}, "Bert needs learned"),
        ({"activation": "relu"}, "`model.activation` is relu: Bert needs gelu"),
        ({"activation": "swiglu", "outputs": 2}, "Bert needs relu, gelu"),
        ({"embedding_width": 6}, "`model.embedding_width` is 6"),
        ({"d_k": 5}, "`model.d_k` is 5: Bert needs d_model / heads"),
        ({"attention": "multi-query"}, "Bert needs multi-head"),
        ({"outputs": 2, "head_layer": "gelu"}, "the head for text has the layer gelu"),
        ({"biases": "none"}, "`model.biases` is none: Bert needs all"),
    ],
)
def test_settings_that_bert_lacks_are_refused_with_the_reason(changes: dict[str, Any], reason: str):
    found = BERTArchitecture().refusals(our_model(**changes).settings)
    assert len(found) == 1
    assert reason in found[0]
