"""Vanishing gradients: along time, along depth, and whether skip connections decide.

Along time: the gradient from the last output to the input k positions before it. Along depth: how
different the tokens still are after l layers, and whether a trained stack can copy one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from whyformer.blocks.initialization import xavier
from whyformer.blocks.normalization import Norm
from whyformer.blocks.recurrence import Cell, Recurrence
from whyformer.blocks.recurrent_initialization import (
    RECURRENT_INITIALIZATIONS,
    RecurrentInitialization,
)
from whyformer.blocks.residual import WIRINGS, Wiring
from whyformer.foundation.errors import DivergedError
from whyformer.foundation.randomness import seed_everything
from whyformer.lab.instruments.probes import diversity
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.bilingual import Said, alike
from whyformer.lab.method.charts import Axis, Chart, Figure, Look, Series, Table
from whyformer.lab.method.experiment import (
    Claim,
    Experiment,
    Mode,
    Numbers,
    Part,
    Results,
    Settings,
)
from whyformer.lab.method.statistics import NOT_MEASURED, Estimate, estimate, exactly, paired, slope
from whyformer.lab.method.verdict import Test, above, below, within
from whyformer.models.build import build_model
from whyformer.models.encoder import EncoderLayer
from whyformer.models.gpt import GPT, GPTLayer
from whyformer.models.parts import Parts
from whyformer.training.loop import TrainingSettings, fit, start
from whyformer.training.loss import Loss, fused_cross_entropy
from whyformer.training.schedules import Schedule

WIDTH = 64
LENGTH = 128
"""Positions of the sequences along which gradients are followed."""
TOKENS, DEEPEST, JUDGED_DEPTH = 64, 24, 8
ROUNDING = 2.2e-16
"""No relative difference below this can be seen in float64."""
SYMBOLS = 8
COPIED_LAG, ROWS, STEPS = 8, 32, 300
RATES = (1e-3, 3e-3)
DEPTHS = {"pre-norm": (1, 2, 4, 6), "no-skip": (1, 2, 4, 6), "post-norm": (1, 2, 4)}
JUDGED_LAYERS = 4


@dataclass(frozen=True)
class Chain:
    """Recurrent layers one on the other. Args: wiring: around each layer; None: nothing there."""

    cell: Cell
    start: RecurrentInitialization
    forget_bias: float = 0.0
    layers: int = 1
    wiring: Wiring | None = None


@dataclass(frozen=True)
class Stack:
    """Layers of attention. Args: wiring: around each sub-layer; None: nothing there."""

    kind: Literal["attention", "encoder", "gpt"]
    wiring: Wiring | None
    layers: int = DEEPEST


UNIFORM = RecurrentInitialization.UNIFORM
LONG = math.log(LENGTH - 1)
"""A forget gate of this bias keeps 1 - 1/T of its cell at each of T positions."""
ALONG_TIME: dict[str, Chain | Stack] = {
    "rnn-uniform": Chain(Cell.RNN, UNIFORM),
    "rnn-xavier": Chain(Cell.RNN, RecurrentInitialization.XAVIER),
    "rnn-orthogonal": Chain(Cell.RNN, RecurrentInitialization.ORTHOGONAL),
    "gru-uniform": Chain(Cell.GRU, UNIFORM),
    "lstm-uniform": Chain(Cell.LSTM, UNIFORM),
    "lstm-forget-1": Chain(Cell.LSTM, UNIFORM, 1.0),
    "lstm-toolkit": Chain(Cell.LSTM, RecurrentInitialization.ORTHOGONAL, 1.0),
    "lstm-forget-long": Chain(Cell.LSTM, UNIFORM, LONG),
    "lstm-chrono": Chain(Cell.LSTM, RecurrentInitialization.CHRONO),
    "rnn-4": Chain(Cell.RNN, UNIFORM, layers=4),
    "rnn-4-skip": Chain(Cell.RNN, UNIFORM, layers=4, wiring=Wiring.NO_NORM),
    "lstm-4": Chain(Cell.LSTM, UNIFORM, layers=4),
    "lstm-4-skip": Chain(Cell.LSTM, UNIFORM, layers=4, wiring=Wiring.NO_NORM),
    "attention-pre-norm": Stack("gpt", Wiring.PRE_NORM, 2),
    "attention-post-norm": Stack("gpt", Wiring.POST_NORM, 2),
    "attention-no-skip": Stack("gpt", Wiring.NO_SKIP, 2),
}
ALONG_DEPTH: dict[str, Stack] = {
    "attention-only": Stack("attention", None),
    "attention-norm": Stack("attention", Wiring.NO_SKIP),
    "attention-skip": Stack("attention", Wiring.NO_NORM),
    "no-skip": Stack("encoder", Wiring.NO_SKIP),
    "no-skip-causal": Stack("gpt", Wiring.NO_SKIP),
    "post-norm": Stack("encoder", Wiring.POST_NORM),
    "pre-norm": Stack("encoder", Wiring.PRE_NORM),
}
REACH: dict[str, Chain | Stack] = {
    "rnn": Chain(Cell.RNN, RecurrentInitialization.ORTHOGONAL, layers=2),
    "rnn-skip": Chain(Cell.RNN, RecurrentInitialization.ORTHOGONAL, 0.0, 2, Wiring.NO_NORM),
    "lstm": Chain(Cell.LSTM, UNIFORM, layers=2),
    "lstm-skip": Chain(Cell.LSTM, UNIFORM, layers=2, wiring=Wiring.NO_NORM),
    "gpt": Stack("gpt", Wiring.PRE_NORM, 2),
    "gpt-no-skip": Stack("gpt", Wiring.NO_SKIP, 2),
}


class RecurrentStack(nn.Module):
    """A chain of recurrent layers over vectors. Args: span: for chrono, positions to remember."""

    def __init__(self, chain: Chain, span: int) -> None:
        super().__init__()
        layers = [Recurrence(chain.cell, WIDTH, WIDTH) for _ in range(chain.layers)]
        for layer in layers:
            RECURRENT_INITIALIZATIONS[chain.start](layer, chain.forget_bias, span)
        self.layers = nn.ModuleList(layers)
        wiring = chain.wiring
        self.wire = None if wiring is None else WIRINGS[wiring](WIDTH, Norm.LAYER, 0.0, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return the last layer's vector at every position."""
        for layer in self.layers:

            def read(x: Tensor, layer: nn.Module = layer) -> Tensor:
                return layer(x)[0]

            x = read(x) if self.wire is None else self.wire(x, read)
        return x


