"""Small models, one for every member of every switch, and small batches to feed them."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from whyformer.blocks.additive_attention import RecurrentAttention
from whyformer.blocks.dropout import DropoutForm
from whyformer.blocks.embeddings import EmbeddingNorm, EmbeddingScale, Tying
from whyformer.blocks.feedforward import FEEDFORWARDS
from whyformer.blocks.initialization import Initialization
from whyformer.blocks.multihead import ATTENTIONS, AttentionPath, use_path
from whyformer.blocks.normalization import NORMS
from whyformer.blocks.positions import POSITIONS
from whyformer.blocks.recurrence import Cell, RecurrencePath, use_recurrence
from whyformer.blocks.recurrent_initialization import RecurrentInitialization
from whyformer.blocks.residual import WIRINGS
from whyformer.blocks.scaling import SCALINGS
from whyformer.data.batch import Batch
from whyformer.models.build import Model, TextModel
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.models.parts import Biases
from whyformer.models.recurrent.language import RecurrentLanguageModel, RecurrentLanguageSettings
from whyformer.models.recurrent.model import RecurrentModel
from whyformer.models.recurrent.settings import RecurrentSettings
from whyformer.models.transformer import Transformer, TransformerSettings
from whyformer.models.vocabulary import OutputBias
from whyformer.text.symbols import BOS, EOS, PAD

VOCABULARY = 13
FIRST_WORD = 5
SWITCHES: dict[str, Any] = {
    "attention": ATTENTIONS,
    "positions": POSITIONS,
    "norm": NORMS,
    "activation": FEEDFORWARDS,
    "tying": Tying,
    "wiring": WIRINGS,
    "initialization": Initialization,
    "score_scale": SCALINGS,
    "biases": Biases,
}
"""Setting -> its choices."""
SWITCHES_OF_PAIRS: dict[str, Any] = {
    "embedding_scale": EmbeddingScale,
    "embedding_norm": EmbeddingNorm,
    "output_bias": (OutputBias.NONE, OutputBias.LEARNED),
}
"""Setting of an encoder-decoder Transformer only -> its choices."""
TOGETHER: dict[str, dict[str, Any]] = {"grouped-query": {"heads": 4, "kv_heads": 2}}
"""Member of a switch -> settings that it needs, or that make it unlike another member."""


def alone(name: str, member: Any) -> dict[str, Any]:
    """Return the settings of a model with this member of a switch and no other change."""
    return {name: member, **TOGETHER.get(member, {})}


VARIANTS: dict[str, dict[str, Any]] = {
    f"{name}={member}": alone(name, member)
    for name, kind in (SWITCHES | SWITCHES_OF_PAIRS).items()
    for member in kind
}
"""Every member of every switch, alone, on the model of the paper."""
RECURRENT_SWITCHES: dict[str, Any] = {
    "cell": Cell,
    "attention": RecurrentAttention,
    "dropout_form": DropoutForm,
    "tying": Tying,
    "initialization": RecurrentInitialization,
    "bidirectional": (True, False),
    "input_feeding": (True, False),
}
"""Setting of a recurrent model -> its choices."""
RECURRENT_VARIANTS: dict[str, dict[str, Any]] = {
    f"rnn {name}={member}": {
        name: member,
        **({"input_feeding": False} if member is RecurrentAttention.NONE else {}),
    }
    for name, kind in RECURRENT_SWITCHES.items()
    for member in kind
} | {
    f"rnn {cell} at once": {"cell": cell, "input_feeding": False, "attention": attention}
    for cell, attention in zip(Cell, ("additive", "none", "dot"), strict=True)
}
"""The same for the recurrent model, and each cell where the whole target is read at once."""
GPT_VARIANTS: dict[str, dict[str, Any]] = {
    f"gpt {name}={member}": alone(name, member)
    for name, kind in SWITCHES.items()
    for member in kind
    if member not in (Tying.THREE_WAY, Tying.EMBEDDINGS)
}
"""The same for GPT."""
RECURRENT_LANGUAGE_SWITCHES: dict[str, Any] = {
    name: RECURRENT_SWITCHES[name] for name in ("cell", "dropout_form", "tying", "initialization")
}
RECURRENT_LANGUAGE_VARIANTS: dict[str, dict[str, Any]] = {
    f"rnn-lm {name}={member}": {name: member}
    for name, kind in RECURRENT_LANGUAGE_SWITCHES.items()
    for member in kind
    if member not in (Tying.THREE_WAY, Tying.EMBEDDINGS)
}
"""The same for the recurrent language model."""
TEXT_VARIANTS = GPT_VARIANTS | RECURRENT_LANGUAGE_VARIANTS
"""All that continue a text."""


COMBINED: dict[str, dict[str, Any]] = {
    "wide heads": {"d_k": 12},
    "narrow heads": {"d_k": 4, "positions": "rotary"},
    "uneven stacks": {"encoder_layers": 1, "decoder_layers": 3, "wiring": "deepnorm"},
    "modern": {
        "wiring": "pre-norm", "norm": "rms", "activation": "swiglu", "positions": "rotary",
        "score_scale": "learned", "tying": "none",
    },
    "deep and gated": {
        "wiring": "deepnorm", "norm": "rms", "activation": "swiglu", "positions": "relative",
        "score_scale": "learned", "tying": "decoder",
    },
    "shared keys": {
        "attention": "grouped-query", "heads": 4, "kv_heads": 2, "d_k": 6, "wiring": "deepnorm",
        "positions": "relative", "score_scale": "learned",
    },
    "one key": {"attention": "multi-query", "heads": 4, "positions": "rotary"},
    "like Marian": {"activation": "silu", "biases": "all", "output_bias": "fixed"},
    "like BART": {
        "activation": "gelu", "biases": "all", "positions": "learned", "embedding_scale": "one",
        "embedding_norm": "sum", "max_length": 256,
    },
    "like T5": {
        "wiring": "pre-norm", "norm": "rms", "norm_epsilon": 0.1, "activation": "geglu",
        "biases": "none", "positions": "relative", "score_scale": "none", "d_k": 12,
        "embedding_scale": "one", "tying": "none",
    },
    "deep with a norm of the embeddings": {"wiring": "deepnorm", "embedding_norm": "sum"},
}  # fmt: skip
"""Variants of the Transformer that meet in one weight."""
COMBINED_GPTS: dict[str, dict[str, Any]] = {
    "alibi of four heads": {"positions": "alibi", "heads": 4},
    "wide heads": {"d_k": 12},
    "scaled embeddings": {"embedding_scale": "sqrt-d-model"},
    "deep": {"wiring": "deepnorm", "positions": "learned", "norm": "rms"},
    "shared keys": {
        "attention": "grouped-query",
        "heads": 4,
        "kv_heads": 2,
        "d_k": 6,
        "positions": "rotary",
        "score_scale": "learned",
    },
    "one key": {"attention": "multi-query", "heads": 4, "positions": "alibi"},
    "normalized before the rotation": {"score_scale": "qk-norm", "positions": "rotary"},
}
"""The same for GPT."""


def shape(**changes: Any) -> TransformerSettings:
    """Return the settings of a model small enough for a law."""
    small = {"encoder_layers": 2, "decoder_layers": 2, "d_model": 16, "heads": 2, "d_ff": 24}
    return TransformerSettings(**{**small, "dropout": 0.0, **changes})


def build(seed: int = 0, **changes: Any) -> Transformer:
    """Make a fresh model in training mode."""
    torch.manual_seed(seed)
    return Transformer(shape(**changes), (VOCABULARY, VOCABULARY))


def recurrent(seed: int = 0, **changes: Any) -> RecurrentModel:
    """Make a fresh recurrent model in training mode."""
    torch.manual_seed(seed)
    small = {"encoder_layers": 2, "decoder_layers": 2, "d_model": 16, "dropout": 0.0}
    settings = RecurrentSettings(**{**small, "max_length": 128, **changes})
    return RecurrentModel(settings, (VOCABULARY, VOCABULARY))


def gpt(seed: int = 0, **changes: Any) -> GPT:
    """Make a fresh GPT in training mode."""
    torch.manual_seed(seed)
    small = {"layers": 2, "d_model": 16, "heads": 2, "d_ff": 24, "dropout": 0.0}
    settings = GPTSettings(**{**small, "max_length": 128, **changes})
    return GPT(settings, (VOCABULARY, VOCABULARY))


def recurrent_language(seed: int = 0, **changes: Any) -> RecurrentLanguageModel:
    """Make a fresh recurrent language model in training mode."""
    torch.manual_seed(seed)
    small = {"layers": 2, "d_model": 16, "dropout": 0.0, "max_length": 128}
    settings = RecurrentLanguageSettings(**{**small, **changes})
    return RecurrentLanguageModel(settings, (VOCABULARY, VOCABULARY))


def fresh(variant: str) -> Model:
    """Make a fresh model of a variant in training mode."""
    if variant in VARIANTS:
        return build(**VARIANTS[variant])
    if variant in GPT_VARIANTS:
        return gpt(**GPT_VARIANTS[variant])
    if variant in RECURRENT_LANGUAGE_VARIANTS:
        return recurrent_language(**RECURRENT_LANGUAGE_VARIANTS[variant])
    return recurrent(**RECURRENT_VARIANTS[variant])


def noisy(model: Any) -> Any:
    """Add noise to every parameter, so that none has a neutral value, and end training mode."""
    torch.manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def features(model: Model, x: Tensor, real: Tensor | None, y: Tensor) -> Tensor:
    """Return a model's features at each target position; a language model has no source."""
    return model.features(y) if isinstance(model, TextModel) else model.features(x, real, y)


