"""Build a model from its settings."""

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from pydantic import Discriminator, Tag

from whyformer.blocks.embeddings import Tying
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.memory import refuse_too_large
from whyformer.models.bert import BERT, BERTSettings
from whyformer.models.electra import Electra, ElectraSettings
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.models.recurrent.language import RecurrentLanguageModel, RecurrentLanguageSettings
from whyformer.models.recurrent.model import RecurrentModel
from whyformer.models.recurrent.settings import RecurrentSettings
from whyformer.models.shapes import shapes_only
from whyformer.models.transformer import Transformer, TransformerSettings

Model = Transformer | RecurrentModel | GPT | RecurrentLanguageModel | BERT | Electra
SourceModel = Transformer | RecurrentModel
"""An encoder-decoder model: it reads a source sequence and generates a target sequence."""
TextModel = GPT | RecurrentLanguageModel
"""A language model: it continues a text."""


def family_of(section: object) -> str:
    """Return the model family in the settings of a model; "transformer" if there is none."""
    if isinstance(section, Mapping):
        return str(section.get("family", "transformer"))
    return str(getattr(section, "family", "transformer"))


ModelSettings = Annotated[
    Annotated[TransformerSettings, Tag("transformer")]
    | Annotated[RecurrentSettings, Tag("rnn")]
    | Annotated[GPTSettings, Tag("gpt")]
    | Annotated[RecurrentLanguageSettings, Tag("rnn-lm")]
    | Annotated[BERTSettings, Tag("bert")]
    | Annotated[ElectraSettings, Tag("electra")],
    Discriminator(family_of),
]
FAMILIES: dict[str, tuple[type[Any], type[Any]]] = {
    "transformer": (TransformerSettings, Transformer),
    "rnn": (RecurrentSettings, RecurrentModel),
    "gpt": (GPTSettings, GPT),
    "rnn-lm": (RecurrentLanguageSettings, RecurrentLanguageModel),
    "bert": (BERTSettings, BERT),
    "electra": (ElectraSettings, Electra),
}
"""For each model family: the settings class and the model class."""

SIZES_TO_LOWER = "`model.d_model`, the number of layers or `text.vocabulary`"
"""The settings to lower for a smaller model."""


def build_model(
    settings: ModelSettings,
    vocabularies: tuple[int, int],
    *,
    shared: bool,
    device: torch.device | None = None,
) -> Model:
    """Build a model with random weights, drawn from torch's global generator.

    Args:
        vocabularies: sizes of the source and the target vocabulary.
        shared: whether source and target have the same vocabulary.
    Raises: ConfigError when the embeddings are tied, but source and target have separate
        vocabularies; UsageError when the weights do not fit into the available memory.
    """
    tying = getattr(settings, "tying", Tying.NONE)
    if tying.of_embeddings and not shared:
        raise ConfigError(
            f"`model.tying` is {tying}, which needs one vocabulary for both sides, but source and "
            "target have different tokenizers. Set text.shared to true with the same units and "
            "case on both sides, or model.tying to decoder."
        )
    _, kind = FAMILIES[settings.family]
    if torch.get_default_device().type != "meta":
        _refuse_too_large(settings, vocabularies, device)
    model = kind(settings, vocabularies)
    return model if device is None else model.to(device)


def command_for(model: Model) -> str:
    """Return the last sentence of an error message: it names the command for this model."""
    if isinstance(model, SourceModel):
        return "Use `whyformer translate`."
    if isinstance(model, TextModel):
        return "Use `whyformer generate`."
    if isinstance(model, BERT) and model.settings.outputs:
        return "Use `whyformer classify`."
    return "Fine-tune it first: `whyformer train --task classify --start-from RUN`."


def _refuse_too_large(
    settings: ModelSettings, vocabularies: tuple[int, int], device: torch.device | None
) -> None:
    """Raise UsageError if the weights do not fit into the available memory. No weights are
    allocated."""
    _, kind = FAMILIES[settings.family]
    with shapes_only():
        shell = kind(settings, vocabularies)
    needed = sum(one.nbytes for one in (*shell.parameters(), *shell.buffers()))
    for place in {torch.device("cpu"), device or torch.device("cpu")}:
        refuse_too_large(needed, place, "The model", SIZES_TO_LOWER)
