"""The charts and tables of the page."""

from typing import Any

from whyformer.lab.experiments.complexity.effects import JUDGED_WIDTH, constant, depth_slope, share
from whyformer.lab.experiments.complexity.experiment import (
    COUNTED,
    DRAWN,
    PATH_LENGTHS,
    RATIOS,
    REACHING,
    WIDTHS,
)
from whyformer.lab.method.bilingual import Bilingual, alike
from whyformer.lab.method.charts import (
    Axis,
    Chart,
    Figure,
    Formula,
    HeatMap,
    Points,
    Series,
    Table,
    mark,
    theory,
)
from whyformer.lab.method.curves import points_along
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly, median


def table(results: Results) -> Table:
    """Return Table 1 with a measured value beside each formula."""

    def reach(kind: str) -> Estimate | None:
        if kind in REACHING:
            return exactly(results.values("path", "layers", kind=kind, n=PATH_LENGTHS[-1])[0])
        return None

    def row(kind: str, cost: str, chain: str, path: str) -> list:
        counted = constant(results, kind) if kind in COUNTED else None
        shown = depth_slope(results, kind) if kind in results.levels("depth", "kind") else None
        return [
            NAMES[kind],
            Formula(cost),
            counted,
            Formula(chain),
            shown,
            Formula(path),
            reach(kind),
        ]

    return Table(
        "table-1",
        Bilingual("Table 1, formula and measurement side by side", "Table 1: 공식과 측정값"),
        [
            Bilingual("layer", "층"),
            Bilingual("complexity", "복잡도"),
            Bilingual("counted ÷ formula", "센 값 ÷ 공식"),
            Bilingual("sequential operations", "순차 연산"),
            Bilingual("chain, operations a position", "연산 사슬 (위치 하나당)"),
            Bilingual("path length", "경로 길이"),
            Bilingual("layers needed at n = 256", "n = 256에 필요한 층 수"),
        ],
        [
            row("attention", "O(n^2 d)", "O(1)", "O(1)"),
            row("rnn", "O(n d^2)", "O(n)", "O(n)"),
            row("convolution", "O(k n d^2)", "O(1)", "O(n/k)"),
            row("dilated", "O(k n d^2)", "O(1)", r"O(\log_k n)"),
            row("restricted", "O(r n d)", "O(1)", "O(n/r)"),
        ],
        Bilingual(
            "Multiply-adds are whole multiples of the formula at every size. One recurrent layer "
            "reaches all positions, but by n updates of its state one after another.",
            "곱셈-덧셈 횟수는 모든 크기에서 공식의 정수배입니다. 순환층은 한 층으로도 모든 위치에 닿지만, "
            "그 안에서 상태를 n번 차례로 갱신해야 합니다.",
        ),
    )


