"""What the encoder-decoder architectures of Hugging Face have in common."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from whyformer.blocks.embeddings import Tying
from whyformer.interop.huggingface.architectures.architecture import Architecture, Vocabularies
from whyformer.interop.huggingface.directory import Directory
from whyformer.text.symbols import BOS, EOS, MASK, PAD, UNK

SOURCE, TARGET, OUTPUT = "encoder.embedding.weight", "decoder.embedding.weight", "projection.weight"
"""The names of the three matrices that can be tied."""
TABLES = {SOURCE: 0, TARGET: 1, OUTPUT: 1, "projection.bias": 1}
FREE = {
    *("encoder_layers", "decoder_layers", "d_model", "heads", "kv_heads", "d_ff", "max_length"),
    *("dropout", "attention_dropout", "initialization"),
}
"""Settings of whyformer that no architecture restricts."""
Expressed = Mapping[str, Sequence[Any]]
"""For some settings of whyformer, the values that an architecture can express."""


class EncoderDecoderArchitecture(Architecture):
    """Base of the architectures with an encoder and a decoder."""

    title: str
    """Name of the architecture for messages."""
    tables = TABLES
    bos_begins_texts = False

    def tying_of(self, directory: Directory) -> Tying:
        """Return which tables of a directory are tied.

        The stored weights decide, because some published configurations are wrong about it: T5 v1.1
        has a separate projection, but newer versions of transformers say that it is tied.
        """

        def first(name: str) -> str | None:
            return next((one for one in self.names_of(name) if one in directory.files), None)

        def same(one: str | None, other: str | None) -> bool:
            if one is None or other is None or one == other:
                return True
            return torch.equal(directory.tensor(one), directory.tensor(other))

        source, target, output = map(first, (SOURCE, TARGET, OUTPUT))
        return {
            (True, True): Tying.THREE_WAY,
            (False, True): Tying.DECODER,
            (True, False): Tying.EMBEDDINGS,
            (False, False): Tying.NONE,
        }[same(source, target), same(target, output)]

    def generation_to(self, vocabularies: Vocabularies) -> dict[str, Any]:
        """Return the content of `generation_config.json`, which forbids the symbols."""
        ids = vocabularies.target
        banned = {ids[one] for one in (PAD, BOS, UNK, MASK)} - {ids[EOS]}
        never = sorted(one for one in banned if one is not None)
        return of_tokens(vocabularies) | {"suppress_tokens": never or None}

    def tied(self, settings: Any) -> set[str]:
        """Return the names of the tables that repeat another table; see `Architecture.tied`."""
        repeated = {TARGET: settings.tying.of_embeddings, OUTPUT: settings.tying.of_projection}
        return {one for name, again in repeated.items() if again for one in self.names_of(name)}


def unequal_sizes(config: Mapping[str, Any], pairs: Mapping[str, str]) -> list[str]:
    """Return a reason for each size that differs between encoder and decoder."""
    return [
        f"`{one}` is {config.get(one)} and `{other}` is {config.get(other)}, but whyformer has one "
        "size for encoder and decoder"
        for one, other in pairs.items()
        if config.get(one) != config.get(other)
    ]


def not_expressed(settings: Any, title: str, expressed: Expressed) -> list[str]:
    """Return a reason for each setting of whyformer that an architecture cannot express.

    Args: expressed: a setting that is neither named there nor free must have its default value.
    """
    if settings.family != "transformer":
        return [f"`model.family` is {settings.family}: {title} is an encoder-decoder Transformer"]
    found = []
    for name, field in type(settings).model_fields.items():
        value, values = getattr(settings, name), expressed.get(name, (field.default,))
        if name not in FREE and value not in values:
            needed = " or ".join(str(one) for one in values)
            found.append(f"`model.{name}` is {value}: {title} needs {needed}")
    return found


def of_tokens(vocabularies: Vocabularies) -> dict[str, Any]:
    """Return the settings of `config.json` that are ids of the vocabularies."""
    ids = vocabularies.target
    return {
        "pad_token_id": ids[PAD],
        "bos_token_id": ids[BOS],
        "eos_token_id": ids[EOS],
        "decoder_start_token_id": ids[BOS],
    }
