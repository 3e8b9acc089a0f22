"""Vanishing gradients along time and depth, and the effect of skip connections.

Along time, the experiment measures the gradient of the last output with respect to the input k
positions before it. Along depth, it measures the diversity of the tokens after l layers, and
whether a trained stack can copy a token.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from whyformer.blocks.initialization import xavier
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
from whyformer.lab.method.exercises import Exercises, Task, accuracies, exercise_loss
from whyformer.lab.method.experiment import Mode, Numbers, Settings
from whyformer.lab.method.learning import learn
from whyformer.models.build import build_model
from whyformer.models.encoder import EncoderLayer
from whyformer.models.gpt import GPT, GPTLayer
from whyformer.models.parts import Parts

WIDTH = 64
LENGTH = 128
"""Length of the sequences in which gradients along time are measured."""
TOKENS, DEEPEST, JUDGED_DEPTH = 64, 24, 8
ROUNDING = 2.2e-16
"""Relative precision of float64; smaller differences cannot be measured."""
SYMBOLS = 8
COPIED_LAG, ROWS, STEPS = 8, 32, 300
RATES = (1e-3, 3e-3)
DEPTHS = {"pre-norm": (1, 2, 4, 6), "no-skip": (1, 2, 4, 6), "post-norm": (1, 2, 4)}
JUDGED_LAYERS = 4


@dataclass(frozen=True)
class Chain:
    """Stacked recurrent layers. Args: wiring: the residual connections of each layer; None means
    that there are no residual connections."""

    cell: Cell
    start: RecurrentInitialization
    forget_bias: float = 0.0
    layers: int = 1
    wiring: Wiring | None = None


@dataclass(frozen=True)
class Stack:
    """Layers of attention. Args: wiring: the residual connections of each sub-layer; None means
    that there are no residual connections."""

    kind: Literal["attention", "encoder", "gpt"]
    wiring: Wiring | None
    layers: int = DEEPEST


UNIFORM = RecurrentInitialization.UNIFORM
LONG = math.log(LENGTH - 1)
"""Bias of a forget gate. With this bias, the gate keeps 1 - 1/T of its cell at each of T
positions."""
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
    "rnn-4-skip": Chain(Cell.RNN, UNIFORM, layers=4, wiring="no-norm"),
    "lstm-4": Chain(Cell.LSTM, UNIFORM, layers=4),
    "lstm-4-skip": Chain(Cell.LSTM, UNIFORM, layers=4, wiring="no-norm"),
    "attention-pre-norm": Stack("gpt", "pre-norm", 2),
    "attention-post-norm": Stack("gpt", "post-norm", 2),
    "attention-no-skip": Stack("gpt", "no-skip", 2),
}
ALONG_DEPTH: dict[str, Stack] = {
    "attention-only": Stack("attention", None),
    "attention-norm": Stack("attention", "no-skip"),
    "attention-skip": Stack("attention", "no-norm"),
    "no-skip": Stack("encoder", "no-skip"),
    "no-skip-causal": Stack("gpt", "no-skip"),
    "post-norm": Stack("encoder", "post-norm"),
    "pre-norm": Stack("encoder", "pre-norm"),
}
REACH: dict[str, Chain | Stack] = {
    "rnn": Chain(Cell.RNN, RecurrentInitialization.ORTHOGONAL, layers=2),
    "rnn-skip": Chain(Cell.RNN, RecurrentInitialization.ORTHOGONAL, 0.0, 2, "no-norm"),
    "lstm": Chain(Cell.LSTM, UNIFORM, layers=2),
    "lstm-skip": Chain(Cell.LSTM, UNIFORM, layers=2, wiring="no-norm"),
    "gpt": Stack("gpt", "pre-norm", 2),
    "gpt-no-skip": Stack("gpt", "no-skip", 2),
}


class RecurrentStack(nn.Module):
    """Stacked recurrent layers. Args: span: for chrono initialization: the number of positions that
    the layers should remember."""

    def __init__(self, chain: Chain, span: int) -> None:
        super().__init__()
        layers = [Recurrence(chain.cell, WIDTH, WIDTH) for _ in range(chain.layers)]
        for layer in layers:
            RECURRENT_INITIALIZATIONS[chain.start](layer, chain.forget_bias, span)
        self.layers = nn.ModuleList(layers)
        wiring = chain.wiring
        self.wire = None if wiring is None else WIRINGS[wiring](WIDTH, "layer", 0.0, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output of the last layer at every position."""
        for layer in self.layers:

            def read(x: Tensor, layer: nn.Module = layer) -> Tensor:
                return layer(x)[0]

            x = read(x) if self.wire is None else self.wire(x, read)
        return x


class AttentionAlone(nn.Module):
    """One attention sub-layer without a feed-forward network.

    Args: wiring: None means no residual connection and no normalization. With a wiring, ``parts``
        makes the residual connection and the normalization.
    """

    def __init__(self, parts: Parts, wiring: Wiring | None) -> None:
        super().__init__()
        self.attention = parts.attention()
        self.wire = None if wiring is None else parts.residual()

    def forward(self, x: Tensor) -> Tensor:
        """Apply attention over all positions."""

        def look(x: Tensor) -> Tensor:
            return self.attention(x, self.attention.keys_values(x))

        return look(x) if self.wire is None else self.wire(x, look)