def reach_map(results: Results) -> HeatMap:
    """Return the inputs that the last output depends on, after one, two and three layers."""
    rows, values = [], []
    for kind in REACHING:
        for number, seen in enumerate(results.values("path", "reached", kind=kind, n=DRAWN)[0], 1):
            rows.append(Bilingual(f"{SHORT[kind].en} ×{number}", f"{SHORT[kind].ko} ×{number}"))
            values.append([float(one) for one in seen])
    return HeatMap(
        "reach",
        Bilingual("What the last position can know", "마지막 위치가 알 수 있는 것"),
        rows,
        [str(place) for place in range(1, DRAWN + 1)],
        values,
        Bilingual(
            "Filled: the output at position 27 depends on this input after so many layers. Kernels "
            "of three, window of eight.",
            "칠해진 칸: 층을 그만큼 쌓았을 때 27번째 출력이 그 입력에 의존합니다. 커널 크기 3, 창 크기 8.",
        ),
    )


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    positions = Axis(Bilingual("positions n", "위치 수 n"), log=True)

    def along(part: str, number: str, **where: Any) -> Points:
        return points_along(results, part, number, "n", statistic=median, **where)

    lengths = results.levels("time", "n", kind="rnn", d=JUDGED_WIDTH)
    last = {
        kind: results.values("time", "milliseconds", kind=kind, d=JUDGED_WIDTH, n=lengths[-1])[0]
        for kind in ("attention", "rnn")
    }
    ratios = []
    for d in WIDTHS:
        _, slow = results.curves("time", "milliseconds", "n", kind="attention", d=d)
        _, fast = results.curves("time", "milliseconds", "n", kind="rnn", d=d)
        points = [
            (n / d, estimate([a[i] / b[i] for a, b in zip(slow, fast, strict=True)], median))
            for i, n in enumerate(lengths)
        ]
        ratios.append(Series(Bilingual(f"time, d = {d}", f"시간, d = {d}"), points))
    over = sorted({n / d for n in lengths for d in WIDTHS})
    return [
        table(results),
        Chart(
            "depth",
            Bilingual(
                "The longest chain of dependent operations",
                "서로를 기다려야 하는 가장 긴 연산 사슬",
            ),
            positions,
            Axis(Bilingual("operations, one after another", "차례로 해야 하는 연산 수"), log=True),
            [
                Series(NAMES[kind], along("depth", "depth", kind=kind))
                for kind in ("attention", "convolution", "restricted", "rnn", "lstm", "scan")
            ],
            Bilingual(
                "Flat for what reads all positions at once, a straight line for cells with a tanh, "
                "a logarithm for the linear recurrence computed by scan.",
                "모든 위치를 한꺼번에 읽는 층은 평평하고, tanh가 있는 순환은 직선이며, 스캔으로 계산한 "
                "선형 순환은 로그로 자랍니다.",
            ),
        ),
        reach_map(results),
        Chart(
            "share",
            Bilingual("How much of a layer is attention", "한 층에서 어텐션이 차지하는 몫"),
            Axis(Bilingual("length over width, n / d", "길이와 너비의 비 n / d"), log=True),
            Axis(Bilingual("share of QKᵀ and weighted sum", "QKᵀ와 가중합의 비율")),
            [
                *(
                    Series(alike(f"d = {d}"), [(r, share(results, d, r)) for r in RATIOS])
                    for d in WIDTHS
                ),
                theory(
                    Bilingual("theory: n / (n + 6d)", "이론: n / (n + 6d)"),
                    RATIOS,
                    lambda r: r / (r + 6),
                ),
                mark(alike("n = 6d"), 6),
            ],
            Bilingual(
                "Projections and feed-forward network, which Table 1 leaves out, are the larger "
                "part until n = 6d.",
                "Table 1이 빼놓은 투영과 피드포워드가 n = 6d까지는 더 큰 몫입니다.",
            ),
        ),
        Chart(
            "time",
            Bilingual(
                f"Time on one CPU thread, d = {JUDGED_WIDTH}",
                f"CPU 스레드 하나의 시간, d = {JUDGED_WIDTH}",
            ),
            positions,
            Axis(Bilingual("milliseconds", "밀리초"), log=True),
            [
                *(
                    Series(NAMES[kind], along("time", "milliseconds", kind=kind, d=JUDGED_WIDTH))
                    for kind in results.levels("time", "kind")
                ),
                *(
                    theory(
                        Bilingual(f"slope {power}", f"기울기 {power}"),
                        lengths,
                        lambda n, power=power, kind=kind: last[kind] * (n / lengths[-1]) ** power,
                    )
                    for power, kind in ((2, "attention"), (1, "rnn"))
                ),
            ],
            Bilingual(
                "The exponents are near those of Table 1. Where the curves cross is not.",
                "지수는 Table 1에 가깝지만, 곡선이 만나는 곳은 다릅니다.",
            ),
        ),
        Chart(
            "crossing",
            Bilingual("Attention's time over the recurrence's", "순환에 대한 어텐션의 시간비"),
            Axis(Bilingual("length over width, n / d", "길이와 너비의 비 n / d"), log=True),
            Axis(
                Bilingual(
                    "ratio; below 1 attention is faster", "비율 (1보다 작으면 어텐션이 빠름)"
                ),
                log=True,
            ),
            [
                *ratios,
                theory(
                    Bilingual("ratio of multiply-adds: n / d", "곱셈-덧셈의 비: n / d"),
                    over,
                    lambda r: r,
                ),
                theory(alike("1"), over, lambda _: 1),
                mark(alike("n = d"), 1),
            ],
            Bilingual(
                "By operations the two cross at n = d. By the clock they cross later: a recurrence "
                "multiplies one vector at a time, which no processor likes.",
                "연산 수로는 n = d에서 만나지만 시계로는 더 뒤에서 만납니다. 순환은 벡터를 하나씩 곱하는데, "
                "어떤 프로세서도 이런 일을 잘하지 못합니다.",
            ),
        ),
        Chart(
            "generation",
            Bilingual("What generating n tokens takes", "토큰 n개를 생성하는 데 드는 것"),
            Axis(Bilingual("tokens generated", "생성한 토큰 수"), log=True),
            Axis(Bilingual("multiply-adds", "곱셈-덧셈 횟수"), log=True),
            [
                Series(NAMES[name], along("decoding", "operations", kind=kind, cached=cached))
                for name, kind, cached in (
                    ("generation, keys and values kept", "gpt", True),
                    ("generation, nothing kept", "gpt", False),
                    ("rnn model", "rnn model", True),
                )
            ],
            Bilingual(
                "All three need n calls, each waiting for the last. Keeping keys and values saves "
                "work, not waiting.",
                "셋 다 앞의 것을 기다리는 호출이 n번 필요합니다. 키와 값을 간직하면 계산은 줄지만 기다림은 "
                "줄지 않습니다.",
            ),
        ),
    ]


