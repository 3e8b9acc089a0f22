"""The order of an epoch: which pairs go together, as a pure function of seed, epoch and corpus.

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

from whyformer.foundation.files import atomic_path

Indices = Int[np.ndarray, " batch"]

KEPT_FROM = 1_000_000
"""Pairs from which on planning an epoch takes so long that `kept_plan` keeps the plan."""


def plan_epoch(
    source_lengths: Int[np.ndarray, " pairs"],
    target_lengths: Int[np.ndarray, " pairs"],
    *,
    seed: int,
    epoch: int,
    budget_tokens: int,
    fingerprint: str = "",
) -> list[np.ndarray]:
    """Return the batches of an epoch, each the indices of its pairs; every pair is in one batch.

    Pairs of nearly equal length go together; which of the equal ones, and the order of the
    batches, is drawn anew every epoch.

    Args:
        budget_tokens: rows × longest row of a batch is at most this, on both sides; a longer pair
            goes alone.
        fingerprint: of the corpus; another corpus is shuffled otherwise.
    """
    rng = np.random.default_rng(_entropy(seed, epoch, fingerprint))
    order = rng.permutation(len(source_lengths))
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
) -> list[np.ndarray]:
    """Return what `plan_epoch` does; of a big corpus, read from ``file`` when a run resumes.

    The file holds one epoch, the one asked for last. It may be deleted at any time, and what is no
    plan of this epoch is written over.

    Raises: OSError when it cannot be written.
    """
    entropy = f"{_entropy(seed, epoch, f'{budget_tokens}/{fingerprint}'):x}"
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
    """Return the share of positions, on both sides of all ``batches``, that hold no real token."""
    cells = real = 0
    for lengths in (source_lengths, target_lengths):
        for batch in batches:
            rows = lengths[batch]
            cells += len(rows) * int(rows.max())
            real += int(rows.sum())
    return 1.0 - real / cells if cells else 0.0


def _by_length(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the stable order by the longer side, then by source less target, up and down by turns.

    The longer side is what a batch pays for, so equal ones fill it without waste. By turns, because
    going from the longest source of one length back to the shortest of the next would put both into
    one batch. On Multi30k with a budget of 4096 this pads 3 %; target before source pads 5 %.
    """
    longer = np.maximum(source, target).astype(np.int64)
    difference = source.astype(np.int64) - target
    difference = np.where(longer % 2, difference, -difference)
    order = _stable_order(difference - difference.min(initial=0))
    return order[_stable_order(longer[order])]


def _stable_order(keys: np.ndarray) -> np.ndarray:
    """Return what a stable `argsort` does; numpy sorts 16 bits ten times as fast as 64."""
    narrow = keys.astype(np.uint16) if keys.max(initial=0) < 1 << 16 else keys
    return np.argsort(narrow, kind="stable")


def _cut(cost: np.ndarray, budget: int) -> list[int]:
    """Return where a new batch begins: each as long as rows × highest cost stays in ``budget``."""
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
