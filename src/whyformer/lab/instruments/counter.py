"""How many multiply-adds a model computes, module by module and equation by equation.

Counted are matrix products and the steps of linear recurrences, by their shapes, while the model
runs; not softmax, norms, activations and sums, which grow slower with the width. One multiply-add
is two floating-point operations. A masked score counts, as it is computed by the explicit twins; a
fused kernel may skip some.

>>> import torch
>>> from whyformer.blocks.feedforward import FeedForward
>>> layer = FeedForward(4, 16)
>>> with count_operations(layer) as counted:
...     _ = layer(torch.ones(1, 10, 4))
>>> counted.total
1280
"""

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from torch import Tensor, nn

from whyformer.blocks.additive_attention import (
    AdditiveScore,
    DotScore,
    LocationScore,
    SourceAttention,
)
from whyformer.blocks.convolution import CausalConvolution
from whyformer.blocks.feedforward import FeedForward
from whyformer.blocks.linear_recurrence import LinearRecurrence, ScanPath
from whyformer.blocks.multihead import MultiHeadAttention
from whyformer.blocks.recurrence import Recurrence, RecurrencePath
from whyformer.blocks.windowed import WindowedAttention
from whyformer.models.bert import MaskedHead
from whyformer.models.recurrent.decoder import Decoder as RecurrentDecoder


class Equation(StrEnum):
    """What a multiply-add is part of."""

    PROJECTIONS = "projections"
    """Of attention: to queries, keys and values, and from heads to the output."""
    SCORES = "scores"
    """QKᵀ, or how a recurrent decoder scores its source."""
    WEIGHTED_SUM = "weighted sum"
    """Softmax times V."""
    FEED_FORWARD = "feed-forward"
    RECURRENCE = "recurrence"
    """From input and from state to the gates; of a linear recurrence, also its steps."""
    CONVOLUTION = "convolution"
    VOCABULARY = "vocabulary"
    """Logits."""
    OTHER = "other"


