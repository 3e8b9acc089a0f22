"""What the decoder-only architectures of Hugging Face have in common.

The output bias of an imported model is fixed. It forbids the symbols that the other vocabulary does
not have.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from whyformer.blocks.embeddings import Tying
from whyformer.foundation.wording import either
from whyformer.interop.huggingface.architectures.architecture import Architecture, Vocabularies
from whyformer.interop.huggingface.directory import Directory
from whyformer.text.symbols import BOS, EOS, MASK, PAD, UNK

FREE = {
    *("family", "layers", "d_model", "heads", "d_ff", "dropout", "attention_dropout"),
    *("max_length", "norm_epsilon", "initialization", "embedding_deviation"),
}
"""Settings of whyformer that both architectures can express."""
JOINED = ("project_query", "project_key", "project_value")
"""The projections of which GPT-2 and GPT-NeoX store the matrices as one."""


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
