"""The charts and tables of the page."""

from typing import Any

from whyformer.foundation.bilingual import Bilingual, alike
from whyformer.lab.experiments.complexity.effects import (
    JUDGED_WIDTH,
    constant,
    depth_slope,
    share,
    time_ratios,
)
from whyformer.lab.experiments.complexity.experiment import (
    COUNTED,
    DRAWN,
    PATH_LENGTHS,
    RATIOS,
    REACHING,
    WIDTHS,
)
from whyformer.lab.method.charts import (
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
from whyformer.lab.method.curves import points_along, points_of_rows
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import exactly, median
from whyformer.lab.method.texts import texts_of

TEXTS = texts_of("complexity")
NAMES = {
    **TEXTS.names,
    **{f"n = {ratio} d": alike(f"n = {ratio}d") for ratio in RATIOS},
    **{
        f"{twin}, d = {d}": Bilingual(
            f"{TEXTS.names[key].en} (d = {d})", f"{TEXTS.names[key].ko} (d = {d})"
        )
        for twin, key in (("attention", "explicit"), ("fused", "fused"))
        for d in WIDTHS
    },
}
ROWS = (
    ("attention", "O(n^2 d)", "O(1)", "O(1)"),
    ("rnn", "O(n d^2)", "O(n)", "O(n)"),
    ("convolution", "O(k n d^2)", "O(1)", "O(n/k)"),
    ("dilated", "O(k n d^2)", "O(1)", r"O(\log_k n)"),
    ("restricted", "O(r n d)", "O(1)", "O(n/r)"),
)
"""The rows of Table 1: complexity, sequential operations, path length."""
CHAINS = ("attention", "convolution", "restricted", "rnn", "lstm", "scan")
GENERATING = (
    ("generation, keys and values kept", "gpt", True),
    ("generation, nothing kept", "gpt", False),
    ("rnn model", "rnn model", True),
)


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""

    def along(part: str, number: str, **where: Any) -> Points:
        return points_along(results, part, number, "n", statistic=median, **where)

    chains = [Series(NAMES[kind], along("depth", "depth", kind=kind)) for kind in CHAINS]
    laws = [_law(along("depth", "depth", kind=kind), kind) for kind in ("attention", "rnn")]
    generated = [
        Series(NAMES[name], along("decoding", "operations", kind=kind, cached=cached))
        for name, kind, cached in GENERATING
    ]
    return [
        table(results),
        TEXTS.chart("depth", [*chains, *laws], log="xy"),
        reach_map(results),
        share_chart(results),
        time_chart(results),
        ratio_chart(results),
        TEXTS.chart("generation", generated, log="xy"),
    ]


def _law(measured: Points, kind: str) -> Series:
    """Return the sequential operations of Table 1 as a line through the last measured point."""
    last, value = measured[-1]
    formula, power = ("O(1)", 0) if kind == "attention" else ("O(n)", 1)
    name = Bilingual(f"theory: {formula}", f"이론: {formula}")
    return theory(name, [n for n, _ in measured], lambda n: value.value * (n / last) ** power)


def table(results: Results) -> Table:
    """Return Table 1 with a measured value beside each formula."""
    chained, n = results.levels("depth", "kind"), PATH_LENGTHS[-1]
    rows = [
        [
            NAMES[kind],
            Formula(cost),
            constant(results, kind) if kind in COUNTED else None,
            Formula(chain),
            depth_slope(results, kind) if kind in chained else None,
            Formula(path),
            exactly(results.values("path", "layers", kind=kind, n=n)[0]),
        ]
        for kind, cost, chain, path in ROWS
    ]
    return TEXTS.table("table-1", rows)


def reach_map(results: Results) -> HeatMap:
    """Return the inputs that the last output depends on, after one, two and three layers."""
    rows, values = [], []
    for kind in REACHING:
        short = NAMES[f"short {kind}"]
        for number, seen in enumerate(results.values("path", "reached", kind=kind, n=DRAWN)[0], 1):
            rows.append(Bilingual(f"{short.en} ×{number}", f"{short.ko} ×{number}"))
            values.append([float(one) for one in seen])
    return TEXTS.heat_map("reach", rows, [str(place) for place in range(1, DRAWN + 1)], values)


def share_chart(results: Results) -> Chart:
    """Draw the share of attention's square in a layer, with the formula."""
    shares = [
        Series(alike(f"d = {d}"), [(r, share(results, d, r)) for r in RATIOS]) for d in WIDTHS
    ]
    formula = theory(NAMES["share formula"], RATIOS, lambda r: r / (r + 6))
    return TEXTS.chart("share", [*shares, formula, mark(alike("n = 6d"), 6)], log="x")


def time_chart(results: Results) -> Chart:
    """Draw the time of each kind of layer, with lines of slope 2 and 1."""

    def points(kind: str) -> Points:
        where = {"kind": kind, "d": JUDGED_WIDTH}
        return points_along(results, "time", "milliseconds", "n", statistic=median, **where)

    measured = {kind: points(kind) for kind in results.levels("time", "kind")}
    guides = []
    for power, kind in ((2, "attention"), (1, "rnn")):
        last, value = measured[kind][-1]

        def line(n: float, last=last, value=value.value, power=power) -> float:
            return value * (n / last) ** power

        lengths = [n for n, _ in measured[kind]]
        guides.append(theory(Bilingual(f"slope {power}", f"기울기 {power}"), lengths, line))
    series = [Series(NAMES[kind], seen) for kind, seen in measured.items()]
    return TEXTS.chart("time", [*series, *guides], log="xy")


def ratio_chart(results: Results) -> Chart:
    """Draw the time of attention divided by the time of the recurrence."""
    series, over = [], set()
    for d in WIDTHS:
        lengths, rows = time_ratios(results, "attention", d)
        over |= {n / d for n in lengths}
        name = Bilingual(f"time, d = {d}", f"시간, d = {d}")
        series.append(Series(name, points_of_rows([n / d for n in lengths], rows)))
    return TEXTS.chart(
        "crossing",
        [
            *series,
            theory(NAMES["operations"], sorted(over), lambda r: r),
            theory(alike("1"), sorted(over), lambda _: 1),
            mark(alike("n = d"), 1),
        ],
        log="xy",
    )
