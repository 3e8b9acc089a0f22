"""Count the multiply-adds of a model by module and by equation.

The count includes matrix products and the steps of linear recurrences, computed from the shapes of
the tensors while the model runs. The count does not include softmax, norms, activations and sums,
whose cost grows more slowly with the width. One multiply-add is two floating-point operations.
Masked scores are counted, because the explicit implementations compute them; a fused kernel may
skip some of them.

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
    """The part of the model to which a multiply-add belongs."""

    PROJECTIONS = "projections"
    """In attention: the projections of the input to queries, keys and values, and of the heads to
    the output."""
    SCORES = "scores"
    """QKᵀ, or the scores of the source positions in a recurrent decoder."""
    WEIGHTED_SUM = "weighted sum"
    """The softmax weights times V."""
    FEED_FORWARD = "feed-forward"
    RECURRENCE = "recurrence"
    """The computation of the gates from the input and the state; in a linear recurrence, also the
    steps."""
    CONVOLUTION = "convolution"
    VOCABULARY = "vocabulary"
    """The logits."""
    OTHER = "other"


@dataclass
class Operations:
    """The number of multiply-adds for each pair (dotted name of a module, equation)."""

    counts: dict[tuple[str, Equation], int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return the number of all multiply-adds."""
        return sum(self.counts.values())

    def of(self, *equations: Equation) -> int:
        """Return the number of multiply-adds of the given equations."""
        return sum(count for (_, equation), count in self.counts.items() if equation in equations)

    def by_equation(self) -> dict[Equation, int]:
        """Return the number of multiply-adds of each equation in the model."""
        return {equation: self.of(equation) for equation in Equation if self.of(equation)}

    def by_module(self, depth: int | None = None) -> dict[str, int]:
        """Return the multiply-adds of each module. Args: depth: maximum number of dots in names."""
        found: dict[str, int] = {}
        for (name, _), count in self.counts.items():
            short = ".".join(name.split(".")[:depth])
            found[short] = found.get(short, 0) + count
        return found

    def add(self, name: str, equation: Equation, count: int) -> None:
        """Add ``count`` multiply-adds to the count of a module and an equation."""
        self.counts[name, equation] = self.counts.get((name, equation), 0) + count


@contextlib.contextmanager
def count_operations(model: nn.Module) -> Iterator[Operations]:
    """Count the operations of a model in a `with` block. The model does not change, and may be on
    the device `meta`."""
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
"""Function that returns the operations of a module without its submodules, given the module, its
arguments and its output."""


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
    """Return the equation that a Linear belongs to. If its name is not
    `projection`, the nearest enclosing module in `LINEARS` determines the equation."""
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
        return {}  # the two Linears of the module are called, so they are counted separately
    rows, length, _ = given["x"].shape
    weights = module.from_input.weight.numel() + module.from_state.weight.numel()
    return {Equation.RECURRENCE: rows * length * weights}


def _fed_decoder(module: RecurrentDecoder, given: Given, output: Any) -> dict[Equation, int]:
    """Count the operations of the first layer with input feeding. This layer multiplies
    the two halves of its input separately, without calling its Linear."""
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
"""For each type of module, the rule for the operations outside the Linears of the module."""
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
"""For each type of module, the equation that the Linears inside the module belong to."""
