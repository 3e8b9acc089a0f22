"""What the page needs to know about a model besides its weights, as JSON."""

from typing import Any

from whyformer.blocks.embeddings import EmbeddingScale
from whyformer.bundle import Bundle
from whyformer.decoding.expected import Expected
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.parsing import parse_json
from whyformer.models.bert import BERT, AnswerOf, BERTSettings
from whyformer.models.build import ModelSettings, SourceModel, TextModel
from whyformer.models.electra import ElectraSettings
from whyformer.models.gpt import GPTSettings, deepnorm_decoder_constants
from whyformer.models.parts import StackSettings
from whyformer.models.transformer import TransformerSettings, count_parameters, deepnorm_constants
from whyformer.recipes.purposes import purpose_of
from whyformer.text.symbols import BOS, EOS, MASK, PAD, UNK
from whyformer.text.tokenizer import Tokenizer
from whyformer.viewer.weights import PackedWeights

FORMAT = 1
"""Version of the manifest."""


def manifest(bundle: Bundle, weights: PackedWeights, *, name: str) -> dict[str, Any]:
    """Return the description of a model for the page.

    Args: name: the name that the page shows for the model.
    """
    model, facts = bundle.model, bundle.facts
    expected = Expected.from_facts(facts)
    return {
        "format": FORMAT,
        "name": name,
        "family": model.settings.family,
        "task": task_of(bundle),
        "description": facts.get("description", ""),
        "purpose": purpose_of(facts.get("description", "")),
        "summary": model.settings.summary,
        "parameters": count_parameters(model),
        "settings": engine_settings(model.settings),
        "tensors": weights.tensors,
        "aliases": weights.aliases | repeated_layers(model.settings, weights),
        "tokenizers": {
            "source": _tokenizer(bundle.source_tokenizer),
            "target": None if bundle.shared else _tokenizer(bundle.target_tokenizer),
        },
        "symbols": {"pad": PAD, "bos": BOS, "eos": EOS, "unknown": UNK, "mask": MASK},
        "search": SearchSettings.model_validate(facts.get("decoding", {})).model_dump(mode="json"),
        "limits": {
            "source": getattr(model.settings, "longest_source", None),
            "target": getattr(model.settings, "longest_target", None),
            "positions": model.settings.max_length,
            "row": facts.get("row_tokens"),
            "ratio": expected.target_ratio,
            "extra": expected.target_extra,
        },
        "keep_spaces": expected.keep_spaces,
        "target_bytes": None if expected.target_bytes is None else sorted(expected.target_bytes),
        "tags": list(expected.tags),
        "needs_tag": expected.needs_tag,
        "labels": facts.get("labels") or [],
        "mean": facts.get("mean", 0.0),
        "deviation": facts.get("deviation", 1.0),
        "pair_separators": facts.get("pair_separators", 1),
    }


def task_of(bundle: Bundle) -> str:
    """Return the name of the task that a model was trained for.

    The names are translate, language, masked, replaced, classify, regress and tag.
    """
    model = bundle.model
    if isinstance(model, SourceModel):
        return "translate"
    if isinstance(model, TextModel):
        return "language"
    if not isinstance(model, BERT):
        return "replaced"
    if not model.settings.outputs:
        return "masked"
    if model.settings.answer_of is AnswerOf.TOKENS:
        return "tag"
    return "classify" if bundle.facts.get("labels") else "regress"


def engine_settings(settings: ModelSettings | BERTSettings) -> dict[str, Any]:
    """Return the settings of a model, with the numbers that Python derives from them."""
    found: dict[str, Any] = settings.model_dump(mode="json")
    factor = getattr(settings, "embedding_scale", EmbeddingScale.SQRT_D_MODEL)
    one = factor is EmbeddingScale.ONE
    found["embedding_factor"] = 1.0 if one else settings.d_model**0.5
    if isinstance(settings, StackSettings):
        found["head_width"] = settings.head_width
    if isinstance(settings, TransformerSettings):
        alpha, _ = deepnorm_constants(settings.encoder_layers, settings.decoder_layers)
        found["depth_scales"] = list(alpha)
    if isinstance(settings, GPTSettings):
        found["depth_scales"] = [deepnorm_decoder_constants(settings.layers)[0]]
    if isinstance(settings, BERTSettings):
        found["layer_of_head"] = str(settings.layer_of_head)
        found["reads_characters"] = settings.reads_characters
        found["width_of_embeddings"] = settings.width_of_embeddings
    if isinstance(settings, ElectraSettings):
        found["discriminator"] = engine_settings(settings.discriminator)
        found["generator"] = engine_settings(settings.generator)
    return found


def repeated_layers(settings: ModelSettings, weights: PackedWeights) -> dict[str, str]:
    """Return names for the weights of layers that share one set of weights, as in ALBERT."""
    if getattr(settings, "sharing", "none") != "all":
        return {}
    assert isinstance(settings, BERTSettings | ElectraSettings)
    names = {**dict.fromkeys(weights.tensors, ""), **weights.aliases}
    return {
        name.replace("layers.0.", f"layers.{number}.", 1): weights.aliases.get(name, name)
        for name in names
        if "layers.0." in name
        for number in range(1, settings.layers)
    }


def _tokenizer(tokenizer: Tokenizer) -> Any:
    return parse_json(tokenizer.to_json())
