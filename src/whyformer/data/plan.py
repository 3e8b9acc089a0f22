"""The batches of an epoch and their order: a pure function of seed, epoch and corpus.

Paper: Vaswani et al. 2017 (arXiv:1706.03762), §5.1: "sentence pairs were batched together by
approximate sequence length", each batch about 25,000 source and 25,000 target tokens.
"""

import contextlib
import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int

from whyformer.data.mixture import Mixture
from whyformer.foundation.files import atomic_path

Indices = Int[np.ndarray, " batch"]

KEPT_FROM = 1_000_000
"""With this many pairs or more, planning is slow, so `kept_plan` stores the plan in a file."""


def plan_epoch(
    source_lengths: Int[np.ndarray, " pairs"],
    target_lengths: Int[np.ndarray, " pairs"],
    *,
    seed: int,
    epoch: int,
    budget_tokens: int,
    fingerprint: str = "",
    mixture: Mixture | None = None,
) -> list[np.ndarray]:
    """Return the batches of an epoch, each as the indices of its pairs. Without a mixture, every
    pair is in exactly one batch.

    Pairs of similar length share a batch. In every epoch, the batches are shuffled, and so are the
    pairs of equal length before they are divided into batches.

    Args:
        budget_tokens: maximum number of tokens in a batch, including padding, on each side: rows ×
        longest row. A longer pair is a batch by itself.
        fingerprint: hash of the corpus, so that different corpora are shuffled differently.
        mixture: how often pairs of each part of the corpus are drawn.
    """
    rng = np.random.default_rng(_entropy(seed, epoch, fingerprint))
    pairs = np.arange(len(source_lengths))
    if mixture is not None:
        pairs = mixture.draws(seed=seed, epoch=epoch, fingerprint=fingerprint)
    order = rng.permutation(pairs)
    order = order[_by_length(source_lengths[order], target_lengths[order])]
    cost = np.maximum(source_lengths[order], target_lengths[order]).astype(np.int64)
    cuts = _cut(cost, budget_tokens)
    batches = np.split(order, cuts)
    return [batches[i] for i in rng.permutation(len(batches))] if len(order) else []


def kept_plan(
    file: Path,
    source_lengths: Int[np.ndarray, " pairs"],
    target_lengths: Int[np.ndarray, " pairs"],
    *,
    seed: int,
    epoch: int,
    budget_tokens: int,
    fingerprint: str,
    mixture: Mixture | None = None,
) -> list[np.ndarray]:
    """Return the result of `plan_epoch`. For a large corpus, store this plan in ``file``, and
    read the plan from there when a run resumes.

    The file contains the last requested epoch only. You can delete the file at any time. A file
    that is not a plan of this epoch is overwritten.

    Raises: OSError when the file cannot be written.
    """
    known = f"{budget_tokens}/{fingerprint}" + ("" if mixture is None else f"/{mixture}")
    entropy = f"{_entropy(seed, epoch, known):x}"
    big = len(source_lengths) >= KEPT_FROM
    if big:
        unreadable = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile)
        with contextlib.suppress(*unreadable), file.open("rb") as stream, np.load(stream) as kept:
            if str(kept["key"]) == entropy:
                return np.split(kept["order"], kept["cuts"])
    batches = plan_epoch(
        source_lengths,
        target_lengths,
        seed=seed,
        epoch=epoch,
        budget_tokens=budget_tokens,
        fingerprint=fingerprint,
        mixture=mixture,
    )
    if big:
        cuts = np.cumsum([len(batch) for batch in batches])[:-1]
        with atomic_path(file) as temporary, temporary.open("wb") as out:
            np.savez(out, key=entropy, order=np.concatenate(batches), cuts=cuts)
    return batches


def padding_share(
    batches: Sequence[np.ndarray],
    source_lengths: Int[np.ndarray, " pairs"],
    target_lengths: Int[np.ndarray, " pairs"],
) -> float:
    """Return the fraction of positions in ``batches``, counted on both sides, that are padding."""
    cells = real = 0
    for lengths in (source_lengths, target_lengths):
        for batch in batches:
            rows = lengths[batch]
            cells += len(rows) * int(rows.max())
            real += int(rows.sum())
    return 1.0 - real / cells if cells else 0.0


def _by_length(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Sort pairs by the length of their longer side, and then by the difference of source and
    target length, alternately ascending and descending. Return the indices in this order.

    The longer side determines the padding of a batch: if the longer sides of all pairs in a batch
    have the same length, these sides have no padding. The direction alternates, because otherwise
    the pairs with the longest sources of one group and those with the shortest sources of the next
    group would share a batch. On Multi30k with a budget of 4096, this order gives 3 % padding;
    sorting by target before source gives 5 %.
    """
    longer = np.maximum(source, target).astype(np.int64)
    difference = source.astype(np.int64) - target
    difference = np.where(longer % 2, difference, -difference)
    order = _stable_order(difference - difference.min(initial=0))
    return order[_stable_order(longer[order])]


def _stable_order(keys: np.ndarray) -> np.ndarray:
    """Return a stable `argsort` of keys. If possible, use 16-bit keys: numpy sorts them ten times
    as fast as 64-bit keys."""
    narrow = keys.astype(np.uint16) if keys.max(initial=0) < 1 << 16 else keys
    return np.argsort(narrow, kind="stable")


def _cut(cost: np.ndarray, budget: int) -> list[int]:
    """Return the start of each batch. Rows are added to a batch while its number of rows × the
    highest cost of a row is at most ``budget``."""
    cuts: list[int] = []
    start = 0
    while True:
        rows = max(1, budget // int(cost[start])) if start < len(cost) else 0
        highest = np.maximum.accumulate(cost[start : start + rows])
        over = highest * np.arange(1, len(highest) + 1) > budget
        size = max(1, int(over.argmax())) if over.any() else len(highest)
        start += size
        if start >= len(cost):
            return cuts
        cuts.append(start)


def _entropy(seed: int, epoch: int, fingerprint: str) -> int:
    digest = hashlib.sha256(f"{seed}/{epoch}/{fingerprint}".encode()).digest()
    return int.from_bytes(digest[:16], "little")
