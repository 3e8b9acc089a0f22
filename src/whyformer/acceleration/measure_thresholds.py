"""Measure on this machine from which size each fast implementation is faster."""

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from whyformer.acceleration import thresholds
from whyformer.acceleration.cpu_attention import matmul_attention, short_softmax
from whyformer.acceleration.packed_linear import can_pack, packed
from whyformer.acceleration.processor import has_onednn
from whyformer.acceleration.products import onednn_product, onednn_row_sum
from whyformer.acceleration.thresholds import NEVER, THRESHOLDS, Threshold
from whyformer.acceleration.top_k import GROUP, grouped_top_k

SECONDS = 0.2
"""Time to measure one size."""
ROUNDS = 3
"""Minimum number of measurements of one size."""
MARGIN = 0.03
"""A value replaces the default only if the measured sizes take less time by more than this share on
average, so that noise does not replace it."""
PRODUCTS = ((64, 256, 256), (128, 256, 1024), (512, 256, 1024), (128, 256, 8000), (2048, 256, 1024))
"""Rows, width of the input and width of the output of the measured products."""
WEIGHTS = ((128, 256), (256, 256), (512, 256), (1024, 256), (1024, 512), (8192, 256))
"""Widths of the output and of the input of the measured layers of a search."""
MODEL_WEIGHTS = 1 << 21
"""The weights of several layers are read in turn, up to this number, because a step of a search
reads all layers of a model."""

CANDIDATES = 6
"""Number of candidates of a hypothesis with beam 5."""

Work = Callable[[], object]
Twins = tuple[int, Work, Work]
"""A size, and the plain and the fast implementation for an input of this size."""


@dataclass(frozen=True)
class Measured:
    """The times of both implementations for each size, and the value that follows from them.

    Args:
        sizes: the measured sizes; none if the fast implementation is not available.
        plain, fast: median seconds of the implementations for each size.
        ratios: for each size, the median of the ratio of the times, fast to plain.
    """

    threshold: Threshold
    sizes: Sequence[int]
    plain: Sequence[float]
    fast: Sequence[float]
    ratios: Sequence[float]

    @property
    def value(self) -> int:
        """The default, or the value with the lowest times if these are lower by `MARGIN`."""
        default = self.threshold.default()
        nothing = 0 if self.threshold.at_most else NEVER
        best = min((*self.sizes, nothing), key=self._cost)
        return best if self._cost(best) < self._cost(default) - MARGIN else default

    def _cost(self, value: int) -> float:
        """Return the mean logarithm of the times with this value, relative to ``plain``."""
        sizes = zip(self.sizes, self.ratios, strict=True)
        logs = [math.log(one) for size, one in sizes if self.threshold.uses_fast(size, value)]
        return sum(logs) / max(1, len(self.sizes))


def measure() -> Iterator[Measured]:
    """Measure every threshold."""
    torch.manual_seed(0)
    for name, threshold in THRESHOLDS.items():
        sizes, plain, fast, ratios = [], [], [], []
        for size, *twins in twins_of(name):
            times = _alternately(twins)
            sizes.append(size)
            plain.append(statistics.median(one for one, _ in times))
            fast.append(statistics.median(other for _, other in times))
            ratios.append(statistics.median(other / one for one, other in times))
        yield Measured(threshold, sizes, plain, fast, ratios)


def _alternately(twins: Sequence[Work]) -> list[tuple[float, float]]:
    """Return the times of both implementations, measured in alternating rounds.

    A ratio within a round changes less than the times, because other programs slow down both
    implementations. With one thread, the time is that of the processor, without the time in which
    other programs run.
    """
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    plain, fast = twins

    def spent(work: Work) -> float:
        began = clock()
        work()
        return max(clock() - began, 1e-9)

    plain()
    fast()
    times: list[tuple[float, float]] = []
    ends = time.perf_counter() + SECONDS
    while len(times) < ROUNDS or time.perf_counter() < ends:
        if len(times) % 2:
            other = spent(fast)
            times.append((spent(plain), other))
        else:
            times.append((spent(plain), spent(fast)))
    return times


