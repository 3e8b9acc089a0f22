"""Table 1 of the paper, row by row: operations counted, chains measured, layers reached, timed."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from whyformer.blocks.attention import attention, fused_attention
from whyformer.blocks.convolution import CausalConvolution
from whyformer.blocks.linear_recurrence import LinearRecurrence, ScanPath
from whyformer.blocks.multihead import AttentionPath, MultiHeadAttention, use_path
from whyformer.blocks.recurrence import Cell, Recurrence, RecurrencePath, use_recurrence
from whyformer.blocks.windowed import WindowedAttention, windowed_attention
from whyformer.decoding.greedy import greedy_search
from whyformer.decoding.queue import Arrivals, Queue
from whyformer.decoding.settings import SearchSettings
from whyformer.lab.instruments.counter import Equation, count_operations
from whyformer.lab.instruments.graph import Layer, depth, reached
from whyformer.lab.method.bilingual import Said, alike
from whyformer.lab.method.charts import Axis, Chart, Figure, Formula, HeatMap, Look, Series, Table
from whyformer.lab.method.experiment import (
    Claim,
    Experiment,
    Mode,
    Numbers,
    Part,
    Results,
    Settings,
)
from whyformer.lab.method.statistics import (
    Estimate,
    estimate,
    exactly,
    local_slopes,
    log_slope,
    median,
    r_squared,
    slope,
)
from whyformer.lab.method.verdict import Test, above, below, within
from whyformer.models.encoder import EncoderLayer
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.models.parts import StackSettings
from whyformer.models.rnn import RecurrentModel, RecurrentSettings

KERNEL, WINDOW, TIMED_WINDOW = 3, 8, 32
SHORTEST_TIMED = 2e-3
"""Seconds; shorter runs are timed several at a time."""
WIDTHS = (64, 256)
COUNTED_LENGTHS = (16, 64, 256, 1024)
RATIOS = (1, 2, 4, 8, 16)
DEPTH_LENGTHS = (8, 16, 32, 64, 128, 256)
PATH_LENGTHS = (16, 27, 64, 256)
DRAWN, LAYERS_DRAWN = 27, 3
DECODED = (8, 16, 32, 64)
TIMED_LENGTHS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
JUDGED_WIDTH, JUDGED_LENGTHS = 256, (256, 2048)
VOCABULARY = 300
CELLS = {str(cell): cell for cell in Cell}
COUNTED = ("attention", "restricted", "convolution", *CELLS)
CONSTANT = ("attention", "restricted", "convolution", "dilated")
REACHING = ("attention", "restricted", "convolution", "dilated", "rnn")
TWINS = ("attention", "fused")
"""How attention is timed: by its explicit and by its fused twin."""
JUDGED_TIMES = {
    "attention": (1.8, 2.4),
    "fused": (1.8, 2.4),
    "restricted": (0.85, 1.2),
    "convolution": (0.85, 1.2),
    "rnn": (0.85, 1.2),
}
"""Where the exponent of time over n must lie."""
MIXING = (Equation.SCORES, Equation.WEIGHTED_SUM, Equation.RECURRENCE, Equation.CONVOLUTION)
"""What Table 1 counts: the mixing of positions, not the projections around it."""


def layer(kind: str, d_model: int, level: int = 0) -> nn.Module:
    """Make a layer of one row of Table 1. Args: level: layers below it (for dilated kernels)."""
    if kind == "attention":
        return MultiHeadAttention(d_model, 1, d_model, path=AttentionPath.EXPLICIT)
    if kind == "restricted":
        return WindowedAttention(d_model, 1, d_model, width=WINDOW)
    if kind in CELLS:
        return Recurrence(CELLS[kind], d_model, d_model, path=RecurrencePath.EXPLICIT)
    if kind in ("loop", "scan"):
        path = ScanPath.LOOP if kind == "loop" else ScanPath.DOUBLING
        return LinearRecurrence(d_model, path=path)
    dilation = KERNEL**level if kind == "dilated" else 1
    return CausalConvolution(d_model, KERNEL, dilation=dilation)


def applied(module: nn.Module) -> Layer:
    """Return a layer as a function of its input alone; nothing looks ahead."""
    if isinstance(module, MultiHeadAttention):
        return lambda x: module(x, module.keys_values(x), causal=True)
    if isinstance(module, Recurrence):
        return lambda x: module(x)[0]
    return module


def measure_counts(settings: Settings, seed: int) -> Numbers:
    """Count the multiply-adds of one layer while it reads one sequence."""
    module = layer(settings["kind"], settings["d"])
    use_recurrence(module, RecurrencePath.FUSED)  # counts as the loop does, but sooner
    with torch.inference_mode(), count_operations(module) as counted:
        applied(module)(torch.zeros(1, settings["n"], settings["d"]))
    return {"mixing": counted.of(*MIXING), "projections": counted.of(Equation.PROJECTIONS)}


def measure_block(settings: Settings, seed: int) -> Numbers:
    """Count a whole encoder layer with d_ff = 4d, from shapes alone."""
    d, n = settings["d"], settings["d"] * settings["ratio"]
    parts = StackSettings(d_model=d, heads=4, d_ff=4 * d, max_length=n).parts()
    with torch.device("meta"):
        module, x = EncoderLayer(parts), torch.empty(1, n, d)
        with count_operations(module) as counted:
            module(x, parts.positions(causal=False), None)
    return {
        "mixing": counted.of(*MIXING),
        "projections": counted.of(Equation.PROJECTIONS),
        "rest": counted.total - counted.of(*MIXING),
    }


def measure_depth(settings: Settings, seed: int) -> Numbers:
    """Return the longest chain of operations behind a layer's output, or behind a model's loss.

    In float64, for which there is one path through the products, whatever the machine.
    """
    kind, n = settings["kind"], settings["n"]
    if kind not in ("gpt", "rnn model"):
        x = torch.randn(1, n, 8, dtype=torch.float64)
        return {"depth": depth(applied(layer(kind, 8).double())(x))}
    model, ids = model_of(kind).double(), torch.randint(5, VOCABULARY, (1, n))
    use_path(model, AttentionPath.EXPLICIT)
    use_recurrence(model, RecurrencePath.EXPLICIT)
    logits = model(ids) if isinstance(model, GPT) else model(ids, None, ids)
    return {"depth": depth(F.cross_entropy(logits.flatten(0, 1), ids.flatten()))}


def model_of(kind: str) -> GPT | RecurrentModel:
    """Make a small model whose loss has a graph, and which can generate."""
    sizes = (VOCABULARY, VOCABULARY)
    if kind == "gpt":
        small = GPTSettings(layers=2, d_model=32, heads=2, d_ff=128, dropout=0.0, max_length=1024)
        return GPT(small, sizes)
    shape = {"d_model": 32, "dropout": 0.0, "input_feeding": False}
    return RecurrentModel(RecurrentSettings.model_validate(shape), sizes)


def measure_twins(settings: Settings, seed: int) -> Numbers:
    """Return how far loop and scan of one linear recurrence are apart, in float64."""
    module = LinearRecurrence(16, path=ScanPath.LOOP).double()
    x = torch.randn(2, settings["n"], 16, dtype=torch.float64)
    loop = module(x)
    module.path = ScanPath.DOUBLING
    return {"gap": ((module(x) - loop).abs().max() / loop.abs().max()).item()}


def measure_path(settings: Settings, seed: int) -> Numbers:
    """Return the fewest layers by which the last output depends on the first input.

    Also, of a recurrence, how often a layer updates its state; and which inputs are reached after
    one, two and three layers.
    """
    kind, n, updates = settings["kind"], settings["n"], 0

    def count(*_: object) -> None:
        nonlocal updates
        updates += 1

    def stack() -> Iterator[Layer]:
        level = 0
        while True:
            module = layer(kind, 8, level).double()
            if isinstance(module, Recurrence):
                module.from_state.register_forward_hook(count)
            yield applied(module)
            level += 1

    layers, seen = 0, []
    for asked in reached(stack(), n, 8, seed=seed):
        seen.append(asked.int().tolist())
        if asked[0] and not layers:
            layers = len(seen)
        if layers and len(seen) >= LAYERS_DRAWN:
            break
    drawn = seen[:LAYERS_DRAWN] if n == DRAWN else []
    return {"layers": layers, "updates": updates / len(seen), "reached": drawn}


@dataclass
class Observed:
    """A model as a search sees it, with the calls counted.

    Args: cached: whether a step reads what earlier steps left, or reads the whole text again.
    """

    model: GPT | RecurrentModel
    cached: bool
    calls: int = 0

    def begin(self, source: Tensor, source_real: Tensor | None) -> object:
        """See `Stepper`."""
        nothing = torch.zeros(len(source), 0, dtype=torch.long)
        return self.model.begin(source, source_real) if self.cached else nothing

    def step(self, state, tokens: Tensor) -> tuple[Tensor, object]:
        """See `Stepper`."""
        self.calls += 1
        if self.cached:
            return self.model.step(state, tokens)
        assert isinstance(self.model, GPT)
        longer = torch.cat([state, tokens], 1)
        return self.model(longer)[:, -1], longer

    def select(self, state, sentences: Tensor | None, beams: Tensor) -> object:
        """See `Stepper`."""
        return self.model.select(state, sentences, beams) if self.cached else state


@torch.inference_mode()
def measure_decoding(settings: Settings, seed: int) -> Numbers:
    """Generate n tokens, the last of them the end; count calls, each waiting for the last."""
    n, model = settings["n"], model_of(settings["kind"]).eval()
    observed = Observed(model, settings["cached"])
    search = SearchSettings(beam=1, min_length=n - 1, max_length=n - 1)
    with count_operations(model) as counted:
        greedy_search(observed, Queue([Arrivals(torch.full((1, 4), 7), None, [n - 1])]), search)
    return {"calls": observed.calls, "operations": counted.total}


@torch.inference_mode()
def measure_time(settings: Settings, seed: int) -> Numbers:
    """Return the time of one run, in milliseconds: of what Table 1 counts, no more.

    Time of this thread, so that programs beside it do not count. That clock sometimes stands still
    for tens of microseconds, so short runs are timed together, and the lower quartile is taken
    where one would else take the least.
    """
    kind, n, d = settings["kind"], settings["n"], settings["d"]
    x = torch.randn(1, n, d)
    Q = torch.randn(1, 1, n, d)  # noqa: N806
    runs: dict[str, Callable[[], object]] = {
        "attention": lambda: attention(Q, Q, Q),
        "fused": lambda: fused_attention(Q, Q, Q),
        "restricted": lambda: windowed_attention(Q, Q, Q, TIMED_WINDOW),
    }
    if kind not in runs:
        module = layer(kind.removesuffix(" loop"), d)
        if isinstance(module, Recurrence) and kind in CELLS:
            module.path = RecurrencePath.FUSED
        runs[kind] = lambda: applied(module)(x)
    runs[kind]()
    began = time.perf_counter()
    runs[kind]()
    together = max(1, round(SHORTEST_TIMED / (time.perf_counter() - began)))
    seconds: list[float] = []
    until = time.perf_counter() + settings["seconds"]
    while len(seconds) < 3 or time.perf_counter() < until:
        began = time.thread_time()
        for _ in range(together):
            runs[kind]()
        seconds.append((time.thread_time() - began) / together)
    return {"milliseconds": float(np.quantile(seconds, 0.25)) * 1000}


def count_conditions(mode: Mode) -> list[Settings]:
    """Every row of the table at every size."""
    return [{"kind": k, "d": d, "n": n} for k in COUNTED for d in WIDTHS for n in COUNTED_LENGTHS]


def block_conditions(mode: Mode) -> list[Settings]:
    """Lengths as multiples of the width."""
    return [{"d": d, "ratio": ratio} for d in WIDTHS for ratio in RATIOS]


def depth_conditions(mode: Mode) -> list[Settings]:
    """Layers, a linear recurrence by both its programs, and the losses of two models."""
    kinds = (*CONSTANT[:3], *CELLS, "loop", "scan", "gpt", "rnn model")
    return [{"kind": k, "n": n} for k in kinds for n in DEPTH_LENGTHS]


def twin_conditions(mode: Mode) -> list[Settings]:
    """Lengths that are powers of two and one that is not."""
    return [{"n": n} for n in (*DEPTH_LENGTHS, 100)]


def path_conditions(mode: Mode) -> list[Settings]:
    """Every way to connect positions at every length."""
    return [{"kind": k, "n": n} for k in REACHING for n in PATH_LENGTHS]


def decoding_conditions(mode: Mode) -> list[Settings]:
    """A GPT with and without memory of its keys and values, and a recurrent model."""
    arms = (("gpt", True), ("gpt", False), ("rnn model", True))
    return [{"kind": k, "cached": cached, "n": n} for k, cached in arms for n in DECODED]


def time_conditions(mode: Mode) -> list[Settings]:
    """Quick stops at 1024 positions and leaves the loops out."""
    quick = mode is Mode.QUICK
    kinds = [*JUDGED_TIMES, *([] if quick else ["rnn loop", "loop", "scan"])]
    lengths = [n for n in TIMED_LENGTHS if n <= 1024 or not quick]
    seconds = 0.08 if quick else 0.5
    return [
        {"kind": k, "d": d, "n": n, "seconds": seconds}
        for k in kinds
        for d in WIDTHS
        for n in lengths
    ]


def term(kind: str, n: int, d: int) -> int:
    """Return the entry of Table 1, column "complexity per layer"."""
    return {
        "attention": n * n * d,
        "restricted": WINDOW * n * d,
        "convolution": KERNEL * n * d * d,
    }.get(kind, n * d * d)


CONSTANTS = {
    "attention": 2.0, "restricted": 2.0, "convolution": 1.0, "rnn": 2.0, "gru": 6.0, "lstm": 8.0,
}  # fmt: skip
"""Multiply-adds for one of Table 1: QKᵀ and the sum; W x and U h of each gate."""


def constant(results: Results, kind: str) -> Estimate:
    """Return multiply-adds over the table's entry: mean, least and greatest over all sizes."""
    found = [
        results.values("counts", "mixing", **one)[0] / term(kind, one["n"], one["d"])
        for one in results.conditions("counts", kind=kind)
    ]
    middle = exactly(sum(found) / len(found))
    return Estimate(middle.value, min(found), max(found), 1, middle.spread)


