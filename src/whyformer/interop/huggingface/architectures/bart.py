"""BART: the post-norm Transformer with biases, learned positions and a norm of the embeddings.

- BART does not use the first two of its position vectors; they are left out.
- `final_logits_bias` is the output bias.
- A target begins with the embedding of ``</s>``, which becomes the embedding of bos.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from whyformer.blocks.embeddings import EmbeddingNorm, EmbeddingScale, Tying
from whyformer.blocks.normalization import EPSILON
from whyformer.foundation.config import build
from whyformer.interop.huggingface.architectures.activations import (
    ACTIVATIONS,
    WRITTEN,
    unknown_activation,
)
from whyformer.interop.huggingface.architectures.architecture import Vocabularies
from whyformer.interop.huggingface.architectures.encoder_decoder import (
    SOURCE,
    EncoderDecoderArchitecture,
    not_expressed,
    of_tokens,
    unequal_sizes,
)
from whyformer.interop.huggingface.directory import Directory
from whyformer.models.parts import Biases
from whyformer.models.transformer import TransformerSettings
from whyformer.models.vocabulary import OutputBias

LAYER = {
    "self_attention.project_query": "self_attn.q_proj",
    "self_attention.project_key": "self_attn.k_proj",
    "self_attention.project_value": "self_attn.v_proj",
    "self_attention.project_output": "self_attn.out_proj",
    "cross_attention.project_query": "encoder_attn.q_proj",
    "cross_attention.project_key": "encoder_attn.k_proj",
    "cross_attention.project_value": "encoder_attn.v_proj",
    "cross_attention.project_output": "encoder_attn.out_proj",
    "feedforward.expand": "fc1",
    "feedforward.contract": "fc2",
    "wire_self_attention.norm": "self_attn_layer_norm",
    "wire_cross_attention.norm": "encoder_attn_layer_norm",
    "wire_feedforward.norm": "final_layer_norm",
}
"""For each part of a layer, its name in BART."""
UNUSED_POSITIONS = 2
"""Number of position vectors before the vector of the first position."""
SHARED = "model.shared.weight"
"""Name of the table that all tied embeddings share."""
EXPRESSED = {
    "family": ("transformer",),
    "wiring": ("post-norm",),
    "norm": ("layer",),
    "norm_epsilon": (EPSILON,),
    "attention": ("multi-head",),
    "score_scale": ("inverse-sqrt",),
    "activation": tuple(WRITTEN),
    "biases": (Biases.FEED_FORWARD, Biases.ALL),
    "output_bias": tuple(OutputBias),
    "embedding_scale": tuple(EmbeddingScale),
    "embedding_norm": (EmbeddingNorm.SUM,),
    "positions": ("learned",),
    "d_k": (None,),
    "tying": tuple(Tying),
}
"""For each setting of whyformer, the values that BART can express. Attention without biases has
biases of 0 there."""


class BART(EncoderDecoderArchitecture):
    """BART. See the docstring of this file."""

    model_types = ("bart",)
    title = "BART"
    class_name = "BartForConditionalGeneration"
    expressed = EXPRESSED

    def reasons_against(self, config: Mapping[str, Any]) -> list[str]:
        """See `Architecture.reasons_against`."""
        sizes = {
            "decoder_attention_heads": "encoder_attention_heads",
            "decoder_ffn_dim": "encoder_ffn_dim",
        }
        reasons = unknown_activation(config, "activation_function")
        return reasons + unequal_sizes(config, sizes)

    def settings_from(self, directory: Directory) -> TransformerSettings:
        """See `Architecture.settings_from`."""
        config = directory.config
        scaled = config.get("scale_embedding", False)
        found = {name: values[0] for name, values in self.expressed.items()} | {
            "encoder_layers": config["encoder_layers"],
            "decoder_layers": config["decoder_layers"],
            "d_model": config["d_model"],
            "heads": config["encoder_attention_heads"],
            "d_ff": config["encoder_ffn_dim"],
            "activation": ACTIVATIONS[config["activation_function"]],
            "dropout": config.get("dropout", 0.1),
            "attention_dropout": config.get("attention_dropout", 0.0),
            "max_length": config["max_position_embeddings"],
            "biases": Biases.ALL,
            "output_bias": OutputBias.FIXED,
            "embedding_scale": EmbeddingScale.SQRT_D_MODEL if scaled else EmbeddingScale.ONE,
            "tying": self.tying_of(directory),
        }
        return build(TransformerSettings, found, where="config.json")

    def names_of(self, name: str) -> Sequence[str]:
        """See `Architecture.names_of`. A model without its output projection (`BartModel`) is
        stored without the prefix ``model.``."""
        if name == "projection.weight":
            return ("lm_head.weight",)
        if name == "projection.bias":
            return ("final_logits_bias",)
        stack, _, rest = name.partition(".")
        part, _, kind = rest.rpartition(".")
        if rest == "embedding.weight":
            found = (f"model.{stack}.embed_tokens.weight", SHARED)
        elif rest == "positions.vectors":
            found = (f"model.{stack}.embed_positions.weight",)
        elif part == "embedding_norm":
            found = (f"model.{stack}.layernorm_embedding.{kind}",)
        else:
            _, number, part = part.split(".", 2)
            found = (f"model.{stack}.layers.{number}.{LAYER[part]}.{kind}",)
        return (*found, *(one.removeprefix("model.") for one in found))

    def read(self, name: str, tensor: Tensor, settings: Any, config: Mapping[str, Any]) -> Tensor:
        """See `Architecture.read`."""
        if name == "projection.bias":
            return tensor.flatten()
        return tensor[UNUSED_POSITIONS:] if name.endswith("positions.vectors") else tensor

    def write(self, name: str, tensor: Tensor, settings: Any) -> Tensor:
        """See `Architecture.write`."""
        if name == "projection.bias":
            return tensor[None]
        if name.endswith("positions.vectors"):
            return torch.cat([torch.zeros(UNUSED_POSITIONS, tensor.shape[1]), tensor])
        return tensor

    def refusals(self, settings: Any) -> list[str]:
        """See `Architecture.refusals`."""
        return not_expressed(settings, self.title, self.expressed)

    def config_from(self, settings: Any, vocabularies: Vocabularies) -> dict[str, Any]:
        """See `Architecture.config_from`."""
        sizes = {
            f"{stack}_{name}": value
            for stack in ("encoder", "decoder")
            for name, value in {
                "layers": getattr(settings, f"{stack}_layers"),
                "attention_heads": settings.heads,
                "ffn_dim": settings.d_ff,
            }.items()
        }
        source, target = vocabularies.other_sizes
        return of_tokens(vocabularies) | sizes | {
            "model_type": self.model_types[0],
            "architectures": [self.class_name],
            "vocab_size": source,
            "decoder_vocab_size": target,
            "d_model": settings.d_model,
            "activation_function": WRITTEN[settings.activation],
            "dropout": settings.dropout,
            "attention_dropout": settings.attention_dropout,
            "activation_dropout": 0.0,
            "max_position_embeddings": settings.max_length,
            "scale_embedding": settings.embedding_scale is EmbeddingScale.SQRT_D_MODEL,
            "share_encoder_decoder_embeddings": settings.tying.of_embeddings,
            "tie_word_embeddings": settings.tying.of_projection,
            "forced_eos_token_id": None,
            "is_encoder_decoder": True,
            "dtype": "float32",
        }  # fmt: skip

    def weights_out(
        self, weights: Mapping[str, Tensor], settings: Any, vocabularies: Vocabularies
    ) -> dict[str, Tensor]:
        """Return the weights of this architecture; biases that the model does not have are 0."""
        found = super().weights_out(weights, settings, vocabularies)
        if settings.tying.of_embeddings:
            found[SHARED] = found.pop(self.names_of(SOURCE)[0])
        for name in [one for one in found if one.endswith("_proj.weight")]:
            bias = name.removesuffix("weight") + "bias"
            found.setdefault(bias, torch.zeros(len(found[name])))
        return found
