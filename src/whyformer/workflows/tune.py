"""Measure on this machine which implementations are faster, and store the result."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from whyformer.acceleration.measure_thresholds import Measured, measure
from whyformer.acceleration.threshold_file import machine, store_thresholds, thresholds_path
from whyformer.acceleration.thresholds import NEVER, forget_stored

UNITS = (("s", 1.0), ("ms", 1e3), ("µs", 1e6))


@dataclass(frozen=True)
class Tuning:
    """The measured thresholds of this machine.

    Args:
        machine: what the values apply to. file: where they are stored. seconds: how long it took.
    """

    machine: dict[str, Any]
    file: Path
    seconds: float
    measured: Sequence[Measured]

    def to_json(self) -> dict[str, Any]:
        """Return the machine, the file, and the times and the value of every threshold."""
        return {
            "machine": self.machine,
            "file": str(self.file),
            "seconds": round(self.seconds, 1),
            "thresholds": [_as_json(one) for one in self.measured],
        }


def tune(say: Callable[[str], None] = lambda line: None) -> Tuning:
    """Measure all thresholds and store them for this machine, threads, and torch version.

    Args: say: receives a line for every measured threshold.
    Raises: UsageError or OutputError if the values cannot be stored.
    """
    began, threads = time.monotonic(), torch.get_num_threads()
    thresholds_path()  # fails before the measurement if there is no place for the file
    measured = []
    for one in measure():
        measured.append(one)
        say(f"measured {one.threshold.name}")
    file = store_thresholds({one.threshold.name: one.value for one in measured}, threads)
    forget_stored()
    return Tuning(machine(threads), file, time.monotonic() - began, measured)


def render(tuning: Tuning) -> str:
    """Return a table with a row for every threshold, and where it is stored."""
    changed = sum(one.value != one.threshold.default() for one in tuning.measured)
    lines = []
    for one in tuning.measured:
        rule = one.threshold
        lines.append(f"{rule.name}: {rule.fast} instead of {rule.plain}")
        sizes = zip(one.sizes, one.plain, one.fast, one.ratios, strict=True)
        for size, plain, fast, ratio in sizes:
            chosen = rule.fast if rule.uses_fast(size, one.value) else rule.plain
            lines.append(
                f"  {size:>13,} {rule.size:<24} {_shown(plain):>9} {_shown(fast):>9} "
                f"{1 / ratio:>6.2f} ×  {chosen}"
            )
        if not one.sizes:
            lines.append("  not available on this machine")
        default = "" if one.value == rule.default() else f" (default: {_words(one, True)})"
        lines.append(f"  choice: {_words(one, False)}{default}")
    lines.append(
        f"{changed} of {len(tuning.measured)} thresholds differ from the defaults. Stored in "
        f"`{tuning.file}` after {tuning.seconds:.0f} s."
    )
    return "\n".join(lines)


def _words(one: Measured, default: bool) -> str:
    rule = one.threshold
    value = rule.default() if default else one.value
    if value >= NEVER or (rule.at_most and value == 0):
        return f"always {rule.plain}"
    if value == 0:
        return f"always {rule.fast}"
    side = "up to" if rule.at_most else "from"
    return f"{rule.fast} {side} {value:,} {rule.size}"


def _shown(seconds: float) -> str:
    unit, factor = next((one for one in UNITS if seconds * one[1] >= 1), UNITS[-1])
    return f"{seconds * factor:.3g} {unit}"


def _as_json(one: Measured) -> dict[str, Any]:
    rule = one.threshold
    sizes = zip(one.sizes, one.plain, one.fast, one.ratios, strict=True)
    return {
        "name": rule.name,
        "counts": rule.size,
        "plain": rule.plain,
        "fast": rule.fast,
        "side": "at most" if rule.at_most else "at least",
        "default": _or_none(rule.default()),
        "value": _or_none(one.value),
        "sizes": [
            {
                "size": size,
                "plain_seconds": plain,
                "fast_seconds": fast,
                "fast_to_plain": ratio,
            }
            for size, plain, fast, ratio in sizes
        ],
    }


def _or_none(value: int) -> int | None:
    """Return None for a threshold that no size reaches."""
    return None if value >= NEVER else value
