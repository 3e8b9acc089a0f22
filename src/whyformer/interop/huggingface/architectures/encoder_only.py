"""What the encoder-only architectures of Hugging Face have in common.

A published directory contains one head, or none. whyformer has one family, `bert`, for all of them:

- A head for masked tokens. Parts of the pre-training heads that the directory lacks are new.
- A head for texts or for tokens, with the labels of the directory.
- The discriminator of ELECTRA labels each token as original or replaced. Its only output is the
  log-odds of "replaced", so the other label gets the output 0.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from whyformer.foundation.config import build
from whyformer.foundation.wording import either
from whyformer.interop.huggingface.architectures.activations import (
    ACTIVATIONS,
    WRITTEN,
    unknown_activation,
)
from whyformer.interop.huggingface.architectures.architecture import Architecture, Vocabularies
from whyformer.interop.huggingface.directory import Directory
from whyformer.models.bert import AnswerOf, BERTSettings, HeadLayer, LayerSharing
from whyformer.models.parts import Biases
from whyformer.text.symbols import BOS, EOS, PAD

BODY = {
    "embedding.tokens": "embeddings.word_embeddings",
    "embedding.segments": "embeddings.token_type_embeddings",
    "embedding.norm": "embeddings.LayerNorm",
    "embedding.widen": "embeddings_project",
    "positions": "embeddings.position_embeddings",
    "pooler": "pooler.dense",
}
"""For each part outside the layers and below the heads, its name in BERT, RoBERTa and ELECTRA."""
LAYER = {
    "self_attention.project_query": "attention.self.query",
    "self_attention.project_key": "attention.self.key",
    "self_attention.project_value": "attention.self.value",
    "self_attention.project_output": "attention.output.dense",
    "wire_self_attention.norm": "attention.output.LayerNorm",
    "feedforward.expand": "intermediate.dense",
    "feedforward.contract": "output.dense",
    "wire_feedforward.norm": "output.LayerNorm",
}
"""The same for each part of a layer."""
OLD_KINDS = {"weight": "gamma", "bias": "beta"}
"""Names of the weights of a norm in old directories."""
ORIGINAL, REPLACED = "original", "replaced"
"""The labels of ELECTRA's discriminator."""
NEW = ("pooler.", "next_sentence.", "masked.")
"""Prefixes of the weights of the pre-training heads, which a directory may lack."""
FREE = {
    *("family", "layers", "d_model", "heads", "d_ff", "dropout", "attention_dropout"),
    *("max_length", "norm_epsilon", "initialization", "sharing", "outputs", "answer_of"),
    "head_layer",  # `Encoder.kind_of` checks it
}
"""Settings of whyformer that every architecture of this file can express. The layers of a model
with shared layers are written as equal layers."""
EXPRESSED = {
    "wiring": ("post-norm",),
    "norm": ("layer",),
    "positions": ("learned",),
    "attention": ("multi-head",),
    "score_scale": ("inverse-sqrt",),
    "biases": (Biases.ALL,),
}
"""The values of settings that BERT and ELECTRA can express."""
Head = Mapping[str, str]
"""For each part of a head in whyformer, its name in an architecture."""


