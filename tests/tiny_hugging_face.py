"""Tiny models of transformers with the quirks of the published ones, and their vocabularies."""

import copy
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tokenizers import ByteLevelBPETokenizer

from whyformer.interop.huggingface.architectures.architecture import Ids, Vocabularies

MARIAN_IDS: Ids = [22, 22, 0, 1, None, *range(2, 22)]
"""Padding is the last token and begins a target; there is no mask."""
BART_IDS: Ids = [1, 2, 2, 3, 22, 0, *range(4, 22)]
"""A target begins with ``</s>``, and ``<s>`` is an ordinary token."""
T5_IDS: Ids = [0, 0, 1, 2, None, *range(3, 23)]
"""Padding begins a target; there is no mask."""
SIZES = {
    "d_model": 12, "encoder_layers": 2, "decoder_layers": 3, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 20, "decoder_ffn_dim": 20, "vocab_size": 23,
    "max_position_embeddings": 32, "init_std": 0.3,
}  # fmt: skip
T5_SIZES = {
    "d_model": 12, "d_kv": 5, "d_ff": 20, "num_layers": 3, "num_decoder_layers": 2, "num_heads": 2,
    "vocab_size": 23,
}  # fmt: skip


@dataclass(frozen=True)
class Quirks:
    """A configuration of a published kind. Args: untied: whether the projection is separate."""

    model: type
    config: Any
    vocabularies: Vocabularies
    untied: bool = False


def marian(**changes: Any) -> Quirks:
    usual = {
        "pad_token_id": 22, "eos_token_id": 0, "decoder_start_token_id": 22,
        "scale_embedding": True, "activation_function": "swish", "forced_eos_token_id": 0,
    }  # fmt: skip
    config = transformers.MarianConfig(**SIZES | usual | changes)
    return Quirks(transformers.MarianMTModel, config, Vocabularies(MARIAN_IDS, MARIAN_IDS))


def bart(*, untied: bool = False, **changes: Any) -> Quirks:
    config = transformers.BartConfig(**SIZES | changes)
    model = transformers.BartForConditionalGeneration
    return Quirks(model, config, Vocabularies(BART_IDS, BART_IDS), untied)


def t5(*, multilingual: bool = False, untied: bool = False, **changes: Any) -> Quirks:
    kind = transformers.MT5Config if multilingual else transformers.T5Config
    model = transformers.MT5ForConditionalGeneration if multilingual else None
    config = kind(**T5_SIZES | {"decoder_start_token_id": 0} | changes)
    model = model or transformers.T5ForConditionalGeneration
    return Quirks(model, config, Vocabularies(T5_IDS, T5_IDS), untied)


MODELS: Mapping[str, Quirks] = {
    "OPUS-MT": marian(),
    "OPUS-MT with two vocabularies": marian(share_encoder_decoder_embeddings=False),
    "Marian of odd width": marian(d_model=9, encoder_attention_heads=3, decoder_attention_heads=3),
    "BART": bart(),
    "BART with scaled embeddings": bart(scale_embedding=True, activation_function="gelu_new"),
    "BART with a separate projection": bart(untied=True, tie_word_embeddings=False),
    "T5": t5(),
    "T5 v1.1": t5(feed_forward_proj="gated-gelu", tie_word_embeddings=False, untied=True),
    "mT5": t5(multilingual=True, untied=True),
}


@torch.no_grad()
def build(quirks: Quirks, *, seed: int = 0) -> Any:
    """Return a model with random weights, none of which has a neutral value."""
    torch.manual_seed(seed)
    model = quirks.model(copy.deepcopy(quirks.config)).eval()
    if quirks.untied:
        config = model.config
        model.lm_head.weight = torch.nn.Parameter(torch.randn(config.vocab_size, config.d_model))
        model.config.tie_word_embeddings = False
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.add_(torch.randn_like(parameter) * 0.1)
    if hasattr(model, "final_logits_bias"):
        model.final_logits_bias.copy_(torch.randn_like(model.final_logits_bias))
    return model


