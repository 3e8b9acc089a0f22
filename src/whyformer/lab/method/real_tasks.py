"""Claims of the laboratory on real tasks: comparisons of ``whyformer compare`` that test them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from whyformer.evaluation.comparison.verdict import Verdict as Outcome
from whyformer.foundation.bilingual import Bilingual
from whyformer.lab.method.comparison import Found, read_comparison
from whyformer.lab.method.verdict import Verdict

LAB = Path(__file__).parents[1]
DECLARED = LAB / "real_tasks.toml"
PUBLISHED = LAB / "published" / "real_tasks"
"""Directory with the file ``NAME.json`` of each finished comparison, the ``comparison.json`` of
``whyformer compare``."""
CONTRARY = {Outcome.WORSE: Outcome.BETTER, Outcome.BETTER: Outcome.WORSE}


@dataclass(frozen=True)
class RealTask:
    """What the comparisons of a task have in common. Args: see `real_tasks.toml`."""

    name: Bilingual
    recipe: str
    metric: str
    measure: Bilingual
    margin: float
    updates: int
    seeds: int
    tune: str
    settings: tuple[str, ...]


@dataclass(frozen=True)
class Support:
    """How a comparison judges a claim.

    Args:
        arm: the arm that is compared with the base.
        supported_if: the verdicts of the comparison that support the claim.
    """

    arm: str
    supported_if: tuple[Outcome, ...]

    def verdict(self, found: Found) -> Verdict:
        """Return the verdict on the claim. The contrary of all supporting verdicts refutes it."""
        outcome = Outcome(found["comparisons"][self.arm]["verdict"])
        if outcome in self.supported_if:
            return Verdict.SUPPORTED
        if outcome is Outcome.INCONCLUSIVE:
            return Verdict.INCONCLUSIVE
        refuting = {CONTRARY.get(one) for one in self.supported_if}
        return Verdict.REFUTED if outcome in refuting else Verdict.NOT_SUPPORTED


@dataclass(frozen=True)
class RealComparison:
    """A comparison on a real task.

    Args:
        name: name of the comparison and of its file.
        experiment: name of the question of the laboratory.
        arms: the first arm is the base.
        settings: further settings of all arms.
        claims: for each claim of the question that it tests, how.
    """

    name: str
    task: RealTask
    experiment: str
    arms: tuple[str, ...]
    settings: tuple[str, ...]
    claims: Mapping[str, Support]

    def arguments(self) -> list[str]:
        """Return the arguments of ``whyformer compare``, without the test data and the output."""
        task = self.task
        return [
            "compare", task.recipe, *(part for arm in self.arms for part in ("--arm", arm)),
            *self.settings, *task.settings, "--updates", str(task.updates),
            "--seeds", str(task.seeds), "--margin", f"{task.margin:g}", "--tune", task.tune,
            "--metric", task.metric,
        ]  # fmt: skip


@dataclass(frozen=True)
class RealAnswer:
    """The verdict of a real task on a claim. Args: found: the content of ``comparison.json``."""

    comparison: RealComparison
    support: Support
    found: Found

    @property
    def verdict(self) -> Verdict:
        """The verdict on the claim."""
        return self.support.verdict(self.found)

    @property
    def effect(self) -> tuple[float, float | None, float | None]:
        """The effect of the arm, and its interval; None if it has none."""
        one = self.found["comparisons"][self.support.arm]
        low, high = one["interval"]
        return one["effect"], low, high


@cache
def real_comparisons() -> Mapping[str, RealComparison]:
    """Return the declared comparisons by name, in the order of the file."""
    content = tomllib.loads(DECLARED.read_text(encoding="utf-8"))
    tasks = {name: _task(one) for name, one in content["tasks"].items()}
    return {
        name: RealComparison(
            name,
            tasks[one["task"]],
            one["experiment"],
            tuple(one["arms"]),
            tuple(one.get("settings", ())),
            {claim: _support(how) for claim, how in one["claims"].items()},
        )
        for name, one in content["comparisons"].items()
    }


@cache
def real_answers(experiment: str, published: Path = PUBLISHED) -> dict[str, list[RealAnswer]]:
    """Return the answers of the finished comparisons on the claims of a question, by claim.

    Raises: DataError if a published file is not a comparison.
    """
    found: dict[str, list[RealAnswer]] = {}
    for name, one in real_comparisons().items():
        path = published / f"{name}.json"
        if one.experiment != experiment or not path.is_file():
            continue
        result = read_comparison(path)
        for claim, support in one.claims.items():
            found.setdefault(claim, []).append(RealAnswer(one, support, result))
    return found


def _task(content: Mapping[str, Any]) -> RealTask:
    texts = {name: Bilingual(*content[name]) for name in ("name", "measure")}
    return RealTask(**{**content, **texts, "settings": tuple(content["settings"])})


def _support(content: Mapping[str, Any]) -> Support:
    return Support(content["arm"], tuple(map(Outcome, content["supported_if"])))