class AttentionAlone(nn.Module):
    """One attention without a feed-forward network. Args: wired: whether the parts' wiring."""

    def __init__(self, parts: Parts, wiring: Wiring | None) -> None:
        super().__init__()
        self.attention = parts.attention()
        self.wire = None if wiring is None else parts.residual()

    def forward(self, x: Tensor) -> Tensor:
        """Let every position look at all."""

        def look(x: Tensor) -> Tensor:
            return self.attention(x, self.attention.keys_values(x))

        return look(x) if self.wire is None else self.wire(x, look)


class AttentionStack(nn.Module):
    """Layers of attention over vectors, no position marked; Xavier, no dropout."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        wiring = stack.wiring or Wiring.NO_SKIP
        parts = lm.reference(d_model=WIDTH, wiring=wiring, positions="none").parts()
        self.kind = stack.kind
        self.positions = parts.positions(causal=stack.kind == "gpt")
        self.layers = nn.ModuleList(_layer(stack, parts) for _ in range(stack.layers))
        self.final_norm = parts.final_norm()
        xavier(self.layers, 1.0)

    def streams(self, x: Tensor) -> list[Tensor]:
        """Return the stream after each layer."""
        found = []
        for layer in self.layers:
            if self.kind == "gpt":
                x = layer(x, self.positions, None, None)
            elif self.kind == "encoder":
                x = layer(x, self.positions, None)
            else:
                x = layer(x)
            found.append(x)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Return the output, with the final norm of wirings that have one."""
        return self.final_norm(self.streams(x)[-1])


def _layer(stack: Stack, parts: Parts) -> nn.Module:
    if stack.kind == "attention":
        return AttentionAlone(parts, stack.wiring)
    return EncoderLayer(parts) if stack.kind == "encoder" else GPTLayer(parts)


class RecurrentReader(nn.Module):
    """Embedding, a chain of recurrent layers, and a projection: what copies in part `reach`."""

    def __init__(self, chain: Chain, span: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, WIDTH)
        self.stack = RecurrentStack(chain, span)
        self.projection = nn.Linear(WIDTH, SYMBOLS, bias=False)

    def features(self, target: Tensor) -> Tensor:
        """Return a vector for each token, which has seen that and earlier tokens."""
        return self.stack(self.embedding(target))


