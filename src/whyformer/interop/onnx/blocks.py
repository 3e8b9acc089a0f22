"""The blocks of a layer as ONNX operators: one function for each variant of a block.

The tables at the end of each part map the class of a block to its function. A class that is in no
table, such as one from a plugin, is rejected by `refusals`.
"""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from whyformer.blocks import feedforward as ffn
from whyformer.blocks import normalization, positions, residual, scaling
from whyformer.blocks.grouped_query import GroupedQueryAttention
from whyformer.blocks.multi_query import MultiQueryAttention
from whyformer.blocks.multihead import MultiHeadAttention
from whyformer.interop.onnx.graph import DOUBLE, FLOAT, Graph

NEVER = -1e9
"""Number that is added to the score of a key that a query may not attend to. After the softmax, its
weight is exactly 0. In contrast to −∞, a row without any allowed key does not become NaN."""


def linear(g: Graph, x: str, *layers: nn.Linear) -> str:
    """Return the outputs of linear layers with the same input, concatenated."""
    found = g.product(x, _joined([layer.weight for layer in layers]))
    if layers[0].bias is None:
        return found
    return g.op("Add", found, g.weight(_joined([layer.bias for layer in layers])))


def _joined(weights: Sequence[Tensor]) -> Tensor:
    return weights[0] if len(weights) == 1 else torch.cat([one.detach() for one in weights])


# --- norms ---


def _layer_norm(g: Graph, norm: nn.LayerNorm, x: str) -> str:
    weights = [g.weight(one) for one in (norm.weight, norm.bias)]
    return g.op("LayerNormalization", x, *weights, axis=-1, epsilon=norm.eps)


def _rms_norm(g: Graph, norm: nn.RMSNorm, x: str) -> str:
    assert norm.weight is not None
    return g.op("RMSNormalization", x, g.weight(norm.weight), axis=-1, epsilon=norm.eps)


NORMS: dict[type, Callable[[Graph, Any, str], str]] = {
    normalization.LayerNorm: _layer_norm,
    normalization.RMSNorm: _rms_norm,
    nn.Identity: lambda g, norm, x: x,
}


def normalized(g: Graph, norm: nn.Module, x: str) -> str:
    """Apply a norm to each position."""
    return NORMS[type(norm)](g, norm, x)


# --- feed-forward networks ---


Activation = Callable[[Graph, str], str]


def _silu(g: Graph, x: str) -> str:
    return g.op("Mul", x, g.op("Sigmoid", x))


def _gelu(g: Graph, x: str) -> str:
    return g.op("Gelu", x)


def _gelu_tanh(g: Graph, x: str) -> str:
    return g.op("Gelu", x, approximate="tanh")


def _plain(activation: Activation) -> Callable[[Graph, ffn.FeedForward, str], str]:
    def network(g: Graph, one: ffn.FeedForward, x: str) -> str:
        return linear(g, activation(g, linear(g, x, one.expand)), one.contract)

    return network


def _gated(activation: Activation) -> Callable[[Graph, ffn.GatedFeedForward, str], str]:
    def network(g: Graph, one: ffn.GatedFeedForward, x: str) -> str:
        inner = g.op("Mul", activation(g, linear(g, x, one.gate)), linear(g, x, one.expand))
        return linear(g, inner, one.contract)

    return network


FEEDFORWARDS: dict[type, Callable[[Graph, Any, str], str]] = {
    ffn.FeedForward: _plain(lambda g, x: g.op("Relu", x)),
    ffn.GELUFeedForward: _plain(_gelu),
    ffn.TanhGELUFeedForward: _plain(_gelu_tanh),
    ffn.SiLUFeedForward: _plain(_silu),
    ffn.SwiGLUFeedForward: _gated(_silu),
    ffn.GEGLUFeedForward: _gated(_gelu_tanh),
}


def fed_forward(g: Graph, network: nn.Module, x: str) -> str:
    """Apply a feed-forward network to each position."""
    return FEEDFORWARDS[type(network)](g, network, x)


# --- residual wirings ---

Sublayer = Callable[[str], str]


