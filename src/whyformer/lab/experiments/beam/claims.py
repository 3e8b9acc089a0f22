"""The claims, and the measured effects that decide them."""

from collections.abc import Mapping, Sequence

from whyformer.lab.experiments.beam.experiment import (
    ALPHAS,
    COUNTED_WIDTHS,
    ENOUGH,
    FRAGMENTS,
    LONGEST,
    ROUNDING,
    SHORTEST,
    WIDTHS,
    falls,
    translation_probabilities,
)
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Claim, Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly, paired
from whyformer.lab.method.verdict import Test, above, below

SOME_BLEU = 0.5
"""A difference that is smaller than this, in points of BLEU, does not count."""
SHORTER = 0.05


def at(results: Results, name: str, data: str, alpha: float, width: int) -> list[float]:
    """Return a number of the search at one beam width, one value per seed."""
    place = WIDTHS.index(width)
    return [row[place] for row in results.values("search", f"{alpha}/{name}", data=data)]


def change(
    results: Results, name: str, data: str, alpha: float, widths: tuple[int, int]
) -> Estimate:
    """Return the difference of a number between two beam widths, second minus first, paired by
    seed."""
    a, b = (at(results, name, data, alpha, width) for width in widths)
    return paired(a, b)


def counted(results: Results, name: str, alpha: float, width: int) -> Estimate:
    """Return a number of the enumerated models at one beam width."""
    place = COUNTED_WIDTHS.index(width)
    return estimate([row[place] for row in results.values("exact", f"{alpha}/{name}")])


def exact_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `exact`."""
    return {
        f"α = {alpha:g}": [
            below(counted(results, "regret", alpha, ENOUGH), ROUNDING, contrary=0.01)
        ]
        for alpha in ALPHAS
    }


def better_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `better`."""
    asked = [((1, 4), 0.0), *(((4, 64), alpha) for alpha in ALPHAS)]
    return {
        f"{data}, {widths[0]} → {widths[1]}, α = {alpha:g}": [
            above(change(results, "bleu", data, alpha, widths), SOME_BLEU)
        ]
        for data in results.levels("search", "data")
        for widths, alpha in asked
    }


def score_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `score`."""
    return {
        data: [above(change(results, "log_probability", data, 0.0, (1, 64)), 0.0)]
        for data in results.levels("search", "data")
    }


def length_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `length`."""
    return {
        data: [below(change(results, "length", data, 0.0, (1, 64)), -SHORTER, contrary=SHORTER)]
        for data in results.levels("search", "data")
    }