@dataclass(frozen=True)
class Recalling:
    """A `BatchSource` of random symbols, to be repeated ``lag`` positions later.

    Args: task: copy asks for the symbol ``lag`` back, first for the row's first symbol.
    """

    lag: int
    length: int
    seed: int
    task: Literal["copy", "first"] = "copy"
    rows: int = ROWS

    def count(self, epoch: int) -> int:
        """Return a number that no run reaches: there are no epochs."""
        return 1 << 40

    def batch(self, epoch: int, index: int) -> lm.Window:
        """Return one batch; its labels belong to the last positions."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        drawn = torch.randint(SYMBOLS, (self.rows, self.length), generator=generator)
        asked = drawn[:, : self.length - self.lag]
        return lm.Window(drawn, asked if self.task == "copy" else asked[:, :1].expand_as(asked))


def measure_lags(settings: Settings, seed: int) -> Numbers:
    """Follow the gradient of a random projection of the last output to the input at every lag.

    In float64: float32 underflows after some forty lags. The mean is of logarithms of norms.
    """
    seed_everything(seed)
    arm = ALONG_TIME[settings["model"]]
    model = RecurrentStack(arm, LENGTH) if isinstance(arm, Chain) else AttentionStack(arm)
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(8, LENGTH, WIDTH, generator=generator, dtype=torch.float64)
    asked = torch.randn(8, WIDTH, generator=generator, dtype=torch.float64)
    x.requires_grad_()
    last = model.double()(x)[:, -1]
    (gradient,) = torch.autograd.grad((last * asked).sum(), x)
    return {"log_norm": gradient.norm(dim=-1).log().mean(0).flip(0).tolist()}


def measure_depth(settings: Settings, seed: int) -> Numbers:
    """Send random tokens through a fresh stack: how different they stay, and the gradients back.

    Two things are asked of the gradient at the input: its norm for a random projection of the
    whole output, and how different it is for the same projection of different output positions.
    """
    seed_everything(seed)
    model = AttentionStack(ALONG_DEPTH[settings["stack"]]).double()
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(1, TOKENS, WIDTH, generator=generator, dtype=torch.float64, requires_grad=True)
    asked = torch.randn(1, TOKENS, WIDTH, generator=generator, dtype=torch.float64)
    streams = model.streams(x)

    def gradient(scalar: Tensor) -> Tensor:
        return torch.autograd.grad(scalar, x, retain_graph=True)[0]

    total = gradient((streams[-1] * asked).sum())
    answers = (streams[-1] @ asked[0, 0]).flatten()
    fields = torch.stack([gradient(answers[i]).flatten() for i in (15, 31, 47, 63)])
    return {
        "diversity": [max(diversity(s.detach()), ROUNDING) for s in streams],
        "gradient_ratio": (total.norm() / asked.norm()).item(),
        "gradient_diversity": max(diversity(fields[None]), ROUNDING),
    }


def measure_copy(settings: Settings, seed: int) -> Numbers:
    """Train a GPT to repeat the symbol eight positions back."""
    model = gpt(settings["wiring"], settings["layers"], seed)
    data = Recalling(COPIED_LAG, COPIED_LAG + 24, seed)
    return {"error": learned_error(model, data, settings["rate"], STEPS)}


def measure_first(settings: Settings, seed: int) -> Numbers:
    """Train a GPT without skips to recall the first symbol: the test that says nothing."""
    model = gpt("no-skip", settings["layers"], seed)
    data = Recalling(COPIED_LAG, COPIED_LAG + 24, seed, "first")
    return {"error": learned_error(model, data, settings["rate"], 100)}


def measure_reach(settings: Settings, seed: int) -> Numbers:
    """Train two layers of something to copy from farther and farther back."""
    arm, lag = REACH[settings["model"]], settings["lag"]
    data = Recalling(lag, lag + 24, seed)
    if isinstance(arm, Chain):
        seed_everything(seed)
        model = RecurrentReader(arm, data.length)
    else:
        assert arm.wiring is not None
        model = gpt(arm.wiring, arm.layers, seed)
    return {"error": learned_error(model, data, settings["rate"], STEPS)}


def gpt(wiring: str, layers: int, seed: int) -> GPT:
    """Return the reference model over the symbols, with fresh weights."""
    seed_everything(seed)
    settings = lm.reference(layers=layers, d_model=WIDTH, wiring=wiring)
    model = build_model(settings, (SYMBOLS, SYMBOLS), shared=True)
    assert isinstance(model, GPT)
    return model


def recall_loss(model: nn.Module, batch: lm.Window, smoothing: float) -> Loss:
    """Sum of the loss over the last positions, those that have an answer."""
    assert isinstance(model, GPT | RecurrentReader)
    features = model.features(batch.target)[:, -batch.labels.shape[1] :].flatten(0, 1)
    return fused_cross_entropy(features, model.projection.weight, batch.labels.flatten(), smoothing)


def learned_error(model: GPT | RecurrentReader, data: Recalling, rate: float, steps: int) -> float:
    """Train, and return the share of fresh answers that are wrong; 1 when training broke down."""
    training = TrainingSettings(
        updates=steps, learning_rate=rate, warmup=20, schedule=Schedule.TRAPEZOID,
        label_smoothing=0.0, clip=1.0,
    )  # fmt: skip
    state = start(model, training)
    try:
        for _ in fit(state, data, training, d_model=WIDTH, loss_of=recall_loss):
            pass
    except DivergedError:
        return 1.0
    model.eval()
    fresh = Recalling(data.lag, data.length, data.seed + 1000, data.task, 256).batch(0, 0)
    with torch.no_grad():
        features = model.features(fresh.target)[:, -fresh.labels.shape[1] :]
        said = model.projection(features).argmax(-1)
    return (said != fresh.labels).double().mean().item()


def lag_conditions(mode: Mode) -> list[Settings]:
    """Every arm along time; they are cheap."""
    return [{"model": model} for model in ALONG_TIME]


def depth_conditions(mode: Mode) -> list[Settings]:
    """Every stack; they are cheap."""
    return [{"stack": stack} for stack in ALONG_DEPTH]


def copy_conditions(mode: Mode) -> list[Settings]:
    """Wirings by depths by rates; quick takes one rate an arm, as found by trying both."""
    if mode is Mode.QUICK:
        tried = {
            ("pre-norm", 1): 3e-3, ("no-skip", 1): 3e-3,
            ("pre-norm", 4): 3e-3, ("no-skip", 4): 1e-3,
        }  # fmt: skip
        return [{"wiring": w, "layers": n, "rate": rate} for (w, n), rate in tried.items()]
    return [
        {"wiring": wiring, "layers": layers, "rate": rate}
        for wiring, depths in DEPTHS.items()
        for layers in depths
        for rate in RATES
    ]


def first_conditions(mode: Mode) -> list[Settings]:
    """The depth at which copying is judged."""
    return [{"layers": JUDGED_LAYERS, "rate": 1e-3}]


def reach_conditions(mode: Mode) -> list[Settings]:
    """Only in full: two layers of every kind, with and without skips, over the lag."""
    if mode is Mode.QUICK:
        return []
    recurrent = [
        {"model": model, "lag": lag, "rate": rate}
        for model in ("rnn", "rnn-skip", "lstm", "lstm-skip")
        for lag in (4, 8, 16)
        for rate in (3e-3, 1e-2)
    ]
    attending = [
        {"model": model, "lag": lag, "rate": 3e-3}
        for model in ("gpt", "gpt-no-skip")
        for lag in (4, 8, 16, 32)
    ]
    return [*recurrent, *attending]


def kept_by_tanh(weight_variance: float, drive: float) -> float:
    """Return the gradient factor per step that mean-field theory predicts for a tanh RNN.

    Source: Chen et al. 2018 (arXiv:1806.05394), after Poole et al. 2016 and Schoenholz et al. 2016:
        q = drive + σ_w² E tanh²(√q z), factor = σ_w √E tanh'(√q z)², z normal.
    Args:
        weight_variance: of an element from state to state, times the width.
        drive: variance of what input and bias add.

    >>> round(kept_by_tanh(1 / 3, 0.0), 4)  # without a drive tanh is the identity
    0.5774
    """
    z, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    q = drive
    for _ in range(200):
        q = drive + weight_variance * float(weights @ np.tanh(math.sqrt(q) * z) ** 2)
    slopes = 1 - np.tanh(math.sqrt(q) * z) ** 2
    return math.sqrt(weight_variance * float(weights @ slopes**2))


def kept_by_chrono() -> float:
    """Return the factor per step of gates that last u ~ U[1, T-1], forget u/(1+u), input 1/(1+u).

    The gradient at lag k is the root mean square over units of (1-f) f^k; its line is fitted as
    that of the measurement is.
    """
    lasting = np.linspace(1, LENGTH - 1, 4001)
    f = lasting / (1 + lasting)
    kept = [0.5 * math.log(np.mean((1 - f) ** 2 * f ** (2 * k))) for k in range(1, LENGTH)]
    return math.exp(slope(range(1, LENGTH), [kept]).value)


UNIFORM_DRIVE = 1 / 3 + 2 / (3 * WIDTH)
"""Input of unit variance through weights uniform on ±1/√width, and two such biases."""


def shared_by_skips(layers: int) -> float:
    """Return the predicted diversity of attention with skips: 1/√(1 + 2^l/n).

    Attention nearly averages. What all tokens have in common, 1/n of their variance at first, it
    gives back whole; added to the stream, that part doubles in every layer, and the rest stays.
    For the first layers: later the scores have grown with the stream, and attention averages less.
    """
    return (1 + 2.0**layers / TOKENS) ** -0.5


def factors(results: Results, model: str) -> list[float]:
    """Return the gradient factor per step of lag, seed by seed: a line through all lags but 0."""
    curves = results.values("lags", "log_norm", model=model)
    return [math.exp(slope(range(1, LENGTH), [curve[1:]]).value) for curve in curves]


def factor(results: Results, model: str) -> Estimate:
    """Return the gradient factor per step of lag."""
    return estimate(factors(results, model))


def left_over(results: Results, model: str) -> Estimate:
    """Return the gradient at lag 100 as a share of that at lag 5: a typical one, from logarithms."""
    curves = results.values("lags", "log_norm", model=model)
    return estimate([curve[100] - curve[5] for curve in curves]).map(math.exp)


def moved(results: Results, model: str) -> Estimate:
    """Return what skips along depth add to the factor along time."""
    return paired(factors(results, model), factors(results, f"{model}-skip"))


def diversity_after(results: Results, stack: str, layers: int) -> Estimate:
    """Return the diversity of tokens, typical over seeds: the mean of logarithms, back again."""
    rows = results.values("depth", "diversity", stack=stack)
    return estimate([math.log(row[layers - 1]) for row in rows]).map(math.exp)


def accuracies(results: Results, wiring: str, layers: int) -> list[float]:
    """Return the share of right copies at the better learning rate, seed by seed."""
    rate = results.best("copy", "error", "rate", wiring=wiring, layers=layers)
    errors = results.values("copy", "error", wiring=wiring, layers=layers, rate=rate)
    return [1 - error for error in errors]


def lost(results: Results, layers: int) -> Estimate:
    """Return how much less is copied without skips than in Pre-LN, paired by seed."""
    without = accuracies(results, "no-skip", layers)
    return paired(without, accuracies(results, "pre-norm", layers))


def kept_share(results: Results, layers: int) -> Estimate:
    """Return the accuracy without skips as a share of that of Pre-LN."""
    without = accuracies(results, "no-skip", layers)
    with_skips = accuracies(results, "pre-norm", layers)
    return estimate([a / max(b, 1e-9) for a, b in zip(without, with_skips, strict=True)])


def first_accuracies(results: Results) -> list[float]:
    """Return the share of right first symbols, seed by seed."""
    return [1 - error for error in results.values("first", "error", layers=JUDGED_LAYERS)]


def reached(results: Results, model: str, lag: int) -> Estimate:
    """Return the accuracy of part `reach` at the better rate; not measured in quick."""
    if lag not in results.levels("reach", "lag", model=model):
        return NOT_MEASURED
    rate = results.best("reach", "error", "rate", model=model, lag=lag)
    errors = results.values("reach", "error", model=model, lag=lag, rate=rate)
    return estimate([1 - error for error in errors])


def time_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `time`."""
    rnn = below(factor(results, "rnn-uniform"), 0.6, contrary=0.95, name="RNN")
    return {
        model: [within(factor(results, model), 0.98, 1.02, name="attention"), rnn]
        for model in ("attention-pre-norm", "attention-post-norm")
    }


