"""T5 and mT5: the pre-norm Transformer with RMSNorm, relative positions and no biases.

- Scores are not divided by √d_k, and embeddings are not multiplied by √d_model.
- The original T5 multiplies the decoder's output by 1/√d_model before the tied projection. This
  factor becomes a part of the last norm.
- A target begins with the embedding of padding, which becomes the embedding of bos.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from whyformer.blocks.embeddings import EmbeddingNorm, EmbeddingScale, Tying
from whyformer.blocks.feedforward import FEEDFORWARDS, GatedFeedForward
from whyformer.blocks.positions import RelativeBuckets
from whyformer.foundation.config import build
from whyformer.foundation.errors import UsageError
from whyformer.interop.huggingface.architectures.architecture import ABSENT, Vocabularies
from whyformer.interop.huggingface.architectures.encoder_decoder import (
    EncoderDecoderArchitecture,
    not_expressed,
    of_tokens,
)
from whyformer.interop.huggingface.directory import Directory
from whyformer.models.parts import Biases
from whyformer.models.transformer import TransformerSettings
from whyformer.models.vocabulary import OutputBias

ATTENTION = {
    "project_query": "q",
    "project_key": "k",
    "project_value": "v",
    "project_output": "o",
}
"""For each projection of an attention, its name in T5."""
FEEDFORWARD = {"gate": "wi_0", "expand": "wi_1", "contract": "wo"}
"""The same for a gated feed-forward network. Without a gate, `wi_1` is called `wi`."""
ACTIVATIONS = {
    "relu": "relu", "gelu": "gelu", "gelu_new": "gelu-tanh", "silu": "silu",
    "gated-gelu": "geglu", "gated-gelu_new": "geglu", "gated-silu": "swiglu",
}  # fmt: skip
"""For each value of `feed_forward_proj`, the activation of whyformer."""
LAST_NORM = "decoder.final_norm.weight"
EXPRESSED = {
    "family": ("transformer",),
    "wiring": ("pre-norm",),
    "norm": ("rms",),
    "attention": ("multi-head",),
    "score_scale": ("none",),
    "activation": tuple(dict.fromkeys(ACTIVATIONS.values())),
    "biases": (Biases.NONE,),
    "output_bias": (OutputBias.NONE, OutputBias.FIXED),
    "embedding_scale": (EmbeddingScale.ONE,),
    "embedding_norm": (EmbeddingNorm.NONE,),
    "positions": ("relative",),
    "tying": (Tying.THREE_WAY, Tying.EMBEDDINGS),
}
"""For each setting of whyformer, the values that T5 can express."""


class T5(EncoderDecoderArchitecture):
    """T5 and mT5. See the docstring of this file."""

    model_types = ("t5", "mt5")
    title = "T5"
    ignored = ("EncDecAttention.relative_attention_bias.weight",)

    def reasons_against(self, config: Mapping[str, Any]) -> list[str]:
        """See `Architecture.reasons_against`."""
        reasons = []
        if (kind := config.get("feed_forward_proj", "relu")) not in ACTIVATIONS:
            known = ", ".join(ACTIVATIONS)
            reasons.append(f"`feed_forward_proj` must be one of {known}, but is {kind}")
        for key, only in (
            ("relative_attention_num_buckets", RelativeBuckets.BUCKETS),
            ("relative_attention_max_distance", RelativeBuckets.FARTHEST),
        ):
            if (value := config.get(key, only)) != only:
                reasons.append(f"`{key}` must be {only}, but is {value}")
        return reasons

    def settings_from(self, directory: Directory) -> TransformerSettings:
        """See `Architecture.settings_from`."""
        config = directory.config
        found = {name: values[0] for name, values in EXPRESSED.items()} | {
            "encoder_layers": config["num_layers"],
            "decoder_layers": config.get("num_decoder_layers") or config["num_layers"],
            "d_model": config["d_model"],
            "heads": config["num_heads"],
            "d_k": config["d_kv"],
            "d_ff": config["d_ff"],
            "activation": ACTIVATIONS[config.get("feed_forward_proj", "relu")],
            "dropout": config.get("dropout_rate", 0.1),
            "norm_epsilon": config.get("layer_norm_epsilon", 1e-6),
            "output_bias": OutputBias.FIXED,
            "tying": self.tying_of(directory),
        }
        return build(TransformerSettings, found, where="config.json")

    def names_of(self, name: str) -> Sequence[str]:
        """See `Architecture.names_of`."""
        if name == "projection.weight":
            return ("lm_head.weight",)
        stack, _, rest = name.partition(".")
        part = rest.rpartition(".")[0]
        if rest == "embedding.weight":
            return ("shared.weight", f"{stack}.embed_tokens.weight")
        if rest == "positions.numbers":
            block = f"{stack}.block.0.layer.0.SelfAttention"
            return (f"{block}.relative_attention_bias.weight",)
        if part == "final_norm":
            return (f"{stack}.final_layer_norm.weight",)
        if name == "projection.bias":
            return ()
        _, number, block, part = part.split(".", 3)
        last = 1 if stack == "encoder" else 2
        place, inside = {
            "self_attention": (0, "SelfAttention"),
            "wire_self_attention": (0, ""),
            "cross_attention": (1, "EncDecAttention"),
            "wire_cross_attention": (1, ""),
            "feedforward": (last, "DenseReluDense"),
            "wire_feedforward": (last, ""),
        }[block]
        layer = f"{stack}.block.{number}.layer.{place}"
        if not inside:
            return (f"{layer}.layer_norm.weight",)
        own = (ATTENTION | FEEDFORWARD)[part]
        names = (own, "wi") if own == "wi_1" else (own,)
        return [f"{layer}.{inside}.{one}.weight" for one in names]

    def read(self, name: str, tensor: Tensor, settings: Any, config: Mapping[str, Any]) -> Tensor:
        """See `Architecture.read`."""
        if name.endswith("positions.numbers"):
            return tensor.T
        if name == LAST_NORM and _scales_output(config):
            return tensor / math.sqrt(settings.d_model)
        return tensor

    def write(self, name: str, tensor: Tensor, settings: Any) -> Tensor:
        """See `Architecture.write`."""
        if name.endswith("positions.numbers"):
            return tensor.T
        if name == LAST_NORM and settings.tying.of_projection:
            return tensor * math.sqrt(settings.d_model)
        return tensor

    def refusals(self, settings: Any) -> list[str]:
        """See `Architecture.refusals`."""
        free = {name: (getattr(settings, name, None),) for name in ("norm_epsilon", "d_k")}
        found = not_expressed(settings, self.title, EXPRESSED | free)
        if not found and settings.decoder_layers > settings.encoder_layers:
            found.append(
                f"`model.decoder_layers` is {settings.decoder_layers}: the method generate of "
                "transformers fails for a T5 whose decoder has more layers than its encoder "
                f"({settings.encoder_layers})"
            )
        return found

    def config_from(self, settings: Any, vocabularies: Vocabularies) -> dict[str, Any]:
        """See `Architecture.config_from`."""
        theirs = {ours: name for name, ours in reversed(ACTIVATIONS.items())}
        return of_tokens(vocabularies) | {
            "model_type": "t5",
            "architectures": ["T5ForConditionalGeneration"],
            "vocab_size": vocabularies.other_sizes[1],
            "num_layers": settings.encoder_layers,
            "num_decoder_layers": settings.decoder_layers,
            "d_model": settings.d_model,
            "num_heads": settings.heads,
            "d_kv": settings.head_width,
            "d_ff": settings.d_ff,
            "feed_forward_proj": theirs[settings.activation],
            "dropout_rate": settings.dropout,
            "layer_norm_epsilon": settings.norm_epsilon,
            "relative_attention_num_buckets": RelativeBuckets.BUCKETS,
            "relative_attention_max_distance": RelativeBuckets.FARTHEST,
            "tie_word_embeddings": settings.tying.of_projection,
            "is_encoder_decoder": True,
            "dtype": "float32",
        }

    def weights_out(
        self, weights: Mapping[str, Tensor], settings: Any, vocabularies: Vocabularies
    ) -> dict[str, Tensor]:
        """Return the weights of this architecture.

        Raises: UsageError if the output bias of a token is not 0, because T5 has no output bias.
        """
        ours = dict(weights)
        bias = ours.pop("projection.bias", None)
        if bias is not None and bool(((bias != 0) & (bias != ABSENT)).any()):
            raise UsageError(
                "T5 has no output bias, but the output bias of this model is not 0. Export it as "
                "MarianMT or BART, or use it with whyformer."
            )
        found = super().weights_out(ours, settings, vocabularies)
        if issubclass(FEEDFORWARDS[settings.activation], GatedFeedForward):
            return found
        return {name.replace(".wi_1.", ".wi."): tensor for name, tensor in found.items()}


def _scales_output(config: Mapping[str, Any]) -> bool:
    """Return whether a model multiplies the decoder's output by 1/√d_model."""
    if config["model_type"] != "t5":
        return False
    return bool(config.get("scale_decoder_outputs", config.get("tie_word_embeddings", True)))
