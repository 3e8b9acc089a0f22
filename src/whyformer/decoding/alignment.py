"""Where the decoder looked while it wrote: cross-attention weights of finished translations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch

from whyformer.blocks.multihead import AttentionPath, use_path
from whyformer.blocks.taps import observe
from whyformer.bundle import Bundle
from whyformer.decoding.translator import pad
from whyformer.text.symbols import BOS, EOS

TOGETHER = 64
"""Pairs computed in one batch."""


@dataclass(frozen=True)
class Aligned:
    """Weights (target, source) of one pair, each row summing to 1; both sides end with eos."""

    source_tokens: list[str]
    target_tokens: list[str]
    weights: list[list[float]]


def align(bundle: Bundle, sources: Sequence[str], targets: Sequence[str]) -> list[Aligned]:
    """Return the last decoder layer's cross-attention, mean over heads, of given pairs.

    The pairs are read once more by teacher forcing through the explicit twin of attention, whose
    weights can be observed; the search itself runs on the fused twin, which never holds them.
    """
    pairs = zip(sources, targets, strict=True)
    found: list[Aligned] = []
    while some := list(islice(pairs, TOGETHER)):
        found += _align(bundle, some)
    return found


def _align(bundle: Bundle, pairs: list[tuple[str, str]]) -> Iterator[Aligned]:
    model, device = bundle.model, next(bundle.model.parameters()).device
    sources = [[*bundle.source_tokenizer.encode(source), EOS] for source, _ in pairs]
    targets = [[*bundle.target_tokenizer.encode(target), EOS] for _, target in pairs]
    source, real = pad(sources, device)
    target, _ = pad([[BOS, *ids[:-1]] for ids in targets], device)
    last = len(model.decoder.layers) - 1
    tap = f"decoder.layers.{last}.cross_attention.weights"
    use_path(model, AttentionPath.EXPLICIT)
    try:
        with torch.inference_mode(), observe(model, tap) as seen:
            model.eval().features(source, real, target)
    finally:
        use_path(model, AttentionPath.FUSED)
    weights = seen[tap][0].mean(dim=1)  # (batch, target, source)
    for row, read, written in zip(weights, sources, targets, strict=True):
        yield Aligned(
            bundle.source_tokenizer.tokens(read),
            bundle.target_tokenizer.tokens(written),
            row[: len(written), : len(read)].tolist(),
        )
