"""Convert a model to the format of CTranslate2, and check whether the format supports its settings.

A setting either has an equivalent in CTranslate2, or is folded into the weights, or is rejected
with a reason:

- A constant factor of QKᵀ is `queries_scale` in CTranslate2. A learned factor per head multiplies
  the rows of W^Q.
- Position vectors (sinusoids, sines or learned; zeros for a model without positions) are written as
  a table.
- DeepNorm's α·x + Sublayer(x): the residual stream is stored as α·x. Weights that read it are
  divided by α. Embeddings and all norms except the last one of a stack are multiplied by α.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from torch import nn

from whyformer.blocks.feedforward import FEEDFORWARDS, GatedFeedForward
from whyformer.blocks.positions import LearnedPositions, Positions, RelativeBuckets, Table
from whyformer.blocks.residual import DeepNorm
from whyformer.blocks.scaling import QKNorm
from whyformer.foundation.errors import UsageError
from whyformer.foundation.wording import counted
from whyformer.interop import names
from whyformer.models.gpt import GPT
from whyformer.models.transformer import Transformer
from whyformer.text.symbols import BOS, EOS, UNK

SPARE = 1
"""Number of extra rows of a position table. CTranslate2 also scores an eos that may follow a
sequence. After the longest sequence, this eos needs an extra row, and its score is discarded."""
ACTIVATIONS = {
    "relu": "RELU",
    "gelu": "GELU",
    "gelu-tanh": "GELUTanh",
    "silu": "SWISH",
    "swiglu": "SWISH",
    "geglu": "GELUTanh",
}
"""For each activation, its name in CTranslate2."""
GATED = {name for name, kind in FEEDFORWARDS.items() if issubclass(kind, GatedFeedForward)}
"""The activations whose feed-forward network has a gate."""

EXPRESSED: dict[str, set[str]] = {
    "family": {"transformer", "gpt"},
    "attention": {"multi-head", "grouped-query", "multi-query"},
    "wiring": {"post-norm", "pre-norm", "deepnorm"},
    "norm": {"layer", "rms"},
    "activation": set(ACTIVATIONS),
    "positions": {"sinusoidal", "sine", "learned", "rotary", "alibi", "relative", "none"},
    "score_scale": {
        "inverse-sqrt",
        "none",
        "inverse",
        "learned",
        "qk-norm",
    },
}
"""For each setting of a model, the values that the format supports. Some position schemes have
further conditions, which `refusals` checks."""

REASONS = {
    "rnn": "CTranslate2 has no recurrent layers",
    "rnn-lm": "CTranslate2 has no recurrent layers",
    "bert": "the model generates no text, and CTranslate2 does not support its heads",
    "no-skip": "CTranslate2 always adds the skip connection",
    "no-norm": "CTranslate2 adds the skip connection only if the layer has a norm",
    "cosine": "CTranslate2 has one gain for all heads, not one per head",
}

FREE = {
    *("encoder_layers", "decoder_layers", "layers", "d_model", "heads", "kv_heads"),
    *("d_k", "d_ff", "dropout", "attention_dropout", "max_length", "tying"),
    *("initialization", "embedding_scale", "embedding_deviation", "embedding_norm"),
    *("norm_epsilon", "biases", "output_bias"),
}
"""Settings whose values need no check, because CTranslate2 (and the export to ONNX) supports all of
them or they have no effect after training."""


def refusals(settings: Any) -> list[str]:
    """Return the reasons why CTranslate2 does not support the settings of a model; an empty list if
    it supports them."""
    if settings.family not in EXPRESSED["family"]:
        return [_refusal("family", settings.family, REASONS.get(settings.family))]
    found: list[str] = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if name in FREE or (name not in EXPRESSED and value == field.default):
            continue
        if value not in EXPRESSED.get(name, ()):
            found.append(_refusal(name, value, REASONS.get(value)))
    if settings.positions == "alibi":
        if settings.family != "gpt":
            reason = "CTranslate2 has ALiBi only in decoders, but the encoder needs it too"
            found.append(_refusal("positions", settings.positions, reason))
        elif settings.heads & (settings.heads - 1):
            reason = (
                "CTranslate2's slopes equal the paper's only if `model.heads` is a power of two, "
                f"but it is {settings.heads}"
            )
            found.append(_refusal("positions", settings.positions, reason))
    if settings.score_scale == "qk-norm" and settings.family != "gpt":
        reason = "CTranslate2 normalizes queries and keys only in self-attention"
        found.append(_refusal("score_scale", settings.score_scale, reason))
    return found


def _refusal(name: str, value: Any, reason: str | None) -> str:
    return f"`model.{name}` is {value}: {reason or 'CTranslate2 does not support it'}"


def check_expressible(settings: Any) -> None:
    """Raise UsageError with all reasons if CTranslate2 does not support the settings of a model."""
    if found := refusals(settings):
        raise UsageError(
            "This run cannot be converted to CTranslate2: "
            + "; ".join(found)
            + ". Use it with the torch engine."
        )


def specification(model: Transformer | GPT, vocabularies: tuple[int, int], rows: int) -> Any:
    """Return the model as a CTranslate2 specification, which can be saved.

    The vocabulary of the specification contains only ids, written as text: the tokenizers of
    whyformer convert text to ids, and CTranslate2 receives these ids.
    Args: rows: number of positions of the table, for position schemes that have no maximum length.
    Raises: UsageError when the settings or a weight are not supported by the format.
    """
    from ctranslate2.specs import transformer_spec

    settings = model.settings
    check_expressible(settings)
    weights = Weights(model)
    weights.fold_gains()
    choices = _choices(settings)
    tokens = [[str(number) for number in range(size)] for size in vocabularies]
    if isinstance(model, GPT):
        alibi = settings.positions == "alibi"
        decoder: Any = transformer_spec.TransformerDecoderSpec(
            model.settings.layers,
            with_encoder_attention=False,
            alibi=alibi,
            alibi_use_positive_positions=False,
            **choices,
        )
        _fill_stack(decoder, model, weights, "", rows)
        spec: Any = transformer_spec.TransformerDecoderModelSpec(decoder)
        spec.register_vocabulary(tokens[1])
    else:
        encoder = transformer_spec.TransformerEncoderSpec(model.settings.encoder_layers, **choices)
        decoder = transformer_spec.TransformerDecoderSpec(model.settings.decoder_layers, **choices)
        _fill_stack(encoder, model.encoder, weights, "encoder.", rows)
        _fill_stack(decoder, model.decoder, weights, "decoder.", rows)
        spec = transformer_spec.TransformerSpec(encoder, decoder)
        spec.register_source_vocabulary(tokens[0])
        spec.register_target_vocabulary(tokens[1])
        spec.config.decoder_start_token = str(BOS)
    decoder.projection.weight = weights.take(["projection.weight"])
    if "projection.bias" in weights.tensors:
        decoder.projection.bias = weights.take(["projection.bias"])
    spec.config.bos_token, spec.config.eos_token = str(BOS), str(EOS)
    spec.config.unk_token = str(UNK)
    spec.config.layer_norm_epsilon = settings.norm_epsilon
    if left := weights.left():
        raise UsageError(
            f"This run cannot be converted to CTranslate2: CTranslate2 does not support "
            f"{counted(len(left), 'weight')}, such as `{left[0]}`. Use the run with the torch "
            "engine."
        )
    return spec


def _choices(settings: Any) -> dict[str, Any]:
    """Return the arguments that the specifications of encoder and decoder have in common."""
    from ctranslate2.specs import common_spec

    choices: dict[str, Any] = {
        "num_heads": settings.heads,
        "num_heads_kv": settings.key_value_heads,
        "head_dim": settings.head_width,
        "pre_norm": settings.wiring == "pre-norm",
        "rms_norm": settings.norm == "rms",
        "activation": getattr(common_spec.Activation, ACTIVATIONS[settings.activation]),
        "ffn_glu": settings.activation in GATED,
        "relative_attention_bias": settings.positions == "relative",
        "qk_norm": settings.score_scale == "qk-norm",
        "layernorm_embedding": getattr(settings, "embedding_norm", None) == "sum",
    }
    if settings.positions == "rotary":
        choices |= {"rotary_dim": settings.head_width, "rotary_interleave": True}
    return choices


class Weights:
    """The weights of a model by name, and the names of the weights that are already written."""

    def __init__(self, model: nn.Module) -> None:
        self.tensors: dict[str, np.ndarray] = {
            name: tensor.detach().float().cpu().numpy()
            for name, tensor in model.state_dict().items()
        }
        self.taken: set[str] = set()

    def take(self, wanted: Sequence[str]) -> np.ndarray:
        """Return the weights with the given names, concatenated along the first axis, and mark them
        as written."""
        self.taken.update(wanted)
        return np.concatenate([self.tensors[name] for name in wanted])

    def left(self) -> list[str]:
        """Return the names of the weights that are not yet written."""
        return sorted(set(self.tensors) - self.taken)

    def scale(self, wanted: Iterable[str], factor: float | np.ndarray) -> None:
        """Multiply weights by a factor, or by one factor per row; missing weights are skipped."""
        for name in wanted:
            if name in self.tensors:
                rows = self.tensors[name]
                by = np.reshape(factor, (-1, *[1] * (rows.ndim - 1)))
                self.tensors[name] = (rows * by).astype(np.float32)

    def fold_gains(self) -> None:
        """If attention scores have a learned factor per head, multiply the rows of W^Q of each head
        by its factor."""
        for name in [name for name in self.tensors if name.endswith(".scale.gain")]:
            query = name.removesuffix("scale.gain") + "project_query"
            gain = self.take([name]).reshape(-1)
            each = len(self.tensors[f"{query}.weight"]) // len(gain)
            self.scale((f"{query}.weight", f"{query}.bias"), gain.repeat(each))

    def fold_depth(self, prefix: str, layers: int, alpha: float) -> None:
        """Change the weights so that the residual stream of a stack contains α·x instead of x; see
        the docstring of this file."""
        norm = f"{prefix}embedding_norm"
        self.scale((f"{norm}.weight", f"{norm}.bias"), alpha)
        for layer in range(layers):
            place = f"{prefix}layers.{layer}."
            self.scale([f"{place}{reader}.weight" for reader in names.READERS], 1 / alpha)
            for norm in names.NORMS.values():
                if layer < layers - 1 or norm != "wire_feedforward.norm":
                    self.scale((f"{place}{norm}.weight", f"{place}{norm}.bias"), alpha)


def _fill_stack(spec: Any, stack: Any, weights: Weights, prefix: str, rows: int) -> None:
    """Set the weights of an encoder or decoder.

    Args: stack: the PyTorch module of the encoder or decoder. prefix: prefix of the names of its
        weights.
    """
    wire = stack.layers[0].wire_feedforward
    alpha = wire.depth_scale if isinstance(wire, DeepNorm) else 1.0
    if alpha != 1.0:
        weights.fold_depth(prefix, len(stack.layers), alpha)
    embeddings = spec.embeddings[0] if isinstance(spec.embeddings, list) else spec.embeddings
    embeddings.weight = weights.take([f"{prefix}embedding.weight"])
    normalized = getattr(stack, "embedding_norm", None) is not None
    if normalized:
        _fill_norm(spec.layernorm_embedding, weights, f"{prefix}embedding_norm")
    factor = 1.0 if normalized else alpha  # a norm of the sum contains α already
    spec.scale_embeddings = np.float32(stack.embedding.scale * factor)
    table = _table(stack.positions, rows + SPARE)
    if table is not None:
        spec.position_encodings.encodings = (table * factor).astype(np.float32)
    for name in ("vectors", "numbers"):
        if f"{prefix}positions.{name}" in weights.tensors:
            weights.take([f"{prefix}positions.{name}"])
    for layer_spec, (number, layer) in zip(spec.layer, enumerate(stack.layers), strict=True):
        _fill_layer(layer_spec, layer, weights, f"{prefix}layers.{number}.")
        if isinstance(stack.positions, RelativeBuckets):
            attention = layer_spec.self_attention
            attention.relative_attention_bias = _numpy(stack.positions.numbers).T.copy()
            attention.relative_attention_max_distance = np.int32(RelativeBuckets.FARTHEST)
    if hasattr(spec, "layer_norm"):
        _fill_norm(spec.layer_norm, weights, f"{prefix}final_norm")


def _fill_layer(spec: Any, layer: Any, weights: Weights, prefix: str) -> None:
    from ctranslate2.specs.model_spec import index_spec

    gated = hasattr(layer.feedforward, "gate")
    linears = names.SELF_ATTENTION | (names.GATED_FEEDFORWARD if gated else names.FEEDFORWARD)
    crossed = hasattr(layer, "cross_attention")
    if crossed:
        linears = linears | names.CROSS_ATTENTION
    for theirs, ours in linears.items():
        linear = index_spec(spec, theirs)
        linear.weight = weights.take([f"{prefix}{name}.weight" for name in ours])
        if f"{prefix}{ours[0]}.bias" in weights.tensors:
            linear.bias = weights.take([f"{prefix}{name}.bias" for name in ours])
    for theirs, ours in names.NORMS.items():
        if crossed or not theirs.startswith("attention/"):
            _fill_norm(index_spec(spec, theirs), weights, f"{prefix}{ours}")
    for ours, theirs in names.ATTENTIONS.items():
        attention = getattr(layer, ours, None)
        if attention is None:
            continue
        place, factor = index_spec(spec, theirs), attention.scale.factor
        if not math.isclose(factor, attention.d_k**-0.5):
            place.queries_scale = np.float32(factor)
        if isinstance(attention.scale, QKNorm):
            scale = f"{prefix}{ours}.scale"
            _fill_norm(place.q_norm, weights, f"{scale}.query_norm")
            _fill_norm(place.k_norm, weights, f"{scale}.key_norm")


def _fill_norm(spec: Any, weights: Weights, name: str) -> None:
    spec.gamma = weights.take([f"{name}.weight"])
    if hasattr(spec, "beta"):
        spec.beta = weights.take([f"{name}.bias"])


def _table(positions: Positions, rows: int) -> np.ndarray | None:
    """Return the table that a position scheme adds to embeddings; None if it adds nothing."""
    if isinstance(positions, LearnedPositions):
        learned = _numpy(positions.vectors)
        return np.concatenate([learned, learned[-SPARE:]])
    if isinstance(positions, Table):
        return positions.make(rows).float().numpy()
    if type(positions) is Positions:  # zeros, or CTranslate2 adds sinusoids
        return np.zeros((rows, positions.d_model), dtype=np.float32)
    return None


def _numpy(parameter: nn.Parameter) -> np.ndarray:
    return parameter.detach().float().cpu().numpy()
