"""Measure any model of the package with hooks and with taps (named observation points).

The hooks are removed afterwards.

>>> import torch
>>> from whyformer.blocks.multihead import MultiHeadAttention
>>> layer, x = MultiHeadAttention(8, 2, 4), torch.randn(1, 5, 8)
>>> with watch(layer) as seen:
...     _ = layer(x, layer.keys_values(x))
>>> [head.number for head in seen.heads()]
[1, 2]
"""

import contextlib
import inspect
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from whyformer.blocks.additive_attention import SourceAttention
from whyformer.blocks.masks import causal_mask, combine, window_mask
from whyformer.blocks.multihead import AttentionPath, MultiHeadAttention
from whyformer.blocks.recurrence import Recurrence, RecurrencePath
from whyformer.blocks.windowed import WindowedAttention


@dataclass(frozen=True)
class Head:
    """Measurements of one head of one layer.

    Args:
        module: name of the attention module, with dots.
        number: number of the head, from 1.
        score_deviation: standard deviation of the scores of allowed pairs.
        entropy: entropy of the weights in nats, as a mean over the queries with several allowed
            keys.
        spread: the entropy divided by its maximum: 1 for equal weights on all allowed keys, 0 for
            all weight on one key.
        weights: weights of the first row of the batch, (queries, keys).
    """

    module: str
    number: int
    score_deviation: float
    entropy: float
    spread: float
    weights: Tensor


@dataclass
class Seen:
    """The tensors that `watch` collects. A layer that is applied twice has two tensors."""

    scores: dict[str, list[Tensor]] = field(default_factory=dict)
    """Scores before masking, (batch, heads, queries, keys), by the name of the attention module."""
    weights: dict[str, list[Tensor]] = field(default_factory=dict)
    allowed: dict[str, list[Tensor]] = field(default_factory=dict)
    """The allowed pairs, in the shape of the scores."""
    streams: dict[str, list[Tensor]] = field(default_factory=dict)
    """Output of each layer of a stack, (batch, length, width), by the name of the layer."""

    def heads(self) -> list[Head]:
        """Return the measurements of all heads, in the order of the model."""
        found = []
        for module, applied in self.weights.items():
            for turn, weights in enumerate(applied):
                name = module if len(applied) == 1 else f"{module}, application {turn + 1}"
                found += _heads(
                    name, self.scores[module][turn], weights, self.allowed[module][turn]
                )
        return found

    def diversities(self) -> dict[str, float]:
        """Return the token diversity after each layer."""
        return {
            name if len(after) == 1 else f"{name}, application {turn + 1}": diversity(x)
            for name, after in self.streams.items()
            for turn, x in enumerate(after)
        }


@contextlib.contextmanager
def watch(model: nn.Module) -> Iterator[Seen]:
    """Collect the scores, weights and layer outputs of one forward pass.

    In the block, attention and recurrences use their explicit equations, not fused kernels.

    For a recurrent layer, the outputs are the states that a later step reads: all states except the
    last one. The model is unchanged after the block. The tensors keep their graph, so gradients can
    be computed.
    """
    seen = Seen()
    with contextlib.ExitStack() as stack:

        def hook(module: nn.Module, collect, **options: bool) -> None:
            stack.callback(module.register_forward_hook(collect, **options).remove)

        modules = list(model.named_modules())
        pieces: list[tuple[dict[str, list[Tensor]], str]] = []
        for name, module in modules:
            if isinstance(module, MultiHeadAttention):
                stack.enter_context(_path(module, AttentionPath.EXPLICIT))
                hook(module.scores, _keep_output(seen.scores, name))
                hook(module.weights, _keep_output(seen.weights, name))
                hook(module, _keep_allowed(seen, name), with_kwargs=True)
            elif isinstance(module, SourceAttention):
                hook(module.score, _keep_output(seen.scores, name))
                hook(module.weights, _keep_output(seen.weights, name))
                hook(module, _keep_allowed(seen, name), with_kwargs=True)
                pieces += [(seen.scores, name), (seen.weights, name), (seen.allowed, name)]
            elif isinstance(module, Recurrence):
                stack.enter_context(_path(module, RecurrencePath.EXPLICIT))
                hook(module.from_state, _keep_input(seen.streams, name))
                pieces.append((seen.streams, name))
            elif _is_layer(name) and not _recurrent(module):
                hook(module, _keep_output(seen.streams, name))
        yield seen
    for kind, name in pieces:  # these tensors were collected position by position
        if name in kind:
            kind[name] = [_joined(kind[name], states=kind is seen.streams)]


def diversity(x: Float[Tensor, "batch length width"]) -> float:
    """Return ‖X - mean over positions‖ / ‖X‖, mean over the batch: 0 if all positions are equal.

    Source: Dong et al. 2021 (arXiv:2103.03404): the residual that vanishes in their models without
        skip connections. This function uses the Frobenius norm and divides by ‖X‖.

    >>> diversity(torch.ones(1, 3, 2))
    0.0
    """
    x = x.cpu().double()
    apart = (x - x.mean(1, keepdim=True)).flatten(1).norm(dim=1)
    return (apart / x.flatten(1).norm(dim=1).clamp_min(1e-300)).mean().item()


