"""The charts and tables of the page."""

from functools import partial

from whyformer.lab.experiments.embedding_scale.claims import (
    POSITIONS,
    TIES,
    arms,
    predicted_ratio,
    ratio,
)
from whyformer.lab.experiments.embedding_scale.experiment import ONE, SMALL, SQRT, UNIT
from whyformer.lab.method.bilingual import Bilingual, alike
from whyformer.lab.method.charts import (
    PEAK_RATE,
    VALIDATION_LOSS,
    Axis,
    Chart,
    Figure,
    Series,
    theory,
)
from whyformer.lab.method.curves import points_along
from whyformer.lab.method.experiment import Results


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    widths = results.levels("loudness", "d_model")
    cases = [(init, scale) for init in (SMALL, UNIT) for scale in (ONE, SQRT)]
    drawn: list[Figure] = [
        Chart(
            "ratio",
            Bilingual("How loud tokens are beside positions", "위치에 비해 토큰은 얼마나 큰가"),
            Axis(alike("d_model"), log=True),
            Axis(
                Bilingual("norm of token over norm of position", "토큰의 노름 / 위치의 노름"),
                log=True,
            ),
            [
                *(
                    Series(
                        NAMES[f"{init}, {scale}"],
                        [(d, ratio(results, scale, init, d)) for d in widths],
                    )
                    for init, scale in cases
                ),
                *(
                    theory(
                        Bilingual(f"theory: {formula}", f"이론: {formula}"),
                        widths,
                        partial(predicted_ratio, scale, init),
                    )
                    for init, scale, formula in (
                        (SMALL, ONE, "√(2/d)"),
                        (SMALL, SQRT, "√2"),
                        (UNIT, SQRT, "√(2d)"),
                    )
                ),
            ],
            Bilingual(
                "Two of the four starts balance tokens and positions at every width: the factor "
                "with N(0, 1/d), and no factor with N(0, 1).",
                "네 가지 시작 중 둘만 모든 너비에서 토큰과 위치의 균형을 맞춥니다. N(0, 1/d)에 인자를 곱한 "
                "것과, 인자 없는 N(0, 1)입니다.",
            ),
        )
    ]
    for tying, init in arms(results):
        series = []
        for positions in results.levels("training", "positions", tying=tying, init=init):
            for scale in (ONE, SQRT):
                arm = {"tying": tying, "init": init, "positions": positions, "scale": scale}
                points = points_along(results, "training", "loss", "rate", **arm)
                name, where = NAMES[scale], NAMES[POSITIONS[positions]]
                series.append(
                    Series(Bilingual(f"{name.en}, {where.en}", f"{name.ko}, {where.ko}"), points)
                )
        title = NAMES[f"{TIES[tying]}, {init}"]
        drawn.append(
            Chart(
                f"rates-{TIES[tying]}-{init}",
                Bilingual(f"After training: {title.en}", f"학습 뒤: {title.ko}"),
                PEAK_RATE,
                VALIDATION_LOSS,
                series,
                Bilingual(
                    "Compare each curve at its own lowest point, and the two pairs with each other: "
                    "what the factor does without positions is not about positions.",
                    "각 곡선은 가장 낮은 점에서 비교하고, 두 쌍을 다시 서로 비교합니다. 위치 정보가 없을 "
                    "때에도 남는 효과는 위치 때문이 아닙니다.",
                ),
            )
        )
    return drawn


TIE_NAMES = {
    "tied": Bilingual("tied output", "출력 행렬 공유"),
    "untied": Bilingual("output of its own", "출력 행렬 분리"),
}
INIT_NAMES = {SMALL: "N(0, 1/d)", UNIT: "N(0, 1)"}
SCALE_NAMES = {ONE: Bilingual("no factor", "인자 없음"), SQRT: alike("√d_model")}
NAMES = {
    **TIE_NAMES,
    **SCALE_NAMES,
    **{init: alike(law) for init, law in INIT_NAMES.items()},
    "ratio with": Bilingual("ratio with the factor", "인자가 있을 때의 비"),
    "ratio without": Bilingual("ratio without the factor", "인자가 없을 때의 비"),
    "gain that goes": Bilingual("gain that goes with the positions", "위치와 함께 사라지는 이득"),
    "gain that stays": Bilingual("gain without positions", "위치 없이도 남는 이득"),
    "with positions": Bilingual("sinusoidal positions", "사인·코사인 위치"),
    "without positions": Bilingual("no positions", "위치 정보 없음"),
    **{
        f"{init}, {scale}": Bilingual(f"{law}, {name.en}", f"{law}, {name.ko}")
        for init, law in INIT_NAMES.items()
        for scale, name in SCALE_NAMES.items()
    },
    **{
        f"{tied}, {init}": Bilingual(f"{name.en}, {law}", f"{name.ko}, {law}")
        for init, law in INIT_NAMES.items()
        for tied, name in TIE_NAMES.items()
    },
}