def penalty_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `penalty`."""
    return {
        data: [above(gain_of_penalty(results, data), SOME_BLEU)]
        for data in results.levels("search", "data")
    }


def gain_of_penalty(results: Results, data: str) -> Estimate:
    """Return BLEU with α = 0.6 minus BLEU with α = 0 at the widest beam, paired by seed."""
    widest = WIDTHS[-1]
    return paired(at(results, "bleu", data, 0.0, widest), at(results, "bleu", data, 0.6, widest))


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found = {
        "falls_counted": falls(results, "exact").percent,
        "missed_greedy": counted(results, "missed", 0.0, 1).percent,
        "missed_three": counted(results, "missed", 0.0, 3).percent,
        "regret_enough": counted(results, "regret", 0.0, ENOUGH),
        "empty_expected": exactly(100 * expected_empty()),
    }
    for data in results.levels("search", "data"):
        found[f"{data}_falls"] = falls(results, "search", data=data).percent
        found[f"{data}_greedy_to_four"] = change(results, "bleu", data, 0.0, (1, 4))
        found[f"{data}_log_probability"] = change(results, "log_probability", data, 0.0, (1, 64))
        found[f"{data}_penalty_gain"] = gain_of_penalty(results, data)
        for alpha, name in zip(ALPHAS, ("plain", "some", "full"), strict=True):
            found[f"{data}_four_to_widest_{name}"] = change(results, "bleu", data, alpha, (4, 64))
            for width in (1, 4, 64):
                value = estimate(at(results, "bleu", data, alpha, width))
                found[f"{data}_bleu_{width}_{name}"] = value
        for width in (4, 64):
            for name in ("length", "empty"):
                value = estimate(at(results, name, data, 0.0, width))
                found[f"{data}_{name}_{width}"] = value.percent
    return found


def expected_empty() -> float:
    """Return the share of sources whose most probable answer is empty, if text has fragments.

    For n symbols, the empty answer has the probability FRAGMENTS/2n, and the best complete answer
    has the probability (1 - FRAGMENTS) · 0.35ⁿ.
    """
    likeliest = translation_probabilities().max()
    lengths = range(SHORTEST, LONGEST + 1)
    empty = [FRAGMENTS / (2 * n) > (1 - FRAGMENTS) * likeliest**n for n in lengths]
    return sum(empty) / len(empty)


CLAIMS = (
    Claim(
        "exact",
        Bilingual(
            "A beam that is wide enough finds the best answer.",
            "빔이 충분히 넓으면 가장 좋은 답을 찾는다.",
        ),
        Bilingual(
            "With a width of Vᵀ, V words and at most T of them, beam search finds the score "
            "that a list of all answers gives.",
            "단어가 V개이고 길이가 최대 T일 때, 너비가 Vᵀ인 빔 서치는 모든 답을 나열해 얻은 "
            "최고 점수를 찾는다.",
        ),
        Bilingual(
            "V = 3, T = 4: the largest shortfall over all sources is below 1e-4, at α 0, 0.6, "
            "and 1.",
            "V = 3, T = 4: α가 0, 0.6, 1일 때 모든 입력에서 부족분의 최댓값이 1e-4 미만.",
        ),
        exact_tests,
    ),
    Claim(
        "better",
        Bilingual(
            "A larger beam finds a better translation.",
            "빔이 넓을수록 번역이 좋아진다.",
        ),
        Bilingual(
            "BLEU rises from width 1 to 4 (at α = 0) and from 4 to 64 (at every α), on clean "
            "text, on text with fragments, and under label smoothing.",
            "너비를 1에서 4로(α = 0), 4에서 64로(α마다) 넓히면 BLEU가 오른다: 깨끗한 글, 잘린 "
            "문장이 섞인 글, 레이블 스무딩에서.",
        ),
        Bilingual(
            "The interval of the paired gain lies above 0.5 BLEU; below -0.5 is the contrary.",
            "짝지은 이득의 구간이 0.5 BLEU보다 위에 있다. -0.5보다 아래면 반대이다.",
        ),
        better_tests,
    ),
    Claim(
        "score",
        Bilingual(
            "A larger beam finds a more probable translation.",
            "빔이 넓을수록 모델이 보기에 확률이 더 높은 번역을 찾는다.",
        ),
        Bilingual(
            "Without length penalty the mean log-probability of the answer is higher at width "
            "64 than at width 1. (Of a single sentence this is not guaranteed.)",
            "길이 페널티가 없을 때 답의 평균 로그 확률은 너비 64에서 너비 1보다 높다. (문장 하나하나에 "
            "대해서는 보장되지 않는다.)",
        ),
        Bilingual(
            "The interval of the paired difference lies above 0.",
            "짝지은 차이의 구간이 0보다 위에 있다.",
        ),
        score_tests,
    ),
    Claim(
        "length",
        Bilingual(
            "Without length normalisation a larger beam gives shorter outputs.",
            "길이 정규화가 없으면 빔이 넓을수록 출력이 짧아진다.",
        ),
        Bilingual(
            "At α = 0 the answers of width 64 have fewer words than those of width 1.",
            "α = 0에서 너비 64의 답은 너비 1의 답보다 단어가 적다.",
        ),
        Bilingual(
            "The interval of the paired difference lies below -5 % of the reference's words.",
            "짝지은 차이의 구간이 정답 단어 수의 -5 %보다 아래에 있다.",
        ),
        length_tests,
    ),
    Claim(
        "penalty",
        Bilingual(
            "The length penalty repairs a large beam.",
            "길이 페널티를 쓰면 넓은 빔이 고쳐진다.",
        ),
        Bilingual(
            "At width 64, BLEU with α = 0.6 is higher than with α = 0.",
            "너비 64에서 α = 0.6의 BLEU가 α = 0보다 높다.",
        ),
        Bilingual(
            "The interval of the paired gain lies above 0.5 BLEU.",
            "짝지은 이득의 구간이 0.5 BLEU보다 위에 있다.",
        ),
        penalty_tests,
    ),
)
