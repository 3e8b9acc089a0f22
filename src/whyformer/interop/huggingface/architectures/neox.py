"""GPT-NeoX with sequential sub-layers: GPT with rotary positions, LayerNorm and biases.

The published models of this architecture compute attention and the feed-forward network in
parallel (`use_parallel_residual`), which whyformer cannot express. The matrices of queries, keys
and values are one matrix, head by head.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from whyformer.blocks.embeddings import Tying
from whyformer.foundation.config import build
from whyformer.interop.huggingface.architectures.activations import (
    ACTIVATIONS,
    WRITTEN,
    unknown_activation,
)
from whyformer.interop.huggingface.architectures.architecture import Vocabularies
from whyformer.interop.huggingface.architectures.decoder_only import (
    JOINED,
    Decoder,
    joined,
    unusual_rotation,
)
from whyformer.interop.huggingface.architectures.rotary import ROTATED, in_halves, in_pairs
from whyformer.interop.huggingface.directory import Directory
from whyformer.models.gpt import GPTSettings
from whyformer.models.parts import Biases
from whyformer.models.vocabulary import OutputBias


class NeoX(Decoder):
    """GPT-NeoX. See the docstring of this file."""

    model_types = ("gpt_neox",)
    title, class_name = "GPT-NeoX", "GPTNeoXForCausalLM"
    prefix, layers, head = "gpt_neox.", "layers", "embed_out"
    layer = {
        "wire_self_attention.norm": "input_layernorm",
        "self_attention.project_query": "attention.query_key_value",
        "self_attention.project_key": "attention.query_key_value",
        "self_attention.project_value": "attention.query_key_value",
        "self_attention.project_output": "attention.dense",
        "wire_feedforward.norm": "post_attention_layernorm",
        "feedforward.expand": "mlp.dense_h_to_4h",
        "feedforward.contract": "mlp.dense_4h_to_h",
    }
    outside = {"embedding": "embed_in", "final_norm": "final_layer_norm"}
    ignored = ("rotary_emb.inv_freq", ".attention.bias", ".attention.masked_bias")
    expressed = {
        "wiring": ("pre-norm",),
        "norm": ("layer",),
        "positions": ("rotary",),
        "attention": ("multi-head",),
        "activation": tuple(WRITTEN),
        "biases": (Biases.ALL,),
        "score_scale": ("inverse-sqrt",),
        "tying": (Tying.DECODER, Tying.NONE),
        "output_bias": (OutputBias.NONE, OutputBias.FIXED),
    }

    def reasons_against(self, config: Mapping[str, Any]) -> list[str]:
        """See `Architecture.reasons_against`."""
        reasons = super().reasons_against(config) + unknown_activation(config, "hidden_act", "gelu")
        if config.get("use_parallel_residual", True):
            reasons.append("`use_parallel_residual` must be false, but is true")
        if not config.get("attention_bias", True):
            reasons.append("`attention_bias` must be true, but is false")
        return [*reasons, *unusual_rotation({"rotary_pct": 0.25} | dict(config))]

    def settings_from(self, directory: Directory) -> GPTSettings:
        """See `Architecture.settings_from`."""
        config = directory.config
        found = {
            "layers": config["num_hidden_layers"],
            "d_model": config["hidden_size"],
            "heads": config["num_attention_heads"],
            "d_ff": config["intermediate_size"],
            "max_length": config.get("max_position_embeddings", 2048),
            "activation": ACTIVATIONS[config.get("hidden_act", "gelu")],
            "norm_epsilon": config.get("layer_norm_eps", 1e-5),
            "dropout": config.get("hidden_dropout", 0.0),
            "attention_dropout": config.get("attention_dropout", 0.0),
            "positions": "rotary",
            "tying": self.tying_of(directory),
            "output_bias": OutputBias.FIXED,
        }
        return build(GPTSettings, found, where="config.json")

    def read(self, name: str, tensor: Tensor, settings: Any, config: Mapping[str, Any]) -> Tensor:
        """See `Architecture.read`."""
        part = name.split(".")[-2]
        if part in JOINED:
            of_heads = tensor.unflatten(0, (settings.heads, 3, settings.head_width))
            tensor = of_heads[:, JOINED.index(part)].flatten(0, 1)
        return in_pairs(tensor, settings.head_width) if part in ROTATED else tensor

    def refusals(self, settings: Any) -> list[str]:
        """See `Architecture.refusals`."""
        return self.with_head_width(settings, super().refusals(settings))

    def config_from(self, settings: Any, vocabularies: Vocabularies) -> dict[str, Any]:
        """See `Architecture.config_from`."""
        rotation = {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 1.0}
        return super().config_from(settings, vocabularies) | {
            "num_hidden_layers": settings.layers,
            "hidden_size": settings.d_model,
            "num_attention_heads": settings.heads,
            "intermediate_size": settings.d_ff,
            "max_position_embeddings": settings.max_length,
            "hidden_act": WRITTEN[settings.activation],
            "layer_norm_eps": settings.norm_epsilon,
            "hidden_dropout": settings.dropout,
            "attention_dropout": settings.attention_dropout,
            "attention_bias": True,
            "use_parallel_residual": False,
            "rope_parameters": rotation,
            "rotary_pct": 1.0,  # read by versions of transformers before 5
            "rotary_emb_base": 10000,
        }

    def weights_out(
        self, weights: Mapping[str, Tensor], settings: Any, vocabularies: Vocabularies
    ) -> dict[str, Tensor]:
        """Return the weights of GPT-NeoX; see `Architecture.weights_out`."""

        def of_heads(parts: list[Tensor]) -> Tensor:
            rotated = [
                in_halves(one, settings.head_width) if part in ROTATED else one
                for part, one in zip(JOINED, parts, strict=True)
            ]
            split = [one.unflatten(0, (settings.heads, settings.head_width)) for one in rotated]
            return torch.stack(split, 1).flatten(0, 2)

        return super().weights_out(joined(weights, of_heads), settings, vocabularies)
