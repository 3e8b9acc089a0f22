"""Thresholds between two implementations of the same computation.

Which implementation is faster depends on the processor. Each threshold has a default, which was
measured on the processors that `docs/performance.md` names. `whyformer doctor --tune` measures the
thresholds on this machine and stores them (`threshold_file`).

The results of two implementations are equal within floating-point tolerance, but not bit for bit. A
run therefore records the thresholds with which it was started, and a resumed run uses them again.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from whyformer.acceleration.processor import (
    onednn_multiplies_faster,
    onednn_sums_rows_faster,
    vectorized_softmax_keys,
)
from whyformer.acceleration.threshold_file import stored_thresholds

NEVER = 1 << 40
"""The value of a threshold that no size reaches."""


@dataclass(frozen=True)
class Threshold:
    """The size from which, or up to which, the second of two implementations is used.

    Args:
        name: the name in files and tables.
        size: what the threshold counts.
        plain: the implementation on the other side of the threshold, in words.
        fast: the implementation that is used from (or up to) the threshold, in words.
        default: returns the value for a machine without measurements.
        at_most: whether ``fast`` is used up to the threshold, instead of from the threshold.
    """

    name: str
    size: str
    plain: str
    fast: str
    default: Callable[[], int]
    at_most: bool = False

    def __call__(self) -> int:
        """Return the value of the current run, or the measured value, or the default."""
        return current()[self.name]

    def uses_fast(self, size: int, value: int) -> bool:
        """Return whether ``fast`` is used for a size if the threshold has this value."""
        return size <= value if self.at_most else size >= value


PRODUCT = Threshold(
    "product",
    "multiplications",
    "BLAS",
    "oneDNN",
    lambda: 0 if onednn_multiplies_faster() else NEVER,
)
"""For a product xWᵀ with at least `products.FEW_ROWS` rows."""
ROW_SUM = Threshold(
    "row_sum",
    "multiplications",
    "BLAS",
    "oneDNN",
    lambda: 0 if onednn_sums_rows_faster() else NEVER,
)
"""For the gradient of a weight; see `products.sum_over_rows`."""
ATTENTION_KEYS = Threshold(
    "attention_keys",
    "keys",
    "torch's kernel",
    "two matrix products",
    lambda: 64,
    at_most=True,
)
"""For attention without dropout. With dropout, two matrix products are always faster."""
ATTENTION_ROWS = Threshold(
    "attention_rows",
    "sequences",
    "torch's kernel",
    "two matrix products",
    lambda: 64,
)
"""For attention with a single query in each sequence, as in a step of a search."""
SOFTMAX_KEYS = Threshold(
    "softmax_keys",
    "keys",
    "torch's softmax",
    "exp, sum and division",
    lambda: max(0, vectorized_softmax_keys() - 1),
    at_most=True,
)
"""For the softmax over short rows."""
PACKED_ONE_ROW = Threshold("packed_one_row", "weights", "BLAS", "packed weights", lambda: 1 << 18)
"""For a linear layer of a search, with one row."""
PACKED_FEW_ROWS = Threshold("packed_few_rows", "weights", "BLAS", "packed weights", lambda: 1 << 17)
"""For a linear layer of a search, with fewer than `products.FEW_ROWS` rows."""
PACKED_MANY_ROWS = Threshold(
    "packed_many_rows", "weights", "BLAS", "packed weights", lambda: 1 << 15
)
"""For a linear layer of a search, with more rows."""
TOP_K_ROWS = Threshold("top_k_rows", "rows", "torch.topk", "top-k by groups", lambda: 16)
"""For the best tokens of several hypotheses."""
TOP_K_GROUPS = Threshold(
    "top_k_groups", "groups for each of the k", "torch.topk", "top-k by groups", lambda: 4
)
"""For the best tokens of a vocabulary; see `top_k.GROUP`."""

THRESHOLDS = {
    one.name: one
    for one in (
        PRODUCT, ROW_SUM, ATTENTION_KEYS, ATTENTION_ROWS, SOFTMAX_KEYS, PACKED_ONE_ROW,
        PACKED_FEW_ROWS, PACKED_MANY_ROWS, TOP_K_ROWS, TOP_K_GROUPS,
    )
}  # fmt: skip
"""All thresholds, by name."""

_of_run: Mapping[str, int] | None = None


def current() -> Mapping[str, int]:
    """Return the value of every threshold: of the current run, or of this machine."""
    return _of_machine(torch.get_num_threads()) if _of_run is None else _of_run


def defaults() -> dict[str, int]:
    """Return the default value of every threshold on this processor."""
    return {name: threshold.default() for name, threshold in THRESHOLDS.items()}


@contextlib.contextmanager
def using(values: Mapping[str, Any]) -> Iterator[None]:
    """Use these values in the `with` block, and the default of every threshold not in ``values``.

    Names that are not thresholds are ignored: another version may have written them.
    """
    global _of_run
    known = {name: value for name, value in values.items() if name in THRESHOLDS}
    previous, _of_run = _of_run, defaults() | known
    try:
        yield
    finally:
        _of_run = previous


@contextlib.contextmanager
def using_those_of_machine() -> Iterator[None]:
    """Use the values of this machine in the `with` block, and afterwards the previous ones."""
    global _of_run
    previous, _of_run = _of_run, None
    try:
        yield
    finally:
        _of_run = previous


def forget_stored() -> None:
    """Read the stored values again when a threshold is needed."""
    _of_machine.cache_clear()


@functools.cache
def _of_machine(threads: int) -> Mapping[str, int]:
    stored = stored_thresholds(threads) or {}
    return defaults() | {name: value for name, value in stored.items() if name in THRESHOLDS}