def twins_of(name: str) -> Iterator[Twins]:
    """Yield the twins of a threshold, for several sizes; none if the fast one is not available."""
    cases = {
        thresholds.PRODUCT: (product, PRODUCTS if has_onednn() else ()),
        thresholds.ROW_SUM: (row_sum, PRODUCTS if has_onednn() else ()),
        thresholds.ATTENTION_KEYS: (attention_keys, _each(8, 16, 32, 64, 128, 256)),
        thresholds.ATTENTION_ROWS: (attention_rows, _each(1, 8, 16, 32, 64, 128, 256)),
        thresholds.SOFTMAX_KEYS: (softmax_keys, _each(4, 8, 12, 15)),
        thresholds.PACKED_ONE_ROW: (packed_layers, _packed(1)),
        thresholds.PACKED_FEW_ROWS: (packed_layers, _packed(8)),
        thresholds.PACKED_MANY_ROWS: (packed_layers, _packed(64)),
        thresholds.TOP_K_ROWS: (top_k_rows, _each(1, 4, 8, 16, 32, 64, 128)),
        thresholds.TOP_K_GROUPS: (top_k_groups, _each(4, 8, 16, 32, 64)),
    }
    twins, arguments = cases[THRESHOLDS[name]]
    return (twins(*one) for one in arguments)


def product(rows: int, d_in: int, d_out: int) -> Twins:
    """Return the product of a layer, with the gradient of its input."""
    x, slope, weight = torch.randn(rows, d_in), torch.randn(rows, d_out), torch.randn(d_out, d_in)
    return (
        rows * d_in * d_out,
        lambda: (F.linear(x, weight), slope @ weight),
        lambda: (onednn_product(x, weight), onednn_product(slope, weight.T)),
    )


def row_sum(rows: int, d_in: int, d_out: int) -> Twins:
    """Return the gradient of a weight."""
    x, slope = torch.randn(rows, d_in), torch.randn(rows, d_out)
    return rows * d_in * d_out, lambda: slope.T @ x, lambda: onednn_row_sum(slope, x)


def attention_keys(keys: int) -> Twins:
    """Return attention with padded keys, forward and backward."""
    inputs = [torch.randn(2048 // keys, 4, keys, 64, requires_grad=True) for _ in range(3)]
    mask = (torch.arange(keys) < keys - 2).expand(1, 1, 1, keys)

    def learn(attention: Callable[..., Tensor]) -> object:
        output = attention(*inputs, mask)
        return torch.autograd.grad(output, inputs, torch.ones_like(output))

    return keys, lambda: learn(F.scaled_dot_product_attention), lambda: learn(matmul_attention)


def attention_rows(rows: int) -> Twins:
    """Return attention with one query for each sequence."""
    Q, K, V = (torch.randn(rows, 4, length, 64) for length in (1, 32, 32))
    return (
        rows,
        lambda: F.scaled_dot_product_attention(Q, K, V),
        lambda: matmul_attention(Q, K, V),
    )


def softmax_keys(keys: int) -> Twins:
    """Return the softmax over short rows, forward and backward."""
    scores = torch.randn(64, 4, keys, keys, requires_grad=True)
    slope = torch.randn(scores.shape)

    def learn(softmax: Callable[[Tensor], Tensor]) -> object:
        return torch.autograd.grad(softmax(scores), scores, slope)

    return keys, lambda: learn(lambda x: x.softmax(-1)), lambda: learn(short_softmax)


def packed_layers(rows: int, d_out: int, d_in: int) -> Twins:
    """Return the layers of a step of a search with this number of hypotheses."""
    size = d_out * d_in
    layers = [torch.randn(d_out, d_in) for _ in range(max(1, MODEL_WEIGHTS // size))]
    arranged = [packed(weight) for weight in layers]
    x = torch.randn(rows, d_in)
    return (
        size,
        lambda: [F.linear(x, weight) for weight in layers],
        lambda: [onednn_product(x, weight) for weight in arranged],
    )


def top_k_rows(rows: int) -> Twins:
    """Return the candidates of this number of hypotheses, for a large vocabulary."""
    return _top_k(rows, torch.randn(rows, 32_000))


def top_k_groups(groups: int) -> Twins:
    """Return the candidates for a vocabulary with this number of groups for each candidate."""
    return _top_k(groups, torch.randn(64, GROUP * groups * CANDIDATES))


def _top_k(size: int, logits: Tensor) -> Twins:
    return size, lambda: logits.topk(CANDIDATES), lambda: grouped_top_k(logits, CANDIDATES)


def _each(*sizes: int) -> list[tuple[int]]:
    return [(size,) for size in sizes]


def _packed(rows: int) -> list[tuple[int, int, int]]:
    return [(rows, *widths) for widths in WEIGHTS] if can_pack() else []
