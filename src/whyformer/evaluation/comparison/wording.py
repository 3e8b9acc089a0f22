"""The result of a comparison in words, in both languages."""

from collections.abc import Mapping
from typing import Any

from whyformer.charts.numbers import number
from whyformer.evaluation.comparison.verdict import Certain, Verdict
from whyformer.foundation.bilingual import Bilingual

VERDICTS: dict[Verdict, Bilingual] = {
    Verdict.BETTER: Bilingual("better", "더 좋음"),
    Verdict.WORSE: Bilingual("worse", "더 나쁨"),
    Verdict.NO_DIFFERENCE: Bilingual("no difference that matters", "의미 있는 차이 없음"),
    Verdict.INCONCLUSIVE: Bilingual("inconclusive", "판단 유보"),
}
SIZES: dict[Certain, Bilingual] = {
    Certain.ABOVE_MARGIN: Bilingual(
        "The whole interval is at or beyond the margin of {margin}, so the difference matters.",
        "구간 전체가 의미 있는 최소 차이({margin}) 이상이므로, 실제로 의미 있는 차이입니다.",
    ),
    Certain.BELOW_MARGIN: Bilingual(
        "The whole interval is inside the margin of {margin}: there is a difference, but it is too "
        "small to matter.",
        "차이는 있지만 구간 전체가 의미 있는 최소 차이({margin})보다 작아, 실제로는 중요하지 않습니다.",
    ),
    Certain.NOTHING: Bilingual(
        "Whether the difference is as large as the margin of {margin} is open.",
        "차이가 의미 있는 최소 차이({margin})만큼 큰지는 아직 알 수 없습니다.",
    ),
}
DIFFERS = {
    (Verdict.BETTER, True): Bilingual(
        "“{arm}” is better than “{base}”: its {metric} is {size} higher ({interval}).",
        "‘{arm}’ 쪽이 ‘{base}’ 쪽보다 좋습니다. {metric} 값이 {size}만큼 높습니다({interval}).",
    ),
    (Verdict.BETTER, False): Bilingual(
        "“{arm}” is better than “{base}”: its {metric} is {size} lower ({interval}).",
        "‘{arm}’ 쪽이 ‘{base}’ 쪽보다 좋습니다. {metric} 값이 {size}만큼 낮습니다({interval}).",
    ),
    (Verdict.WORSE, True): Bilingual(
        "“{arm}” is worse than “{base}”: its {metric} is {size} higher ({interval}).",
        "‘{arm}’ 쪽이 ‘{base}’ 쪽보다 나쁩니다. {metric} 값이 {size}만큼 높습니다({interval}).",
    ),
    (Verdict.WORSE, False): Bilingual(
        "“{arm}” is worse than “{base}”: its {metric} is {size} lower ({interval}).",
        "‘{arm}’ 쪽이 ‘{base}’ 쪽보다 나쁩니다. {metric} 값이 {size}만큼 낮습니다({interval}).",
    ),
}
"""Sentences by verdict, and whether the effect is above 0."""
SAME = Bilingual(
    "“{arm}” and “{base}” do not differ by an amount that matters: the difference in {metric} is "
    "{effect} ({interval}), and the whole interval is inside the margin of ±{margin}.",
    "‘{arm}’ 쪽과 ‘{base}’ 쪽 사이에 의미 있는 차이가 없습니다. {metric} 값의 차이는 {effect}이고"
    "({interval}), 구간 전체가 의미 있는 최소 차이(±{margin}) 안에 있습니다.",
)
OPEN = Bilingual(
    "It is open whether “{arm}” and “{base}” differ: the difference in {metric} is {effect}, and "
    "its interval ({interval}) contains both 0 and differences as large as the margin of {margin}.",
    "‘{arm}’ 쪽과 ‘{base}’ 쪽이 다른지 아직 판단할 수 없습니다. {metric} 값의 차이는 {effect}인데, 그 구간"
    "({interval})에는 0도 들어 있고 의미 있는 최소 차이({margin})만큼 큰 값도 들어 있습니다.",
)
NO_INTERVAL = Bilingual(
    "The difference in {metric} between “{arm}” and “{base}” is exactly {effect} for every seed, "
    "so there is no spread to compute an interval from, and no verdict.",
    "‘{arm}’ 쪽과 ‘{base}’ 쪽의 {metric} 차이가 모든 시드에서 정확히 {effect}입니다. 시드에 따른 변화가 "
    "없어 구간을 계산할 수 없으므로 판정하지 않습니다.",
)
INTERVAL = Bilingual("{level} % interval {low} to {high}", "{level} % 신뢰 구간 {low} ~ {high}")
BUDGETS: dict[str, Bilingual] = {
    "updates": Bilingual("{amount} updates a training", "학습마다 업데이트 {amount}회"),
    "minutes": Bilingual("{amount} minutes a training", "학습마다 {amount}분"),
    "tokens": Bilingual("{amount} target tokens a training", "학습마다 목표 토큰 {amount}개"),
    "flops": Bilingual("{amount} operations (FLOPs) a training", "학습마다 연산(FLOPs) {amount}회"),
}
SEEDS_NEEDED = Bilingual(
    "About {count} seeds would settle this.", "시드가 {count}개쯤 있으면 판정할 수 있습니다."
)
LINES_NEEDED = Bilingual(
    "More seeds cannot settle this. About {count} test items would.",
    "시드를 늘려도 판정할 수 없습니다. 평가 항목이 {count}개쯤 있어야 합니다.",
)


