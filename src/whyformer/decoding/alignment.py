"""Alignments: the cross-attention weights of finished translations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch

from whyformer.bundle import Bundle
from whyformer.decoding.expected import Expected
from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.padding import pad
from whyformer.decoding.pair_scorer import target_ids
from whyformer.foundation.errors import UsageError, each_text
from whyformer.models.build import SourceModel
from whyformer.text.symbols import BOS, EOS

BATCH_SIZE = 64
"""Number of sentence pairs in a batch."""


@dataclass(frozen=True)
class Aligned:
    """The attention weights of one pair, (target tokens, source tokens); each row sums to 1.

    Source and target tokens end with eos, except the tokens of a hypothesis without eos.
    """

    source_tokens: list[str]
    target_tokens: list[str]
    weights: list[list[float]]


def align(
    bundle: Bundle,
    sources: Sequence[str],
    targets: Sequence[str | Hypothesis],
    *,
    tag: str | None = None,
) -> list[Aligned]:
    """Return the attention weights over the source for each pair, with teacher forcing.

    Args:
        targets: texts or hypotheses. Texts are tokenized first.
        tag: see `Expected.with_tag`.
    Raises: UsageError when the model has no attention to its source.
    """
    pairs = zip(
        each_text("sources", sources),
        each_text("targets", targets, (str, Hypothesis)),
        strict=True,
    )
    expected = Expected.from_facts(bundle.facts).with_tag(tag)
    found: list[Aligned] = []
    while some := list(islice(pairs, BATCH_SIZE)):
        found += _align(bundle, some, expected)
    return found


def _align(
    bundle: Bundle, pairs: list[tuple[str, str | Hypothesis]], expected: Expected
) -> Iterator[Aligned]:
    model, device = bundle.model, next(bundle.model.parameters()).device
    assert isinstance(model, SourceModel)
    longest = model.settings.max_length - 1  # `Translator` has the same limit
    trimmed = expected.trimmed
    sources = [
        [*bundle.source_tokenizer.encode(expected.source(source))[:longest], EOS]
        for source, _ in pairs
    ]
    given = [
        target_ids(bundle.target_tokenizer, trimmed(target) if isinstance(target, str) else target)
        for _, target in pairs
    ]
    targets = [[*ids, *[EOS] * finished] for ids, finished in given]
    source, real = pad(sources, device)
    target, _ = pad([[BOS, *ids[:-1]] for ids in targets], device)
    try:
        with torch.inference_mode():
            weights = model.eval().source_weights(source, real, target)
    except LookupError:
        raise UsageError(
            "Alignments are attention weights over the source, but this model has no attention. "
            "Leave --alignments out."
        ) from None
    for row, read, written in zip(weights, sources, targets, strict=True):
        yield Aligned(
            bundle.source_tokenizer.tokens(read),
            bundle.target_tokenizer.tokens(written),
            row[: len(written), : len(read)].tolist(),
        )