SHORT = {
    "attention": Bilingual("attention", "어텐션"),
    "restricted": Bilingual("window", "창"),
    "convolution": Bilingual("kernel", "커널"),
    "dilated": Bilingual("dilated", "팽창"),
    "rnn": Bilingual("recurrent", "순환"),
}
NAMES = {
    "attention": Bilingual("self-attention", "셀프 어텐션"),
    "fused": Bilingual("self-attention, fused kernel", "셀프 어텐션 (융합 커널)"),
    "restricted": Bilingual("restricted self-attention", "제한된 셀프 어텐션"),
    "convolution": Bilingual("convolution, contiguous", "합성곱 (연속 커널)"),
    "dilated": Bilingual("convolution, dilated", "합성곱 (팽창 커널)"),
    "rnn": Bilingual("recurrent (tanh)", "순환 (tanh)"),
    "gru": Bilingual("recurrent (GRU)", "순환 (GRU)"),
    "lstm": Bilingual("recurrent (LSTM)", "순환 (LSTM)"),
    "rnn loop": Bilingual("recurrent (tanh), loop in Python", "순환 (tanh), 파이썬 반복문"),
    "linear": Bilingual("linear recurrence", "선형 순환"),
    "loop": Bilingual("linear recurrence, loop", "선형 순환, 반복문"),
    "scan": Bilingual("linear recurrence, scan", "선형 순환, 스캔"),
    "rnn model": Bilingual("recurrent model", "순환 모델"),
    "training": Bilingual("training (all tokens known)", "학습 (모든 토큰을 앎)"),
    "generation, keys and values kept": Bilingual(
        "generation, keys and values kept", "생성 (키와 값을 간직)"
    ),
    "generation, nothing kept": Bilingual(
        "generation, nothing kept", "생성 (아무것도 간직하지 않음)"
    ),
    **{f"n = {ratio} d": alike(f"n = {ratio}d") for ratio in RATIOS},
    **{
        f"{twin}, d = {d}": Bilingual(f"{en}, d = {d}", f"{ko}, d = {d}")
        for twin, en, ko in (
            ("attention", "explicit attention", "풀어 쓴 어텐션"),
            ("fused", "fused attention", "융합 어텐션"),
        )
        for d in WIDTHS
    },
}