class Encoder(Architecture):
    """Base of the architectures with an encoder only."""

    title: ClassVar[str]
    """Name of the architecture for messages, and prefix of the names of its classes."""
    prefix: ClassVar[str]
    """Prefix of the names of the weights below the heads; missing in a directory without head."""
    heads: ClassVar[Mapping[str, Head]]
    """For each ending of a class name, such as ForMaskedLM, the head of the class."""
    body: ClassVar[Mapping[str, str]] = BODY
    """For each part outside the layers and below the heads, its name in the architecture."""
    layer: ClassVar[Mapping[str, str]] = LAYER
    """For each part of a layer, its name in the architecture."""
    expressed: ClassVar[Mapping[str, Sequence[Any]]] = EXPRESSED
    """For some settings of whyformer, the values that the architecture can express."""
    tables = {"embedding.tokens.weight": 0, "masked.bias": 0}
    ignored = (
        "position_ids", "predictions.decoder.weight", "predictions.decoder.bias",
        "lm_head.decoder.weight", "lm_head.decoder.bias", "generator_lm_head.weight",
        "pooler.dense.weight", "pooler.dense.bias",  # a head for tokens has no pooler
    )  # fmt: skip
    follows: ClassVar[bool] = False
    """Whether the head for masked tokens uses the activation of the layers instead of gelu."""
    first_position: ClassVar[int] = 0
    """Number of position vectors before the vector of the first position."""

    def head_of(self, config: Mapping[str, Any]) -> str:
        """Return the ending of the class name in a configuration; "Model" without head."""
        named = next(iter(config.get("architectures") or ()), "")
        _, found, rest = named.partition("For")
        return found + rest or "Model"

    def reasons_against(self, config: Mapping[str, Any]) -> list[str]:
        """See `Architecture.reasons_against`."""
        reasons, head = [], self.head_of(config)
        if head != "Model" and head not in self.heads:
            known = ", ".join(self.heads)
            reasons.append(f"its class ends with {head}, but whyformer knows {known} and Model")
        activation = config.get("hidden_act", "gelu")
        unknown = unknown_activation(config, "hidden_act", "gelu")
        reasons += unknown
        masked = self.follows and "masked" in self.heads.get(head, {})
        if masked and not unknown and activation != "gelu":
            reasons.append(
                f"`hidden_act` is {activation}, and the head for masked tokens must have gelu"
            )
        if (found := config.get("position_embedding_type", "absolute")) != "absolute":
            reasons.append(f"`position_embedding_type` must be absolute, but is {found}")
        if config.get("is_decoder"):
            reasons.append("`is_decoder` must be false, but is true")
        if (types := config.get("type_vocab_size", 2)) not in (1, 2):
            reasons.append(f"`type_vocab_size` must be 1 or 2, but is {types}")
        if config.get("problem_type") == "multi_label_classification":
            reasons.append("a text has several labels, but whyformer gives it one")
        if not config.get("tie_word_embeddings", True) and head != "Model":
            reasons.append("the embeddings of the head for masked tokens must be tied")
        return reasons

    def settings_from(self, directory: Directory) -> BERTSettings:
        """See `Architecture.settings_from`."""
        config, head = directory.config, self.head_of(directory.config)
        width = config.get("embedding_size", config["hidden_size"])
        found = {
            "layers": config["num_hidden_layers"],
            "d_model": config["hidden_size"],
            "heads": config["num_attention_heads"],
            "d_ff": config["intermediate_size"],
            "activation": ACTIVATIONS[config.get("hidden_act", "gelu")],
            "dropout": config.get("hidden_dropout_prob", 0.1),
            "attention_dropout": config.get("attention_probs_dropout_prob", 0.1),
            "norm_epsilon": config.get("layer_norm_eps", 1e-12),
            "max_length": config.get("max_position_embeddings", 512) - self.first_position,
            "embedding_width": None if width == config["hidden_size"] else width,
        }
        if "answer" in self.heads.get(head, {}):
            of_tokens = head != "ForSequenceClassification"
            found["answer_of"] = AnswerOf.TOKENS if of_tokens else AnswerOf.TEXT
            found["outputs"] = 2 if head == "ForPreTraining" else len(labels_of(config))
            found["head_layer"] = self.layer_of(head)
        return build(BERTSettings, found, where="config.json")

    def layer_of(self, head: str) -> HeadLayer | None:
        """Return the setting `head_layer` for a head; None is that of BERT."""
        return None

    def facts_from(self, directory: Directory) -> dict[str, Any]:
        """Return the facts of an imported model: its labels, and how to read a text."""
        config, head = directory.config, self.head_of(directory.config)
        facts: dict[str, Any] = {"keep_spaces": True}
        if "answer" not in self.heads.get(head, {}):
            return facts
        labels = [ORIGINAL, REPLACED] if head == "ForPreTraining" else labels_of(config)
        if head == "ForSequenceClassification" and len(labels) == 1:
            labels = []  # a number
        longest = config.get("max_position_embeddings", 512) - self.first_position
        return facts | {"labels": labels, "mean": 0.0, "deviation": 1.0, "row_tokens": longest}

    def names_of(self, name: str) -> Sequence[str]:
        """See `Architecture.names_of`."""
        return [*self._of_body(name), *(n for head in self.heads.values() for n in _of(head, name))]

    def _of_body(self, name: str) -> list[str]:
        """Return the names of a weight below the heads: first that of a model with a head."""
        part, _, kind = name.rpartition(".")
        if part.startswith("layers."):
            _, number, inner = part.split(".", 2)
            place = f"encoder.layer.{number}.{self.layer[inner]}"
        elif part in self.body:
            place = self.body[part]
        else:
            return []
        found = [f"{place}.{'weight' if kind == 'vectors' else kind}"]
        if part.endswith("norm"):
            found.append(f"{place}.{OLD_KINDS[kind]}")
        return [f"{prefix}{one}" for prefix in (self.prefix, "") for one in found]

    def absent(self, name: str, shape: tuple[int, ...], settings: Any) -> Tensor | None:
        """Return a new weight for the pre-training heads; see `Architecture.absent`."""
        if not name.startswith(NEW):
            return super().absent(name, shape, settings)
        if name.endswith("bias"):
            return torch.zeros(shape)
        if name == "masked.norm.weight":
            return torch.ones(shape)
        seed = torch.Generator().manual_seed(sum(name.encode()))
        return torch.randn(shape, generator=seed) * 0.02

    def new_weights(self, directory: Directory, settings: Any) -> list[str]:
        """See `Architecture.new_weights`."""
        parts = {
            "pooler": "pooler.weight",
            "next_sentence": "next_sentence.weight",
            "masked": "masked.transform.weight",
        }
        return [
            part
            for part, name in parts.items()
            if not settings.outputs
            and not any(one in directory.files for one in self.names_of(name))
        ]

    def read(self, name: str, tensor: Tensor, settings: Any, config: Mapping[str, Any]) -> Tensor:
        """See `Architecture.read`."""
        if name == "positions.vectors":
            return tensor[self.first_position :]
        if name == "embedding.segments.weight":  # one row means one vector for all tokens
            return tensor.expand(2, -1) if len(tensor) == 1 else tensor
        if name.startswith("answer.") and len(tensor) == 1 and settings.outputs == 2:
            return torch.cat([torch.zeros_like(tensor), tensor])  # the log-odds of "replaced"
        return tensor

    def write(self, name: str, tensor: Tensor, settings: Any) -> Tensor:
        """See `Architecture.write`."""
        if name.startswith("answer.") and self.kind_of(settings) == "ForPreTraining":
            return tensor[1:] - tensor[:1]
        return tensor

    def kind_of(self, settings: BERTSettings) -> str | None:
        """Return the ending of the class name for settings of whyformer; None if there is none."""
        raise NotImplementedError

    def refusals(self, settings: Any) -> list[str]:
        """See `Architecture.refusals`."""
        if settings.family != "bert":
            return [f"`model.family` is {settings.family}: {self.title} is an encoder"]
        found = []
        if self.kind_of(settings) is None:
            layer = settings.layer_of_head
            found.append(f"the head for {settings.answer_of} has the layer {layer}")
        for name, field in type(settings).model_fields.items():
            value, values = getattr(settings, name), self.expressed.get(name, (field.default,))
            wanted = either(str(one) for one in values)
            if name == "activation":
                known = self.activations_with(settings)
                fits, wanted = value in known, either(known)
            elif name == "embedding_width":
                fits = self.expresses_width(settings)
            elif name == "kv_heads":
                fits = value in (None, settings.heads)
            elif name == "d_k":
                fits = settings.head_width * settings.heads == settings.d_model
                wanted = "d_model / heads"
            else:
                fits = name in FREE or value in values
            if not fits:
                found.append(f"`model.{name}` is {value}: {self.title} needs {wanted}")
        return found

    def activations_with(self, settings: BERTSettings) -> list[str]:
        """Return the activations of the layers that the architecture can express."""
        only_gelu = self.follows and not settings.outputs
        return ["gelu"] if only_gelu else list(WRITTEN)

    def expresses_width(self, settings: BERTSettings) -> bool:
        """Return whether the architecture can express the width of the embeddings."""
        return settings.width_of_embeddings == settings.d_model

    def config_from(self, settings: Any, vocabularies: Vocabularies) -> dict[str, Any]:
        """See `Architecture.config_from`."""
        ids = vocabularies.source
        return {
            "model_type": self.model_types[0],
            "architectures": [f"{self.title}{self.kind_of(settings)}"],
            "vocab_size": vocabularies.other_sizes[0],
            "hidden_size": settings.d_model,
            "num_hidden_layers": settings.layers,
            "num_attention_heads": settings.heads,
            "intermediate_size": settings.d_ff,
            "hidden_act": WRITTEN[settings.activation],
            "hidden_dropout_prob": settings.dropout,
            "attention_probs_dropout_prob": settings.attention_dropout,
            "max_position_embeddings": settings.max_length,
            "type_vocab_size": 2,
            "layer_norm_eps": settings.norm_epsilon,
            "position_embedding_type": "absolute",
            "pad_token_id": ids[PAD],
            "bos_token_id": ids[BOS],
            "eos_token_id": ids[EOS],
            "tie_word_embeddings": True,
            "dtype": "float32",
        }

    def facts_to(self, settings: BERTSettings, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return the part of `config.json` that depends on the facts of a run: its labels."""
        if not settings.outputs or self.kind_of(settings) == "ForPreTraining":
            return {}
        labels = facts.get("labels") or [f"LABEL_{i}" for i in range(settings.outputs)]
        found: dict[str, Any] = {
            "id2label": {str(i): label for i, label in enumerate(labels)},
            "label2id": {label: i for i, label in enumerate(labels)},
        }
        if settings.answer_of is AnswerOf.TEXT:
            number = not facts.get("labels")
            found["problem_type"] = "regression" if number else "single_label_classification"
        return found

    def weights_out(
        self, weights: Mapping[str, Tensor], settings: Any, vocabularies: Vocabularies
    ) -> dict[str, Tensor]:
        """Return the weights of this architecture. Shared layers are repeated."""
        if settings.sharing is LayerSharing.ALL:
            first = "layers.0."
            repeated = {
                f"layers.{number}.{name.removeprefix(first)}": tensor
                for number in range(settings.layers)
                for name, tensor in weights.items()
                if name.startswith(first)
            }
            weights = dict(weights) | repeated
        head = self.heads[self.kind_of(settings) or ""]
        kept = {
            name: tensor
            for name, tensor in weights.items()
            if self._of_body(name) or _of(head, name)
        }
        found = super().weights_out(kept, settings, vocabularies)
        for name in kept:  # a weight of a head has another name in each head
            if of_head := _of(head, name):
                found[of_head[0]] = found.pop(self.names_of(name)[0])
        return found


def labels_of(config: Mapping[str, Any]) -> list[str]:
    """Return the labels of a configuration in the order of the outputs."""
    named = config.get("id2label")
    if not named:
        return [f"LABEL_{number}" for number in range(config.get("num_labels", 2))]
    return [str(named[key]) for key in sorted(named, key=int)]


def _of(head: Head, name: str) -> list[str]:
    """Return the name of a weight in a head, and its name in old directories; nothing if the head
    does not contain the weight."""
    part, _, kind = name.rpartition(".")
    if part not in head:
        return []
    found = [f"{head[part]}.{kind}"]
    return [*found, f"{head[part]}.{OLD_KINDS[kind]}"] if part.endswith("norm") else found