def lstm_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `lstm`."""
    return {
        model: [above(factor(results, model), 0.95, contrary=0.9)]
        for model in ("lstm-uniform", "lstm-forget-1", "lstm-toolkit")
    }


def gate_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `gate`."""
    return {
        model: [above(factor(results, model), 0.95, contrary=0.9)]
        for model in ("lstm-forget-long", "lstm-chrono")
    }


def skips_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `skips`."""
    along_time = [
        test
        for model in ("rnn-4", "lstm-4")
        for test in (
            within(moved(results, model), -0.15, 0.15, name="moved"),
            below(factor(results, f"{model}-skip"), 0.8, contrary=0.95, name="with skips"),
        )
    ]
    deep = [n for n in results.levels("copy", "layers", wiring="no-skip") if n >= JUDGED_LAYERS]
    along_depth = [
        above(kept_share(results, n), 0.9, contrary=0.5, name=f"{n} layers") for n in deep
    ]
    return {"time": along_time, "depth": along_depth}


def collapse_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `collapse`."""
    without = diversity_after(results, "no-skip", JUDGED_DEPTH)
    with_skips = diversity_after(results, "pre-norm", JUDGED_DEPTH)
    return {
        "start": [
            below(without, 1e-6, contrary=0.1, name="without"),
            above(with_skips, 0.1, contrary=1e-6, name="with"),
        ],
        "trained": [above(lost(results, JUDGED_LAYERS), 0.3, contrary=0.0, name="lost")],
    }


def need_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `need`."""
    return {
        f"{n} layers": [above(lost(results, n), 0.3, contrary=0.1)]
        for n in results.levels("copy", "layers", wiring="no-skip")
    }


def enough_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `enough`."""
    return {
        stack: [above(diversity_after(results, stack, DEEPEST), 0.1, contrary=0.01)]
        for stack in ("pre-norm", "post-norm", "attention-skip")
    }