def share(results: Results, d: int, ratio: int) -> Estimate:
    """Return the part of an encoder layer's multiply-adds that mixes positions."""
    where = {"d": d, "ratio": ratio}
    mixing = results.values("block", "mixing", **where)[0]
    return exactly(mixing / (mixing + results.values("block", "rest", **where)[0]))


def crossing_of_counts(results: Results, other: str) -> Estimate:
    """Return n/d where attention's mixing, which grows as n², meets what grows as n."""
    ratio, d = RATIOS[0], WIDTHS[-1]
    mixing = results.values("block", "mixing", d=d, ratio=ratio)[0]
    if other == "rnn":
        met = results.values("counts", "mixing", kind="rnn", d=d, n=d * ratio)[0]
    else:
        met = results.values("block", other, d=d, ratio=ratio)[0]
    return exactly(ratio * met / mixing)


def depth_slope(results: Results, kind: str) -> Estimate:
    """Return how many operations the longest chain gains with each position."""
    return _exact(slope(*results.curves("depth", "depth", "n", kind=kind)))


def depth_exponent(results: Results, kind: str) -> Estimate:
    """Return the exponent of the longest chain over n."""
    return _exact(log_slope(*results.curves("depth", "depth", "n", kind=kind)))


def straightness(results: Results, kind: str) -> Estimate:
    """Return R² of a line through chain against length; 0 where the chain does not grow."""
    lengths, rows = results.curves("depth", "depth", "n", kind=kind)
    grown = [r_squared(lengths, row) if len(set(row)) > 1 else 0.0 for row in rows]
    return _exact(estimate(grown))


