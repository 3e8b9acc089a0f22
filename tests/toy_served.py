"""Runs for the tests of the server, one of each kind."""

from pathlib import Path
from typing import Any

import torch

from toy_runs import LINES, toy_bundle
from whyformer.bundle import Bundle, save_bundle
from whyformer.models.bert import AnswerOf, BERTSettings
from whyformer.models.build import build_model
from whyformer.models.gpt import GPTSettings
from whyformer.text.symbols import EOS, FIRST_BYTE, FIRST_PIECE
from whyformer.text.tokenizer import train_tokenizer

SIZE: dict[str, Any] = {"layers": 1, "d_model": 16, "heads": 2, "d_ff": 24, "max_length": 64}


def toy_pairs(directory: Path, seed: int = 3) -> Path:
    """Save a translation run whose translations depend on their sources."""
    bundle = toy_bundle(seed)
    with torch.no_grad():
        for name, weight in bundle.model.named_parameters():
            if "layers" in name and weight.dim() > 1:
                weight *= 4
    save_bundle(directory / "model", bundle)
    return directory


def toy_gpt(directory: Path, units: str = "chars") -> Path:
    """Save a language model that continues with letters."""
    tokenizer = train_tokenizer(units, LINES, vocabulary=300)
    torch.manual_seed(1)
    model = build_model(GPTSettings(**SIZE), (len(tokenizer),) * 2, shared=True)
    with torch.no_grad():
        model.projection.weight[EOS] *= 0.01
        model.projection.weight[FIRST_BYTE:FIRST_PIECE] *= 0.01
        model.projection.weight[FIRST_PIECE:] *= 3
    facts = {"decoding": {"method": "sample", "nbest": 1}}
    save_bundle(directory / "model", Bundle(model.eval(), tokenizer, tokenizer, facts))
    return directory


def toy_labels(directory: Path, answer_of: AnswerOf) -> Path:
    """Save a classifier (`AnswerOf.TEXT`) or a tagger (`AnswerOf.TOKENS`)."""
    tokenizer = train_tokenizer("words", LINES, vocabulary=300)
    torch.manual_seed(2)
    settings = BERTSettings(**SIZE, outputs=3, answer_of=answer_of)
    model = build_model(settings, (len(tokenizer),) * 2, shared=True)
    facts = {"labels": ["x", "y", "z"], "row_tokens": 32}
    save_bundle(directory / "model", Bundle(model.eval(), tokenizer, tokenizer, facts))
    return directory


def all_kinds(directory: Path) -> dict[str, Path]:
    """Save a run of each kind; return their paths by name."""
    return {
        "en-de": toy_pairs(directory / "pairs"),
        "gpt": toy_gpt(directory / "gpt"),
        "labels": toy_labels(directory / "labels", AnswerOf.TEXT),
        "words": toy_labels(directory / "words", AnswerOf.TOKENS),
    }