def total_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `total`."""
    return {
        stack: [below(gradient_ratio(results, stack), 1e-3, contrary=0.1)]
        for stack in ("no-skip", "no-skip-causal")
    }


def gradient_ratio(results: Results, stack: str) -> Estimate:
    """Return the norm of the gradient at the input over that at the output, typical over seeds."""
    ratios = results.values("depth", "gradient_ratio", stack=stack)
    return estimate([math.log(r) for r in ratios]).map(math.exp)


def gradient_diversity(results: Results, stack: str) -> Estimate:
    """Return how different the gradients are that different output positions send to the input."""
    found = results.values("depth", "gradient_diversity", stack=stack)
    return estimate([math.log(d) for d in found]).map(math.exp)


def first_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `first`."""
    copied = accuracies(results, "no-skip", JUDGED_LAYERS)
    return {
        "trained": [
            above(estimate(first_accuracies(results)), 0.9, contrary=0.5, name="first"),
            below(paired(copied, first_accuracies(results)), 0.1, contrary=0.3, name="not copied"),
        ]
    }


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found: dict[str, Estimate] = {}
    for model in ALONG_TIME:
        name = model.replace("-", "_")
        found[f"factor_{name}"] = factor(results, model)
        found[f"left_{name}"] = left_over(results, model)
    for model, predicted in PREDICTED.items():
        found[f"predicted_{model.replace('-', '_')}"] = exactly(predicted)
    for model in ("rnn-4", "lstm-4"):
        found[f"moved_{model[:-2]}"] = moved(results, model)
    for stack in ALONG_DEPTH:
        name = stack.replace("-", "_")
        for layers in (1, 4, JUDGED_DEPTH, DEEPEST):
            found[f"diversity_{name}_{layers}"] = diversity_after(results, stack, layers)
        found[f"ratio_{name}"] = gradient_ratio(results, stack)
        found[f"gradient_diversity_{name}"] = gradient_diversity(results, stack)
    found["predicted_skip_4"] = exactly(shared_by_skips(4))
    for wiring, depths in DEPTHS.items():
        measured = results.levels("copy", "layers", wiring=wiring)
        for layers in depths:
            found[f"copied_{wiring.replace('-', '_')}_{layers}"] = (
                estimate(accuracies(results, wiring, layers))
                if layers in measured
                else NOT_MEASURED
            )
    found["lost_4"] = lost(results, JUDGED_LAYERS)
    found["lost_1"] = lost(results, 1)
    found["share_4"] = kept_share(results, JUDGED_LAYERS)
    found["first"] = estimate(first_accuracies(results))
    for model in REACH:
        for lag in (8, 16):
            found[f"reach_{model.replace('-', '_')}_{lag}"] = reached(results, model, lag)
    return found


PREDICTED = {
    "rnn-uniform": kept_by_tanh(1 / 3, UNIFORM_DRIVE),
    "rnn-xavier": kept_by_tanh(1.0, 1.0),
    "rnn-orthogonal": kept_by_tanh(1.0, 1.0),
    "lstm-uniform": 1 / 2,
    "lstm-forget-1": 1 / (1 + math.exp(-1)),
    "lstm-toolkit": 1 / (1 + math.exp(-1)),
    "lstm-forget-long": 1 - 1 / LENGTH,
    "lstm-chrono": kept_by_chrono(),
    "attention-pre-norm": 1.0,
    "attention-post-norm": 1.0,
    "attention-no-skip": 1.0,
}
"""Gradient factor per step of lag, where theory has a number; of an LSTM, the forget gate's share:
what comes through the state is added to it."""


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    drawn: list[Figure] = [
        lag_chart(results),
        factor_table(results),
        depth_chart(results),
        gradient_table(results),
    ]
    layers = Axis(Said("layers", "층 수"))
    right = Axis(Said("share of right answers", "정답률"))
    drawn.append(
        Chart(
            "copy",
            Said("After training: copy the token eight back", "학습 뒤: 여덟 칸 앞의 토큰 복사"),
            layers,
            right,
            [
                *(
                    Series(
                        NAMES[wiring],
                        [
                            (n, estimate(accuracies(results, wiring, n)))
                            for n in results.levels("copy", "layers", wiring=wiring)
                        ],
                    )
                    for wiring in results.levels("copy", "wiring")
                ),
                _chance([1, max(results.levels("copy", "layers"))]),
            ],
            Said(
                "One layer copies without a skip as well as with one; the need grows with depth.",
                "한 층짜리는 스킵이 없어도 똑같이 복사합니다. 스킵의 필요는 깊이와 함께 커집니다.",
            ),
        )
    )
    if results.levels("reach", "model"):
        lags = results.levels("reach", "lag")
        drawn.append(
            Chart(
                "reach",
                Said("After training: copy from farther back", "학습 뒤: 더 먼 곳에서 복사"),
                Axis(Said("lag (positions back)", "시차 (몇 칸 앞인가)"), log=True),
                right,
                [
                    *(
                        Series(
                            NAMES[model],
                            [
                                (lag, reached(results, model, lag))
                                for lag in results.levels("reach", "lag", model=model)
                            ],
                        )
                        for model in REACH
                    ),
                    _chance([min(lags), max(lags)]),
                ],
                Said(
                    "Two layers each. Skips along depth do not carry a recurrent network farther "
                    "back in time.",
                    "모두 두 층입니다. 깊이 방향의 스킵은 순환 신경망을 더 먼 과거까지 데려다주지 "
                    "않습니다.",
                ),
            )
        )
    return drawn


def _chance(ends: Sequence[float]) -> Series:
    at = exactly(1 / SYMBOLS)
    return Series(Said("by chance", "우연"), [(x, at) for x in ends], Look.THEORY)


