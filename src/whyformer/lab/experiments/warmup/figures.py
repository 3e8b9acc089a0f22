"""The charts and tables of the page."""

from collections.abc import Sequence

from whyformer.lab.experiments.warmup.effects import rescue, steps
from whyformer.lab.experiments.warmup.experiment import (
    ADAM,
    BARE,
    BOTH,
    CAUSAL,
    DEEP,
    DEPTHS,
    DRAWN_DEPTH,
    MATRICES,
    POST,
    PRE,
    RATES,
    SGD,
    SGD_ARMS,
    START_WIDTH,
    STEPPED,
    TABLED,
    loss,
    trained,
)
from whyformer.lab.method.bilingual import Bilingual, alike
from whyformer.lab.method.charts import (
    PEAK_RATE,
    VALIDATION_LOSS,
    Axis,
    Chart,
    Figure,
    Series,
    Table,
    theory,
)
from whyformer.lab.method.curves import points_of_rows, series_for_each
from whyformer.lab.method.experiment import Results


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    drawn: list[Figure] = [depth_chart(results), layer_chart(results), diversity_chart(results)]
    if len(results.levels("training", "rate", arm="post", optimizer=ADAM)) > 1:
        drawn.append(rate_chart(results))
    drawn.append(
        arm_table(
            results,
            ADAM,
            "interventions",
            Bilingual("Adam at the rate at which Post-LN fails", "Post-LN이 실패하는 학습률의 Adam"),
            ("post", "post-all", "pre", "pre-all", "clip", "radam", "top", "bottom", "all-but-qk",
             "qk", "ffn", "vo", "alpha", "small", "deepnorm"),
        )
    )  # fmt: skip
    if results.conditions("training", optimizer=SGD):
        drawn.append(
            arm_table(
                results,
                SGD,
                "sgd",
                Bilingual(
                    "SGD at the rate at which Post-LN fails", "Post-LN이 실패하는 학습률의 SGD"
                ),
                (*SGD_ARMS, "top", "bottom"),
            )
        )
    drawn.append(step_chart(results))
    return drawn


def depth_chart(results: Results) -> Chart:
    """Draw the gradient of the last W_2 as a function of the depth, with both theoretical laws."""
    where = {"view": BOTH, "d_model": START_WIDTH}
    wirings = results.levels("start", "wiring", **where)
    normed = [wiring for wiring in wirings if wiring != BARE]
    measured = series_for_each(
        NAMES, normed, results, "start", "rms", "layers", by="wiring", **where
    )
    laws = [
        theory(
            Bilingual(f"theory: L^{power:g}", f"이론: L^{power:g}"),
            DEPTHS,
            lambda n, first=series.points[0][1].value, power=power: (
                first * (n / DEPTHS[0]) ** power
            ),
        )
        for series, power in zip(measured[:2], (0.0, -0.5), strict=True)
    ]
    return Chart(
        "depth",
        Bilingual("Gradient of the last W_2 at the start", "시작할 때 마지막 W_2의 기울기"),
        Axis(Bilingual("layers", "층 수"), log=True),
        Axis(Bilingual("norm, loss at one position", "노름 (한 위치의 손실)"), log=True),
        [*measured, *laws],
        Bilingual(
            "Post-LN keeps it whatever the depth; Pre-LN lets it fall like one over the root.",
            "Post-LN은 깊이와 무관하게 유지하고, Pre-LN은 깊이의 제곱근에 반비례해 줄어듭니다.",
        ),
    )


def layer_chart(results: Results) -> Chart:
    """Draw the gradient of each matrix in each layer of Post-LN."""
    where = {"view": BOTH, "wiring": POST, "d_model": START_WIDTH, "layers": DRAWN_DEPTH}
    layers = range(1, DRAWN_DEPTH + 1)
    series = [
        Series(alike(matrix), points_of_rows(layers, results.values("start", matrix, **where)))
        for matrix in MATRICES
    ]
    return Chart(
        "layers",
        Bilingual("Post-LN at the start, layer by layer", "시작할 때의 Post-LN, 층별로"),
        Axis(Bilingual("layer, from the input", "입력에서부터 센 층")),
        Axis(Bilingual("norm of the gradient", "기울기의 노름"), log=True),
        series,
        Bilingual(
            "The matrices of values and of the feed-forward network stay level; those of queries "
            "and keys die towards the output, where all positions have become alike.",
            "값과 피드포워드의 행렬은 고르게 유지되고, 질의와 키의 행렬은 모든 위치가 비슷해진 출력 "
            "쪽으로 갈수록 기울기가 사라집니다.",
        ),
    )


def diversity_chart(results: Results) -> Chart:
    """Draw the token diversity after each layer."""
    where = {"view": BOTH, "d_model": START_WIDTH, "layers": DEPTHS[-1]}
    series = []
    for wiring in results.levels("start", "wiring", **where):
        rows = results.values("start", "diversity", wiring=wiring, **where)
        series.append(Series(NAMES[wiring], points_of_rows(range(1, DEPTHS[-1] + 1), rows)))
    return Chart(
        "diversity",
        Bilingual("How different the positions stay", "위치들이 얼마나 다르게 남는지"),
        Axis(Bilingual("layer, from the input", "입력에서부터 센 층")),
        Axis(Bilingual("token diversity", "토큰 다양성"), log=True),
        series,
        Bilingual(
            "Where it nears zero, attention can no longer tell positions apart.",
            "0에 가까워지면 어텐션이 위치를 구별하지 못합니다.",
        ),
    )


