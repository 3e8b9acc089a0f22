"""Tiny models of transformers with the quirks of the published ones, and their vocabularies."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from whyformer.interop.huggingface.architecture import Ids, Vocabularies

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
    "d_model": 12, "d_kv": 5, "d_ff": 20, "num_layers": 2, "num_decoder_layers": 3, "num_heads": 2,
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


def save(quirks: Quirks, directory: Path, **how: Any) -> Any:
    """Write a model to a directory and return it."""
    model = build(quirks)
    model.save_pretrained(directory, **how)
    return model