def _post_norm(g: Graph, wire: residual.Residual, x: str, sublayer: Sublayer) -> str:
    return normalized(g, wire.norm, g.op("Add", x, sublayer(x)))


def _pre_norm(g: Graph, wire: residual.Residual, x: str, sublayer: Sublayer) -> str:
    return g.op("Add", x, sublayer(normalized(g, wire.norm, x)))


def _deepnorm(g: Graph, wire: residual.DeepNorm, x: str, sublayer: Sublayer) -> str:
    scaled = g.op("Mul", x, g.constant(wire.depth_scale))
    return normalized(g, wire.norm, g.op("Add", scaled, sublayer(x)))


WIRINGS: dict[type, Callable[[Graph, Any, str, Sublayer], str]] = {
    residual.PostNorm: _post_norm,
    residual.PreNorm: _pre_norm,
    residual.DeepNorm: _deepnorm,
    residual.NoSkip: lambda g, wire, x, sublayer: normalized(g, wire.norm, sublayer(x)),
    residual.NoNorm: lambda g, wire, x, sublayer: g.op("Add", x, sublayer(x)),
}


def wired(g: Graph, wire: nn.Module, x: str, sublayer: Sublayer) -> str:
    """Add the output of a sub-layer to the residual stream, with the norm of the wiring."""
    return WIRINGS[type(wire)](g, wire, x, sublayer)


# --- positions ---


@dataclass(frozen=True)
class Places:
    """The positions of the queries and keys of a self-attention.

    Args:
        queries: positions of the queries, as int64.
        keys: positions of the keys, as int64.
    """

    queries: str
    keys: str

    @classmethod
    def of(cls, g: Graph, x: str, past: str | None = None) -> "Places":
        """Return the positions of the tokens ``x`` (batch, length).

        Args: past: number of earlier positions, whose keys are cached; None means 0.
        """
        zero, one = g.constant(0, np.int64), g.constant(1, np.int64)
        start = zero if past is None else past
        end = g.op("Add", start, g.size(x, 1))
        queries = g.op("Range", start, end, one)
        return cls(queries, queries if past is None else g.op("Range", zero, end, one))

    def relative(self, g: Graph) -> str:
        """Return key position minus query position, (queries, keys)."""
        return g.op("Sub", g.unsqueeze(self.keys, 0), g.unsqueeze(self.queries, 1))


def _angles(g: Graph, places: str, frequencies: np.ndarray) -> str:
    """Return position · frequency in float64, (length, frequencies)."""
    column = g.op("Cast", g.unsqueeze(places, 1), to=DOUBLE)
    return g.op("Mul", column, g.constant(frequencies, np.float64))


def _interleaved(g: Graph, first: str, second: str, width: int) -> str:
    """Return the columns of two (…, length, n) values in turn, (…, length, 2n)."""
    pairs = g.op("Concat", g.unsqueeze(first, -1), g.unsqueeze(second, -1), axis=-1)
    return g.reshape(pairs, (0, width))


def _sinusoids(g: Graph, scheme: positions.Positions, places: str) -> str:
    pair = np.arange(0, scheme.d_model, 2, dtype=np.float64)
    angles = _angles(g, places, 10000.0 ** (-pair / scheme.d_model))
    table = _interleaved(g, g.op("Sin", angles), g.op("Cos", angles), 2 * len(pair))
    if scheme.d_model % 2:
        bounds = [g.constant([n], np.int64) for n in (0, scheme.d_model, 1)]
        table = g.op("Slice", table, *bounds)
    return g.op("Cast", table, to=FLOAT)


def _sines(g: Graph, scheme: positions.Positions, places: str) -> str:
    single = np.arange(scheme.d_model, dtype=np.float64)
    angles = _angles(g, places, 10000.0 ** (-single / scheme.d_model))
    return g.op("Cast", g.op("Sin", angles), to=FLOAT)


def _learned(g: Graph, scheme: positions.LearnedPositions, places: str) -> str:
    return g.op("Gather", g.weight(scheme.vectors), places, axis=0)


