"""Small models, one for every member of every switch, and small batches to feed them."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from whyformer.blocks.embeddings import Tying
from whyformer.blocks.feedforward import Activation
from whyformer.blocks.initialization import Initialization
from whyformer.blocks.multihead import AttentionPath, use_path
from whyformer.blocks.normalization import Norm
from whyformer.blocks.positions import Position
from whyformer.blocks.residual import Wiring
from whyformer.blocks.scaling import ScoreScale
from whyformer.data.batch import Batch
from whyformer.models.transformer import Transformer, TransformerSettings
from whyformer.text.symbols import BOS, EOS, PAD

VOCABULARY = 13
FIRST_WORD = 5
SWITCHES: dict[str, Any] = {
    "positions": Position,
    "norm": Norm,
    "activation": Activation,
    "tying": Tying,
    "wiring": Wiring,
    "initialization": Initialization,
    "score_scale": ScoreScale,
}
"""Setting -> its enum."""
VARIANTS: dict[str, dict[str, Any]] = {
    f"{name}={member}": {name: member} for name, kind in SWITCHES.items() for member in kind
}
"""Every member of every switch, alone, on the model of the paper."""


def shape(**changes: Any) -> TransformerSettings:
    """Return the settings of a model small enough for a law."""
    small = {"encoder_layers": 2, "decoder_layers": 2, "d_model": 16, "heads": 2, "d_ff": 24}
    return TransformerSettings(**{**small, "dropout": 0.0, **changes})


def build(seed: int = 0, **changes: Any) -> Transformer:
    """Make a fresh model in training mode."""
    torch.manual_seed(seed)
    return Transformer(shape(**changes), (VOCABULARY, VOCABULARY))


@functools.cache
def _shaken(variant: str) -> Transformer:
    model = build(**VARIANTS[variant])
    with torch.no_grad():  # gains of 1 and biases of 0 would hide mistakes
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def shaken(variant: str, path: AttentionPath = AttentionPath.FUSED) -> Transformer:
    """Return the model of a variant with no parameter at a neutral value, to be read only."""
    model = _shaken(variant)
    use_path(model, path)
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
