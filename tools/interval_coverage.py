"""Measure the coverage of the 95 % intervals of `evaluate`, and the errors of its tests.

Test sets of n items are sampled from populations with a known value. For each metric and each n,
the first table states how many intervals contain this value (target: 95 %), with the plain
percentile bootstrap in parentheses. The second table states how often p < 0.05 for two systems of
equal quality (target: at most 5 %). For n < 20, `evaluate` reports no interval and no p; the value
in square brackets is that of the unreported one.

    python tools/interval_coverage.py [--trials 1000] [--resamples 1000] [--part errors] [--json]
"""

import argparse
import functools
import json
import math
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from whyformer.evaluation.accuracy import ExactMatch, TokenErrorRate
from whyformer.evaluation.classification import moments, pearson, ranks
from whyformer.evaluation.confusions import Confusions
from whyformer.evaluation.interval import (
    FEWEST_ITEMS,
    Z,
    expanded_percentiles,
    proportion_interval,
    resampled_sums,
)
from whyformer.evaluation.significance import (
    approximate_randomization,
    compare,
    exact_permutation,
    paired_bootstrap,
)
from whyformer.evaluation.tagging import f1
from whyformer.evaluation.translation import bleu

Array = np.ndarray
SIZES = (5, 20, 100, 1000)
POPULATION = 20_000
CLASSES = 4


@dataclass(frozen=True)
class Case:
    """A metric with a population.

    Args:
        value: function from the sums of the statistics to the metric.
        draw: function that samples n items of the population, as statistics (n, k).
        truth: value of the population.
        proportion: whether `evaluate` reports Wilson's interval instead of the bootstrap's.
    """

    name: str
    value: Callable[[Array], float]
    draw: Callable[[np.random.Generator, int], Array]
    truth: float
    proportion: bool = False


@dataclass(frozen=True)
class Coverage:
    """The coverage of the intervals of a metric, over trials.

    Args:
        given: whether `evaluate` reports an interval for this n.
        held: percentage of intervals that contain the true value.
        percentile: the same for the plain percentile bootstrap.
        width: mean width of the intervals.
    """

    name: str
    n: int
    given: bool
    held: float
    percentile: float
    width: float
    trials: int


@dataclass(frozen=True)
class Errors:
    """The percentage of trials in which two systems of equal quality had p < 0.05.

    Args: given: whether `evaluate` reports p for this n.
    """

    name: str
    n: int
    given: bool
    bootstrap: float
    randomization: float
    reported: float
    trials: int


def cases(only: str = "") -> list[Case]:
    """Return the metrics with their populations. Args: only: text that the names must contain."""
    every = {
        "exact match, 50%": lambda: _exact(0.5),
        "exact match, 90%": lambda: _exact(0.9),
        "exact match, 99%": lambda: _exact(0.99),
        "accuracy of words": _words,
        "PER": _per,
        "span F1": _spans,
        "BLEU": _bleu,
        "F1 of labels": lambda: _labels("F1 of labels"),
        "Matthews": lambda: _labels("Matthews"),
        "Pearson": lambda: _correlation(False),
        "Spearman": lambda: _correlation(True),
    }
    return [make() for name, make in every.items() if only in name]


def _of_population(name: str, value: Callable[[Array], float], rows: Array, **more: bool) -> Case:
    def draw(generator: np.random.Generator, n: int) -> Array:
        return rows[generator.integers(len(rows), size=n)]

    return Case(name, value, draw, value(rows.mean(axis=0)), **more)


def _exact(share: float) -> Case:
    def draw(generator: np.random.Generator, n: int) -> Array:
        return np.stack([generator.random(n) < share, np.ones(n)], axis=1).astype(float)

    return Case(f"exact match, {share:.0%}", ExactMatch().value, draw, 100 * share, True)


def _words() -> Case:
    """Sentences of 1 to 40 words with 92 % correct words, correlated within a sentence."""
    generator = np.random.default_rng(1)
    words = generator.integers(1, 41, POPULATION)
    right = generator.binomial(words, generator.beta(9.2, 0.8, POPULATION))
    rows = np.stack([right, words], axis=1).astype(float)
    return _of_population("accuracy of words", ExactMatch().value, rows, proportion=True)


def _per() -> Case:
    """Pronunciations with edits: half of the words are correct, the others have at least one."""
    generator = np.random.default_rng(2)
    length = generator.integers(2, 15, POPULATION)
    edits = (generator.random(POPULATION) < 0.5) * (1 + generator.poisson(0.08 * length))
    rows = np.stack([edits, length], axis=1).astype(float)
    return _of_population("PER", TokenErrorRate().value, rows)


