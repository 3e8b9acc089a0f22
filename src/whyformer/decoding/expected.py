"""What a model expects of the texts it is given, as its training data showed it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int, Integer

from whyformer.decoding.settings import MOST_TOKENS
from whyformer.text.symbols import FIRST_BYTE, FIRST_PIECE

CHUNK = 1 << 20
"""Ids looked at at a time."""
COVERED = 0.999
"""Share of the training targets of each range of source lengths that the length limit covers. A
few are allowed to exceed it, so that one misaligned pair in thousands does not set the limit."""
MARGIN = 1.25
"""The length limit exceeds what training targets need by this factor: new sources may need more. A
limit that is too high only costs time, where a model repeats itself; one that is too low cuts."""


@dataclass(frozen=True)
class Expected:
    """What a run remembers of its training texts.

    Args:
        keep_spaces: whether spaces around a text are part of it (`text.keep_spaces`).
        target_ratio, target_extra: outputs may have this ratio × source tokens + extra tokens; see
            `learned_limit`. 0 and 0: the search settings alone limit them.
        target_bytes: bytes whose tokens occur among the training targets; None: not known.
        longest_source: tokens of the longest source, eos included; 0 when that is not known.
        most_sentences: sentences that sources have, but for the 1 % with most; 0 when that is not
            known.
    """

    keep_spaces: bool = False
    target_ratio: float = 0.0
    target_extra: int = 0
    target_bytes: frozenset[int] | None = None
    longest_source: int = 0
    most_sentences: int = 0

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Expected":
        """Read it from the facts of a bundle; a run without these facts expects the usual."""
        return cls(
            keep_spaces=facts.get("keep_spaces") is True,
            target_ratio=float(_number(facts.get("target_ratio"))),
            target_extra=int(_number(facts.get("target_extra"))),
            target_bytes=_bytes(facts.get("target_bytes")),
            longest_source=int(_number(facts.get("longest_source"))),
            most_sentences=int(_number(facts.get("most_sentences"))),
        )

    def limit(self, source_tokens: int) -> int:
        """Return how many target tokens a source of so many tokens may need, eos counted in it.

        >>> Expected(target_ratio=2.5, target_extra=10).limit(7)
        27
        """
        return min(int(self.target_ratio * source_tokens) + self.target_extra, MOST_TOKENS)

    def trimmed(self, text: str) -> str:
        """Return a text as the model was trained on it: without spaces at the ends, if so.

        >>> Expected().trimmed(" a b "), Expected(keep_spaces=True).trimmed(" a b ")
        ('a b', ' a b ')
        """
        return text if self.keep_spaces else text.strip()


def learned_limit(
    source_lengths: Int[np.ndarray, " pairs"], target_lengths: Int[np.ndarray, " pairs"]
) -> tuple[float, int]:
    """Return ratio and extra of a length limit that the targets of training stay below.

    The ratio is that of all tokens. The extra is what targets of one range of source lengths (1,
    2 to 3, 4 to 7, ...) need beyond it, in the range that needs most. Both are raised by `MARGIN`.
    Args: lengths: of each pair, in tokens, eos counted.
    """
    ratio = float(target_lengths.sum() / source_lengths.sum())
    more = target_lengths - ratio * source_lengths
    ranges = np.frexp(source_lengths)[1]
    extra = max(
        float(np.quantile(more[ranges == one], COVERED, method="higher"))
        for one in np.unique(ranges)
    )
    return MARGIN * ratio, math.ceil(MARGIN * max(extra, 0.0))


def seen_bytes(ids: Integer[np.ndarray, " tokens"]) -> list[int]:
    """Return the bytes whose tokens are among ids, which may be mapped from a large file."""
    seen = np.zeros(256, dtype=bool)
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        seen[part[(part >= FIRST_BYTE) & (part < FIRST_PIECE)] - FIRST_BYTE] = True
    return np.flatnonzero(seen).tolist()


def _bytes(value: object) -> frozenset[int] | None:
    """Return bytes of a bundle's facts; None for what is no list of them."""
    if not isinstance(value, list) or not all(type(one) is int and 0 <= one < 256 for one in value):
        return None
    return frozenset(value)


def _number(value: object) -> float:
    """Return a number of a bundle's facts; 0 for what is none or out of bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return value if 0 <= value <= MOST_TOKENS else 0.0


USUAL = Expected()
"""What a model without facts expects."""
