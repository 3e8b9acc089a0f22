"""Table 1 of the paper, row by row: operation counts, graph depths, path lengths and times."""

import time
from collections.abc import Callable, Iterator
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
from whyformer.decoding.queue import Cohort, Queue
from whyformer.decoding.settings import SearchSettings
from whyformer.lab.instruments.counter import Equation, count_operations
from whyformer.lab.instruments.graph import Layer, depth, reached
from whyformer.lab.method.experiment import Mode, Numbers, Settings
from whyformer.models.encoder import EncoderLayer
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.models.parts import StackSettings
from whyformer.models.recurrent.model import RecurrentModel
from whyformer.models.recurrent.settings import RecurrentSettings

KERNEL, WINDOW, TIMED_WINDOW = 3, 8, 32
SHORTEST_TIMED = 2e-3
"""Minimum time in seconds for one measurement. Shorter runs are repeated and timed together."""
WIDTHS = (64, 256)
COUNTED_LENGTHS = (16, 64, 256, 1024)
RATIOS = (1, 2, 4, 8, 16)
DEPTH_LENGTHS = (8, 16, 32, 64, 128, 256)
PATH_LENGTHS = (16, 27, 64, 256)
DRAWN, LAYERS_DRAWN = 27, 3
DECODED = (8, 16, 32, 64)
TIMED_LENGTHS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
VOCABULARY = 300
CELLS = {str(cell): cell for cell in Cell}
COUNTED = ("attention", "restricted", "convolution", *CELLS)
CONSTANT = ("attention", "restricted", "convolution", "dilated")
REACHING = ("attention", "restricted", "convolution", "dilated", "rnn")
JUDGED_TIMES = {
    "attention": (1.8, 2.4),
    "fused": (1.8, 2.4),
    "restricted": (0.85, 1.2),
    "convolution": (0.85, 1.2),
    "rnn": (0.85, 1.2),
}
"""For each kind of layer, the expected range of the exponent p in time ~ n^p."""
MIXING = (Equation.SCORES, Equation.WEIGHTED_SUM, Equation.RECURRENCE, Equation.CONVOLUTION)
"""The operations that Table 1 counts: operations that mix positions, but not the projections."""


def layer(kind: str, d_model: int, level: int = 0) -> nn.Module:
    """Return a layer of one row of Table 1.

    Args: level: the number of layers below this layer; it determines the dilation of a kernel.
    """
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


def as_function(module: nn.Module) -> Layer:
    """Return a function that applies a layer causally and has the input as its only argument."""
    if isinstance(module, MultiHeadAttention):
        return lambda x: module(x, module.keys_values(x), causal=True)
    if isinstance(module, Recurrence):
        return lambda x: module(x)[0]
    return module


def measure_counts(settings: Settings, seed: int) -> Numbers:
    """Count the multiply-adds of one layer while it reads one sequence."""
    module = layer(settings["kind"], settings["d"])
    # The fused kernel is faster than the loop, and the count is the same.
    use_recurrence(module, RecurrencePath.FUSED)
    with torch.inference_mode(), count_operations(module) as counted:
        as_function(module)(torch.zeros(1, settings["n"], settings["d"]))
    return {"mixing": counted.of(*MIXING), "projections": counted.of(Equation.PROJECTIONS)}


def measure_block(settings: Settings, seed: int) -> Numbers:
    """Count the operations of an encoder layer with d_ff = 4d, from shapes only."""
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
    """Return the length of the longest chain of operations that leads to the output of a layer or
    to the loss of a model.

    The computation uses float64, because its matrix products consist of the same operations on
    every machine.
    """
    kind, n = settings["kind"], settings["n"]
    if kind not in ("gpt", "rnn model"):
        x = torch.randn(1, n, 8, dtype=torch.float64)
        return {"depth": depth(as_function(layer(kind, 8).double())(x))}
    model, ids = model_of(kind).double(), torch.randint(5, VOCABULARY, (1, n))
    use_path(model, AttentionPath.EXPLICIT)
    use_recurrence(model, RecurrencePath.EXPLICIT)
    logits = model(ids) if isinstance(model, GPT) else model(ids, None, ids)
    return {"depth": depth(F.cross_entropy(logits.flatten(0, 1), ids.flatten()))}


def model_of(kind: str) -> GPT | RecurrentModel:
    """Return a small model that can be trained and can generate."""
    sizes = (VOCABULARY, VOCABULARY)
    if kind == "gpt":
        small = GPTSettings(layers=2, d_model=32, heads=2, d_ff=128, dropout=0.0, max_length=1024)
        return GPT(small, sizes)
    shape = {"d_model": 32, "dropout": 0.0, "input_feeding": False}
    return RecurrentModel(RecurrentSettings.model_validate(shape), sizes)