def _spans() -> Case:
    """Sentences with 0 to 6 spans, of which 85 % are found."""
    generator = np.random.default_rng(3)
    wanted = generator.integers(0, 7, POPULATION)
    right = generator.binomial(wanted, generator.beta(8.5, 1.5, POPULATION))
    found = right + generator.poisson(0.4, POPULATION)
    rows = np.stack([right, found, wanted], axis=1).astype(float)
    return _of_population("span F1", f1, rows)


def _bleu() -> Case:
    metric = bleu()
    texts = _translations(2000)
    rows = metric.statistics([one for one, _ in texts], [[right] for _, right in texts])
    return _of_population("BLEU", metric.value, rows)


def _translations(count: int, seed: int = 4, wrong: float = 0.3) -> list[tuple[str, str]]:
    draw = random.Random(seed)
    vocabulary = [f"w{number}" for number in range(300)]
    pairs = []
    for _ in range(count):
        right = draw.choices(vocabulary, k=draw.randint(5, 30))
        bad = min(1.0, draw.expovariate(1 / wrong))
        output = [draw.choice(vocabulary) if draw.random() < bad else word for word in right]
        pairs.append((" ".join(output), " ".join(right)))
    return pairs


def _labels(name: str) -> Case:
    """Four classes of different sizes, 80 % plus chance correct.

    Each cell of the confusion table is a column of the statistics.
    """
    shares = np.array([0.5, 0.25, 0.15, 0.1])
    table = shares[:, None] * (0.8 * np.eye(CLASSES) + 0.2 * shares[None])

    def value(sums: Array) -> float:
        cells = np.arange(CLASSES**2)
        counts = Confusions(cells // CLASSES, cells % CLASSES, sums, CLASSES)
        return counts.f1() if name.startswith("F1") else counts.matthews()

    def draw(generator: np.random.Generator, n: int) -> Array:
        cells = generator.choice(CLASSES**2, size=n, p=table.ravel())
        return np.eye(CLASSES**2)[cells]

    return Case(name, value, draw, value(table.ravel()))


def _correlation(of_ranks: bool, correlation: float = 0.8) -> Case:
    def draw(generator: np.random.Generator, n: int) -> Array:
        x = generator.normal(size=n)
        y = correlation * x + math.sqrt(1 - correlation**2) * generator.normal(size=n)
        return moments(ranks(x), ranks(y)) if of_ranks else moments(x, y)

    truth = 600 / math.pi * math.asin(correlation / 2) if of_ranks else 100 * correlation
    return Case("Spearman" if of_ranks else "Pearson", pearson, draw, truth)


def coverage(case: Case, n: int, trials: int, resamples: int) -> Coverage:
    """Sample test sets and count the intervals that contain the true value."""
    generator = np.random.default_rng(n)
    held = percentile = 0
    widths = []
    for trial in range(trials):
        rows = case.draw(generator, n)
        sums = resampled_sums(rows[None], resamples=resamples, seed=trial)[:, 0]
        values = np.array([case.value(row) for row in sums])
        low, high = np.percentile(values, [2.5, 97.5])
        percentile += _holds((low, high), case.truth)
        given = proportion_interval(rows) if case.proportion else expanded_percentiles(values, n)
        held += given is not None and _holds(given, case.truth)
        if given is not None:
            widths.append(given[1] - given[0])
    return Coverage(
        case.name,
        n,
        n >= FEWEST_ITEMS,
        100 * held / trials,
        100 * percentile / trials,
        float(np.mean(widths)) if widths else math.nan,
        trials,
    )


def _holds(interval: tuple[float, float], truth: float) -> bool:
    return interval[0] - 1e-9 <= truth <= interval[1] + 1e-9


@dataclass(frozen=True)
class Pair:
    """Two systems of equal quality. Args: draw: samples the statistics of both, for n lines."""

    name: str
    value: Callable[[Array], float]
    draw: Callable[[np.random.Generator, int], tuple[Array, Array]]


def pairs() -> list[Pair]:
    """Return the metrics that compare systems of equal quality."""
    metric = bleu()
    return [
        Pair("exact match", ExactMatch().value, _equal_matches),
        Pair("PER", TokenErrorRate().value, _equal_edits),
        Pair("BLEU", metric.value, _equal_texts),
    ]


@functools.cache
def _both() -> tuple[Array, Array]:
    """Return the statistics of 2,000 lines of two systems."""
    metric, found = bleu(), []
    for seed in (4, 5):
        texts = _translations(2000, seed)
        right = [[one] for _, one in texts]
        found.append(metric.statistics([one for one, _ in texts], right))
    return found[0], found[1]


def _equal_texts(generator: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Assign the translations of each line to the systems at random, so that neither is better."""
    places = generator.integers(2000, size=n)
    first, second = (rows[places] for rows in _both())
    swapped = generator.random(n)[:, None] < 0.5
    return np.where(swapped, second, first), np.where(swapped, first, second)


def _equal_matches(generator: np.random.Generator, n: int) -> tuple[Array, Array]:
    """80 % of the lines are correct; on half of the lines both systems have the same result."""
    first, second = (generator.random((2, n)) < 0.8).astype(float)
    second = np.where(generator.random(n) < 0.5, first, second)
    return np.stack([first, np.ones(n)], axis=1), np.stack([second, np.ones(n)], axis=1)


def _equal_edits(generator: np.random.Generator, n: int) -> tuple[Array, Array]:
    """On half of the lines, both systems have the same output."""
    length = generator.integers(2, 15, n).astype(float)
    first, second = (generator.random((2, n)) < 0.5) * (
        1.0 + generator.poisson(0.08 * length, (2, n))
    )
    second = np.where(generator.random(n) < 0.5, first, second)
    return np.stack([first, length], axis=1), np.stack([second, length], axis=1)


def errors(pair: Pair, n: int, trials: int, resamples: int) -> Errors:
    """Compare systems of equal quality and count p < 0.05."""
    generator = np.random.default_rng(n + 1)
    bootstrap = randomized = reported = 0
    for trial in range(trials):
        a, b = pair.draw(generator, n)
        p_bootstrap = paired_bootstrap(pair.value, a, b, trials=resamples, seed=trial)[2]
        p_random = approximate_randomization(pair.value, a, b, trials=resamples, seed=trial)[1]
        found = compare(pair.name, pair.value, {"a": a, "b": b}, trials=resamples, seed=trial)[0].p
        p = exact_permutation(pair.value, a, b)[1] if found is None else found
        bootstrap, randomized = bootstrap + (p_bootstrap < 0.05), randomized + (p_random < 0.05)
        reported += p < 0.05
    share = 100 / trials
    return Errors(
        pair.name,
        n,
        n >= FEWEST_ITEMS,
        share * bootstrap,
        share * randomized,
        share * reported,
        trials,
    )


def page(found: list[Coverage], false: list[Errors]) -> str:
    """Return the tables in Markdown."""
    lines = [f"| coverage, % (plain percentiles, %) | {' | '.join(f'n = {n:,}' for n in SIZES)} |"]
    lines.append("| --- |" + " --- |" * len(SIZES))
    for name in dict.fromkeys(one.name for one in found):
        cells = [
            (f"{one.held:.1f}" if one.given else f"none [{one.held:.1f}]")
            + f" ({one.percentile:.1f})"
            for one in found
            if one.name == name
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", f"| p < 0.05, % | {' | '.join(f'n = {n:,}' for n in SIZES)} |"]
    lines.append("| --- |" + " --- |" * len(SIZES))
    for name in dict.fromkeys(one.name for one in false):
        for test in ("reported", "bootstrap", "randomization"):
            cells = []
            for one in false:
                if one.name == name:
                    share = f"{getattr(one, test):.1f}"
                    cells.append(f"none [{share}]" if not one.given else share)
            lines.append(f"| {name}, {test} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Run the simulation and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--only", default="", help="only metrics whose name contains this text")
    parser.add_argument("--part", choices=("coverage", "errors"), help="print only this table")
    parser.add_argument("--json", action="store_true")
    how = parser.parse_args()
    if how.trials < 1 or how.resamples < 1:
        parser.error("--trials and --resamples must be at least 1")
    found = [
        coverage(case, n, how.trials, how.resamples)
        for case in (cases(how.only) if how.part != "errors" else [])
        for n in SIZES
    ]
    false = [
        errors(pair, n, how.trials, how.resamples)
        for pair in (pairs() if how.part != "coverage" else [])
        if how.only in pair.name
        for n in SIZES
    ]
    if how.json:
        print(
            json.dumps(
                {"coverage": [asdict(o) for o in found], "errors": [asdict(o) for o in false]}
            )
        )
    else:
        noise = 100 * Z * math.sqrt(0.05 * 0.95 / how.trials)
        print(page(found, false))
        print(f"\n{how.trials:,} trials each, {how.resamples:,} resamples; ± {noise:.1f}")


if __name__ == "__main__":
    main()