def entropies(weights: Float[Tensor, "*rows keys"]) -> Float[Tensor, "*rows"]:
    """Return the entropy of each row of weights, in nats."""
    return torch.special.entr(weights).sum(-1)


def score_deviation(
    scores: Float[Tensor, "*rows keys"], allowed: Bool[Tensor, "*rows keys"] | None = None
) -> float:
    """Return the standard deviation of scores. Args: allowed: pairs to include; None means all."""
    return (scores if allowed is None else scores[allowed]).cpu().double().std(correction=0).item()


def gradient_norms(model: nn.Module) -> dict[str, float]:
    """Return the norm of the gradient of each layer, and of the parameters outside the layers.

    The key of a layer is its name in the model (``encoder.layers.0``). Other parameters are grouped
    by the first part of their name.
    """
    squares: dict[str, float] = {}
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            place = layer_of(name)
            squares[place] = (
                squares.get(place, 0.0) + parameter.grad.cpu().double().square().sum().item()
            )
    return {name: math.sqrt(square) for name, square in squares.items()}


@contextlib.contextmanager
def update_ratios(model: nn.Module) -> Iterator[dict[str, float]]:
    """Compute ‖change‖ / ‖before‖ of each trainable parameter in a `with` block.

    The block must contain one optimizer step. The dictionary is filled at the end of the block.
    Parameters whose elements were all zero are omitted.
    """
    before = {n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}
    ratios: dict[str, float] = {}
    yield ratios
    for name, parameter in model.named_parameters():
        old = before.get(name)
        if old is not None and old.any():
            ratios[name] = ((parameter.detach() - old).norm() / old.norm()).item()


def layer_of(name: str) -> str:
    """Return the name of a parameter's layer. Outside layers, return the first part of the
    parameter's name.

    >>> layer_of("decoder.layers.3.feedforward.expand.weight"), layer_of("embedding.weight")
    ('decoder.layers.3', 'embedding')
    """
    parts = name.split(".")
    if "layers" in parts[:-1]:
        return ".".join(parts[: parts.index("layers") + 2])
    return parts[0]


def _is_layer(name: str) -> bool:
    return layer_of(name) == name and ".layers." in f".{name}"


def _recurrent(module: nn.Module) -> bool:
    return any(isinstance(one, Recurrence) for one in module.modules())


def _heads(module: str, scores: Tensor, weights: Tensor, allowed: Tensor) -> Iterator[Head]:
    scores, weights = scores.detach().cpu(), weights.detach().cpu().double()
    allowed = allowed.cpu()
    if weights.dim() == 3:  # treat attention without heads as one head
        scores, weights, allowed = scores[:, None], weights[:, None], allowed[:, None]
    for number in range(weights.shape[1]):
        of_head, may = weights[:, number], allowed[:, number]
        keys = may.sum(-1)
        free = keys > 1  # only queries with several allowed keys have a choice
        found = entropies(of_head)[free]
        yield Head(
            module,
            number + 1,
            score_deviation(scores[:, number], may),
            found.mean().item(),
            (found / keys[free].log()).mean().item(),
            of_head[0],
        )


@contextlib.contextmanager
def _path(module: nn.Module, path: AttentionPath | RecurrencePath) -> Iterator[None]:
    before = module.path
    module.path = path  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        module.path = before


def _keep_output(kept: dict[str, list[Tensor]], name: str):
    def collect(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        kept.setdefault(name, []).append(output)

    return collect


def _keep_allowed(seen: Seen, name: str):
    def collect(module: nn.Module, args: tuple, kwargs: dict[str, Any], output: Tensor) -> None:
        bound = inspect.signature(module.forward).bind(*args, **kwargs)
        bound.apply_defaults()
        given = bound.arguments
        scores = seen.scores[name][-1]
        queries, keys = scores.shape[-2:]
        allowed = given["allowed"]
        if isinstance(module, WindowedAttention):
            allowed = combine(allowed, window_mask(queries, keys, module.width, scores.device))
        elif given.get("causal"):
            allowed = combine(allowed, causal_mask(queries, keys, scores.device))
        whole = scores.new_ones(scores.shape, dtype=torch.bool)
        seen.allowed.setdefault(name, []).append(whole if allowed is None else whole & allowed)

    return collect


def _keep_input(kept: dict[str, list[Tensor]], name: str):
    def collect(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        kept.setdefault(name, []).append(inputs[0])

    return collect


def _joined(pieces: list[Tensor], *, states: bool) -> Tensor:
    """Concatenate tensors along positions. For states, leave out the state before the first
    input."""
    if states:
        return torch.stack(pieces[1:] or pieces, 1)
    return torch.cat(pieces, 1)