def measure_twins(settings: Settings, seed: int) -> Numbers:
    """Return the relative difference between the results of loop and scan of a linear recurrence,
    in float64."""
    module = LinearRecurrence(16, path=ScanPath.LOOP).double()
    x = torch.randn(2, settings["n"], 16, dtype=torch.float64)
    loop = module(x)
    module.path = ScanPath.DOUBLING
    return {"gap": ((module(x) - loop).abs().max() / loop.abs().max()).item()}


def measure_path(settings: Settings, seed: int) -> Numbers:
    """Return the smallest number of layers after which the last output depends on the first input.

    The results also contain the number of state updates in a layer of a recurrence, and the inputs
    that the last output depends on after one, two and three layers.
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
            yield as_function(module)
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
class CountingModel:
    """Wraps a model for a search, and counts how often the search calls the model.

    Args: cached: whether a step uses the state of earlier steps or reads the whole text again.
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
    """Generate n tokens, including the end token; count the calls of the model. Each call needs the
    result of the call before it."""
    n, model = settings["n"], model_of(settings["kind"]).eval()
    observed = CountingModel(model, settings["cached"])
    search = SearchSettings(beam=1, min_length=n - 1, max_length=n - 1)
    with count_operations(model) as counted:
        greedy_search(observed, Queue([Cohort(torch.full((1, 4), 7), None, [n - 1])]), search)
    return {"calls": observed.calls, "operations": counted.total}


@torch.inference_mode()
def measure_time(settings: Settings, seed: int) -> Numbers:
    """Return the time in milliseconds of one run of the operations that Table 1 counts.

    The clock counts the time of this thread only, so that other programs do not matter. The clock
    sometimes stops for tens of microseconds. Therefore, short runs are timed together, and the
    result is the lower quartile instead of the minimum.
    """
    kind, n, d = settings["kind"], settings["n"], settings["d"]
    x = torch.randn(1, n, d)
    head = torch.randn(1, 1, n, d)
    runs: dict[str, Callable[[], object]] = {
        "attention": lambda: attention(head, head, head),
        "fused": lambda: fused_attention(head, head, head),
        "restricted": lambda: windowed_attention(head, head, head, TIMED_WINDOW),
    }
    if kind not in runs:
        module = layer(kind.removesuffix(" loop"), d)
        if isinstance(module, Recurrence) and kind in CELLS:
            module.path = RecurrencePath.FUSED
        runs[kind] = lambda: as_function(module)(x)
    runs[kind]()
    began = time.perf_counter()
    runs[kind]()
    repeats = max(1, round(SHORTEST_TIMED / (time.perf_counter() - began)))
    seconds: list[float] = []
    until = time.perf_counter() + settings["seconds"]
    while len(seconds) < 3 or time.perf_counter() < until:
        began = time.thread_time()
        for _ in range(repeats):
            runs[kind]()
        seconds.append((time.thread_time() - began) / repeats)
    return {"milliseconds": float(np.quantile(seconds, 0.25)) * 1000}


def count_conditions(mode: Mode) -> list[Settings]:
    """Return every row of Table 1 with every size."""
    return [{"kind": k, "d": d, "n": n} for k in COUNTED for d in WIDTHS for n in COUNTED_LENGTHS]


def block_conditions(mode: Mode) -> list[Settings]:
    """Return every width with lengths that are multiples of the width."""
    return [{"d": d, "ratio": ratio} for d in WIDTHS for ratio in RATIOS]


def depth_conditions(mode: Mode) -> list[Settings]:
    """Return layers, both algorithms of the linear recurrence, and the losses of two models."""
    kinds = (*CONSTANT[:3], *CELLS, "loop", "scan", "gpt", "rnn model")
    return [{"kind": k, "n": n} for k in kinds for n in DEPTH_LENGTHS]


def twin_conditions(mode: Mode) -> list[Settings]:
    """Return lengths that are powers of two, and one length that is not a power of two."""
    return [{"n": n} for n in (*DEPTH_LENGTHS, 100)]


def path_conditions(mode: Mode) -> list[Settings]:
    """Return every kind of layer at every length."""
    return [{"kind": k, "n": n} for k in REACHING for n in PATH_LENGTHS]


def decoding_conditions(mode: Mode) -> list[Settings]:
    """Return a GPT with and without a cache of keys and values, and a recurrent model."""
    arms = (("gpt", True), ("gpt", False), ("rnn model", True))
    return [{"kind": k, "cached": cached, "n": n} for k, cached in arms for n in DECODED]


def time_conditions(mode: Mode) -> list[Settings]:
    """Return every kind of layer at every size.

    Quick mode has at most 1024 positions, and no loops.
    """
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
