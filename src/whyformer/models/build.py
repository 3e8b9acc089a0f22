"""The one place where settings become a model."""

import torch

from whyformer.blocks.embeddings import Tying
from whyformer.foundation.errors import ConfigError
from whyformer.models.transformer import Transformer, TransformerSettings


def build_model(
    settings: TransformerSettings,
    vocabularies: tuple[int, int],
    *,
    shared: bool,
    device: torch.device | None = None,
) -> Transformer:
    """Make a model with fresh weights from torch's global stream.

    Args:
        vocabularies: sizes of the source and the target vocabulary.
        shared: whether both sides have the same tokenizer.
    Raises: ConfigError when three-way tying meets two vocabularies.
    """
    if settings.tying is Tying.THREE_WAY and not shared:
        raise ConfigError(
            "`model.tying` is three-way, which needs one vocabulary for both sides, but source and "
            "target have different tokenizers. Set text.shared to true with the same units on both "
            "sides, or model.tying to decoder."
        )
    model = Transformer(settings, vocabularies)
    return model if device is None else model.to(device)
