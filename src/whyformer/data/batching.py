"""Make padded batches from rows of different lengths."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from whyformer.data.batch import Batch
from whyformer.data.corpus import Corpus
from whyformer.text.symbols import BOS, EOS, PAD
from whyformer.text.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class SubwordSampling:
    """Settings for the random tokenization of an epoch. A resumed run repeats the same
    tokenization."""

    source_tokenizer: Tokenizer
    target_tokenizer: Tokenizer
    rate: float
    """For BPE, the dropout rate; for a unigram model, the fraction of words whose tokenization is
    drawn at random."""
    seed: int
    epoch: int
    max_tokens: int = 256
    """Maximum number of tokens of a random tokenization. If a random tokenization is longer, the
    stored tokenization is used."""


def make_batch(
    corpus: Corpus,
    indices: Int[np.ndarray, " batch"],
    *,
    sample: SubwordSampling | None = None,
) -> Batch:
    """Return the pairs ``indices`` of ``corpus`` as one padded batch.

    Args:
        sample: how to tokenize the texts at random; None reads the stored ids. The tokens of a pair
            depend only on the seed, the epoch and the pair, not on the batch. Random tokenizations
            are longer than the stored ones, so the batch may exceed its planned token budget.
    """
    indices = np.asarray(indices, dtype=np.int64)
    if sample is None:
        source, source_lengths = _gather(corpus, "source", indices)
        labels, target_lengths = _gather(corpus, "target", indices)
    else:
        cut = [_cut_anew(corpus, int(index), sample) for index in indices]
        source, source_lengths = _pad([pair[0] for pair in cut])
        labels, target_lengths = _pad([pair[1] for pair in cut])
    target = np.empty_like(labels)
    target[:, 0] = BOS
    target[:, 1:] = labels[:, :-1]
    target[target == EOS] = PAD
    return Batch(
        source=torch.from_numpy(source),
        source_real=_real(source_lengths, source.shape[1]),
        target=torch.from_numpy(target),
        labels=torch.from_numpy(labels),
        tokens=int(target_lengths.sum()),
        indices=indices,
    )


def make_source_batch(
    rows: Sequence[Sequence[int]],
) -> tuple[Int[Tensor, "batch source"], Bool[Tensor, "batch source"] | None]:
    """Return a padded batch of sources with EOS, and the mask of real tokens. The mask is None when
    no source is padded.

    Args: rows: ids of each source, as `Tokenizer.encode` returns them.
    """
    source, lengths = _pad([[*row, EOS] for row in rows])
    return torch.from_numpy(source), _real(lengths, source.shape[1])


def _gather(corpus: Corpus, side: str, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    offsets, ids = corpus.offsets[side], corpus.ids[side]
    starts = offsets[indices]
    lengths = offsets[indices + 1] - starts
    columns = np.arange(lengths.max())
    where = np.minimum(starts[:, None] + columns, len(ids) - 1)  # (batch, source)
    padded = ids[where].astype(np.int64)
    padded[columns >= lengths[:, None]] = PAD
    return padded, lengths


def _pad(rows: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    padded = np.full((len(rows), int(lengths.max(initial=0))), PAD, dtype=np.int64)
    flat = np.fromiter((i for row in rows for i in row), dtype=np.int64, count=int(lengths.sum()))
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = flat
    return padded, lengths


def _real(lengths: np.ndarray, width: int) -> Tensor | None:
    if (lengths == width).all():
        return None
    return torch.from_numpy(np.arange(width) < lengths[:, None])


def _cut_anew(corpus: Corpus, index: int, how: SubwordSampling) -> tuple[list[int], list[int]]:
    rng = random.Random(f"{how.seed}/{how.epoch}/{index}")
    source_text, target_text = corpus.texts(index)
    source = how.source_tokenizer.sample(source_text, rng, how.rate)
    target = how.target_tokenizer.sample(target_text, rng, how.rate)
    return (
        [*source, EOS] if len(source) <= how.max_tokens else corpus.source(index).tolist(),
        [*target, EOS] if len(target) <= how.max_tokens else corpus.target(index).tolist(),
    )