def lag_chart(results: Results) -> Chart:
    """Draw the typical gradient over the lag, as a share of that at lag 1."""
    shown = (1, 2, 4, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 127)
    series = []
    for model in (
        "rnn-uniform", "rnn-orthogonal", "gru-uniform", "lstm-uniform", "lstm-forget-1",
        "lstm-chrono", "lstm-forget-long", "attention-pre-norm",
    ):  # fmt: skip
        curves = results.values("lags", "log_norm", model=model)
        points = [(lag, estimate([c[lag] - c[1] for c in curves]).map(math.exp)) for lag in shown]
        series.append(Series(NAMES[model], points))
    return Chart(
        "lags",
        Said("What is left of the gradient k positions back", "k칸 앞에 도달한 기울기"),
        Axis(Said("lag k (positions)", "시차 k (위치)")),
        Axis(Said("gradient norm, lag 1 = 1", "기울기 노름 (시차 1 = 1)"), log=True),
        series,
        Said(
            "At the start, before any training. Straight lines fall by a constant factor at every "
            "step back; attention and the LSTM whose forget gate is nearly open stay flat.",
            "학습 전 초기 상태입니다. 직선은 한 칸 거슬러 갈 때마다 일정한 비율로 줄어든다는 "
            "뜻입니다. 어텐션과, 망각 게이트를 거의 열어 둔 LSTM은 평평합니다.",
        ),
    )


def factor_table(results: Results) -> Table:
    """List the factor of every arm beside what theory says."""
    return Table(
        "factors",
        Said("Gradient factor per step of lag", "한 칸 거슬러 갈 때의 기울기 배율"),
        [
            Said("model", "모델"),
            Said("factor per step", "한 칸당 배율"),
            Said("predicted", "예측"),
            Said("left at lag 100, of lag 5", "시차 5 대비 시차 100에 남은 비율"),
        ],
        [
            [
                NAMES[model],
                factor(results, model),
                exactly(PREDICTED[model]) if model in PREDICTED else None,
                left_over(results, model),
            ]
            for model in ALONG_TIME
        ],
        Said(
            "A factor below 1 is a gradient that dies exponentially. Predicted for an LSTM: what "
            "its forget gate alone keeps; the way through the state adds to it.",
            "배율이 1보다 작으면 기울기가 지수적으로 사라집니다. LSTM의 예측값은 망각 게이트만 "
            "따졌을 때의 값이고, 은닉 상태를 거치는 길이 여기에 더해집니다.",
        ),
    )


def depth_chart(results: Results) -> Chart:
    """Draw the diversity of tokens after each layer."""
    depths = range(1, DEEPEST + 1)
    series = [
        Series(NAMES[stack], [(n, diversity_after(results, stack, n)) for n in depths])
        for stack in ALONG_DEPTH
    ]
    theory = Series(
        Said("theory: attention + skip", "이론: 어텐션 + 스킵"),
        [(n, exactly(shared_by_skips(n))) for n in depths],
        Look.THEORY,
    )
    return Chart(
        "diversity",
        Said("How different the tokens still are", "토큰이 서로 얼마나 다른가"),
        Axis(Said("layer", "층")),
        Axis(Said("‖X − mean‖ / ‖X‖", "‖X − 평균‖ / ‖X‖"), log=True),
        [*series, theory],
        Said(
            "At the start. Without skips all tokens soon are the same vector (the floor is the "
            "rounding of float64); Post-LN loses them slowly in spite of its skips.",
            "초기 상태입니다. 스킵이 없으면 모든 토큰이 금세 같은 벡터가 됩니다 (바닥은 float64의 "
            "반올림 한계). Post-LN은 스킵이 있어도 천천히 잃어버립니다.",
        ),
    )


def gradient_table(results: Results) -> Table:
    """List what the gradient's norm says beside what happened to the tokens."""
    return Table(
        "total",
        Said("The gradient's norm does not show it", "기울기 노름에는 드러나지 않는다"),
        [
            Said("stack of 24 layers", "24층 스택"),
            Said("gradient norm, input / output", "기울기 노름, 입력 / 출력"),
            Said("diversity of tokens at the output", "출력에서 토큰의 다양성"),
            Said(
                "diversity of the gradients that different outputs send",
                "서로 다른 출력이 보내는 기울기의 다양성",
            ),
        ],
        [
            [
                NAMES[stack],
                gradient_ratio(results, stack),
                diversity_after(results, stack, DEEPEST),
                gradient_diversity(results, stack),
            ]
            for stack in ALONG_DEPTH
        ],
        Said(
            "Without skips and with a norm the gradient's length looks healthy, yet every output "
            "position sends the same one: no output can ask for anything of its own.",
            "스킵 없이 정규화만 있으면 노름은 멀쩡해 보이지만 모든 출력 위치가 똑같은 기울기를 보냅니다. 어떤 출력도 자기만의 "
            "것을 요구할 수 없습니다.",
        ),
    )


