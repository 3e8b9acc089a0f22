"""A comparison of ``whyformer compare`` as an experiment of the laboratory, with its results."""

import math
import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from whyformer.foundation.bilingual import Bilingual, alike
from whyformer.foundation.errors import DataError, UsageError
from whyformer.foundation.parsing import read_json
from whyformer.lab.method.charts import Axis, Chart, Figure, Series, Table
from whyformer.lab.method.experiment import (
    Cell,
    Claim,
    Experiment,
    Mode,
    Numbers,
    Part,
    Results,
    Settings,
)
from whyformer.lab.method.statistics import Estimate, Spread, estimate, exactly
from whyformer.lab.method.verdict import Test, above, below, within

FORMAT = 1
"""The format of ``comparison.json`` that this version reads."""
TRAININGS, EFFECTS = "trainings", "effects"
COSTS = {
    "seconds": Bilingual("seconds", "시간(초)"),
    "updates": Bilingual("updates", "업데이트"),
    "tokens": Bilingual("target tokens", "목표 토큰"),
    "parameters": Bilingual("parameters", "파라미터"),
}
Found = Mapping[str, Any]
"""The content of ``comparison.json``."""


def read_comparison(path: Path) -> Found:
    """Return the content of ``comparison.json``. Raises: DataError if it is something else."""
    try:
        found = read_json(path)
        if found["format"] != FORMAT or not found["comparisons"] or not found["trained"]:
            raise ValueError(f"its format is {found['format']}")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise DataError(
            f"`{path}` is not the result of a comparison ({type(error).__name__}: {error}). Use "
            "the file comparison.json that `whyformer compare` has written."
        ) from None
    return found


def experiment_of(found: Found, name: str, question: Bilingual | None = None) -> Experiment:
    """Return a comparison as an experiment: two claims on each arm.

    The verdicts follow from the intervals of the comparison, which cover seeds and test items.
    Args:
        found: see `read_comparison`.
        name: name of the question, for the file of its page.
        question: the question; None asks whether the arms differ.
    """
    arms = list(found["comparisons"])
    claims = [one for place, arm in enumerate(arms, start=1) for one in _claims(found, arm, place)]
    return Experiment(
        name=name,
        question=question or _question(found),
        keywords=(),
        parts=(
            Part(TRAININGS, _elsewhere, partial(_arms, [found["base"], *arms]), _seeds(found)),
            Part(EFFECTS, _elsewhere, partial(_arms, arms), dict.fromkeys(Mode, 1)),
        ),
        claims=tuple(claims),
        numbers=partial(_numbers, found["base"], arms),
        charts=partial(_figures, found),
        names={found["metric"]: alike(found["metric"])},
        command=command_of(found),
    )


def results_of(found: Found) -> Results:
    """Return the trainings and the effects of a comparison as cells. Args: see `experiment_of`."""
    cells = []
    for arm, trainings in found["trained"].items():
        for one in trainings:
            numbers = {
                "score": found["scores"][arm][str(one["seed"])],
                **{name: one[name] for name in COSTS},
                "steps": [step for step, _ in one["curve"]],
                "curve": [value for _, value in one["curve"]],
            }
            cells.append(Cell(TRAININGS, {"arm": arm}, one["seed"], numbers, one["seconds"]))
    for arm, one in found["comparisons"].items():
        low, high = one["interval"]
        numbers = {
            "effect": one["effect"],
            "low": math.nan if low is None else low,
            "high": math.nan if high is None else high,
            "level": one["level"],
            "p": one["adjusted_p"],
            "seeds": one["seeds"],
        }
        cells.append(Cell(EFFECTS, {"arm": arm}, 1, numbers))
    return Results(Mode.FULL, cells)


def made_of(found: Found) -> dict[str, Any]:
    """Return the versions and the machine of a comparison, for its record. Args: see
    `experiment_of`."""
    version = found["registration"]["registration"]["code"]["whyformer"]
    return {"whyformer": version, "machine": found["machine"]}


def command_of(found: Found) -> str:
    """Return the command of a comparison, without its data and its settings for all arms."""
    kept = found["registration"]["registration"]
    words = ["whyformer", "compare", kept["recipe"]["name"]]
    for name, one in kept["arms"].items():
        settings = [f"{key}={','.join(value)}" for key, value in one["settings"].items()]
        parts = " ".join([*([one["recipe"]] if one["recipe"] else []), *settings]) or "base"
        words += ["--arm", parts if name == parts else f"{name}: {parts}"]
    words += ["--seeds", str(len(kept["seeds"])), "--margin", f"{kept['margin']:g}"]
    words += [f"--{found['budget']['unit']}", f"{found['budget']['amount']:g}"]
    return shlex.join(words)


def effect_of(results: Results, arm: str) -> Estimate:
    """Return the effect of an arm with the interval of the comparison."""
    value, low, high, seeds = (
        results.values(EFFECTS, number, arm=arm)[0] for number in ("effect", "low", "high", "seeds")
    )
    return Estimate(value, low, high, int(seeds), Spread.COMPARED)


def _elsewhere(settings: Settings, seed: int) -> Numbers:
    raise UsageError(
        "The trainings of a comparison are made by `whyformer compare`, not by `whyformer lab run`."
    )