def layers_needed(kind: str, n: int) -> int:
    """Return the layers that connect the first position with the last, by formula."""
    if kind == "dilated":
        return next(level for level in range(1, n) if KERNEL**level >= n)
    steps = {"restricted": WINDOW - 1, "convolution": KERNEL - 1}.get(kind, n - 1)
    return math.ceil((n - 1) / steps)


def path_error(results: Results, kind: str) -> Estimate:
    """Return the largest relative error of the formula, and of a recurrence's n updates."""
    errors = []
    for n in results.levels("path", "n", kind=kind):
        measured = results.values("path", "layers", kind=kind, n=n)
        errors += [abs(one / layers_needed(kind, n) - 1) for one in measured]
        if kind in CELLS:
            errors += [abs(u / n - 1) for u in results.values("path", "updates", kind=kind, n=n)]
    return exactly(max(errors))


def logarithm_error(results: Results, kind: str) -> Estimate:
    """Return the largest relative error of log_k n (rounded up) for layers of convolution."""
    return exactly(
        max(
            abs(one / layers_needed("dilated", n) - 1)
            for n in results.levels("path", "n", kind=kind)
            for one in results.values("path", "layers", kind=kind, n=n)
        )
    )


def calls_exponent(results: Results, kind: str, cached: bool) -> Estimate:
    """Return the exponent of dependent model calls over generated tokens."""
    return _exact(log_slope(*results.curves("decoding", "calls", "n", kind=kind, cached=cached)))


