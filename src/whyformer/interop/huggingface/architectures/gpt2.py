"""GPT-2: a decoder-only model with learned positions, LayerNorm and biases.

GPT-2 stores the matrices of queries, keys and values as one, and each matrix is transposed.
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
)
from whyformer.interop.huggingface.directory import Directory
from whyformer.models.gpt import GPTSettings
from whyformer.models.parts import Biases
from whyformer.models.vocabulary import OutputBias

LINEAR = (*JOINED, "project_output", "expand", "contract")
"""The layers of which GPT-2 stores the matrices transposed."""


class GPT2(Decoder):
    """GPT-2. See the docstring of this file."""

    model_types = ("gpt2",)
    title, class_name = "GPT-2", "GPT2LMHeadModel"
    prefix, layers = "transformer.", "h"
    layer = {
        "wire_self_attention.norm": "ln_1",
        "self_attention.project_query": "attn.c_attn",
        "self_attention.project_key": "attn.c_attn",
        "self_attention.project_value": "attn.c_attn",
        "self_attention.project_output": "attn.c_proj",
        "wire_feedforward.norm": "ln_2",
        "feedforward.expand": "mlp.c_fc",
        "feedforward.contract": "mlp.c_proj",
    }
    outside = {"embedding": "wte", "positions": "wpe", "final_norm": "ln_f"}
    ignored = (".attn.bias", ".attn.masked_bias")
    expressed = {
        "wiring": ("pre-norm",),
        "norm": ("layer",),
        "positions": ("learned",),
        "attention": ("multi-head",),
        "activation": tuple(WRITTEN),
        "biases": (Biases.ALL,),
        "score_scale": ("inverse-sqrt", "none"),
        "tying": (Tying.DECODER, Tying.NONE),
        "output_bias": (OutputBias.NONE, OutputBias.FIXED),
    }

    def reasons_against(self, config: Mapping[str, Any]) -> list[str]:
        """See `Architecture.reasons_against`."""
        reasons = super().reasons_against(config)
        reasons += unknown_activation(config, "activation_function", "gelu_new")
        for name in ("scale_attn_by_inverse_layer_idx", "add_cross_attention"):
            if config.get(name):
                reasons.append(f"`{name}` must be false, but is true")
        return reasons

    def settings_from(self, directory: Directory) -> GPTSettings:
        """See `Architecture.settings_from`."""
        config = directory.config
        found = {
            "layers": config["n_layer"],
            "d_model": config["n_embd"],
            "heads": config["n_head"],
            "d_ff": config.get("n_inner") or 4 * config["n_embd"],
            "max_length": config.get("n_positions", 1024),
            "activation": ACTIVATIONS[config.get("activation_function", "gelu_new")],
            "norm_epsilon": config.get("layer_norm_epsilon", 1e-5),
            "dropout": config.get("resid_pdrop", 0.1),
            "attention_dropout": config.get("attn_pdrop", 0.1),
            "score_scale": "inverse-sqrt" if config.get("scale_attn_weights", True) else "none",
            "tying": self.tying_of(directory),
            "output_bias": OutputBias.FIXED,
        }
        return build(GPTSettings, found, where="config.json")

    def read(self, name: str, tensor: Tensor, settings: Any, config: Mapping[str, Any]) -> Tensor:
        """See `Architecture.read`."""
        part = name.split(".")[-2]
        if part in JOINED:
            tensor = tensor.chunk(3, dim=-1)[JOINED.index(part)]
        return tensor.T if part in LINEAR and tensor.ndim == 2 else tensor

    def refusals(self, settings: Any) -> list[str]:
        """See `Architecture.refusals`."""
        return self.with_head_width(settings, super().refusals(settings))

    def config_from(self, settings: Any, vocabularies: Vocabularies) -> dict[str, Any]:
        """See `Architecture.config_from`."""
        return super().config_from(settings, vocabularies) | {
            "n_layer": settings.layers,
            "n_embd": settings.d_model,
            "n_head": settings.heads,
            "n_inner": settings.d_ff,
            "n_positions": settings.max_length,
            "activation_function": WRITTEN[settings.activation],
            "layer_norm_epsilon": settings.norm_epsilon,
            "resid_pdrop": settings.dropout,
            "embd_pdrop": settings.dropout,
            "attn_pdrop": settings.attention_dropout,
            "scale_attn_weights": settings.score_scale == "inverse-sqrt",
        }

    def weights_out(
        self, weights: Mapping[str, Tensor], settings: Any, vocabularies: Vocabularies
    ) -> dict[str, Tensor]:
        """Return the weights of GPT-2; see `Architecture.weights_out`."""
        return super().weights_out(joined(weights, torch.cat), settings, vocabularies)

    def write(self, name: str, tensor: Tensor, settings: Any) -> Tensor:
        """See `Architecture.write`."""
        return tensor.T if name.split(".")[-2] in LINEAR and tensor.ndim == 2 else tensor
