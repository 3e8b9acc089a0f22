"""Facts about the token ids of training data: the length limit that they need, and their bytes."""

import math

import numpy as np
from jaxtyping import Int, Integer

from whyformer.text.symbols import FIRST_BYTE, FIRST_PIECE

CHUNK = 1 << 20
"""Number of token ids read at a time."""


COVERED = 0.999
"""For each range of source lengths, the fraction of the training targets that the limit must cover.
The longest targets are ignored, so that a single misaligned pair does not set the limit."""


MARGIN = 1.25
"""The length limit that the training targets need is multiplied by this factor, because new sources
may need longer targets. A limit that is too low truncates outputs. A limit that is too high only
costs time, and only if a model repeats itself."""


def learned_limit(
    source_lengths: Int[np.ndarray, " pairs"], target_lengths: Int[np.ndarray, " pairs"]
) -> tuple[float, int]:
    """Return the ratio and the extra tokens of a length limit that covers the training targets.

    The ratio is the number of all target tokens divided by the number of all source tokens. For
    each range of source lengths (1, 2 to 3, 4 to 7, ...), the function computes how many tokens the
    targets need beyond ratio × source tokens. The largest of these numbers gives the extra tokens.
    The ratio and the extra tokens are multiplied by `MARGIN`.
    Args: source_lengths, target_lengths: numbers of tokens of each pair, including eos.
    """
    ratio = float(target_lengths.sum() / source_lengths.sum())
    more = target_lengths - ratio * source_lengths
    ranges = np.frexp(source_lengths)[1]
    extra = max(
        float(np.quantile(more[ranges == one], COVERED, method="higher"))
        for one in np.unique(ranges)
    )
    return MARGIN * ratio, math.ceil(MARGIN * max(extra, 0.0))


def seen_bytes(ids: Integer[np.ndarray, " tokens"], first_piece: int = FIRST_PIECE) -> list[int]:
    """Return the bytes whose tokens occur in ``ids``.

    ``ids`` may be a memory-mapped file: only a part is read at a time.
    Args: first_piece: id of the first piece; see `Tokenizer`.
    """
    seen = np.zeros(256, dtype=bool)
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        seen[part[(part >= FIRST_BYTE) & (part < first_piece)] - FIRST_BYTE] = True
    return np.flatnonzero(seen).tolist()
