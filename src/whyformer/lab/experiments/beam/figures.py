"""The charts and tables of the page."""

from collections.abc import Sequence

from whyformer.lab.experiments.beam.claims import at, counted, expected_empty, trained_on
from whyformer.lab.experiments.beam.experiment import ALPHAS, COUNTED_WIDTHS, DATA, ENOUGH, WIDTHS
from whyformer.lab.method.bilingual import Bilingual, alike
from whyformer.lab.method.charts import Axis, Chart, Points, Series, mark, theory
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import estimate


def charts(results: Results) -> list[Chart]:
    """See `Experiment`."""
    beam = Axis(Bilingual("beam width", "빔의 너비"), log=True)

    def over_widths(name: str, data: str, alpha: float) -> Points:
        return [(w, estimate(at(results, name, data, alpha, w))) for w in WIDTHS]

    def without_penalty(
        name: str, title: Bilingual, y: Bilingual, caption: Bilingual, *more: Series
    ) -> Chart:
        number = name.replace("-", "_")
        series = [Series(NAMES[d], over_widths(number, d, 0.0)) for d in trained_on(results)]
        return Chart(name, title, beam, Axis(y), [*series, *more], caption)

    def by_alpha(points: Sequence[Points]) -> list[Series]:
        return [Series(alike(f"α = {a:g}"), p) for a, p in zip(ALPHAS, points, strict=True)]

    empty = Bilingual("theory: the empty answer is the most probable one",
                      "이론: 빈 답의 확률이 가장 높은 비율")  # fmt: skip
    return [
        *(
            Chart(
                f"bleu-{data}",
                Bilingual(f"BLEU by beam width: {NAMES[data].en}",
                          f"빔의 너비에 따른 BLEU: {NAMES[data].ko}"),
                beam,
                Axis(alike("BLEU")),
                by_alpha([over_widths("bleu", data, alpha) for alpha in ALPHAS]),
                Bilingual("From width 1 to 2 BLEU rises. With a wide beam and no length penalty "
                          "(α = 0) it falls.",
                          "너비 1에서 2로 넓히면 BLEU가 오릅니다. 넓은 빔에서는 길이 페널티가 없으면"
                          "(α = 0) 떨어집니다."),
            )
            for data in trained_on(results)
        ),
        without_penalty(
            "log-probability",
            Bilingual("Score of the answer", "답의 점수"),
            Bilingual("mean log-probability of the answer, nats", "답의 평균 로그 확률 (nat)"),
            Bilingual("Without length penalty. The score rises even where BLEU falls.",
                      "길이 페널티가 없을 때입니다. BLEU가 떨어지는 곳에서도 점수는 오릅니다."),
        ),
        without_penalty(
            "length",
            Bilingual("Length of the answer", "답의 길이"),
            Bilingual("words of the answer / words of the reference", "답의 단어 수 / 정답의 단어 수"),
            Bilingual("Without length penalty. A correct answer has the ratio 1.",
                      "길이 페널티가 없을 때입니다. 올바른 답의 비는 1입니다."),
            theory(alike("1"), WIDTHS, lambda _: 1),
        ),
        without_penalty(
            "empty",
            Bilingual("Empty answers", "빈 답"),
            Bilingual("share of the sentences", "문장의 비율"),
            Bilingual("The dashed line is the result of an exact search with the true "
                      "probabilities of the text with fragments.",
                      "점선은 잘린 문장이 섞인 글의 참 확률로 정확히 탐색했을 때의 값입니다."),
            theory(empty, WIDTHS, lambda _: expected_empty()),
        ),
        Chart(
            "missed",
            Bilingual("How often the best answer is missed", "가장 좋은 답을 놓치는 비율"),
            beam,
            Axis(Bilingual("share of the sources", "입력의 비율")),
            [
                *by_alpha([[(w, counted(results, "missed", a, w)) for w in COUNTED_WIDTHS]
                           for a in ALPHAS]),
                mark(alike("Vᵀ"), ENOUGH),
            ],
            Bilingual("Tiny models whose answers are all known: three words, at most four per "
                      "answer.",
                      "모든 답을 나열할 수 있는 작은 모델입니다. 단어 3개, 길이는 최대 4입니다."),
        ),
    ]  # fmt: skip


NAMES = {
    "clean": Bilingual("clean text", "깨끗한 글"),
    "fragments": Bilingual("text with fragments", "잘린 문장이 섞인 글"),
    "smoothed": Bilingual("clean text, label smoothing 0.1", "깨끗한 글, 레이블 스무딩 0.1"),
    **{f"α = {alpha:g}": alike(f"α = {alpha:g}") for alpha in ALPHAS},
}
NAMES |= {
    f"{data}, {change}": Bilingual(
        f"{NAMES[data].en}, width {change}", f"{NAMES[data].ko}, 너비 {change}"
    )
    for data in DATA
    for change in ("1 → 4, α = 0", *(f"4 → 64, α = {alpha:g}" for alpha in ALPHAS))
}
