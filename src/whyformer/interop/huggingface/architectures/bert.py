"""BERT, RoBERTa, ELECTRA and ESM."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from whyformer.interop.huggingface.architectures.architecture import Vocabularies
from whyformer.interop.huggingface.architectures.encoder_only import BODY, EXPRESSED, LAYER, Encoder
from whyformer.interop.huggingface.architectures.rotary import (
    ROTATED,
    frequencies,
    in_halves,
    in_pairs,
)
from whyformer.interop.huggingface.directory import Directory
from whyformer.models.bert import AnswerOf, BERTSettings, HeadLayer
from whyformer.text.symbols import MASK


class BERTArchitecture(Encoder):
    """BERT. See the docstring of this file."""

    model_types = ("bert",)
    title, prefix = "Bert", "bert."
    follows = True
    heads = {
        "ForPreTraining": {
            "masked.transform": "cls.predictions.transform.dense",
            "masked.norm": "cls.predictions.transform.LayerNorm",
            "masked": "cls.predictions",
            "next_sentence": "cls.seq_relationship",
        },
        "ForMaskedLM": {
            "masked.transform": "cls.predictions.transform.dense",
            "masked.norm": "cls.predictions.transform.LayerNorm",
            "masked": "cls.predictions",
        },
        "ForSequenceClassification": {"answer": "classifier"},
        "ForTokenClassification": {"answer": "classifier"},
    }

    def kind_of(self, settings: BERTSettings) -> str | None:
        """See `Encoder.kind_of`."""
        if not settings.outputs:
            return "ForPreTraining"
        kinds = {
            (AnswerOf.TEXT, HeadLayer.TANH): "ForSequenceClassification",
            (AnswerOf.TOKENS, HeadLayer.NONE): "ForTokenClassification",
        }
        return kinds.get((settings.answer_of, settings.layer_of_head))


class RoBERTaArchitecture(Encoder):
    """RoBERTa: BERT with a byte-level vocabulary, without segments and next-sentence prediction.

    RoBERTa counts positions from the id of the padding + 1. The vectors before are not used.
    """

    model_types = ("roberta", "xlm-roberta", "camembert")
    title, prefix = "Roberta", "roberta."
    exports = False
    first_position = 2
    heads = {
        "ForMaskedLM": {
            "masked.transform": "lm_head.dense",
            "masked.norm": "lm_head.layer_norm",
            "masked": "lm_head",
        },
        "ForSequenceClassification": {
            "pooler": "classifier.dense",
            "answer": "classifier.out_proj",
        },
        "ForTokenClassification": {"answer": "classifier"},
    }

    def reasons_against(self, config: Mapping[str, Any]) -> list[str]:
        """See `Architecture.reasons_against`."""
        pad = config.get("pad_token_id", 1)
        reasons = [] if pad == 1 else [f"`pad_token_id` must be 1, but is {pad}"]
        return [*super().reasons_against(config), *reasons]

    def facts_from(self, directory: Directory) -> dict[str, Any]:
        """See `Encoder.facts_from`. Two texts have two separators between them."""
        return super().facts_from(directory) | {"pair_separators": 2}

    def kind_of(self, settings: BERTSettings) -> str | None:
        """Return None, because `BERTArchitecture` can express the same models."""
        return None


class ELECTRAArchitecture(Encoder):
    """The generator, the discriminator, and fine-tuned models of ELECTRA."""

    model_types = ("electra",)
    title, prefix = "Electra", "electra."
    body = {part: name for part, name in BODY.items() if part != "pooler"}
    heads = {
        "ForMaskedLM": {
            "masked.transform": "generator_predictions.dense",
            "masked.norm": "generator_predictions.LayerNorm",
            "masked": "generator_lm_head",
        },
        "ForPreTraining": {
            "pooler": "discriminator_predictions.dense",
            "answer": "discriminator_predictions.dense_prediction",
        },
        "ForSequenceClassification": {
            "pooler": "classifier.dense",
            "answer": "classifier.out_proj",
        },
        "ForTokenClassification": {"answer": "classifier"},
    }

    def reasons_against(self, config: Mapping[str, Any]) -> list[str]:
        """See `Architecture.reasons_against`."""
        reasons, activation = super().reasons_against(config), config.get("hidden_act", "gelu")
        if self.head_of(config) == "ForPreTraining" and activation != "gelu":
            reasons.append(f"`hidden_act` is {activation}, and the discriminator must have gelu")
        return reasons

    def layer_of(self, head: str) -> HeadLayer | None:
        """See `Encoder.layer_of`."""
        return None if head == "ForTokenClassification" else HeadLayer.GELU

    def kind_of(self, settings: BERTSettings) -> str | None:
        """See `Encoder.kind_of`."""
        if not settings.outputs:
            return "ForMaskedLM"
        kinds = {
            (AnswerOf.TEXT, HeadLayer.GELU): "ForSequenceClassification",
            (AnswerOf.TOKENS, HeadLayer.NONE): "ForTokenClassification",
        }
        if settings.outputs == 2:
            kinds[AnswerOf.TOKENS, HeadLayer.GELU] = "ForPreTraining"
        return kinds.get((settings.answer_of, settings.layer_of_head))

    def expresses_width(self, settings: BERTSettings) -> bool:
        """Return True: ELECTRA projects narrow embeddings to d_model."""
        return True

    def config_from(self, settings: Any, vocabularies: Vocabularies) -> dict[str, Any]:
        """See `Architecture.config_from`."""
        config = super().config_from(settings, vocabularies)
        return config | {"embedding_size": settings.width_of_embeddings}


class ESMArchitecture(Encoder):
    """The pre-norm encoder with rotary or learned positions, which the ESM models of proteins use.

    It is the only architecture of Hugging Face that can express the encoders of the recipes of
    whyformer. It has no segments: the vector of the first segment is added to those of all tokens.
    So a model for pairs of texts cannot be written.
    """

    model_types = ("esm",)
    title, prefix = "Esm", "esm."
    first_position = 1
    body = {
        "embedding.tokens": "embeddings.word_embeddings",
        "embedding.norm": "embeddings.layer_norm",
        "positions": "embeddings.position_embeddings",
        "final_norm": "encoder.emb_layer_norm_after",
    }
    layer = LAYER | {
        "wire_self_attention.norm": "attention.LayerNorm",
        "wire_feedforward.norm": "LayerNorm",
    }
    expressed = EXPRESSED | {"wiring": ("pre-norm",), "positions": ("learned", "rotary")}
    ignored = (*Encoder.ignored, "inv_freq", "regression.weight", "regression.bias")
    heads = RoBERTaArchitecture.heads

    def reasons_against(self, config: Mapping[str, Any]) -> list[str]:
        """See `Architecture.reasons_against`."""
        given = dict(config) | {"hidden_act": "gelu", "position_embedding_type": "absolute"}
        reasons = super().reasons_against(given)
        if config.get("token_dropout"):
            reasons.append("`token_dropout` must be false, but is true")
        if not config.get("emb_layer_norm_before"):
            reasons.append("`emb_layer_norm_before` must be true, but is false")
        if (pad := config.get("pad_token_id")) != 0:
            reasons.append(f"`pad_token_id` must be 0, but is {pad}")
        return reasons

    def settings_from(self, directory: Directory) -> BERTSettings:
        """See `Architecture.settings_from`."""
        rotary = directory.config.get("position_embedding_type") == "rotary"
        changes = {"wiring": "pre-norm", "positions": "rotary" if rotary else "learned"}
        return super().settings_from(directory).model_copy(update=changes)

    def refusals_of(self, facts: Mapping[str, Any]) -> list[str]:
        """See `Architecture.refusals_of`."""
        if not (facts.get("columns") or {}).get("second"):
            return []
        return ["the run was trained on pairs of texts: Esm has no segments"]

    def absent(self, name: str, shape: tuple[int, ...], settings: Any) -> Tensor | None:
        """See `Architecture.absent`."""
        if name == "embedding.segments.weight":
            return torch.zeros(shape)
        return super().absent(name, shape, settings)

    def read(self, name: str, tensor: Tensor, settings: Any, config: Mapping[str, Any]) -> Tensor:
        """See `Architecture.read`."""
        if settings.positions == "rotary" and name.split(".")[-2] in ROTATED:
            return in_pairs(tensor, settings.head_width)
        return super().read(name, tensor, settings, config)

    def write(self, name: str, tensor: Tensor, settings: Any) -> Tensor:
        """See `Architecture.write`."""
        if settings.positions == "rotary" and name.split(".")[-2] in ROTATED:
            return in_halves(tensor, settings.head_width)
        if name == "positions.vectors":
            return torch.cat([torch.zeros(self.first_position, tensor.shape[1]), tensor])
        return super().write(name, tensor, settings)

    def kind_of(self, settings: BERTSettings) -> str | None:
        """See `Encoder.kind_of`."""
        return BERTArchitecture().kind_of(settings) if settings.outputs else "ForMaskedLM"

    def activations_with(self, settings: BERTSettings) -> list[str]:
        """Return gelu, the only activation of ESM."""
        return ["gelu"]

    def config_from(self, settings: Any, vocabularies: Vocabularies) -> dict[str, Any]:
        """See `Architecture.config_from`."""
        of_scheme = {"learned": "absolute", "rotary": "rotary"}[settings.positions]
        config = super().config_from(settings, vocabularies)
        del config["type_vocab_size"]
        return config | {
            "position_embedding_type": of_scheme,
            "max_position_embeddings": settings.max_length + self.first_position,
            "mask_token_id": vocabularies.source[MASK],
            "emb_layer_norm_before": True,
            "token_dropout": False,
        }

    def weights_out(
        self, weights: Mapping[str, Tensor], settings: Any, vocabularies: Vocabularies
    ) -> dict[str, Tensor]:
        """Return the weights of ESM; its part for the contacts of a protein is 0."""
        tokens, segments = "embedding.tokens.weight", "embedding.segments.weight"
        folded = dict(weights) | {tokens: weights[tokens] + weights[segments][0]}
        del folded[segments]
        found = super().weights_out(folded, settings, vocabularies)
        if settings.positions == "rotary":
            found["esm.rotary_embeddings.inv_freq"] = frequencies(settings.head_width)
        attentions = settings.layers * settings.heads
        return found | {
            "esm.contact_head.regression.weight": torch.zeros(1, attentions),
            "esm.contact_head.regression.bias": torch.zeros(1),
        }
