"""The parts of an experiment: question, conditions, measurement, claims and their tests."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from whyformer.foundation.bilingual import Bilingual
from whyformer.lab.method.charts import Figure
from whyformer.lab.method.statistics import Estimate
from whyformer.lab.method.verdict import Judgement, Test, judge

Settings = Mapping[str, Any]
"""One condition: names and JSON values of its settings."""
Numbers = Mapping[str, Any]
"""The results of a measurement: numbers, or lists of numbers, by name."""


class Mode(StrEnum):
    """How much computing time an answer may use."""

    QUICK = "quick"
    """Less than a minute on two cores. The verdict may be inconclusive."""
    FULL = "full"
    """Enough seeds and sizes for a verdict. These results are published."""


@dataclass(frozen=True)
class Part:
    """A grid of conditions and the measurement that fills it.

    Args:
        measure: function that measures one condition with one seed. The function must be defined at
            the top level of a module, because worker processes import it by name.
        conditions: the grid of each mode.
        seeds: the number of seeds in each mode; all arms use the same seeds.
        timed: whether the part measures time. While such a part is measured, nothing else runs.
    """

    name: str
    measure: Callable[[Settings, int], Numbers]
    conditions: Callable[[Mode], Sequence[Settings]]
    seeds: Mapping[Mode, int]
    timed: bool = False


@dataclass(frozen=True)
class Cell:
    """One condition with one seed, and its measured numbers."""

    part: str
    settings: Settings
    seed: int
    numbers: Numbers
    seconds: float = 0.0


class Results:
    """The measured cells of one question."""

    def __init__(self, mode: Mode, cells: Iterable[Cell]) -> None:
        self.mode = mode
        self.cells = tuple(cells)

    @cached_property
    def _index(self) -> dict[tuple[Any, ...], list[Cell]]:
        """The cells by (part,) and by (part, setting, value), in the order of the grid."""
        found: dict[tuple[Any, ...], list[Cell]] = {}
        for cell in self.cells:
            found.setdefault((cell.part,), []).append(cell)
            for name, value in cell.settings.items():
                if isinstance(value, Hashable):
                    found.setdefault((cell.part, name, value), []).append(cell)
        return found

    def _matching(self, part: str, fixed: Mapping[str, Any]) -> list[Cell]:
        """Return the cells of a part with the given settings, in the order of the grid."""
        keys = [(part, *item) for item in fixed.items() if isinstance(item[1], Hashable)]
        fewest = min((self._index.get(key, []) for key in [(part,), *keys]), key=len)
        return [cell for cell in fewest if _has(cell, fixed)]

    def conditions(self, part: str, **fixed: Any) -> list[Settings]:
        """Return the conditions of a part with the given settings, in the order of the grid."""
        found: list[Settings] = []
        for cell in self._matching(part, fixed):
            if cell.settings not in found:
                found.append(cell.settings)
        return found

    def levels(self, part: str, setting: str, **fixed: Any) -> list[Any]:
        """Return the different values of a setting, in the order of the grid."""
        return list(dict.fromkeys(c[setting] for c in self.conditions(part, **fixed)))

    def values(self, part: str, number: str, **fixed: Any) -> list[Any]:
        """Return a number of one condition, one value for each seed.

        Raises: LookupError when no condition, or more than one, has these settings.
        """
        cells = sorted(self._matching(part, fixed), key=lambda cell: cell.seed)
        seeds = [c.seed for c in cells]
        if not cells or len(set(seeds)) != len(seeds):
            raise LookupError(f"{len(cells)} cells of part `{part}` have {fixed}")
        return [c.numbers[number] for c in cells]

    def curves(self, part: str, number: str, along: str, **fixed: Any) -> tuple[list, list[list]]:
        """Return the values of ``along`` and, for each seed, the number at each of these values."""
        levels = self.levels(part, along, **fixed)
        columns = [self.values(part, number, **fixed, **{along: level}) for level in levels]
        return levels, [list(row) for row in zip(*columns, strict=True)]


def _has(cell: Cell, fixed: Mapping[str, Any]) -> bool:
    return all(name in cell.settings and cell.settings[name] == v for name, v in fixed.items())


@dataclass(frozen=True)
class Shown:
    """Which effect of a claim the row of the claim shows.

    Args:
        label: what the effect is, in a few words; None means the name of the test.
        test: name of the test; "" means the first test that explains the verdict.
        places: the circumstances, at most two; () means those that explain the verdict.
    """

    label: Bilingual | None = None
    test: str = ""
    places: Sequence[str] = ()


@dataclass(frozen=True)
class Claim:
    """A statement that the measurement can support or refute.

    Args:
        popular: the statement as people usually make it.
        precise: the statement in a form that can be tested.
        criterion: the required observation in words; `tests` contains the same rule as code.
        tests: function that returns the tests of each circumstance, given the results.
        changed_after_data: what changed in the wording or in the tests after the measurement, and
            why; None if nothing changed. The page shows this text beside the criterion.
        shown: the effect that the page shows before the reader opens the claim.
    """

    name: str
    popular: Bilingual
    precise: Bilingual
    criterion: Bilingual
    tests: Callable[[Results], Mapping[str, Sequence[Test]]]
    changed_after_data: Bilingual | None = None
    shown: Shown = Shown()

    def judge(self, results: Results, *, corrected: bool = True) -> Judgement:
        """Return the verdict on the claim. Args: corrected: see `Test.answer`."""
        return judge(self.tests(results), corrected=corrected)


@dataclass(frozen=True)
class Brief:
    """What the first screen of a page shows below the question.

    Args:
        answer: one sentence that a first-year student understands.
        practice: what to do in practice.
        figure: name of the figure that shows the answer.
    """

    answer: Bilingual
    practice: Bilingual
    figure: str


@dataclass(frozen=True)
class Experiment:
    """One question of the laboratory.

    Args:
        keywords: other words that people use for the question, in both languages.
        numbers: the numbers that the card may quote; each `{name}` in a card is one of them.
        charts: function that returns charts, heat maps and tables, given the results.
        names: for each internal name of a circumstance or arm, the text that the pages show.
        revision: increase it when the meaning of a measurement changes. Cells of an older
            revision are measured again.
        command: the command that measures it again; "" means `whyformer lab run`.
        brief: the answer in one sentence; None for a comparison, whose card begins with the answer.
    """

    name: str
    question: Bilingual
    keywords: tuple[str, ...]
    parts: tuple[Part, ...]
    claims: tuple[Claim, ...]
    numbers: Callable[[Results], Mapping[str, Estimate]]
    charts: Callable[[Results], Sequence[Figure]]
    names: Mapping[str, Bilingual] = field(default_factory=dict)
    revision: int = 1
    command: str = ""
    brief: Brief | None = None

    def command_of(self, mode: Mode) -> str:
        """Return the command that measures this question again."""
        return self.command or f"whyformer lab run {self.name} --{mode}"

    def part(self, name: str) -> Part:
        """Return the part with the given name."""
        return next(part for part in self.parts if part.name == name)

    def judge(self, results: Results) -> dict[str, Judgement]:
        """Return the verdict on each claim, by the name of the claim."""
        return {claim.name: claim.judge(results) for claim in self.claims}
