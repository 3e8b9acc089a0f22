"""The claims, and the measured effects that decide them."""

import numpy as np

from whyformer.lab.experiments.beam.experiment import (
    ALPHAS,
    COUNTED_WIDTHS,
    ENOUGH,
    FRAGMENTS,
    LONGEST,
    ROUNDING,
    SHORTEST,
    WIDTHS,
    translation_probabilities,
)
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Claim, Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly, paired
from whyformer.lab.method.verdict import above, below

SOME_BLEU = 0.5
"""A difference that is smaller than this, in points of BLEU, does not count."""
SHORTER = 0.05


def trained_on(results: Results) -> list[str]:
    """Return the names of the training data."""
    return results.levels("search", "data")


def at(results: Results, name: str, data: str, alpha: float, width: int) -> list[float]:
    """Return a number of the search at one beam width, one value per seed."""
    place = WIDTHS.index(width)
    return [row[place] for row in results.values("search", f"{alpha}/{name}", data=data)]


def change(
    results: Results, name: str, data: str, alpha: float, widths: tuple[int, int]
) -> Estimate:
    """Return the difference of a number between two beam widths, second minus first, paired by
    seed."""
    return paired(*(at(results, name, data, alpha, width) for width in widths))


def counted(results: Results, name: str, alpha: float, width: int) -> Estimate:
    """Return a number of the enumerated models at one beam width."""
    place = COUNTED_WIDTHS.index(width)
    return estimate([row[place] for row in results.values("exact", f"{alpha}/{name}")])


def falls(results: Results, part: str, **where: object) -> Estimate:
    """Return the share of sources for which the next larger beam width finds a lower score,
    averaged over all widths."""
    seeds = zip(*(results.values(part, f"{alpha}/fall", **where) for alpha in ALPHAS), strict=True)
    return estimate([float(np.mean(rows)) for rows in seeds])


def gain_of_penalty(results: Results, data: str) -> Estimate:
    """Return BLEU with α = 0.6 minus BLEU with α = 0 at the widest beam, paired by seed."""
    return paired(*(at(results, "bleu", data, alpha, WIDTHS[-1]) for alpha in (0.0, 0.6)))


def expected_empty() -> float:
    """Return the share of sources whose most probable answer is empty, if text has fragments.

    For n symbols, the empty answer has the probability FRAGMENTS/2n, and the best complete answer
    has the probability (1 - FRAGMENTS) · 0.35ⁿ.
    """
    likeliest = translation_probabilities().max()
    lengths = range(SHORTEST, LONGEST + 1)
    empty = [FRAGMENTS / (2 * n) > (1 - FRAGMENTS) * likeliest**n for n in lengths]
    return sum(empty) / len(empty)


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found = {
        "falls_counted": falls(results, "exact").percent,
        "missed_greedy": counted(results, "missed", 0.0, 1).percent,
        "missed_three": counted(results, "missed", 0.0, 3).percent,
        "regret_enough": counted(results, "regret", 0.0, ENOUGH),
        "empty_expected": exactly(100 * expected_empty()),
    }
    for data in trained_on(results):
        found[f"{data}_falls"] = falls(results, "search", data=data).percent
        found[f"{data}_greedy_to_four"] = change(results, "bleu", data, 0.0, (1, 4))
        found[f"{data}_four_to_widest_plain"] = change(results, "bleu", data, 0.0, (4, 64))
        found[f"{data}_log_probability"] = change(results, "log_probability", data, 0.0, (1, 64))
        for alpha, name in zip(ALPHAS, ("plain", "some", "full"), strict=True):
            for width in (1, 4, 64):
                bleu = at(results, "bleu", data, alpha, width)
                found[f"{data}_bleu_{width}_{name}"] = estimate(bleu)
        for name in ("length", "empty"):
            found[f"{data}_{name}_64"] = estimate(at(results, name, data, 0.0, 64)).percent
    return found