def _arms(arms: Sequence[str], mode: Mode) -> Sequence[Settings]:
    return [{"arm": arm} for arm in arms]


def _seeds(found: Found) -> dict[Mode, int]:
    return dict.fromkeys(Mode, len(found["scores"][found["base"]]))


def _question(found: Found) -> Bilingual:
    base, metric = found["base"], found["metric"]
    arms = list(found["comparisons"])
    if len(arms) == 1:
        return Bilingual(
            f"Does “{arms[0]}” differ from “{base}” in {metric}?",
            f"‘{arms[0]}’ 쪽과 ‘{base}’ 쪽은 {metric}에서 차이가 날까요?",
        )
    return Bilingual(
        f"Which of {len(arms)} arms differ from “{base}” in {metric}?",
        f"비교군 {len(arms)}개 가운데 무엇이 ‘{base}’ 쪽과 {metric}에서 차이가 날까요?",
    )


def _claims(found: Found, arm: str, place: int) -> list[Claim]:
    base, metric, margin = found["base"], found["metric"], found["margin"]
    higher = found["higher_is_better"]
    side = Bilingual(*(("higher", "높다") if higher else ("lower", "낮다")))

    def better(results: Results) -> Mapping[str, Sequence[Test]]:
        effect = effect_of(results, arm)
        test = above(effect, 0) if higher else below(effect, 0, contrary=0, strict=True)
        return {metric: [test]}

    def same(results: Results) -> Mapping[str, Sequence[Test]]:
        return {metric: [within(effect_of(results, arm), -margin, margin, margin=0)]}

    return [
        Claim(
            f"better_{place}",
            Bilingual(f"‘{arm}’ is better than ‘{base}’.", f"‘{arm}’ 쪽이 ‘{base}’ 쪽보다 낫다."),
            Bilingual(
                f"With the same seeds and the same budget, the {metric} of “{arm}” is {side.en} "
                f"than that of “{base}”.",
                f"시드와 예산이 같을 때 {metric} 값은 ‘{arm}’ 쪽이 ‘{base}’ 쪽보다 {side.ko}.",
            ),
            Bilingual(
                "The whole interval of the difference is on the side of the arm, without 0.",
                "차이의 구간 전체가 0을 포함하지 않고 비교군에 유리한 쪽에 있다.",
            ),
            better,
        ),
        Claim(
            f"same_{place}",
            Bilingual(
                f"‘{arm}’ and ‘{base}’ do not differ by an amount that matters.",
                f"‘{arm}’ 쪽과 ‘{base}’ 쪽 사이에는 의미 있는 차이가 없다.",
            ),
            Bilingual(
                f"The difference in {metric} is smaller than {margin:g} in both directions.",
                f"{metric} 값의 차이는 어느 방향으로든 {margin:g}보다 작다.",
            ),
            Bilingual(
                f"The whole interval of the difference is between −{margin:g} and +{margin:g}.",
                f"차이의 구간 전체가 −{margin:g}와 +{margin:g} 사이에 있다.",
            ),
            same,
        ),
    ]


def _numbers(base: str, arms: Sequence[str], results: Results) -> dict[str, Estimate]:
    found = {"score_base": estimate(results.values(TRAININGS, "score", arm=base))}
    for place, arm in enumerate(arms, start=1):
        found[f"effect_{place}"] = effect_of(results, arm)
        found[f"score_{place}"] = estimate(results.values(TRAININGS, "score", arm=arm))
    return found


def _figures(found: Found, results: Results) -> list[Figure]:
    arms = [one["arm"] for one in results.conditions(TRAININGS)]
    metric = found["metric"]
    chosen = found["trained"][found["base"]][0]["metric"]
    curves = [one for arm in arms if (one := _curve(results, arm))]
    figures: list[Figure] = []
    if len(curves) == len(arms):
        figures.append(
            Chart(
                "curves",
                Bilingual("Learning curves", "학습 곡선"),
                Axis(Bilingual("update", "업데이트")),
                Axis(
                    Bilingual(f"{chosen} on the validation set", f"검증 집합의 {chosen}"),
                ),
                curves,
                Bilingual("Means over the seeds.", "시드에 대한 평균입니다."),
            )
        )
    rows = [
        [
            alike(arm),
            estimate(results.values(TRAININGS, "score", arm=arm)),
            *(exactly(_mean(results.values(TRAININGS, name, arm=arm))) for name in COSTS),
        ]
        for arm in arms
    ]
    columns = [Bilingual("arm", "비교군"), alike(metric), *COSTS.values()]
    title = Bilingual("Cost beside quality", "비용과 품질")
    caption = Bilingual("Means of a training.", "학습 하나의 평균입니다.")
    return [*figures, Table("costs", title, columns, rows, caption)]


def _curve(results: Results, arm: str) -> Series | None:
    """Return the mean curve of an arm; None if its seeds were validated at different updates."""
    steps = results.values(TRAININGS, "steps", arm=arm)
    if not steps[0] or any(one != steps[0] for one in steps):
        return None
    curves = results.values(TRAININGS, "curve", arm=arm)
    points = [(x, estimate([one[k] for one in curves])) for k, x in enumerate(steps[0])]
    return Series(alike(arm), points)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
