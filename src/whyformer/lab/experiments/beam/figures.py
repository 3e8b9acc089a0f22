"""The charts and tables of the page."""

from whyformer.lab.experiments.beam.claims import at, counted, expected_empty
from whyformer.lab.experiments.beam.experiment import ALPHAS, COUNTED_WIDTHS, DATA, ENOUGH, WIDTHS
from whyformer.lab.method.bilingual import Bilingual, alike
from whyformer.lab.method.charts import Axis, Chart, Points, Series, mark, theory
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import estimate


def charts(results: Results) -> list[Chart]:
    """See `Experiment`."""
    beam = Axis(Bilingual("width of the beam", "빔의 너비"), log=True)

    def over_widths(name: str, data: str, alpha: float) -> Points:
        return [(w, estimate(at(results, name, data, alpha, w))) for w in WIDTHS]

    def of_data(name: str) -> list[Series]:
        return [
            Series(NAMES[data], over_widths(name, data, 0.0))
            for data in results.levels("search", "data")
        ]

    quality = [
        Chart(
            f"bleu-{data}",
            Bilingual(
                f"Quality against width: {NAMES[data].en}", f"너비에 따른 품질: {NAMES[data].ko}"
            ),
            beam,
            Axis(alike("BLEU")),
            [Series(alike(f"α = {a:g}"), over_widths("bleu", data, a)) for a in ALPHAS],
            Bilingual(
                "The first doubling helps everywhere. What a wide beam does depends on whether the "
                "model believes in short answers, and on the length penalty α.",
                "처음 두 배로 넓힐 때는 어디서나 좋아집니다. 넓은 빔의 결과는 모델이 짧은 답을 얼마나 "
                "믿는지와 길이 페널티 α에 달려 있습니다.",
            ),
        )
        for data in results.levels("search", "data")
    ]
    return [
        *quality,
        Chart(
            "log-probability",
            Bilingual("What the search looks for: the score", "탐색이 실제로 찾는 것: 점수"),
            beam,
            Axis(
                Bilingual("mean log-probability of the answer, nats", "답의 평균 로그 확률 (nat)")
            ),
            of_data("log_probability"),
            Bilingual(
                "Without length penalty. The score rises where the quality falls.",
                "길이 페널티가 없을 때입니다. 품질이 떨어지는 곳에서도 점수는 올라갑니다.",
            ),
        ),
        Chart(
            "length",
            Bilingual("Length of the answer against width", "너비에 따른 답의 길이"),
            beam,
            Axis(
                Bilingual(
                    "words of the answer / words of the reference", "답의 단어 수 / 정답의 단어 수"
                )
            ),
            [
                *of_data("length"),
                theory(alike("1"), WIDTHS, lambda _: 1),
            ],
            Bilingual(
                "Without length penalty. Every right answer has a ratio of 1.",
                "길이 페널티가 없을 때입니다. 올바른 답은 모두 1이 됩니다.",
            ),
        ),
        Chart(
            "empty",
            Bilingual("Answers without a single word", "단어가 하나도 없는 답"),
            beam,
            Axis(Bilingual("share of the sentences", "문장의 비율")),
            [
                *of_data("empty"),
                theory(
                    Bilingual(
                        "theory: the most probable answer is none",
                        "이론: 가장 확률 높은 답이 빈 답",
                    ),
                    WIDTHS,
                    lambda _: expected_empty(),
                ),
            ],
            Bilingual(
                "The dashed line is what an exact search over the true probabilities would give "
                "with fragments in the text.",
                "점선은 잘린 문장이 섞인 글의 참 확률을 정확히 탐색했을 때 나올 값입니다.",
            ),
        ),
        Chart(
            "missed",
            Bilingual("How often the best answer is missed", "가장 좋은 답을 놓치는 비율"),
            beam,
            Axis(Bilingual("share of the sources", "입력의 비율")),
            [
                *(
                    Series(
                        alike(f"α = {a:g}"),
                        [(w, counted(results, "missed", a, w)) for w in COUNTED_WIDTHS],
                    )
                    for a in ALPHAS
                ),
                mark(alike("Vᵀ"), ENOUGH),
            ],
            Bilingual(
                "Models whose every answer can be listed: three words, at most four of them.",
                "모든 답을 나열할 수 있는 모델입니다. 단어 세 개, 길이는 최대 네 단어입니다.",
            ),
        ),
    ]


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
