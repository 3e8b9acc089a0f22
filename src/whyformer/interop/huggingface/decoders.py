"""GPT-2 and Llama: decoder-only models.

- GPT-2 has learned positions, LayerNorm and biases. It stores the matrices of queries, keys and
  values as one, and each matrix is transposed.
- Llama has rotary positions, RMSNorm and SwiGLU. It rotates the pairs (i, i + d_k/2) of each head,
  and whyformer the pairs (2i, 2i+1): the rows of W^Q and W^K are permuted.

The output bias of an imported model is fixed. It forbids the symbols that the other vocabulary does
not have.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from whyformer.blocks.embeddings import Tying
from whyformer.foundation.config import build
from whyformer.foundation.wording import either
from whyformer.interop.huggingface.activations import ACTIVATIONS, WRITTEN, unknown_activation
from whyformer.interop.huggingface.architecture import Architecture, Vocabularies
from whyformer.interop.huggingface.directory import Directory
from whyformer.interop.huggingface.rotary import ROTATED, in_halves, in_pairs
from whyformer.models.gpt import GPTSettings
from whyformer.models.parts import Biases
from whyformer.models.vocabulary import OutputBias
from whyformer.text.symbols import BOS, EOS, MASK, PAD, UNK

FREE = {
    *("family", "layers", "d_model", "heads", "d_ff", "dropout", "attention_dropout"),
    *("max_length", "norm_epsilon", "initialization", "embedding_deviation"),
}
"""Settings of whyformer that both architectures can express."""
JOINED = ("project_query", "project_key", "project_value")
"""The projections of which GPT-2 and GPT-NeoX store the matrices as one."""
LINEAR = (*JOINED, "project_output", "expand", "contract")
"""The layers of which GPT-2 stores the matrices transposed."""


class Decoder(Architecture):
    """Base of the decoder-only architectures."""

    title: ClassVar[str]
    class_name: ClassVar[str]
    layer: ClassVar[Mapping[str, str]]
    """For each part of a layer, its name in the architecture."""
    outside: ClassVar[Mapping[str, str]]
    """For each weight outside the layers, its name in the architecture."""
    layers: ClassVar[str]
    """Prefix of the names of the weights of the layers."""
    prefix: ClassVar[str]
    """Prefix of all names except that of the projection."""
    head: ClassVar[str] = "lm_head"
    """Name of the projection."""
    expressed: ClassVar[Mapping[str, Sequence[Any]]]
    """For some settings of whyformer, the values that the architecture can express."""
    tables = {"embedding.weight": 1, "projection.weight": 1, "projection.bias": 1}

    def reasons_against(self, config: Mapping[str, Any]) -> list[str]:
        """See `Architecture.reasons_against`."""
        named = next(iter(config.get("architectures") or ()), self.class_name)
        known = (self.class_name, f"{named.partition('Model')[0]}Model")
        if named in known or named.endswith("LMHeadModel"):
            return []
        return [f"its class is {named}, but only a language model ({self.class_name}) is known"]

    def tying_of(self, directory: Directory) -> Tying:
        """Return whether the projection of a directory is tied."""
        (one,) = self.names_of("projection.weight")
        if one not in directory.files:
            return Tying.DECODER
        table = next(n for n in self.names_of("embedding.weight") if n in directory.files)
        tied = torch.equal(directory.tensor(one), directory.tensor(table))
        return Tying.DECODER if tied else Tying.NONE

    def facts_from(self, directory: Directory) -> dict[str, Any]:
        """See `Architecture.facts_from`."""
        return {"keep_spaces": True}

    def names_of(self, name: str) -> Sequence[str]:
        """See `Architecture.names_of`."""
        if name.startswith("projection."):
            return (f"{self.head}.{name.removeprefix('projection.')}",)
        part, _, kind = name.rpartition(".")
        if part.startswith("layers."):
            _, number, part = part.split(".", 2)
            found = f"{self.layers}.{number}.{self.layer[part]}.{kind}"
        else:
            kind = "weight" if kind == "vectors" else kind
            found = f"{self.outside[part]}.{kind}"
        return (f"{self.prefix}{found}", found)

    def tied(self, settings: Any) -> set[str]:
        """See `Architecture.tied`."""
        return set() if settings.tying is Tying.NONE else set(self.names_of("projection.weight"))

    def refusals(self, settings: Any) -> list[str]:
        """See `Architecture.refusals`."""
        if settings.family != "gpt":
            return [f"`model.family` is {settings.family}: {self.title} is a language model"]
        found = []
        for name, field in type(settings).model_fields.items():
            value, values = getattr(settings, name), self.expressed.get(name, (field.default,))
            if name not in FREE and value not in values and name not in ("d_k", "kv_heads"):
                needed = either(str(one) for one in values)
                found.append(f"`model.{name}` is {value}: {self.title} needs {needed}")
        return found

    def with_head_width(self, settings: Any, found: list[str]) -> list[str]:
        """Return the reasons ``found``, or that the heads do not divide d_model."""
        if not found and settings.head_width * settings.heads != settings.d_model:
            return [f"`model.d_k` is {settings.d_k}: {self.title} needs d_model / heads"]
        return found

    def generation_to(self, vocabularies: Vocabularies) -> dict[str, Any]:
        """Return the content of `generation_config.json`, which forbids the symbols."""
        ids = vocabularies.target
        ends = ids[EOS]
        never = {ids[one] for one in (PAD, BOS, UNK, MASK)} - {None, ends}
        return {
            "bos_token_id": ids[BOS],
            "eos_token_id": ends,
            "pad_token_id": ids[PAD],
            "suppress_tokens": sorted(one for one in never if one is not None) or None,
        }

    def config_from(self, settings: Any, vocabularies: Vocabularies) -> dict[str, Any]:
        """See `Architecture.config_from`."""
        ids = vocabularies.target
        return {
            "model_type": self.model_types[0],
            "architectures": [self.class_name],
            "vocab_size": vocabularies.other_sizes[1],
            "bos_token_id": ids[BOS],
            "eos_token_id": ids[EOS],
            "pad_token_id": ids[PAD],
            "tie_word_embeddings": settings.tying is not Tying.NONE,
            "dtype": "float32",
        }

    def weights_out(
        self, weights: Mapping[str, Tensor], settings: Any, vocabularies: Vocabularies
    ) -> dict[str, Tensor]:
        """Return the weights of this architecture, which has no output bias."""
        kept = {name: tensor for name, tensor in weights.items() if name != "projection.bias"}
        return super().weights_out(kept, settings, vocabularies)


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


def joined(
    weights: Mapping[str, Tensor], join: Callable[[list[Tensor]], Tensor]
) -> dict[str, Tensor]:
    """Return weights in which the query projection of each layer is one tensor for all three
    projections.

    Args: join: makes one tensor of those of queries, keys and values.
    """
    query, *others = JOINED
    found: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        part = name.split(".")[-2]
        if part == query:
            tensor = join([weights[name.replace(query, one)] for one in JOINED])
        if part not in others:
            found[name] = tensor
    return found


def unusual_rotation(config: Mapping[str, Any]) -> list[str]:
    """Return the reason why rotary positions cannot be imported; usually none."""
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    base = rope.get("rope_theta", config.get("rope_theta", config.get("rotary_emb_base", 10000.0)))
    kind = rope.get("rope_type", rope.get("type", "default"))
    share = rope.get("partial_rotary_factor", config.get("rotary_pct", 1.0))
    if kind == "default" and base == 10000 and share == 1:
        return []
    return [
        "the rotary positions must have the base 10000, no scaling and all dimensions, but they "
        f"have the base {base:g}, the scaling {kind} and {share:.0%} of the dimensions"
    ]
