"""The graphs of a model: encoder and decoder of a Transformer, or the single graph of a GPT.

Sizes that may differ from call to call are `batch` (rows of a batch), `source` (length of the
longest source), `length` (new tokens of each row), `past` (earlier tokens of each row) and `total`
(the sum of `past` and `length`).

- ``encoder.onnx``: `source` (ids with eos) and `source_mask` (True = token, False = padding) →
  `memory_key_i` and `memory_value_i` for each decoder layer i.
- ``decoder.onnx``: `tokens`, `source_mask`, all `memory_…`, and `past_key_i` and `past_value_i` for
  each layer i → `logits` of the token after each position, and `present_key_i` and
  `present_value_i`, which are the past of the next call. The first token is bos, with an empty
  past.
- ``model.onnx`` of a GPT: the same as the decoder, without a source.

If attention weights are requested, there are more outputs: `encoder_attention_i`,
`decoder_attention_i` and `source_attention_i`, (batch, heads, queries, keys).
"""

from typing import Any, cast

import numpy as np

from whyformer.interop.onnx.blocks import (
    Places,
    Rotations,
    attended,
    embedded,
    fed_forward,
    heads_of,
    linear,
    masked,
    normalized,
    score_bias,
    wired,
)
from whyformer.interop.onnx.graph import Graph
from whyformer.models.gpt import GPT
from whyformer.models.transformer import Transformer

ENCODER, DECODER, MODEL = "encoder", "decoder", "model"
"""Names of the graphs, which are also the names of their files."""
QUERY, KEY, VALUE = "query", "key", "value"


def graphs(
    model: Transformer | GPT, *, attention: bool = False, kind: type[Graph] = Graph
) -> list[Graph]:
    """Return the graphs of a model.

    Args:
        attention: whether the attention weights are outputs, too.
        kind: Graph or Int8Graph.
    """
    if isinstance(model, GPT):
        return [language_graph(kind(MODEL), model, attention=attention)]
    return [
        encoder_graph(kind(ENCODER), model, attention=attention),
        decoder_graph(kind(DECODER), model, attention=attention),
    ]


def encoder_graph(g: Graph, model: Transformer, *, attention: bool) -> Graph:
    """Add the encoder to an empty graph, with the projections to keys and values of each decoder
    layer."""
    source = g.input("source", np.int64, ["batch", "source"])
    stack = Stack(g, model.encoder, model.settings, source, attention=attention)
    stack.mask_self_attention(mask=_source_mask(g))
    for number, layer in enumerate(model.encoder.layers):
        stack.attend_to_self(layer, number, f"encoder_attention_{number}")
        stack.feed_forward(layer)
    x = normalized(g, model.encoder.final_norm, stack.x)
    for number, layer in enumerate(model.decoder.layers):
        for one in (KEY, VALUE):
            (found,) = heads_of(g, cast(Any, layer).cross_attention, x, (one,))
            g.output(found, f"memory_{one}_{number}", np.float32, stack.cached("source"))
    return g


def decoder_graph(g: Graph, model: Transformer, *, attention: bool) -> Graph:
    """Add the decoder to an empty graph, with the projection to logits."""
    tokens = g.input("tokens", np.int64, ["batch", "length"])
    mask = _source_mask(g)
    stack = CachedStack(g, model.decoder, model.settings, tokens, attention=attention)
    shape = stack.cached("source")
    for number, layer in enumerate(model.decoder.layers):
        K, V = (g.input(f"memory_{one}_{number}", np.float32, shape) for one in (KEY, VALUE))
        stack.attend_to_self(layer, number, f"decoder_attention_{number}")
        stack.attend_to_source(layer, (K, V), mask, f"source_attention_{number}")
        stack.feed_forward(layer)
    _add_logits(stack, model.decoder.final_norm, model)
    return g


def language_graph(g: Graph, model: GPT, *, attention: bool) -> Graph:
    """Add a GPT to an empty graph, with its projection to logits."""
    tokens = g.input("tokens", np.int64, ["batch", "length"])
    stack = CachedStack(g, model, model.settings, tokens, attention=attention)
    for number, layer in enumerate(model.layers):
        stack.attend_to_self(layer, number, f"decoder_attention_{number}")
        stack.feed_forward(layer)
    _add_logits(stack, model.final_norm, model)
    return g