def logits(model: Model, x: Tensor, real: Tensor | None, y: Tensor) -> Tensor:
    """Return a model's logits at each target position; a language model has no source."""
    return model.projection(features(model, x, real, y))


def take_path(model: Model, path: AttentionPath) -> None:
    """Let a model compute by its fused or by its explicit twins, whatever they are."""
    use_path(model, path)
    use_recurrence(model, RecurrencePath(path.value))


@functools.cache
def _shaken(variant: str) -> Model:
    model = fresh(variant)
    with torch.no_grad():  # gains of 1 and biases of 0 would hide mistakes
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def shaken(variant: str, path: AttentionPath = AttentionPath.FUSED) -> Model:
    """Return the model of a variant with no parameter at a neutral value, to be read only."""
    model = _shaken(variant)
    take_path(model, path)
    return model


def ids(generator: torch.Generator, rows: int, length: int) -> Tensor:
    """Return random words."""
    return torch.randint(FIRST_WORD, VOCABULARY, (rows, length), generator=generator)


def padded(generator: torch.Generator, rows: int, length: int) -> tuple[Tensor, Tensor]:
    """Return words padded to ``length`` and where they are real; every row has at least one."""
    lengths = torch.randint(1, length + 1, (rows, 1), generator=generator)
    real = torch.arange(length) < lengths
    return ids(generator, rows, length).masked_fill(~real, PAD), real