def exponent(results: Results, kind: str, d: int = JUDGED_WIDTH) -> Estimate:
    """Return the median local exponent of time over n, from 256 positions on."""
    lengths, curves = results.curves("time", "milliseconds", "n", kind=kind, d=d)
    kept = [i for i, n in enumerate(lengths) if JUDGED_LENGTHS[0] <= n <= JUDGED_LENGTHS[1]]
    return estimate(
        [
            float(np.median(local_slopes([lengths[i] for i in kept], [row[i] for i in kept])))
            for row in curves
        ]
    )


def crossing(results: Results, twin: str, d: int) -> Estimate:
    """Return n/d where attention becomes slower than a recurrence of the same width.

    Where it does not within the lengths tried, the longest of them (a lower bound).
    """
    lengths, slow = results.curves("time", "milliseconds", "n", kind=twin, d=d)
    _, fast = results.curves("time", "milliseconds", "n", kind="rnn", d=d)
    return estimate([_crossing(lengths, a, b) / d for a, b in zip(slow, fast, strict=True)], median)


def ratio_where_equal(results: Results, d: int) -> Estimate:
    """Return attention's time over the recurrence's at n = d: as many multiply-adds in both."""
    slow, fast = (
        results.values("time", "milliseconds", kind=kind, d=d, n=d) for kind in ("attention", "rnn")
    )
    return estimate([a / b for a, b in zip(slow, fast, strict=True)], median)


def _crossing(lengths: Sequence[int], attention: Sequence[float], rnn: Sequence[float]) -> float:
    gaps = [math.log(a / b) for a, b in zip(attention, rnn, strict=True)]
    if gaps[-1] <= 0:
        return lengths[-1]
    below = max((i for i, gap in enumerate(gaps) if gap <= 0), default=None)
    if below is None:
        return lengths[0]
    part = -gaps[below] / (gaps[below + 1] - gaps[below])
    return lengths[below] * (lengths[below + 1] / lengths[below]) ** part


def _exact(of: Estimate) -> Estimate:
    """What is the same for every seed has no spread."""
    return exactly(of.value) if of.low == of.high else of


def count_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `counts`."""
    return {
        kind: [within(constant(results, kind), CONSTANTS[kind], CONSTANTS[kind], margin=0.5)]
        for kind in COUNTED
    }


def dominance_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `dominance`."""
    return {
        f"n = {ratio} d": [above(share(results, d, ratio), 0.5, contrary=0.25) for d in WIDTHS]
        for ratio in RATIOS
    }


def depth_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `depth`."""
    flat = {
        kind: [within(depth_slope(results, kind), -1e-9, 1e-9, margin=0.5)] for kind in CONSTANT[:3]
    }
    linear = {
        kind: [
            above(straightness(results, kind), 0.999, contrary=0.9),
            above(depth_slope(results, kind), 1.0, contrary=0.1),
        ]
        for kind in CELLS
    }
    return flat | linear


def sequential_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `sequential`."""
    found = {
        "training": depth_exponent(results, "gpt"),
        "generation, keys and values kept": calls_exponent(results, "gpt", True),
        "generation, nothing kept": calls_exponent(results, "gpt", False),
    }
    return {name: [within(one, -0.05, 0.05, margin=0.45)] for name, one in found.items()}


def recurrence_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `recurrence`: of a linear one the scan counts, if it computes the same."""
    linear = "scan" if worst_gap(results).high < 1e-9 else "loop"
    programs = {**{kind: kind for kind in CELLS}, "linear": linear}
    return {
        name: [above(depth_exponent(results, program), 0.8, contrary=0.5)]
        for name, program in programs.items()
    }


def path_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `paths`."""
    return {kind: [below(path_error(results, kind), 1e-9, contrary=0.5)] for kind in REACHING}


def logarithm_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `logarithm`."""
    return {
        kind: [below(logarithm_error(results, kind), 1e-9, contrary=0.5)]
        for kind in ("convolution", "dilated")
    }


def exponent_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `exponents`."""
    return {
        kind: [within(exponent(results, kind), low, high)]
        for kind, (low, high) in JUDGED_TIMES.items()
    }