def save(
    quirks: Quirks, directory: Path, *, search: Mapping[str, Any] | None = None, **how: Any
) -> Any:
    """Write a model to a directory and return it. Args: search: its `generation_config.json`."""
    model = build(quirks)
    for name, value in (search or {}).items():
        setattr(model.generation_config, name, value)
    model.save_pretrained(directory, **how)
    return model


LINES = (
    "The cat sat on the mat, and the dog sat on the log.",
    "A dog runs in the park with a red ball.",
    "나는 오늘 학교에 갔다. 너는 집에 있다.",
    "Привет мир, как дела?",
)
ROOM = {"max_position_embeddings": 128}
UNUSED = 3
"""Number of embeddings without a token."""


def _sentencepiece(path: Path, lines: tuple[str, ...], **symbols: int) -> list[str]:
    """Train a SentencePiece model, write it to ``path`` and return its pieces."""
    sentencepiece = pytest.importorskip("sentencepiece")
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=written, vocab_size=70, minloglevel=2,
        hard_vocab_limit=False, **{"pad_id": -1, "bos_id": -1, "eos_id": -1, **symbols},
    )  # fmt: skip
    path.write_bytes(written.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    return [processor.id_to_piece(i) for i in range(len(processor))]


def write_marian(directory: Path) -> Any:
    """Write a directory like those of OPUS-MT; return its model. The token of padding is last."""
    directory.mkdir()
    pieces = _sentencepiece(directory / "source.spm", LINES[:2])
    pieces += _sentencepiece(directory / "target.spm", LINES[1:])
    ids: dict[str, int] = {}
    for token in ("</s>", "<unk>", ">>kor<<", *pieces, "<pad>"):
        ids.setdefault(token, len(ids))
    (directory / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    settings = {"source_lang": "en", "target_lang": "ko", "tokenizer_class": "MarianTokenizer"}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings))
    pad = ids["<pad>"]
    quirks = marian(vocab_size=len(ids), pad_token_id=pad, decoder_start_token_id=pad, **ROOM)
    return save(
        quirks, directory,
        search={"num_beams": 4, "max_length": 20, "bad_words_ids": [[pad]], "length_penalty": 0.0},
    )  # fmt: skip


def write_t5(directory: Path, *, library: bool) -> Any:
    """Write a directory like those of T5 v1.1; return its model.

    Args: library: whether the tokenizer is a `tokenizer.json` instead of a `spiece.model`.
    """
    directory.mkdir()
    pieces = _sentencepiece(directory / "spiece.model", LINES, pad_id=0, eos_id=1, unk_id=2)
    settings = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings))
    quirks = t5(
        vocab_size=len(pieces) + UNUSED, feed_forward_proj="gated-gelu", tie_word_embeddings=False,
        untied=True,
    )  # fmt: skip
    # A trained model never predicts padding.
    model = save(quirks, directory, search={"max_new_tokens": 18, "suppress_tokens": [0]})
    if library:
        tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
        tokenizer.save_pretrained(directory)
        (directory / "spiece.model").unlink()
    return model


def write_bart(directory: Path, *, library: bool) -> Any:
    """Write a directory like those of BART; return its model.

    Args: library: whether the tokenizer is a `tokenizer.json` instead of `vocab.json` and
        `merges.txt`.
    """
    directory.mkdir()
    trained = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trained.train_from_iterator(LINES, vocab_size=300, special_tokens=special, show_progress=False)
    trained.add_tokens(["<mask>"])
    ids = trained.get_vocab()
    trained.save_model(str(directory))
    (directory / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    settings = {"tokenizer_class": "BartTokenizer", "model_max_length": 128}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings))
    quirks = bart(vocab_size=len(ids), **ROOM)
    model = save(
        quirks, directory,
        search={
            "max_length": 20, "min_length": 6, "no_repeat_ngram_size": 3, "num_beams": 1,
            "forced_bos_token_id": 0, "forced_eos_token_id": 2,
        },
    )  # fmt: skip
    if library:
        transformers.AutoTokenizer.from_pretrained(directory).save_pretrained(directory)
        (directory / "merges.txt").unlink()
    return model