class AttentionStack(nn.Module):
    """Layers of attention that read vectors. The layers have Xavier weights, no positions and no
    dropout."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        wiring = stack.wiring or "no-skip"
        parts = lm.reference(d_model=WIDTH, wiring=wiring, positions="none").parts()
        self.kind = stack.kind
        self.positions = parts.positions(causal=stack.kind == "gpt")
        self.layers = nn.ModuleList(_layer(stack, parts) for _ in range(stack.layers))
        self.final_norm = parts.final_norm()
        xavier(self.layers, 1.0)

    def streams(self, x: Tensor) -> list[Tensor]:
        """Return the residual stream after each layer."""
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
        """Return the output, after the final normalization if the wiring has one."""
        return self.final_norm(self.streams(x)[-1])


def _layer(stack: Stack, parts: Parts) -> nn.Module:
    if stack.kind == "attention":
        return AttentionAlone(parts, stack.wiring)
    return EncoderLayer(parts) if stack.kind == "encoder" else GPTLayer(parts)


class RecurrentReader(nn.Module):
    """The recurrent model of part `reach`: embedding, recurrent layers and a projection."""

    def __init__(self, chain: Chain, span: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, WIDTH)
        self.stack = RecurrentStack(chain, span)
        self.projection = nn.Linear(WIDTH, SYMBOLS, bias=False)

    def features(self, target: Tensor) -> Tensor:
        """Return a vector for each token, computed from this and earlier tokens."""
        return self.stack(self.embedding(target))


def measure_lags(settings: Settings, seed: int) -> Numbers:
    """Measure the gradient of a random projection of the last output with respect to the inputs at
    all lags.

    The computation uses float64, because float32 underflows after about forty lags. The result is
    the mean logarithm of the norms.
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
    """Measure token diversity and input gradients of an untrained stack on random tokens.

    The gradient norm is the norm of the gradient of a random projection of the whole output. The
    gradient diversity compares the gradients of the same projection at different output positions.
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
    data = exercises("copy", COPIED_LAG, seed)
    return {"error": learned_error(model, data, settings["rate"], STEPS)}


def measure_first(settings: Settings, seed: int) -> Numbers:
    """Train a GPT without skips to recall the first symbol, which does not need skips."""
    model, data = gpt("no-skip", settings["layers"], seed), exercises("first", COPIED_LAG, seed)
    return {"error": learned_error(model, data, settings["rate"], 100)}


def measure_reach(settings: Settings, seed: int) -> Numbers:
    """Train a model of two layers to copy the symbol ``lag`` positions back."""
    arm, data = REACH[settings["model"]], exercises("copy", settings["lag"], seed)
    if isinstance(arm, Chain):
        seed_everything(seed)
        model = RecurrentReader(arm, data.length)
    else:
        assert arm.wiring is not None
        model = gpt(arm.wiring, arm.layers, seed)
    return {"error": learned_error(model, data, settings["rate"], STEPS)}


def gpt(wiring: str, layers: int, seed: int) -> GPT:
    """Return the reference model for the symbols, with new weights."""
    seed_everything(seed)
    settings = lm.reference(layers=layers, d_model=WIDTH, wiring=wiring)
    model = build_model(settings, (SYMBOLS, SYMBOLS), shared=True)
    assert isinstance(model, GPT)
    return model


def exercises(task: Task, lag: int, seed: int) -> Exercises:
    """Return rows in which the last 24 positions have answers."""
    return Exercises(task, SYMBOLS, lag + 24, ROWS, seed, lag)


def learned_error(
    model: GPT | RecurrentReader, data: Exercises, rate: float, updates: int
) -> float:
    """Train a model, and return its error rate on new rows; 1 if training diverged."""
    try:
        learn(
            model, data, updates=updates, learning_rate=rate, warmup=20, clip=1.0, d_model=WIDTH,
            loss_of=exercise_loss,
        )  # fmt: skip
    except DivergedError:
        return 1.0
    fresh = replace(data, seed=data.seed + 1000, rows=256).batch(0, 0)
    return 1 - accuracies(model, fresh).nanmean().item()


def lag_conditions(mode: Mode) -> list[Settings]:
    """Return every arm along time, in both modes, because they are fast."""
    return [{"model": model} for model in ALONG_TIME]


def depth_conditions(mode: Mode) -> list[Settings]:
    """Return every stack, in both modes, because they are fast."""
    return [{"stack": stack} for stack in ALONG_DEPTH]


def copy_conditions(mode: Mode) -> list[Settings]:
    """Return all combinations of wiring, depth and learning rate.

    Quick mode uses only the better one of the two learning rates of each arm.
    """
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
    """Return one condition: the depth at which the claims on copying are decided."""
    return [{"layers": JUDGED_LAYERS, "rate": 1e-3}]


def reach_conditions(mode: Mode) -> list[Settings]:
    """Return two layers of every kind, with and without skips, at every lag; full mode only."""
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