def _alibi(g: Graph, scheme: positions.ALiBi, places: Places) -> str:
    distance = g.op("Cast", g.op("Abs", places.relative(g)), to=FLOAT)
    return g.op("Mul", g.constant(-scheme.slopes.numpy()), distance)


def _relative_buckets(g: Graph, scheme: positions.RelativeBuckets, places: Places) -> str:
    far = scheme.FARTHEST  # all larger distances share the bucket of this distance
    table = scheme.numbers[:, scheme.bucket(torch.arange(-far, far + 1))]
    bounds = [g.constant(n, np.int64) for n in (-far, far)]
    row = g.op("Add", g.op("Clip", places.relative(g), *bounds), g.constant(far, np.int64))
    return g.op("Gather", g.weight(table.detach().numpy()), row, axis=1)


EMBEDDED: dict[type, Callable[[Graph, Any, str], str]] = {
    positions.Sinusoidal: _sinusoids,
    positions.SineOnly: _sines,
    positions.LearnedPositions: _learned,
}
"""Schemes that add a vector to each embedding."""
BIASES: dict[type, Callable[[Graph, Any, Places], str]] = {
    positions.ALiBi: _alibi,
    positions.RelativeBuckets: _relative_buckets,
}
"""Schemes that add a number to each score. The number is (heads, queries, keys)."""
POSITIONS = {*EMBEDDED, *BIASES, positions.Rotary, positions.Positions}


@dataclass(frozen=True)
class Rotations:
    """Cosine and sine of the angles of rotary positions, (length, d_k / 2, 1)."""

    cosine: str
    sine: str

    @classmethod
    def of(cls, g: Graph, scheme: nn.Module, places: str) -> "Rotations | None":
        """Return the rotations of a scheme; None if the scheme rotates nothing."""
        if type(scheme) is not positions.Rotary:
            return None
        pair = np.arange(0, scheme.d_k, 2, dtype=np.float64)
        angles = _angles(g, places, 10000.0 ** (-pair / scheme.d_k))
        parts = (g.op("Cast", g.op(kind, angles), to=FLOAT) for kind in ("Cos", "Sin"))
        return cls(*(g.unsqueeze(part, -1) for part in parts))

    def rotate(self, g: Graph, x: str, d_k: int) -> str:
        """Rotate each pair of dimensions of ``x`` (batch, heads, length, d_k)."""
        even, odd = g.split("Split", 2, g.reshape(x, (0, 0, 0, -1, 2)), axis=-1, num_outputs=2)
        first = g.op("Sub", g.op("Mul", even, self.cosine), g.op("Mul", odd, self.sine))
        second = g.op("Add", g.op("Mul", odd, self.cosine), g.op("Mul", even, self.sine))
        return g.reshape(g.op("Concat", first, second, axis=-1), (0, 0, 0, d_k))


def embedded(g: Graph, stack: Any, tokens: str, places: str) -> str:
    """Return the embeddings of tokens plus their position vectors, with the norm of the sum.

    Args: stack: the module with the embedding and the position scheme.
    """
    embedding, scheme = stack.embedding, stack.positions
    x = g.lookup(embedding.weight, tokens)
    if embedding.scale != 1.0:
        x = g.op("Mul", x, g.constant(embedding.scale))
    if type(scheme) in EMBEDDED:
        x = g.op("Add", x, EMBEDDED[type(scheme)](g, scheme, places))
    norm = getattr(stack, "embedding_norm", None)
    return x if norm is None else normalized(g, norm, x)


def score_bias(
    g: Graph, scheme: nn.Module, places: Places, *, causal: bool, mask: str | None = None
) -> str | None:
    """Return what is added to the scores of every self-attention of a stack; None for nothing.

    Args:
        causal: whether to mask keys at later positions.
        mask: another mask, see `masked`.
    """
    parts = [] if mask is None else [mask]
    if causal:
        later = g.op("Greater", places.relative(g), g.constant(0, np.int64))
        parts.append(masked(g, later))
    if type(scheme) in BIASES:
        parts.append(BIASES[type(scheme)](g, scheme, places))
    return functools.reduce(lambda a, b: g.op("Add", a, b), parts) if parts else None