def rate_chart(results: Results) -> Chart:
    """Draw the loss as a function of the learning rate."""
    series = series_for_each(
        NAMES, TABLED, results, "training", "judged", "rate", by="arm", optimizer=ADAM
    )
    return Chart(
        "rates",
        Bilingual("After training, at every learning rate", "학습 뒤, 학습률마다"),
        PEAK_RATE,
        VALIDATION_LOSS,
        series,
        Bilingual(
            "Six layers. A run that learned nothing is drawn at the entropy of the characters.",
            "여섯 층. 아무것도 배우지 못한 학습은 문자 엔트로피의 높이에 그렸습니다.",
        ),
    )


def arm_table(
    results: Results, optimizer: str, name: str, title: Bilingual, arms: Sequence[str]
) -> Table:
    """Return a table with the loss and the rescue (see `rescue`) of each trained arm."""
    there = [arm for arm in arms if trained(results, "judged", arm, optimizer) is not None]
    return Table(
        name,
        title,
        [
            Bilingual("Arm", "방식"),
            Bilingual("validation loss", "검증 손실"),
            Bilingual("share of warm-up's rescue", "워밍업 대비 회복한 몫"),
        ],
        [
            [NAMES[arm], loss(results, arm, optimizer),
             None if arm == "post" else rescue(results, arm, optimizer)]
            for arm in there
        ],
        Bilingual(
            "The share is 0 where nothing was regained and 1 where as much as by warm-up of all "
            "parameters, or 0.2 nat where that regains less.",
            "전혀 회복하지 못하면 0, 모든 파라미터의 워밍업만큼 회복하면 1입니다. 워밍업이 회복한 양이 "
            "0.2 nat보다 작으면 0.2 nat에 대한 몫입니다.",
        ),
    )  # fmt: skip


def step_chart(results: Results) -> Chart:
    """Draw the change of the output after a tiny step as a function of the depth."""
    series = [Series(NAMES[arm], points_of_rows(*steps(results, arm))) for arm in STEPPED]
    return Chart(
        "step",
        Bilingual(
            "What one small step of Adam does to the output", "Adam의 작은 한 걸음이 출력에 하는 일"
        ),
        Axis(Bilingual("layers", "층 수"), log=True),
        Axis(Bilingual("relative change of the output", "출력의 상대적 변화"), log=True),
        series,
        Bilingual(
            "The same step of every weight; the deeper Post-LN is, the more of the output it moves.",
            "가중치마다 같은 걸음인데, Post-LN은 깊을수록 출력이 더 크게 움직입니다.",
        ),
    )


NAMES = {
    str(POST): alike("Post-LN"),
    str(PRE): alike("Pre-LN"),
    str(DEEP): alike("DeepNorm"),
    str(BARE): Bilingual("no normalisation", "정규화 없음"),
    f"{POST}, {BOTH}": Bilingual("Post-LN, encoder", "Post-LN, 인코더"),
    f"{POST}, {CAUSAL}": Bilingual("Post-LN, causal", "Post-LN, 인과적"),
    f"{PRE}, {BOTH}": Bilingual("Pre-LN, encoder", "Pre-LN, 인코더"),
    f"{PRE}, {CAUSAL}": Bilingual("Pre-LN, causal", "Pre-LN, 인과적"),
    "rms": Bilingual("root mean square", "제곱평균제곱근"),
    "median": Bilingual("typical position (median)", "보통 위치 (중앙값)"),
    **{matrix: alike(matrix) for matrix in MATRICES},
    **{f"rate {r:g}": Bilingual(f"learning rate {r:g}", f"학습률 {r:g}") for r in RATES[ADAM]},
    "saved": Bilingual("runs that warm-up saves", "워밍업이 살린 학습의 비율"),
    "beside": Bilingual("failed runs of Pre-LN", "실패한 Pre-LN 학습의 비율"),
    "post": Bilingual("Post-LN, no warm-up", "Post-LN, 워밍업 없음"),
    "post-all": Bilingual("Post-LN, warm-up", "Post-LN, 워밍업"),
    "pre": Bilingual("Pre-LN, no warm-up", "Pre-LN, 워밍업 없음"),
    "pre-all": Bilingual("Pre-LN, warm-up", "Pre-LN, 워밍업"),
    "deepnorm": Bilingual("DeepNorm: both, no warm-up", "DeepNorm: 둘 다, 워밍업 없음"),
    "small": Bilingual(
        "Post-LN, residual branch starts smaller", "Post-LN, 잔차 가지의 초깃값만 작게"
    ),
    "alpha": Bilingual("Post-LN, stream weighted by α", "Post-LN, 스트림에 α만 곱함"),
    "clip": Bilingual("gradient clipping", "기울기 클리핑"),
    "radam": alike("RAdam"),
    "top": Bilingual("warm-up of the upper half only", "위쪽 절반만 워밍업"),
    "bottom": Bilingual("warm-up of the lower half only", "아래쪽 절반만 워밍업"),
    "all-but-qk": Bilingual("warm-up of all but W_Q, W_K", "W_Q, W_K만 빼고 워밍업"),
    "qk": Bilingual("warm-up of W_Q, W_K only", "W_Q, W_K만 워밍업"),
    "ffn": Bilingual("warm-up of W_1, W_2 only", "W_1, W_2만 워밍업"),
    "vo": Bilingual("warm-up of W_V, W_O only", "W_V, W_O만 워밍업"),
    "grows": Bilingual("exponent of Post-LN", "Post-LN의 지수"),
    "steeper": Bilingual("exponent above the other's", "상대보다 큰 지수의 차이"),
    "adam": alike("Adam"),
    "sgd": alike("SGD"),
}
