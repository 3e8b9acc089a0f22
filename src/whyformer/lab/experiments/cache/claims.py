"""The tests of the claims, and the numbers of the card."""

import math
from collections.abc import Mapping, Sequence

from whyformer.lab.experiments.cache.experiment import (
    D_MODEL,
    HEADS,
    KV_HEADS,
    LAYERS,
    POSITIONS,
    REMEMBERED,
    VOCABULARY,
)
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly
from whyformer.lab.method.texts import texts_of
from whyformer.lab.method.verdict import Test, above, below, near, of_ratio, within

BYTES = 4
"""Bytes of a number in float32."""


def predicted_token(n: int, *, cached: bool) -> int:
    """Return the predicted multiply-adds of the n-th token.

    A layer has 12 d² weights in its matrices, and each pair of tokens costs 2 d.

    >>> predicted_token(1, cached=True) == predicted_token(1, cached=False)
    True
    """
    tokens = 1 if cached else n
    layer = 12 * D_MODEL**2 * tokens + 2 * D_MODEL * tokens * n
    return LAYERS * layer + D_MODEL * VOCABULARY


def work(results: Results, number: str, n: int, *, cached: bool) -> int:
    """Return the counted multiply-adds of the last token, or of all tokens."""
    return results.values("work", number, n=n, cached=cached)[0]


def lengths(results: Results) -> list[int]:
    """Return the lengths for which the operations were counted."""
    return results.levels("work", "n", cached=True)


def growth(results: Results, n: int) -> Estimate:
    """Return the cost of the n-th token divided by the cost of the first token, with a cache."""
    first, last = (work(results, "token", one, cached=True) for one in (1, n))
    return exactly(last / first)


def saving(results: Results, n: int) -> Estimate:
    """Return the cost of n tokens without a cache divided by their cost with a cache."""
    again, cached = (work(results, "total", n, cached=one) for one in (False, True))
    return exactly(again / cached)


def memory(results: Results, attention: str, n: int) -> int:
    """Return the bytes of the cache after n tokens."""
    return results.values("memory", "bytes", attention=attention, n=n)[0]


def speedup(results: Results, n: int) -> list[float]:
    """Return, for each seed, the time without a cache divided by the time with a cache."""
    again, cached = (results.values("time", one, n=n) for one in ("again", "cached"))
    return [a / b for a, b in zip(again, cached, strict=True)]


def gap(results: Results, attention: str, positions: str) -> float:
    """Return the largest difference of logits over all seeds, relative to their size."""
    where = {"attention": attention, "positions": positions}
    gaps, sizes = (results.values("equal", number, **where) for number in ("gap", "size"))
    return max(gap / size for gap, size in zip(gaps, sizes, strict=True))


def error(results: Results, *, cached: bool) -> Estimate:
    """Return the largest relative error of `predicted_token` over all lengths."""
    return exactly(
        max(
            abs(work(results, "token", n, cached=cached) / predicted_token(n, cached=cached) - 1)
            for n in lengths(results)
        )
    )


def predicted_bytes(attention: str, n: int) -> int:
    """Return the predicted size of the cache: keys and values of n tokens in all layers."""
    return 2 * LAYERS * n * KV_HEADS[attention] * (D_MODEL // HEADS) * BYTES


def exact_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `exact`."""
    return {
        kind: [below(exactly(max(gap(results, kind, scheme) for scheme in POSITIONS)), 1e-9,
                     contrary=1e-3)]
        for kind in KV_HEADS
    }  # fmt: skip


def law_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `law`."""
    return {
        name: [below(error(results, cached=cached), 1e-9, contrary=0.5)]
        for name, cached in (("cached", True), ("again", False))
    }


def constant_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `constant`."""
    return {
        f"n = {n}": [near(growth(results, n), 1.0, 0.1, margin=math.inf)]
        for n in lengths(results)[2:]
    }


def saving_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `saving`."""
    return {
        f"n = {n}": [within(exactly(saving(results, n).value / (n / 2)), 0.9, 1.5, margin=0.5)]
        for n in lengths(results)[2:]
    }


def faster_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `faster`."""
    return {
        f"n = {n}": [
            of_ratio(above(estimate([math.log(one) for one in speedup(results, n)]), math.log(1.5)))
        ]
        for n in results.levels("time", "n")
    }


def memory_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `memory`."""
    return {
        kind: [
            below(
                exactly(
                    max(
                        abs(memory(results, kind, n) / predicted_bytes(kind, n) - 1)
                        for n in REMEMBERED
                    )
                ),
                1e-9,
                contrary=0.5,
            )
        ]
        for kind in KV_HEADS
    }


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found = {f"growth_{n}": growth(results, n) for n in lengths(results)}
    found |= {f"saving_{n}": saving(results, n) for n in lengths(results)}
    for n in results.levels("time", "n"):
        found[f"speedup_{n}"] = estimate(speedup(results, n))
    for kind, name in zip(KV_HEADS, ("multi", "grouped", "one"), strict=True):
        found[f"bytes_{name}"] = exactly(memory(results, kind, REMEMBERED[-1]))
    return found


CLAIMS = texts_of("cache").claims(
    {
        "exact": exact_tests,
        "law": law_tests,
        "saving": saving_tests,
        "constant": constant_tests,
        "faster": faster_tests,
        "memory": memory_tests,
    }
)