def copy_batch(
    seed: int, rows: int = 8, longest: int = 5, *, vocabulary: int = VOCABULARY
) -> Batch:
    """Return pairs whose target is their source."""
    generator = np.random.default_rng(seed)
    pairs = [
        generator.integers(FIRST_WORD, vocabulary, generator.integers(1, longest + 1)).tolist()
        for _ in range(rows)
    ]
    return batch_of(pairs)


def batch_of(pairs: list[list[int]]) -> Batch:
    """Return the batch in which every sequence is to be copied."""
    width = max(len(words) for words in pairs) + 1

    def rows(sequences: list[list[int]]) -> Tensor:
        return torch.tensor([words + [PAD] * (width - len(words)) for words in sequences])

    labels = rows([[*words, EOS] for words in pairs])
    real = labels != PAD
    return Batch(
        source=labels.clone(),
        source_real=None if real.all() else real,
        target=rows([[BOS, *words] for words in pairs]),
        labels=labels,
        tokens=int(real.sum()),
        indices=np.arange(len(pairs)),
    )


@dataclass
class CopyBatches:
    """Copy batches in memory; batch ``index`` of ``epoch`` is always the same one."""

    per_epoch: int = 6
    rows: int = 8
    longest: int = 5
    vocabulary: int = VOCABULARY

    def count(self, epoch: int) -> int:
        return self.per_epoch

    def batch(self, epoch: int, index: int) -> Batch:
        seed = epoch * self.per_epoch + index
        return copy_batch(seed, self.rows, self.longest, vocabulary=self.vocabulary)


@dataclass
class FixedBatches:
    """The given batches, over and over."""

    batches: list[Batch]

    def count(self, epoch: int) -> int:
        return len(self.batches)

    def batch(self, epoch: int, index: int) -> Batch:
        return self.batches[index]