def crossing_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `crossing`: the contrary is that attention is slower well before n = d."""
    return {
        f"{twin}, d = {d}": [Test(crossing(results, twin, d), 0.5, 2.0, (0.5, math.inf))]
        for twin in TWINS
        for d in WIDTHS
    }


def worst_gap(results: Results) -> Estimate:
    """Return the largest distance between loop and scan at any length, a value a seed."""
    return estimate([max(row) for row in results.curves("twins", "gap", "n")[1]])


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    longest, decoded = DEPTH_LENGTHS[-1], DECODED[-1]

    def deep(kind: str) -> Estimate:
        return exactly(results.values("depth", "depth", kind=kind, n=longest)[0])

    def layers(kind: str) -> Estimate:
        return exactly(results.values("path", "layers", kind=kind, n=PATH_LENGTHS[-1])[0])

    def generated(number: str, kind: str, cached: bool) -> float:
        return results.values("decoding", number, kind=kind, cached=cached, n=decoded)[0]

    found = {f"constant_{kind}": constant(results, kind) for kind in COUNTED}
    found |= {
        f"depth_{kind.replace(' ', '_')}": deep(kind) for kind in results.levels("depth", "kind")
    }
    found |= {f"slope_{kind}": depth_slope(results, kind) for kind in CELLS}
    found |= {f"layers_{kind}": layers(kind) for kind in REACHING}
    found |= {f"exponent_{kind}": exponent(results, kind) for kind in JUDGED_TIMES}
    found |= {f"time_ratio_{d}": ratio_where_equal(results, d) for d in WIDTHS}
    found |= {f"crossing_{twin}_{d}": crossing(results, twin, d) for twin in TWINS for d in WIDTHS}
    return found | {
        "share_equal": share(results, JUDGED_WIDTH, 1),
        "share_double": share(results, JUDGED_WIDTH, 2),
        "share_longest": share(results, JUDGED_WIDTH, RATIOS[-1]),
        "counts_meet_rnn": crossing_of_counts(results, "rnn"),
        "counts_meet_projections": crossing_of_counts(results, "projections"),
        "counts_meet_rest": crossing_of_counts(results, "rest"),
        "straight_rnn": straightness(results, "rnn"),
        "updates_rnn": exactly(
            results.values("path", "updates", kind="rnn", n=PATH_LENGTHS[-1])[0]
        ),
        "calls_kept": exactly(generated("calls", "gpt", True)),
        "calls_nothing": exactly(generated("calls", "gpt", False)),
        "calls_rnn": exactly(generated("calls", "rnn model", True)),
        "work_saved": exactly(
            generated("operations", "gpt", False) / generated("operations", "gpt", True)
        ),
        "exponent_scan": depth_exponent(results, "scan"),
        "twins_gap": worst_gap(results),
    }


def table(results: Results) -> Table:
    """Return Table 1 with what was measured beside every formula."""

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
        Said("Table 1, formula and measurement side by side", "Table 1: 공식과 측정값"),
        [
            Said("layer", "층"),
            Said("complexity", "복잡도"),
            Said("counted ÷ formula", "센 값 ÷ 공식"),
            Said("sequential operations", "순차 연산"),
            Said("chain, operations a position", "연산 사슬 (위치 하나당)"),
            Said("path length", "경로 길이"),
            Said("layers needed at n = 256", "n = 256에 필요한 층 수"),
        ],
        [
            row("attention", "O(n^2 d)", "O(1)", "O(1)"),
            row("rnn", "O(n d^2)", "O(n)", "O(n)"),
            row("convolution", "O(k n d^2)", "O(1)", "O(n/k)"),
            row("dilated", "O(k n d^2)", "O(1)", r"O(\log_k n)"),
            row("restricted", "O(r n d)", "O(1)", "O(n/r)"),
        ],
        Said(
            "Multiply-adds are whole multiples of the formula at every size. One recurrent layer "
            "reaches all positions, but by n updates of its state one after another.",
            "곱셈-덧셈 횟수는 모든 크기에서 공식의 정수배입니다. 순환층은 한 층으로도 모든 위치에 닿지만, "
            "그 안에서 상태를 n번 차례로 갱신해야 합니다.",
        ),
    )


def reach_map(results: Results) -> HeatMap:
    """Return which inputs the last output depends on, after one, two and three layers."""
    rows, values = [], []
    for kind in REACHING:
        for number, seen in enumerate(results.values("path", "reached", kind=kind, n=DRAWN)[0], 1):
            rows.append(Said(f"{SHORT[kind].en} ×{number}", f"{SHORT[kind].ko} ×{number}"))
            values.append([float(one) for one in seen])
    return HeatMap(
        "reach",
        Said("What the last position can know", "마지막 위치가 알 수 있는 것"),
        rows,
        [str(place) for place in range(1, DRAWN + 1)],
        values,
        Said(
            "Filled: the output at position 27 depends on this input after so many layers. Kernels "
            "of three, window of eight.",
            "칠해진 칸: 층을 그만큼 쌓았을 때 27번째 출력이 그 입력에 의존합니다. 커널 크기 3, 창 크기 8.",
        ),
    )


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    positions = Axis(Said("positions n", "위치 수 n"), log=True)

    def along(part: str, number: str, **where: object) -> list[tuple[float, Estimate]]:
        levels, rows = results.curves(part, number, "n", **where)
        return [
            (n, estimate([row[place] for row in rows], median)) for place, n in enumerate(levels)
        ]

    def guide(power: int, start: float) -> list[tuple[float, Estimate]]:
        lengths = results.levels("time", "n", kind="rnn", d=JUDGED_WIDTH)
        return [(n, exactly(start * (n / lengths[-1]) ** power)) for n in lengths]

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
        ratios.append(Series(Said(f"time, d = {d}", f"시간, d = {d}"), points))
    over = sorted({n / d for n in lengths for d in WIDTHS})
    return [
        table(results),
        Chart(
            "depth",
            Said(
                "The longest chain of dependent operations",
                "서로를 기다려야 하는 가장 긴 연산 사슬",
            ),
            positions,
            Axis(Said("operations, one after another", "차례로 해야 하는 연산 수"), log=True),
            [
                Series(NAMES[kind], along("depth", "depth", kind=kind))
                for kind in ("attention", "convolution", "restricted", "rnn", "lstm", "scan")
            ],
            Said(
                "Flat for what reads all positions at once, a straight line for cells with a tanh, "
                "a logarithm for the linear recurrence computed by scan.",
                "모든 위치를 한꺼번에 읽는 층은 평평하고, tanh가 있는 순환은 직선이며, 스캔으로 계산한 "
                "선형 순환은 로그로 자랍니다.",
            ),
        ),
        reach_map(results),
        Chart(
            "share",
            Said("How much of a layer is attention", "한 층에서 어텐션이 차지하는 몫"),
            Axis(Said("length over width, n / d", "길이와 너비의 비 n / d"), log=True),
            Axis(Said("share of QKᵀ and weighted sum", "QKᵀ와 가중합의 비율")),
            [
                *(
                    Series(alike(f"d = {d}"), [(r, share(results, d, r)) for r in RATIOS])
                    for d in WIDTHS
                ),
                Series(
                    Said("theory: n / (n + 6d)", "이론: n / (n + 6d)"),
                    [(r, exactly(r / (r + 6))) for r in RATIOS],
                    Look.THEORY,
                ),
                Series(alike("n = 6d"), [(6, exactly(0.5))], Look.MARK),
            ],
            Said(
                "Projections and feed-forward network, which Table 1 leaves out, are the larger "
                "part until n = 6d.",
                "Table 1이 빼놓은 투영과 피드포워드가 n = 6d까지는 더 큰 몫입니다.",
            ),
        ),
        Chart(
            "time",
            Said(
                f"Time on one CPU thread, d = {JUDGED_WIDTH}",
                f"CPU 스레드 하나의 시간, d = {JUDGED_WIDTH}",
            ),
            positions,
            Axis(Said("milliseconds", "밀리초"), log=True),
            [
                *(
                    Series(NAMES[kind], along("time", "milliseconds", kind=kind, d=JUDGED_WIDTH))
                    for kind in results.levels("time", "kind")
                ),
                Series(Said("slope 2", "기울기 2"), guide(2, last["attention"]), Look.THEORY),
                Series(Said("slope 1", "기울기 1"), guide(1, last["rnn"]), Look.THEORY),
            ],
            Said(
                "The exponents are near those of Table 1. Where the curves cross is not.",
                "지수는 Table 1에 가깝지만, 곡선이 만나는 곳은 다릅니다.",
            ),
        ),
        Chart(
            "crossing",
            Said("Attention's time over the recurrence's", "순환에 대한 어텐션의 시간비"),
            Axis(Said("length over width, n / d", "길이와 너비의 비 n / d"), log=True),
            Axis(
                Said("ratio; below 1 attention is faster", "비율 (1보다 작으면 어텐션이 빠름)"),
                log=True,
            ),
            [
                *ratios,
                Series(
                    Said("ratio of multiply-adds: n / d", "곱셈-덧셈의 비: n / d"),
                    [(r, exactly(r)) for r in over],
                    Look.THEORY,
                ),
                Series(alike("1"), [(r, exactly(1)) for r in over], Look.THEORY),
                Series(alike("n = d"), [(1, exactly(1))], Look.MARK),
            ],
            Said(
                "By operations the two cross at n = d. By the clock they cross later: a recurrence "
                "multiplies one vector at a time, which no processor likes.",
                "연산 수로는 n = d에서 만나지만 시계로는 더 뒤에서 만납니다. 순환은 벡터를 하나씩 곱하는데, "
                "어떤 프로세서도 이런 일을 잘하지 못합니다.",
            ),
        ),
        Chart(
            "generation",
            Said("What generating n tokens takes", "토큰 n개를 생성하는 데 드는 것"),
            Axis(Said("tokens generated", "생성한 토큰 수"), log=True),
            Axis(Said("multiply-adds", "곱셈-덧셈 횟수"), log=True),
            [
                Series(NAMES[name], along("decoding", "operations", kind=kind, cached=cached))
                for name, kind, cached in (
                    ("generation, keys and values kept", "gpt", True),
                    ("generation, nothing kept", "gpt", False),
                    ("rnn model", "rnn model", True),
                )
            ],
            Said(
                "All three need n calls, each waiting for the last. Keeping keys and values saves "
                "work, not waiting.",
                "셋 다 앞의 것을 기다리는 호출이 n번 필요합니다. 키와 값을 간직하면 계산은 줄지만 기다림은 "
                "줄지 않습니다.",
            ),
        ),
    ]


SHORT = {
    "attention": Said("attention", "어텐션"),
    "restricted": Said("window", "창"),
    "convolution": Said("kernel", "커널"),
    "dilated": Said("dilated", "팽창"),
    "rnn": Said("recurrent", "순환"),
}
NAMES = {
    "attention": Said("self-attention", "셀프 어텐션"),
    "fused": Said("self-attention, fused kernel", "셀프 어텐션 (융합 커널)"),
    "restricted": Said("restricted self-attention", "제한된 셀프 어텐션"),
    "convolution": Said("convolution, contiguous", "합성곱 (연속 커널)"),
    "dilated": Said("convolution, dilated", "합성곱 (팽창 커널)"),
    "rnn": Said("recurrent (tanh)", "순환 (tanh)"),
    "gru": Said("recurrent (GRU)", "순환 (GRU)"),
    "lstm": Said("recurrent (LSTM)", "순환 (LSTM)"),
    "rnn loop": Said("recurrent (tanh), loop in Python", "순환 (tanh), 파이썬 반복문"),
    "linear": Said("linear recurrence", "선형 순환"),
    "loop": Said("linear recurrence, loop", "선형 순환, 반복문"),
    "scan": Said("linear recurrence, scan", "선형 순환, 스캔"),
    "rnn model": Said("recurrent model", "순환 모델"),
    "training": Said("training (all tokens known)", "학습 (모든 토큰을 앎)"),
    "generation, keys and values kept": Said(
        "generation, keys and values kept", "생성 (키와 값을 간직)"
    ),
    "generation, nothing kept": Said("generation, nothing kept", "생성 (아무것도 간직하지 않음)"),
    **{f"n = {ratio} d": alike(f"n = {ratio}d") for ratio in RATIOS},
    **{
        f"{twin}, d = {d}": Said(f"{en}, d = {d}", f"{ko}, d = {d}")
        for twin, en, ko in (
            ("attention", "explicit attention", "풀어 쓴 어텐션"),
            ("fused", "fused attention", "융합 어텐션"),
        )
        for d in WIDTHS
    },
}

EXPERIMENT = Experiment(
    name="complexity",
    question=Said(
        "Complexity, sequential operations, path length: does Table 1 hold?",
        "복잡도, 순차 연산, 경로 길이: Table 1은 맞나요?",
    ),
    keywords=(
        "complexity",
        "table 1",
        "sequential",
        "parallel",
        "path",
        "fast",
        "faster",
        "O(1)",
        "O(n)",
        "quadratic",
        "n^2",
        "n²",
        "복잡도",
        "제곱",
        "표 1",
        "순차",
        "병렬",
        "경로",
        "빠른",
        "빠르",
        "cache save",
        "cache saves",
        "cache help",
        "캐시 빨라",
        "캐시 줄",
        "캐시 도움",
        "느려",
        "slower",
        "slow",
        "rnn parallel",
    ),
    mentions=(
        "rnn",
        "recurrence",
        "convolution",
        "cache",
        "caching",
        "kv cache",
        "kv-cache",
        "캐시",
        "순환",
        "합성곱",
        "flops",
        "cost",
        "speed",
        "연산",
        "속도",
        "operations",
        "memory",
    ),
    parts=(
        Part("counts", measure_counts, count_conditions, {Mode.QUICK: 1, Mode.FULL: 1}),
        Part("block", measure_block, block_conditions, {Mode.QUICK: 1, Mode.FULL: 1}),
        Part("depth", measure_depth, depth_conditions, {Mode.QUICK: 1, Mode.FULL: 1}),
        Part("twins", measure_twins, twin_conditions, {Mode.QUICK: 3, Mode.FULL: 20}),
        Part("path", measure_path, path_conditions, {Mode.QUICK: 1, Mode.FULL: 5}),
        Part("decoding", measure_decoding, decoding_conditions, {Mode.QUICK: 1, Mode.FULL: 1}),
        Part("time", measure_time, time_conditions, {Mode.QUICK: 3, Mode.FULL: 5}, timed=True),
    ),
    claims=(
        Claim(
            "counts",
            Said(
                "Per layer, self-attention costs n²d, recurrence nd², convolution knd², restricted "
                "attention rnd.",
                "층 하나의 비용은 셀프 어텐션 n²d, 순환 nd², 합성곱 knd², 제한된 어텐션 rnd이다.",
            ),
            Said(
                "The multiply-adds that mix positions, counted while the layer runs, are the same "
                "whole multiple of the formula at every length and width: 2 for attention and for "
                "restricted attention, 1 for convolution, 2, 6 and 8 for tanh, GRU and LSTM cells.",
                "층이 계산하는 동안 센, 위치를 섞는 곱셈-덧셈 횟수는 모든 길이와 너비에서 공식의 같은 정수배이다: "
                "어텐션과 제한된 어텐션 2배, 합성곱 1배, tanh·GRU·LSTM 셀은 2, 6, 8배.",
            ),
            Said(
                "Exact equality at n = 16, 64, 256, 1024 and d = 64, 256.",
                "n = 16, 64, 256, 1024, d = 64, 256에서 정확히 같을 것.",
            ),
            count_tests,
        ),
        Claim(
            "dominance",
            Said(
                "The cost of a Transformer layer is the n²d of its attention.",
                "트랜스포머 층의 비용은 어텐션의 n²d이다.",
            ),
            Said(
                "More than half of an encoder layer's multiply-adds (d_ff = 4d) are QKᵀ and the "
                "weighted sum.",
                "인코더 층(d_ff = 4d)의 곱셈-덧셈 가운데 절반 넘게가 QKᵀ와 가중합이다.",
            ),
            Said(
                "Share above 1/2 for both widths, asked at n = d, 2d, 4d, 8d and 16d. Below 1/4 "
                "counts as the contrary.",
                "n = d, 2d, 4d, 8d, 16d 각각에서 두 너비 모두 비율이 1/2 초과. 1/4 미만이면 반대로 본다.",
            ),
            dominance_tests,
        ),
        Claim(
            "depth",
            Said(
                "Attention and convolution need O(1) sequential operations, recurrence O(n).",
                "순차 연산은 어텐션과 합성곱이 O(1), 순환이 O(n)이다.",
            ),
            Said(
                "The longest chain of dependent operations in a layer's graph has the same length "
                "for every n for attention, restricted attention and convolution, and grows by the "
                "same number of operations with every position for tanh, GRU and LSTM cells.",
                "층의 계산 그래프에서 가장 긴 연산 사슬은 어텐션, 제한된 어텐션, 합성곱에서는 n과 무관하고, "
                "tanh·GRU·LSTM 셀에서는 위치 하나마다 같은 수만큼 길어진다.",
            ),
            Said(
                "n = 8 to 256: slope 0 for the former; R² above 0.999 and at least one operation a "
                "position for the latter.",
                "n = 8 ~ 256: 앞의 셋은 기울기 0, 뒤의 셋은 R² 0.999 초과이고 위치마다 연산 하나 이상.",
            ),
            depth_tests,
        ),
        Claim(
            "sequential",
            Said(
                "A Transformer computes all positions at once: O(1) sequential operations.",
                "트랜스포머는 모든 위치를 한꺼번에 계산한다: 순차 연산 O(1).",
            ),
            Said(
                "The number of operations that must wait for one another does not grow with the "
                "number of tokens.",
                "서로를 기다려야 하는 연산의 수는 토큰 수에 따라 늘지 않는다.",
            ),
            Said(
                "Exponent over n within 0 ± 0.05: of the graph of a GPT's training loss, and of "
                "the dependent calls by which the same GPT generates n tokens. Above 1/2 counts as "
                "the contrary.",
                "n에 대한 지수가 0 ± 0.05: GPT의 학습 손실 그래프의 깊이와, 같은 GPT가 토큰 n개를 생성하는 "
                "동안 차례로 해야 하는 호출 수. 1/2을 넘으면 반대로 본다.",
            ),
            sequential_tests,
        ),
        Claim(
            "recurrence",
            Said("A recurrence is sequential: O(n).", "순환은 순차적이다: O(n)."),
            Said(
                "The longest chain of the shallowest program known to the toolkit grows nearly in "
                "proportion to n.",
                "툴킷이 아는 가장 얕은 계산법에서도 가장 긴 사슬은 거의 n에 비례해 자란다.",
            ),
            Said(
                "Exponent of depth over n = 8 to 256 above 0.8; below 0.5 counts as the contrary. "
                "For the linear recurrence the scan counts, provided that it agrees with the loop "
                "within 1e-9 in float64.",
                "n = 8 ~ 256에서 깊이의 지수가 0.8 초과, 0.5 미만이면 반대로 본다. 선형 순환은 스캔이 반복문과 "
                "float64에서 1e-9 이내로 같을 때 스캔의 깊이로 본다.",
            ),
            recurrence_tests,
        ),
        Claim(
            "paths",
            Said(
                "Any two positions are one layer apart in attention, n/r in restricted attention, "
                "n/k or log_k n in convolutions, n steps in recurrence.",
                "두 위치 사이의 거리는 어텐션 1층, 제한된 어텐션 n/r, 합성곱 n/k 또는 log_k n, 순환 n단계이다.",
            ),
            Said(
                "The fewest layers after which the last output has a gradient to the first input "
                "are 1, ⌈(n-1)/(r-1)⌉, ⌈(n-1)/(k-1)⌉ and ⌈log_k n⌉; a recurrent layer updates its "
                "state n times.",
                "마지막 출력이 첫 입력에 대해 기울기를 갖게 되는 최소 층 수는 1, ⌈(n-1)/(r-1)⌉, ⌈(n-1)/(k-1)⌉, "
                "⌈log_k n⌉이고, 순환층은 상태를 n번 갱신한다.",
            ),
            Said(
                "Exact equality at n = 16, 27, 64 and 256 with k = 3 and r = 8.",
                "k = 3, r = 8일 때 n = 16, 27, 64, 256에서 정확히 같을 것.",
            ),
            path_tests,
        ),
        Claim(
            "logarithm",
            Said(
                "Convolutions connect any two positions in log_k n layers.",
                "합성곱은 log_k n층이면 어떤 두 위치든 잇는다.",
            ),
            Said(
                "The fewest layers that connect the first position with the last are ⌈log_k n⌉.",
                "첫 위치와 마지막 위치를 잇는 최소 층 수는 ⌈log_k n⌉이다.",
            ),
            Said(
                "Exact equality at n = 16, 27, 64 and 256; half as many again counts as the contrary.",
                "n = 16, 27, 64, 256에서 정확히 같을 것. 1.5배를 넘으면 반대로 본다.",
            ),
            logarithm_tests,
        ),
        Claim(
            "exponents",
            Said(
                "Computing time grows as Table 1 says: with n² for attention, with n for the rest.",
                "계산 시간은 Table 1대로 자란다: 어텐션은 n², 나머지는 n.",
            ),
            Said(
                "On one CPU thread the exponent of time over n is near 2 for attention and near 1 "
                "for restricted attention, convolution and recurrence.",
                "CPU 스레드 하나에서 시간의 n에 대한 지수는 어텐션이 2, 제한된 어텐션·합성곱·순환이 1에 가깝다.",
            ),
            Said(
                "Median local exponent over n = 256 to 2048 (quick: 1024) at d = 256 within 1.8 to "
                "2.4, and within 0.85 to 1.2.",
                "d = 256, n = 256 ~ 2048 (빠른 실행은 1024까지)에서 이웃한 점 사이 지수의 중앙값이 각각 "
                "1.8 ~ 2.4, 0.85 ~ 1.2.",
            ),
            exponent_tests,
        ),
        Claim(
            "crossing",
            Said(
                "Self-attention is faster than recurrence when n is smaller than d, and slower when "
                "it is larger.",
                "셀프 어텐션은 n이 d보다 작을 때 순환보다 빠르고, 크면 느리다.",
            ),
            Said(
                "The times of attention and of a recurrence of the same width cross where their "
                "multiply-adds do, at n = d.",
                "같은 너비의 어텐션과 순환은 곱셈-덧셈 횟수가 같아지는 n = d에서 시간도 같아진다.",
            ),
            Said(
                "The crossing lies within n = d/2 to 2d, for the explicit and the fused attention "
                "at d = 64 and 256. A crossing below d/2 counts as the contrary.",
                "풀어 쓴 어텐션과 융합 어텐션, d = 64와 256에서 만나는 곳이 n = d/2 ~ 2d. d/2보다 앞이면 "
                "반대로 본다.",
            ),
            crossing_tests,
        ),
    ),
    numbers=numbers,
    charts=charts,
    names=NAMES,
    revision=2,
)