CLAIMS = (
    Claim(
        "exact",
        Bilingual("A beam that is wide enough finds the best answer.",
                  "빔이 충분히 넓으면 가장 좋은 답을 찾는다."),
        Bilingual("With V words, at most T words per answer and a beam width of Vᵀ, the search "
                  "finds the answer with the highest score.",
                  "단어가 V개, 답의 길이가 최대 T, 빔의 너비가 Vᵀ이면 점수가 가장 높은 답을 찾는다."),
        Bilingual("V = 3, T = 4: the largest difference to the best score of all answers is at "
                  "most 1e-4. Contrary: above 0.01.",
                  "V = 3, T = 4: 모든 답의 최고 점수와의 차이가 최대 1e-4. 0.01을 넘으면 반대."),
        lambda results: {
            f"α = {alpha:g}": [
                below(counted(results, "regret", alpha, ENOUGH), ROUNDING, contrary=0.01)
            ]
            for alpha in ALPHAS
        },
    ),
    Claim(
        "better",
        Bilingual("A larger beam finds a better translation.", "빔이 넓을수록 번역이 좋아진다."),
        Bilingual("BLEU rises from width 1 to 4 (α = 0) and from width 4 to 64 (every α).",
                  "너비를 1에서 4로(α = 0), 4에서 64로(모든 α에서) 넓히면 BLEU가 오른다."),
        Bilingual("Gain: at least 0.5 BLEU. Contrary: below -0.5.",
                  "이득이 0.5 BLEU 이상. -0.5 미만이면 반대."),
        lambda results: {
            f"{data}, {widths[0]} → {widths[1]}, α = {alpha:g}": [
                above(change(results, "bleu", data, alpha, widths), SOME_BLEU)
            ]
            for data in trained_on(results)
            for widths, alpha in (((1, 4), 0.0), *(((4, 64), alpha) for alpha in ALPHAS))
        },
    ),
    Claim(
        "score",
        Bilingual("A larger beam finds a more probable translation.",
                  "빔이 넓을수록 확률이 더 높은 번역을 찾는다."),
        Bilingual("With α = 0, the mean log-probability of the answer is higher at width 64 than "
                  "at width 1. This is not guaranteed for every sentence.",
                  "α = 0일 때 답의 평균 로그 확률은 너비 64에서 너비 1보다 높다. 문장마다 그렇다는 "
                  "보장은 없다."),
        Bilingual("Difference: above 0. Contrary: below 0.", "차이가 0 초과. 0 미만이면 반대."),
        lambda results: {
            data: [above(change(results, "log_probability", data, 0.0, (1, 64)), 0.0)]
            for data in trained_on(results)
        },
    ),
    Claim(
        "length",
        Bilingual("Without a length penalty, a larger beam gives shorter outputs.",
                  "길이 페널티가 없으면 빔이 넓을수록 출력이 짧아진다."),
        Bilingual("With α = 0, the answers at width 64 have fewer words than at width 1.",
                  "α = 0일 때 너비 64의 답은 너비 1의 답보다 단어가 적다."),
        Bilingual("Change of the length, as a share of the reference: at most -5 %. Contrary: "
                  "above 5 %.",
                  "정답 길이에 대한 길이의 변화가 -5 % 이하. 5 %를 넘으면 반대."),
        lambda results: {
            data: [below(change(results, "length", data, 0.0, (1, 64)), -SHORTER, contrary=SHORTER)]
            for data in trained_on(results)
        },
    ),
    Claim(
        "penalty",
        Bilingual("The length penalty repairs a large beam.",
                  "길이 페널티를 쓰면 넓은 빔의 문제가 해결된다."),
        Bilingual("At width 64, BLEU with α = 0.6 is higher than with α = 0.",
                  "너비 64에서 α = 0.6의 BLEU가 α = 0보다 높다."),
        Bilingual("Gain: at least 0.5 BLEU. Contrary: below -0.5.",
                  "이득이 0.5 BLEU 이상. -0.5 미만이면 반대."),
        lambda results: {
            data: [above(gain_of_penalty(results, data), SOME_BLEU)] for data in trained_on(results)
        },
    ),
)  # fmt: skip