def masked(g: Graph, hidden: str) -> str:
    """Return a mask as numbers that are added to scores. Args: hidden: True for a masked key."""
    return g.op("Where", hidden, g.constant(NEVER), g.constant(0.0))


# --- attention ---


def _unit(g: Graph, x: str) -> str:
    length = g.op("ReduceL2", x, g.constant([-1], np.int64), keepdims=1)
    return g.op("Div", x, g.op("Max", length, g.constant(1e-12)))


def _gain(g: Graph, scale: Any, Q: str, K: str) -> tuple[str, str]:
    return g.op("Mul", Q, g.weight(scale.gain)), K


def _unchanged(g: Graph, scale: Any, Q: str, K: str) -> tuple[str, str]:
    return Q, K


SCALINGS: dict[type, Callable[[Graph, Any, str, str], tuple[str, str]]] = {
    scaling.InverseSqrt: _unchanged,
    scaling.Unscaled: _unchanged,
    scaling.Inverse: _unchanged,
    scaling.Learned: _gain,
    scaling.Cosine: lambda g, scale, Q, K: _gain(g, scale, _unit(g, Q), _unit(g, K)),
    scaling.QKNorm: _unchanged,
}
"""Functions that change queries and keys after their rotation, before the constant factor."""
ATTENTIONS = {MultiHeadAttention, GroupedQueryAttention, MultiQueryAttention}


def heads_of(
    g: Graph,
    attention: MultiHeadAttention,
    x: str,
    which: Sequence[str],
    rotations: Rotations | None = None,
) -> list[str]:
    """Project ``x`` to queries, keys or values, (batch, heads, length, d_k).

    Args:
        which: some of "query", "key" and "value".
        rotations: the rotations of queries and keys; None for no rotation.
    """
    layers = [getattr(attention, f"project_{one}") for one in which]
    found = linear(g, x, *layers)
    parts = [found]
    if len(layers) > 1:
        widths = g.constant([len(layer.weight) for layer in layers], np.int64)
        parts = g.split("Split", len(layers), found, widths, axis=-1)
    norms: dict[str, nn.Module] = {}
    if isinstance(attention.scale, scaling.QKNorm):
        norms = {"query": attention.scale.query_norm, "key": attention.scale.key_norm}
    heads = []
    for one, part in zip(which, parts, strict=True):
        y = g.op("Transpose", g.reshape(part, (0, 0, -1, attention.d_k)), perm=[0, 2, 1, 3])
        if one in norms:
            y = normalized(g, norms[one], y)
        if one != "value" and rotations is not None:
            y = rotations.rotate(g, y, attention.d_k)
        heads.append(y)
    return heads


def attended(
    g: Graph, attention: MultiHeadAttention, Q: str, K: str, V: str, bias: str | None
) -> tuple[str, str]:
    """Return the output of an attention, and its weights (batch, heads, queries, keys).

    Args: bias: what is added to the scores; None for nothing.
    """
    Q, K = SCALINGS[type(attention.scale)](g, attention.scale, Q, K)
    if not math.isclose(attention.scale.factor, 1.0):
        Q = g.op("Mul", Q, g.constant(attention.scale.factor))
    heads, shared = attention.heads, attention.kv_heads
    grouped = heads != shared  # the heads of a group become more queries for the same keys
    if grouped:
        Q = g.reshape(Q, (0, shared, -1, attention.d_k))
    scores = g.op("MatMul", Q, g.op("Transpose", K, perm=[0, 1, 3, 2]))
    if grouped:
        scores = g.reshape(scores, (0, heads, -1, 0))
    if bias is not None:
        scores = g.op("Add", scores, bias)
    weights = g.op("Softmax", scores, axis=-1)
    found = g.op("MatMul", g.reshape(weights, (0, shared, -1, 0)) if grouped else weights, V)
    if grouped:
        found = g.reshape(found, (0, heads, -1, attention.d_k))
    joined = g.reshape(g.op("Transpose", found, perm=[0, 2, 1, 3]), (0, 0, -1))
    return linear(g, joined, attention.project_output), weights
