"""Simulate comparisons with a known truth: coverage, false verdicts and power of the statistics.

    python benchmarks/comparison_simulation.py --out docs/comparison.jsonl
    python benchmarks/comparison_simulation.py --table --out docs/comparison.jsonl

The first command takes about eight minutes of one core. The second one prints the tables of
docs/comparison-statistics.md.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from whyformer.evaluation.comparison.compare import compare_arms, effect_of
from whyformer.evaluation.comparison.measured import Measured
from whyformer.evaluation.comparison.power import detectable_effect, power
from whyformer.evaluation.comparison.sequential import Looks
from whyformer.evaluation.comparison.simulation import (
    Design,
    Outcome,
    Shape,
    coverage,
    outcomes,
)
from whyformer.evaluation.comparison.variance import effect_of_lines
from whyformer.evaluation.comparison.verdict import Verdict

Row = dict[str, Any]

MIXES = {
    "seeds only": (1.0, 0.0, 0.0),
    "seeds 80 %, lines 20 %": (0.8, 0.2, 0.0),
    "seeds 50 %, lines 50 %": (0.5, 0.5, 0.0),
    "seeds 20 %, lines 80 %": (0.2, 0.8, 0.0),
    "lines only": (0.0, 1.0, 0.0),
    "seeds 50 %, lines 25 %, seed × line 25 %": (0.5, 0.25, 0.25),
    "seed × line only": (0.0, 0.0, 1.0),
}
"""Shares of the variance of the effect."""
LAWS = ("seeds only", "lines only", "seeds 50 %, lines 25 %, seed × line 25 %", "seed × line only")
NEAR = 1e-9
"""A margin so small that no look ends with "no difference", so all looks can go wrong."""


def design(mix: str, seeds: int, lines: int = 100, **others: Any) -> Design:
    """Return a design with the shares of a named mix."""
    return Design(seeds, lines, *MIXES[mix], **others)


def coverages(count: int) -> Iterator[Row]:
    """Yield how often the interval at 95 % contains the truth."""
    for shape in Shape:
        for seeds in (3, 5, 10):
            for lines in (100, 1000):
                for mix in MIXES:
                    found = coverage(design(mix, seeds, lines, shape=shape), count)
                    where = {"shape": shape, "seeds": seeds, "lines": lines, "mix": mix}
                    yield {"part": "coverage", **where, "count": count, "coverage": found}


def ratios(count: int) -> Iterator[Row]:
    """Yield the coverage for a metric that is a ratio of sums, by the jackknife."""
    generator = np.random.default_rng(0)
    for seeds, lines in ((3, 100), (5, 100), (5, 400)):
        covered = 0
        for _ in range(count):
            base, arm = ratio_arms(generator, seeds, lines)
            found = effect_of(base, arm)
            covered += bool(abs(found.value) <= found.half_width(0.95))
        yield {
            "part": "ratio",
            "seeds": seeds,
            "lines": lines,
            "count": count,
            "coverage": covered / count,
        }


def ratio_arms(generator: np.random.Generator, seeds: int, lines: int) -> list[Measured]:
    """Return two arms with equal expected scores: the percentage of right words, in lines of
    different lengths and difficulties."""
    lengths = 1 + generator.geometric(0.1, size=lines)
    difficulty = generator.standard_normal(lines)
    arms: list[Measured] = []
    for _ in range(2):
        own = difficulty + 0.5 * generator.standard_normal(lines)
        ability = 0.3 * generator.standard_normal((seeds, 1))
        right = generator.binomial(lengths, 1 / (1 + np.exp(-own - ability)))
        statistics = np.stack([right, np.broadcast_to(lengths, right.shape)], axis=2).astype(float)
        scores = [percentage(sums) for sums in statistics.sum(1)]
        arms.append(Measured(scores, statistics, percentage))
    return arms


def percentage(sums: np.ndarray) -> float:
    """Return 100 times the ratio of two sums."""
    return float(100 * sums[0] / sums[1])


def equal_arms(count: int) -> Iterator[Row]:
    """Yield how often equal arms are called different."""
    for arms in (1, 3):
        for early in (False, True):
            for seeds in (3, 5, 10):
                for mix in LAWS:
                    for shape in Shape:
                        one = design(mix, seeds, shape=shape, effects=(0.0,) * arms, separate=True)
                        ends = outcomes(one, count, NEAR, early=early)
                        yield {
                            "part": "equal",
                            "arms": arms,
                            "early": early,
                            "seeds": seeds,
                            "mix": mix,
                            "shape": shape,
                            "count": count,
                            "different": share(ends, Verdict.BETTER, Verdict.WORSE),
                        }


def naive_looks(count: int) -> Iterator[Row]:
    """Yield how often equal arms are called different if every look has the full alpha."""
    for seeds in (5, 10):
        different = 0
        for (table,) in design("seeds only", seeds).tables(count):
            crossed = np.zeros(len(table), dtype=bool)
            for look in Looks(seeds).seeds:
                found = effect_of_lines(table[:, :look])
                crossed |= np.abs(found.value) > found.half_width(0.95)
            different += int(crossed.sum())
        yield {"part": "naive", "seeds": seeds, "count": count, "different": different / count}


def planted(count: int) -> Iterator[Row]:
    """Yield how often an effect of twice the margin is found, beside the power stated before."""
    for early in (False, True):
        for seeds in (3, 5, 10):
            level = Looks(seeds).level(seeds) if early else 0.95
            for mix in LAWS:
                for lines in (100, 1000):
                    null = design(mix, seeds, lines)
                    effect = detectable_effect(
                        seeds, null.deviation_between_seeds, **of(null), level=level
                    )
                    stated = power(
                        effect, seeds, null.deviation_between_seeds, **of(null), level=level
                    )
                    ends = outcomes(
                        replace(null, effects=(effect,)), count, effect / 2, early=early, seed=1
                    )
                    yield {
                        "part": "planted",
                        "early": early,
                        "seeds": seeds,
                        "lines": lines,
                        "mix": mix,
                        "count": count,
                        "effect": effect,
                        "stated": stated,
                        "found": share(ends, Verdict.BETTER),
                        "wrong": share(ends, Verdict.WORSE, Verdict.NO_DIFFERENCE),
                        "mean_seeds": float(np.mean([one.seeds[0] for one in ends])),
                    }


def of(one: Design) -> dict[str, Any]:
    """Return the part of the lines, as `power` takes it."""
    return {"deviation_of_lines": one.deviation_of_lines, "lines": one.lines}


def no_difference(count: int) -> Iterator[Row]:
    """Yield how often "no difference that matters" is said: of equal arms, and at the margin."""
    for early in (False, True):
        for seeds in (3, 5, 10):
            for mix in LAWS:
                null, margin = design(mix, seeds), 4.0
                rates: list[float] = []
                outside = 0
                for effect in (0.0, margin):
                    ends = outcomes(
                        replace(null, effects=(effect,)), count, margin, early=early, seed=2
                    )
                    rates.append(share(ends, Verdict.NO_DIFFERENCE))
                    outside += sum(not inside(one, margin) for one in ends)
                yield {
                    "part": "no difference",
                    "early": early,
                    "seeds": seeds,
                    "mix": mix,
                    "count": count,
                    "margin": margin,
                    "equal": rates[0],
                    "at_margin": rates[1],
                    "outside": outside,
                }


def mixed_arms(count: int) -> Iterator[Row]:
    """Yield how often any of three arms gets a false verdict, if one is equal, one is at the margin
    and one is clearly different."""
    for early in (False, True):
        for seeds in (3, 5, 10):
            for mix in LAWS:
                margin = 3.0
                one = design(mix, seeds, effects=(0.0, margin, 3 * margin))
                ends = outcomes(one, count, margin, early=early, seed=3)
                false = [
                    end.verdicts[0].differs
                    or end.verdicts[1] in (Verdict.NO_DIFFERENCE, Verdict.WORSE)
                    or end.verdicts[2] in (Verdict.NO_DIFFERENCE, Verdict.WORSE)
                    for end in ends
                ]
                yield {
                    "part": "three arms",
                    "early": early,
                    "seeds": seeds,
                    "mix": mix,
                    "count": count,
                    "false": float(np.mean(false)),
                }


def inside(end: Outcome, margin: float) -> bool:
    """Return whether "no difference" was said inside the margin only."""
    low, high = end.intervals[0]
    return end.verdicts[0] is not Verdict.NO_DIFFERENCE or -margin < low <= 0 <= high < margin


def share(ends: list[Outcome], *verdicts: Verdict) -> float:
    """Return how often any arm has one of these verdicts."""
    return float(np.mean([any(one in verdicts for one in end.verdicts) for end in ends]))


def advice(count: int) -> Iterator[Row]:
    """Yield how often the number of seeds in the advice settles an inconclusive comparison."""
    most = 60
    for margin, effect in ((1.0, 0.0), (1.0, 2.0), (2.0, 1.0), (2.0, 3.0)):
        # The unit is the deviation of the effect with 5 seeds: seeds 80 %, lines 20 %.
        full = Design(most, 100, 0.8 * 5 / most, 0.2, 0.0, effects=(effect,))
        inconclusive = advised = settled = impossible = 0
        for (table,) in full.tables(count, seed=4):
            for differences in table:
                first = compared(differences[:5], margin)
                if first.verdict is not Verdict.INCONCLUSIVE:
                    continue
                inconclusive += 1
                impossible += first.seeds_needed is None
                if first.seeds_needed is not None and first.seeds_needed <= most:
                    advised += 1
                    after = compared(differences[: first.seeds_needed], margin)
                    settled += after.verdict is not Verdict.INCONCLUSIVE
        yield {
            "part": "advice",
            "margin": margin,
            "effect": effect,
            "count": count,
            "inconclusive": inconclusive / count,
            "more_lines": impossible / max(1, inconclusive),
            "advised": advised,
            "settled": settled / max(1, advised),
        }


def compared(differences: np.ndarray, margin: float):
    """Return the comparison of an arm with a base of zeros."""
    zeros = np.zeros_like(differences)
    base = Measured([0.0] * len(zeros), zeros)
    arm = Measured(differences.mean(1).tolist(), differences)
    return compare_arms(base, arm, margin=margin, higher_is_better=True)


def table(rows: list[Row]) -> str:
    """Return the tables of the page."""
    parts: dict[str, list[Row]] = {}
    for row in rows:
        parts.setdefault(row.pop("part"), []).append(row)
    written: list[str] = []
    for part, found in parts.items():
        names = list(found[0])
        written.append(f"\n{part}\n\n| {' | '.join(names)} |\n|{' --- |' * len(names)}")
        written.extend(
            "| "
            + " | ".join(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values())
            + " |"
            for row in found
        )
    return "\n".join(written)


PARTS = {
    "coverage": coverages,
    "ratio": ratios,
    "equal": equal_arms,
    "naive": naive_looks,
    "planted": planted,
    "no difference": no_difference,
    "three arms": mixed_arms,
    "advice": advice,
}


TIMES = {"coverage": 2, "equal": 5}
"""These parts check a rate near 5 %, so they simulate more comparisons."""


def main() -> None:
    """Simulate every part, or print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="file of the results")
    parser.add_argument("--count", type=int, default=2000, help="comparisons in each row")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--table", action="store_true", help="print the results in --out")
    options = parser.parse_args()
    if options.table:
        lines = options.out.read_text(encoding="utf-8").splitlines()
        print(table([json.loads(line) for line in lines]))
        return
    with options.out.open("w", encoding="utf-8") as file:
        for part in options.parts:
            for row in PARTS[part](options.count * TIMES.get(part, 1)):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                file.flush()


if __name__ == "__main__":
    main()