class Stack:
    """Adds the sub-layers of a stack to a graph, one after the other.

    Args:
        stack: the module with the embedding and the position scheme.
        settings: the settings of the model.
        tokens: the ids that the stack reads.
        attention: whether attention weights become outputs.
    """

    def __init__(
        self,
        g: Graph,
        stack: Any,
        settings: Any,
        tokens: str,
        *,
        attention: bool,
        past: str | None = None,
    ) -> None:
        self.g, self.settings, self.attention = g, settings, attention
        self.scheme = stack.positions
        self.places = Places.of(g, tokens, past)
        self.rotations = Rotations.of(g, self.scheme, self.places.queries)
        self.bias: str | None = None
        self.x = embedded(g, stack, tokens, self.places.queries)
        """The residual stream."""

    def cached(self, length: str) -> list[int | str]:
        """Return the shape of keys and values."""
        return ["batch", self.settings.key_value_heads, length, self.settings.head_width]

    def mask_self_attention(self, *, causal: bool = False, mask: str | None = None) -> None:
        """Set what is added to the scores of self-attention; see `score_bias`."""
        self.bias = score_bias(self.g, self.scheme, self.places, causal=causal, mask=mask)

    def attend_to_self(self, layer: Any, number: int, name: str) -> None:
        """Add the self-attention of a layer. Args: name: name of the output of its weights."""

        def attend(x: str) -> str:
            attention = layer.self_attention
            Q, K, V = heads_of(self.g, attention, x, (QUERY, KEY, VALUE), self.rotations)
            K, V = self.with_past(number, K, V)
            found, weights = attended(self.g, attention, Q, K, V, self.bias)
            self._show(weights, name, "length", "total")
            return found

        self.x = wired(self.g, layer.wire_self_attention, self.x, attend)

    def attend_to_source(self, layer: Any, memory: tuple[str, str], mask: str, name: str) -> None:
        """Add the cross-attention of a layer. Args: memory: keys and values of the source."""

        def attend(x: str) -> str:
            (Q,) = heads_of(self.g, layer.cross_attention, x, (QUERY,))
            found, weights = attended(self.g, layer.cross_attention, Q, *memory, mask)
            self._show(weights, name, "length", "source")
            return found

        self.x = wired(self.g, layer.wire_cross_attention, self.x, attend)

    def feed_forward(self, layer: Any) -> None:
        """Add the feed-forward network of a layer."""

        def feed(x: str) -> str:
            return fed_forward(self.g, layer.feedforward, x)

        self.x = wired(self.g, layer.wire_feedforward, self.x, feed)

    def with_past(self, number: int, K: str, V: str) -> tuple[str, str]:
        """Return the keys and values of all positions of a layer."""
        return K, V

    def _show(self, weights: str, name: str, queries: str, keys: str) -> None:
        if self.attention:
            if name.startswith("encoder"):
                queries = keys = "source"
            shape = ["batch", self.settings.heads, queries, keys]
            self.g.output(weights, name, np.float32, shape)


class CachedStack(Stack):
    """A causal stack with a cache: the keys and values of earlier positions are inputs, and those
    of all positions are outputs."""

    def __init__(
        self, g: Graph, stack: Any, settings: Any, tokens: str, *, attention: bool
    ) -> None:
        self.settings = settings
        self.past = [
            [g.input(f"past_{one}_{i}", np.float32, self.cached("past")) for one in (KEY, VALUE)]
            for i in range(len(stack.layers))
        ]
        past = g.size(self.past[0][0], 2)
        super().__init__(g, stack, settings, tokens, attention=attention, past=past)
        self.mask_self_attention(causal=True)

    def with_past(self, number: int, K: str, V: str) -> tuple[str, str]:
        """Append keys and values to the past, and make the result an output."""
        found = []
        for one, past, new in zip((KEY, VALUE), self.past[number], (K, V), strict=True):
            found.append(self.g.op("Concat", past, new, axis=2))
            self.g.output(found[-1], f"present_{one}_{number}", np.float32, self.cached("total"))
        return found[0], found[1]


def _source_mask(g: Graph) -> str:
    """Add the input `source_mask`; return the numbers to add to scores, (batch, 1, 1, source)."""
    mask = g.input("source_mask", np.bool_, ["batch", "source"])
    return masked(g, g.op("Not", g.unsqueeze(g.unsqueeze(mask, 1), 1)))


def _add_logits(stack: Stack, final_norm: Any, model: Any) -> None:
    g = stack.g
    x = normalized(g, final_norm, stack.x)
    logits = linear(g, x, model.projection)
    shape = ["batch", "length", len(model.projection.weight)]
    g.output(logits, "logits", np.float32, shape)
