"""Llama: a decoder-only model with rotary positions, RMSNorm and SwiGLU.

Llama rotates the pairs (i, i + d_k/2) of each head, and whyformer the pairs (2i, 2i+1): the rows of
W^Q and W^K are permuted.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from whyformer.blocks.embeddings import Tying
from whyformer.foundation.config import build
from whyformer.interop.huggingface.architectures.architecture import Vocabularies
from whyformer.interop.huggingface.architectures.decoder_only import (
    Decoder,
    unusual_rotation,
)
from whyformer.interop.huggingface.architectures.rotary import ROTATED, in_halves, in_pairs
from whyformer.interop.huggingface.directory import Directory
from whyformer.models.gpt import GPTSettings
from whyformer.models.parts import Biases
from whyformer.models.vocabulary import OutputBias


class Llama(Decoder):
    """Llama. See the docstring of this file."""

    model_types = ("llama",)
    title, class_name = "Llama", "LlamaForCausalLM"
    prefix, layers = "model.", "layers"
    layer = {
        "wire_self_attention.norm": "input_layernorm",
        "self_attention.project_query": "self_attn.q_proj",
        "self_attention.project_key": "self_attn.k_proj",
        "self_attention.project_value": "self_attn.v_proj",
        "self_attention.project_output": "self_attn.o_proj",
        "wire_feedforward.norm": "post_attention_layernorm",
        "feedforward.gate": "mlp.gate_proj",
        "feedforward.expand": "mlp.up_proj",
        "feedforward.contract": "mlp.down_proj",
    }
    outside = {"embedding": "embed_tokens", "final_norm": "norm"}
    ignored = ("rotary_emb.inv_freq",)
    expressed = {
        "wiring": ("pre-norm",),
        "norm": ("rms",),
        "positions": ("rotary",),
        "attention": ("multi-head", "grouped-query", "multi-query"),
        "activation": ("swiglu",),
        "biases": tuple(Biases),
        "score_scale": ("inverse-sqrt",),
        "tying": (Tying.DECODER, Tying.NONE),
        "output_bias": (OutputBias.NONE, OutputBias.FIXED),
    }

    def reasons_against(self, config: Mapping[str, Any]) -> list[str]:
        """See `Architecture.reasons_against`."""
        reasons = super().reasons_against(config)
        if (found := config.get("hidden_act", "silu")) != "silu":
            reasons.append(f"`hidden_act` must be silu, but is {found}")
        if config.get("mlp_bias"):
            reasons.append("`mlp_bias` must be false, but is true")
        return [*reasons, *unusual_rotation(config)]

    def settings_from(self, directory: Directory) -> GPTSettings:
        """See `Architecture.settings_from`."""
        config = directory.config
        heads = config["num_attention_heads"]
        groups = config.get("num_key_value_heads") or heads
        found = {
            "layers": config["num_hidden_layers"],
            "d_model": config["hidden_size"],
            "heads": heads,
            "d_k": config.get("head_dim"),
            "d_ff": config["intermediate_size"],
            "max_length": config.get("max_position_embeddings", 2048),
            "norm_epsilon": config.get("rms_norm_eps", 1e-6),
            "dropout": 0.0,
            "attention_dropout": config.get("attention_dropout", 0.0),
            "biases": Biases.ALL if config.get("attention_bias") else Biases.NONE,
            "tying": self.tying_of(directory),
            "output_bias": OutputBias.FIXED,
            "positions": "rotary",
            "norm": "rms",
            "activation": "swiglu",
        } | ({} if groups == heads else {"attention": "grouped-query", "kv_heads": groups})
        return build(GPTSettings, found, where="config.json")

    def read(self, name: str, tensor: Tensor, settings: Any, config: Mapping[str, Any]) -> Tensor:
        """See `Architecture.read`."""
        if name.split(".")[-2] in ROTATED:
            return in_pairs(tensor, settings.head_width)
        return tensor

    def write(self, name: str, tensor: Tensor, settings: Any) -> Tensor:
        """See `Architecture.write`."""
        if name.split(".")[-2] in ROTATED:
            return in_halves(tensor, settings.head_width)
        return tensor

    def config_from(self, settings: Any, vocabularies: Vocabularies) -> dict[str, Any]:
        """See `Architecture.config_from`."""
        return super().config_from(settings, vocabularies) | {
            "num_hidden_layers": settings.layers,
            "hidden_size": settings.d_model,
            "num_attention_heads": settings.heads,
            "num_key_value_heads": settings.key_value_heads,
            "head_dim": settings.head_width,
            "intermediate_size": settings.d_ff,
            "max_position_embeddings": settings.max_length,
            "hidden_act": "silu",
            "rms_norm_eps": settings.norm_epsilon,
            "attention_dropout": settings.attention_dropout,
            "attention_bias": settings.biases is Biases.ALL,
            "mlp_bias": False,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
            "rope_theta": 10000.0,  # read by versions of transformers before 5
        }