@dataclass
class Operations:
    """Multiply-adds by (dotted name of the module, equation)."""

    counts: dict[tuple[str, Equation], int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All multiply-adds."""
        return sum(self.counts.values())

    def of(self, *equations: Equation) -> int:
        """Return the multiply-adds of some equations."""
        return sum(count for (_, equation), count in self.counts.items() if equation in equations)

    def by_equation(self) -> dict[Equation, int]:
        """Return the multiply-adds of every equation that occurs."""
        return {equation: self.of(equation) for equation in Equation if self.of(equation)}

    def by_module(self, depth: int | None = None) -> dict[str, int]:
        """Return the multiply-adds of every module. Args: depth: dots after which names are cut."""
        found: dict[str, int] = {}
        for (name, _), count in self.counts.items():
            short = ".".join(name.split(".")[:depth])
            found[short] = found.get(short, 0) + count
        return found

    def add(self, name: str, equation: Equation, count: int) -> None:
        """Count more."""
        self.counts[name, equation] = self.counts.get((name, equation), 0) + count


@contextlib.contextmanager
def count_operations(model: nn.Module) -> Iterator[Operations]:
    """Count while the block runs; afterwards the model is as it was. Works on device meta too."""
    counted = Operations()
    handles = []
    for name, module in model.named_modules():
        rule = _rule_of(model, name, module)
        if rule is not None:
            hook = _hook(counted, name, rule)
            handles.append(module.register_forward_hook(hook, with_kwargs=True))
    try:
        yield counted
    finally:
        for handle in handles:
            handle.remove()


Given = Mapping[str, Any]
"""Arguments of a forward pass by name."""
Rule = Callable[[Any, Given, Any], dict[Equation, int]]
"""From a module, what it was given and what it returned to what it computed itself."""


def _hook(counted: Operations, name: str, rule: Rule):
    def hook(module: nn.Module, args: tuple, kwargs: dict[str, Any], output: Any) -> None:
        bound = inspect.signature(module.forward).bind(*args, **kwargs)
        bound.apply_defaults()
        for equation, count in rule(module, bound.arguments, output).items():
            counted.add(name, equation, count)

    return hook


def _rule_of(model: nn.Module, name: str, module: nn.Module) -> Rule | None:
    if isinstance(module, nn.Linear):
        return _linear(_belonging(model, name))
    kind = next((kind for kind in type(module).__mro__ if kind in RULES), None)
    return None if kind is None else RULES[kind]


def _belonging(model: nn.Module, name: str) -> Equation:
    """Find what a Linear is for: by its name, or by the nearest module around it that says."""
    around, _, own = name.rpartition(".")
    if own == "projection":
        return Equation.VOCABULARY
    while around:
        module = model.get_submodule(around)
        for kind, equation in LINEARS.items():
            if isinstance(module, kind):
                return equation
        around = around.rpartition(".")[0]
    return next((e for kind, e in LINEARS.items() if isinstance(model, kind)), Equation.OTHER)


def _linear(equation: Equation) -> Rule:
    def rule(module: nn.Linear, given: Given, output: Tensor) -> dict[Equation, int]:
        return {equation: output.numel() * module.in_features}

    return rule


def _convolution(module: nn.Conv1d, given: Given, output: Tensor) -> dict[Equation, int]:
    inputs = module.in_channels // module.groups * module.kernel_size[0]
    return {Equation.CONVOLUTION: output.numel() * inputs}


def _multihead(module: MultiHeadAttention, given: Given, output: Tensor) -> dict[Equation, int]:
    K, V = given["keys_values"]  # noqa: N806
    rows, queries, _ = given["x"].shape
    keys = K.shape[2]
    if isinstance(module, WindowedAttention) and module.is_banded(
        queries, keys, given["allowed"], given["positions"]
    ):
        keys = module.width
    pairs = rows * module.heads * queries * keys
    return {Equation.SCORES: pairs * K.shape[-1], Equation.WEIGHTED_SUM: pairs * V.shape[-1]}


def _dot_score(module: DotScore, given: Given, output: Tensor) -> dict[Equation, int]:
    return {Equation.SCORES: output.numel() * given["keys"].shape[-1]}


def _counted_inside(module: nn.Module, given: Given, output: Any) -> dict[Equation, int]:
    return {}


def _source_attention(module: nn.Module, given: Given, output: Tensor) -> dict[Equation, int]:
    return {Equation.WEIGHTED_SUM: output.numel() * given["memory"].shape[1]}


def _recurrence(module: Recurrence, given: Given, output: Any) -> dict[Equation, int]:
    if module.path is not RecurrencePath.FUSED or given["state_mask"] is not None:
        return {}  # its two Linears are called, and count themselves
    rows, length, _ = given["x"].shape
    weights = module.from_input.weight.numel() + module.from_state.weight.numel()
    return {Equation.RECURRENCE: rows * length * weights}


def _fed_decoder(module: RecurrentDecoder, given: Given, output: Any) -> dict[Equation, int]:
    """The first layer of input feeding reads its two halves apart, without calling the Linear."""
    first = module.layers[0]
    assert isinstance(first, Recurrence)
    fed = given["target"].numel() * first.from_input.weight.numel()
    return {Equation.RECURRENCE: fed} if module.input_feeding else {}


def _linear_recurrence(
    module: LinearRecurrence, given: Given, output: Tensor
) -> dict[Equation, int]:
    if module.path is ScanPath.LOOP:
        return {Equation.RECURRENCE: output.numel()}
    rounds = (output.shape[1] - 1).bit_length()
    return {Equation.RECURRENCE: 2 * rounds * output.numel()}


def _masked_head(module: MaskedHead, given: Given, output: Tensor) -> dict[Equation, int]:
    return {Equation.VOCABULARY: output.numel() * (module.weight.shape[1] + 1)}  # 1: the bias


RULES: dict[type[nn.Module], Rule] = {
    nn.Conv1d: _convolution,
    MultiHeadAttention: _multihead,
    DotScore: _dot_score,
    AdditiveScore: _counted_inside,
    LocationScore: _counted_inside,
    SourceAttention: _source_attention,
    Recurrence: _recurrence,
    RecurrentDecoder: _fed_decoder,
    LinearRecurrence: _linear_recurrence,
    MaskedHead: _masked_head,
}
"""Kind of module -> what it computes beside its Linears."""
LINEARS: dict[type[nn.Module], Equation] = {
    MultiHeadAttention: Equation.PROJECTIONS,
    FeedForward: Equation.FEED_FORWARD,
    Recurrence: Equation.RECURRENCE,
    LinearRecurrence: Equation.RECURRENCE,
    CausalConvolution: Equation.CONVOLUTION,
    DotScore: Equation.SCORES,
    SourceAttention: Equation.PROJECTIONS,
    MaskedHead: Equation.VOCABULARY,
}
"""Kind of module -> what the Linears inside it are for."""