NAMES = {
    "rnn-uniform": Said("RNN, torch's start", "RNN, torch 기본 초기화"),
    "rnn-xavier": Said("RNN, Xavier", "RNN, Xavier 초기화"),
    "rnn-orthogonal": Said("RNN, orthogonal", "RNN, 직교 초기화"),
    "gru-uniform": Said("GRU, torch's start", "GRU, torch 기본 초기화"),
    "lstm-uniform": Said("LSTM, torch's start", "LSTM, torch 기본 초기화"),
    "lstm-forget-1": Said("LSTM, forget bias 1", "LSTM, 망각 편향 1"),
    "lstm-toolkit": Said(
        "LSTM, orthogonal, forget bias 1 (whyformer's start)",
        "LSTM, 직교, 망각 편향 1 (whyformer 기본)",
    ),
    "lstm-forget-long": Said("LSTM, forget bias ln(T − 1)", "LSTM, 망각 편향 ln(T − 1)"),
    "lstm-chrono": Said("LSTM, chrono", "LSTM, chrono 초기화"),
    "rnn-4": Said("RNN, 4 layers", "RNN 4층"),
    "rnn-4-skip": Said("RNN, 4 layers, skips along depth", "RNN 4층, 깊이 방향 스킵"),
    "lstm-4": Said("LSTM, 4 layers", "LSTM 4층"),
    "lstm-4-skip": Said("LSTM, 4 layers, skips along depth", "LSTM 4층, 깊이 방향 스킵"),
    "attention-pre-norm": Said("Transformer, Pre-LN, 2 layers", "트랜스포머 Pre-LN 2층"),
    "attention-post-norm": Said("Transformer, Post-LN, 2 layers", "트랜스포머 Post-LN 2층"),
    "attention-no-skip": Said("Transformer without skips, 2 layers", "스킵 없는 트랜스포머 2층"),
    "attention-only": Said("attention only", "어텐션만"),
    "attention-norm": Said("attention + norm", "어텐션 + 정규화"),
    "attention-skip": Said("attention + skip", "어텐션 + 스킵"),
    "no-skip": Said("whole layers without skips", "스킵 없는 온전한 층"),
    "no-skip-causal": Said("the same, causal", "스킵 없는 온전한 층, 인과적"),
    "post-norm": alike("Post-LN"),
    "pre-norm": alike("Pre-LN"),
    "rnn": Said("RNN, orthogonal", "RNN, 직교 초기화"),
    "rnn-skip": Said("RNN + skips along depth", "RNN + 깊이 방향 스킵"),
    "lstm": alike("LSTM"),
    "lstm-skip": Said("LSTM + skips along depth", "LSTM + 깊이 방향 스킵"),
    "gpt": Said("Transformer, Pre-LN", "트랜스포머 Pre-LN"),
    "gpt-no-skip": Said("Transformer without skips", "스킵 없는 트랜스포머"),
    "time": Said("along time, where they do not help", "시간 방향(도움이 되지 않음)"),
    "depth": Said("along depth", "깊이 방향"),
    "start": Said("at the start, 8 layers", "초기 상태, 8층"),
    "trained": Said("after training, 4 layers", "학습 뒤, 4층"),
    "1 layers": Said("1 layer", "1층"),
    "2 layers": Said("2 layers", "2층"),
    "4 layers": Said("4 layers", "4층"),
    "6 layers": Said("6 layers", "6층"),
    "RNN": Said("factor of the RNN, torch's start", "torch 기본 초기화 RNN의 한 칸당 배율"),
    "attention": Said("factor of attention", "어텐션의 한 칸당 배율"),
    "moved": Said("change of the factor by skips", "스킵에 따른 배율의 변화"),
    "with skips": Said("factor with skips", "스킵이 있을 때의 한 칸당 배율"),
    "without": Said("diversity without skips", "스킵이 없을 때의 다양성"),
    "with": Said("diversity with skips", "스킵이 있을 때의 다양성"),
    "lost": Said("accuracy lost without skips", "스킵이 없어서 잃은 정확도"),
    "first": Said("accuracy on the first symbol", "첫 기호를 맞힌 비율"),
    "not copied": Said("accuracy of copying, less that", "복사 정확도와의 차이"),
}

