"""The structure of an experiment: its question, conditions, measurement, and decision rules."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.charts import Figure
from whyformer.lab.method.statistics import Estimate
from whyformer.lab.method.verdict import Judgement, Test, judge

Settings = Mapping[str, Any]
"""One condition: JSON values by name."""
Numbers = Mapping[str, Any]
"""What a measurement found: numbers, or lists of numbers, by name."""


class Mode(StrEnum):
    """How much is spent on an answer."""

    QUICK = "quick"
    """Under a minute on two cores; may be inconclusive."""
    FULL = "full"
    """Enough seeds and sizes to decide; what is published."""


@dataclass(frozen=True)
class Part:
    """A grid of conditions and the measurement that fills it.

    Args:
        measure: of one condition with one seed; a function at the top of a file, since worker
            processes must find it by name.
        conditions: the grid of each mode.
        seeds: how many seeds of each mode; arms share seeds.
        timed: whether it reads the clock, so that nothing else may run beside it.
    """

    name: str
    measure: Callable[[Settings, int], Numbers]
    conditions: Callable[[Mode], Sequence[Settings]]
    seeds: Mapping[Mode, int]
    timed: bool = False


@dataclass(frozen=True)
class Cell:
    """One condition with one seed, and what was measured there."""

    part: str
    settings: Settings
    seed: int
    numbers: Numbers
    seconds: float = 0.0


class Results:
    """The filled grid of one question."""

    def __init__(self, mode: Mode, cells: Iterable[Cell]) -> None:
        self.mode = mode
        self.cells = tuple(cells)

    @cached_property
    def _index(self) -> dict[tuple[Any, ...], list[Cell]]:
        """The cells of each part, and of each part with each value of a setting, in grid order."""
        found: dict[tuple[Any, ...], list[Cell]] = {}
        for cell in self.cells:
            found.setdefault((cell.part,), []).append(cell)
            for name, value in cell.settings.items():
                if isinstance(value, Hashable):
                    found.setdefault((cell.part, name, value), []).append(cell)
        return found

    def _matching(self, part: str, fixed: Mapping[str, Any]) -> list[Cell]:
        """Return the cells of a part that have the given settings, in the grid's order."""
        keys = [(part, *item) for item in fixed.items() if isinstance(item[1], Hashable)]
        fewest = min((self._index.get(key, []) for key in [(part,), *keys]), key=len)
        return [cell for cell in fewest if _has(cell, fixed)]

    def conditions(self, part: str, **fixed: Any) -> list[Settings]:
        """Return the conditions of a part that have the given settings, in the grid's order."""
        found: list[Settings] = []
        for cell in self._matching(part, fixed):
            if cell.settings not in found:
                found.append(cell.settings)
        return found

    def levels(self, part: str, setting: str, **fixed: Any) -> list[Any]:
        """Return the different values of a setting, in the grid's order."""
        return list(dict.fromkeys(c[setting] for c in self.conditions(part, **fixed)))

    def values(self, part: str, number: str, **fixed: Any) -> list[Any]:
        """Return a number of one condition, a value a seed.

        Raises: LookupError when the settings name no condition, or more than one.
        """
        cells = sorted(self._matching(part, fixed), key=lambda cell: cell.seed)
        seeds = [c.seed for c in cells]
        if not cells or len(set(seeds)) != len(seeds):
            raise LookupError(f"{len(cells)} cells of part `{part}` have {fixed}")
        return [c.numbers[number] for c in cells]

    def curves(self, part: str, number: str, along: str, **fixed: Any) -> tuple[list, list[list]]:
        """Return the levels of ``along`` and, for each seed, the number at every level."""
        levels = self.levels(part, along, **fixed)
        columns = [self.values(part, number, **fixed, **{along: level}) for level in levels]
        return levels, [list(row) for row in zip(*columns, strict=True)]


def _has(cell: Cell, fixed: Mapping[str, Any]) -> bool:
    return all(name in cell.settings and cell.settings[name] == v for name, v in fixed.items())


@dataclass(frozen=True)
class Claim:
    """A statement that the measurement may support or refute.

    Args:
        popular: as it is usually said.
        precise: as it can be tested.
        criterion: what must be seen, in words; `tests` says the same in code.
        tests: the tests of each circumstance, from the results.
    """

    name: str
    popular: Bilingual
    precise: Bilingual
    criterion: Bilingual
    tests: Callable[[Results], Mapping[str, Sequence[Test]]]

    def judge(self, results: Results) -> Judgement:
        """Return the verdict on this claim."""
        return judge(self.tests(results))


@dataclass(frozen=True)
class Experiment:
    """One question of the laboratory.

    Args:
        keywords: words of the questions that the card answers, in both languages. A keyword of
            several words is found where all of them are.
        mentions: words of its field that are not its subject: a question about nothing else is
            not answered by the card.
        numbers: what the cards' sentences may quote: every `{name}` in a card is one of these.
        charts: charts, heat maps and tables, from the results alone.
        names: how circumstances and arms are called in the pages.
        revision: raised when a measurement changes its meaning; older cells are then not reused.
    """

    name: str
    question: Bilingual
    keywords: tuple[str, ...]
    parts: tuple[Part, ...]
    claims: tuple[Claim, ...]
    numbers: Callable[[Results], Mapping[str, Estimate]]
    charts: Callable[[Results], Sequence[Figure]]
    mentions: tuple[str, ...] = ()
    names: Mapping[str, Bilingual] = field(default_factory=dict)
    revision: int = 1

    def part(self, name: str) -> Part:
        """Return the part of this name."""
        return next(part for part in self.parts if part.name == name)

    def judge(self, results: Results) -> dict[str, Judgement]:
        """Return the verdict on every claim."""
        return {claim.name: claim.judge(results) for claim in self.claims}