def sentence(one: Mapping[str, Any], base: str, arm: str, metric: str, margin: float) -> Bilingual:
    """Return the verdict on an arm in one or two sentences.

    Args: one: the JSON values of a `Comparison`.
    """
    verdict, effect = Verdict(one["verdict"]), float(one["effect"])
    names = {"arm": arm, "base": base, "metric": metric, "effect": signed(effect)}
    if None in one["interval"]:
        return _filled(NO_INTERVAL, names)
    values = {**names, "size": number(abs(effect)), "margin": f"{margin:g}"}
    said = interval(one)
    if verdict.differs:
        first, second = DIFFERS[verdict, effect > 0], SIZES[Certain(one["certain"])]
        text = Bilingual(f"{first.en} {second.en}", f"{first.ko} {second.ko}")
    else:
        text = SAME if verdict is Verdict.NO_DIFFERENCE else OPEN
    return Bilingual(
        text.en.format(**values, interval=said.en), text.ko.format(**values, interval=said.ko)
    )


def interval(one: Mapping[str, Any]) -> Bilingual:
    """Return the interval of an effect with its level. Args: one: see `sentence`."""
    low, high = map(signed, one["interval"])
    return _filled(INTERVAL, {"level": f"{100 * one['level']:.4g}", "low": low, "high": high})


def advice(one: Mapping[str, Any]) -> Bilingual | None:
    """Return what would settle an inconclusive comparison. Args: one: see `sentence`."""
    if one["seeds_needed"] is not None:
        return _filled(SEEDS_NEEDED, {"count": f"{one['seeds_needed']:,}"})
    if one["lines_needed"] is not None:
        return _filled(LINES_NEEDED, {"count": f"{one['lines_needed']:,}"})
    return None


def budget_in_words(budget: Mapping[str, Any]) -> Bilingual:
    """Return what every training got. Args: budget: its unit and its amount.

    >>> budget_in_words({"unit": "flops", "amount": 2e15}).en
    '2e+15 operations (FLOPs) a training'
    """
    unit, amount = budget["unit"], budget["amount"]
    if unit in ("updates", "tokens"):
        shown = f"{int(amount):,}"
    else:
        shown = f"{amount:.3g}" if unit == "flops" else f"{amount:,g}"
    return _filled(BUDGETS[unit], {"amount": shown})


def signed(value: float) -> str:
    """Return a number with its sign.

    >>> signed(0.5), signed(-1.25)
    ('+0.500', '−1.25')
    """
    return f"+{number(value)}" if value > 0 else number(value)


def _filled(text: Bilingual, values: Mapping[str, str]) -> Bilingual:
    return Bilingual(text.en.format(**values), text.ko.format(**values))