EXPERIMENT = Experiment(
    name="gradients",
    question=Said(
        "Does attention end vanishing gradients, and are skip connections decisive?",
        "어텐션은 기울기 소실을 없앴나요, 그리고 잔차 연결은 결정적인가요?",
    ),
    keywords=(
        "vanishing",
        "vanish",
        "skip",
        "residual",
        "shortcut",
        "exploding",
        "explode",
        "long range",
        "long-range",
        "collapse",
        "기울기 소실",
        "소실",
        "폭발",
        "장기 의존",
        "레지듀얼",
        "스킵",
        "잔차",
        "lstm remember",
        "lstms remember",
        "lstm forget",
        "lstm 괜찮",
        "lstm 기억",
        "lstm 망각",
        "long range dependencies",
        "장기 의존성",
    ),
    mentions=(
        "gradient",
        "gradients",
        "lstm",
        "lstms",
        "rnn",
        "gru",
        "forget",
        "기울기",
        "그래디언트",
        "그라디언트",
        "순환",
        "망각",
        "connection",
        "connections",
        "연결",
    ),
    parts=(
        Part("lags", measure_lags, lag_conditions, {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("depth", measure_depth, depth_conditions, {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("copy", measure_copy, copy_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
        Part("first", measure_first, first_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
        Part("reach", measure_reach, reach_conditions, {Mode.QUICK: 1, Mode.FULL: 5}),
    ),
    claims=(
        Claim(
            "time",
            Said(
                "The Transformer sees everything at once, so gradients do not vanish along a long "
                "sequence.",
                "트랜스포머는 모든 위치를 한꺼번에 보므로, 긴 시퀀스에서도 기울기가 사라지지 않는다.",
            ),
            Said(
                "At the start the gradient from the last output to the input k positions back does "
                "not depend on k in a causal Transformer, and dies exponentially in an RNN.",
                "초기 상태에서, 마지막 출력에서 k칸 앞 입력까지의 기울기는 인과적 트랜스포머에서는 k와 "
                "무관하고, RNN에서는 지수적으로 줄어든다.",
            ),
            Said(
                "Factor per step of lag within 0.98 and 1.02 for attention (Pre-LN and Post-LN); "
                "below 0.6 for the RNN at torch's start.",
                "한 칸당 배율이 어텐션(Pre-LN과 Post-LN)에서 0.98과 1.02 사이, torch 기본 초기화의 "
                "RNN에서 0.6 미만.",
            ),
            time_tests,
        ),
        Claim(
            "lstm",
            Said(
                "Gradients do not vanish in an LSTM.",
                "LSTM에서는 기울기가 사라지지 않는다.",
            ),
            Said(
                "At its usual start an LSTM keeps at least 0.95 of the gradient at each step of lag.",
                "흔히 쓰는 초기화의 LSTM은 한 칸 거슬러 갈 때마다 기울기를 0.95배 이상 유지한다.",
            ),
            Said(
                "Factor above 0.95 (a hundred steps then leave more than 1/200); below 0.9 refutes. "
                "Asked of torch's start, of forget bias 1, and of this toolkit's start.",
                "배율이 0.95 초과 (백 칸 뒤에 1/200 넘게 남음), 0.9 미만이면 반박. torch 기본 초기화, 망각 "
                "편향 1, 이 도구의 기본 초기화에 각각 묻는다.",
            ),
            lstm_tests,
        ),
        Claim(
            "gate",
            Said(
                "What saves an LSTM is its forget gate near 1: a skip connection along time.",
                "LSTM을 살리는 것은 1에 가까운 망각 게이트, 즉 시간 방향의 스킵 연결이다.",
            ),
            Said(
                "With the forget gate opened to the length of the sequence, and nothing else "
                "changed, the factor is above 0.95; likewise with chrono's gates.",
                "다른 것은 그대로 두고 망각 게이트만 시퀀스 길이에 맞게 열면 배율이 0.95를 넘는다. "
                "chrono 초기화의 게이트도 마찬가지다.",
            ),
            Said("Factor above 0.95; below 0.9 refutes.", "배율이 0.95 초과, 0.9 미만이면 반박."),
            gate_tests,
        ),
        Claim(
            "skips",
            Said(
                "Skip connections help somewhat, but they are not decisive.",
                "스킵 연결은 어느 정도 도움이 되지만 결정적이지는 않다.",
            ),
            Said(
                "Along time: skips around stacked recurrent layers change the gradient factor "
                "little. Along depth: a stack of at least 4 layers learns to copy without them.",
                "시간 방향: 쌓은 순환층에 스킵을 둘러도 기울기 배율이 거의 그대로다. 깊이 방향: 4층 "
                "이상의 스택이 스킵 없이도 복사를 배운다.",
            ),
            Said(
                "Time: four layers of RNN and of LSTM, factor moved by less than 0.15 and below 0.8 "
                "with skips. Depth: accuracy without skips, at the better rate, above 0.9 of that "
                "with Pre-LN at 4 layers and deeper; below half of it refutes.",
                "시간: RNN과 LSTM 네 층에서 배율의 변화가 0.15 미만이고 스킵이 있어도 0.8 미만. 깊이: "
                "4층 이상에서 더 나은 학습률로 잰 스킵 없는 정답률이 Pre-LN의 0.9배 초과, 절반 미만이면 "
                "반박.",
            ),
            skips_tests,
        ),
        Claim(
            "collapse",
            Said(
                "Without skips a deep stack forgets which token is which.",
                "스킵이 없으면 깊은 스택은 어느 토큰이 어느 토큰인지 잊어버린다.",
            ),
            Said(
                "At the start, after 8 layers without skips, all tokens are the same vector, while "
                "Pre-LN keeps them apart; after training, 4 layers without skips copy worse.",
                "초기 상태에서 스킵 없는 8층을 지나면 모든 토큰이 같은 벡터가 되지만 Pre-LN은 구별을 "
                "유지한다. 학습 뒤에도 스킵 없는 4층은 복사를 더 못한다.",
            ),
            Said(
                "Diversity below 1e-6 without skips and above 0.1 with Pre-LN; accuracies differ by "
                "more than 0.3.",
                "다양성이 스킵 없이 1e-6 미만, Pre-LN에서 0.1 초과. 정답률 차이가 0.3 초과.",
            ),
            collapse_tests,
        ),
        Claim(
            "need",
            Said(
                "A Transformer cannot do without skip connections.",
                "트랜스포머는 스킵 연결 없이는 안 된다.",
            ),
            Said(
                "At every depth the accuracy of copying is higher with skips by more than 0.3.",
                "어떤 깊이에서든 스킵이 있을 때 복사 정답률이 0.3 넘게 높다.",
            ),
            Said(
                "Paired difference (Pre-LN - without skips) above 0.3, each at its better rate; "
                "below 0.1 refutes. Asked of each number of layers.",
                "각자 더 나은 학습률에서 짝지은 차이(Pre-LN - 스킵 없음)가 0.3 초과, 0.1 미만이면 반박. 층 "
                "수마다 묻는다.",
            ),
            need_tests,
        ),
        Claim(
            "enough",
            Said(
                "Skips keep the tokens apart, however deep the stack.",
                "스킵만 있으면 아무리 깊어도 토큰이 구별된다.",
            ),
            Said(
                "At the start the diversity of tokens after 24 layers with skips is above 0.1.",
                "초기 상태에서 스킵이 있는 24층을 지난 토큰의 다양성이 0.1보다 크다.",
            ),
            Said(
                "Diversity above 0.1; below 0.01 refutes. Asked of Pre-LN, Post-LN, and attention "
                "with skips and nothing else.",
                "다양성이 0.1 초과, 0.01 미만이면 반박. Pre-LN, Post-LN, 스킵만 있는 어텐션에 각각 묻는다.",
            ),
            enough_tests,
        ),
        Claim(
            "total",
            Said(
                "When information is lost in depth, the norm of the gradient shows it.",
                "깊이 방향으로 정보가 사라지면 기울기의 노름에 드러난다.",
            ),
            Said(
                "Through 24 layers without skips the norm of the gradient shrinks by more than a "
                "thousand.",
                "스킵 없는 24층을 거슬러 오면 기울기의 노름이 천분의 일보다 작아진다.",
            ),
            Said(
                "Norm at the input over norm at the output below 1e-3; above 0.1 refutes.",
                "입력에서의 노름 / 출력에서의 노름이 1e-3 미만, 0.1 초과면 반박.",
            ),
            total_tests,
        ),
        Claim(
            "first",
            Said(
                "A stack that recalls the first token lets tokens through.",
                "첫 토큰을 기억해 내는 스택은 토큰을 통과시키는 스택이다.",
            ),
            Said(
                "Four causal layers without skips that recall the first token copy the token eight "
                "back about as well.",
                "첫 토큰을 기억해 내는, 스킵 없는 인과적 네 층은 여덟 칸 앞의 토큰도 그만큼 잘 복사한다.",
            ),
            Said(
                "First token right in more than 0.9, and the accuracy of copying less than 0.1 "
                "below it; more than 0.3 below refutes.",
                "첫 토큰 정답률이 0.9 초과이고 복사 정답률이 그보다 0.1 넘게 낮지 않음, 0.3 넘게 낮으면 반박.",
            ),
            first_tests,
        ),
    ),
    numbers=numbers,
    charts=charts,
    names=NAMES,
)
