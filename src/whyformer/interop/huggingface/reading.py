"""Read a model directory of Hugging Face as a bundle of whyformer."""

from dataclasses import dataclass
from pathlib import Path

import torch

from whyformer.bundle import Bundle, Outline
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.config import build
from whyformer.interop.huggingface.architectures.architecture import Vocabularies, choose
from whyformer.interop.huggingface.architectures.known import ARCHITECTURES
from whyformer.interop.huggingface.directory import open_directory
from whyformer.interop.huggingface.generation import search_settings
from whyformer.interop.huggingface.vocabulary import read_tokenizers
from whyformer.models.build import build_model


@dataclass(frozen=True)
class Read:
    """A model that was read.

    Args: notes: differences between whyformer and transformers that the user should know.
    """

    bundle: Bundle
    model_type: str
    notes: list[str]


def read_model(path: Path) -> Read:
    """Read a model directory of Hugging Face, without the library `transformers`.

    Raises: BundleError if the directory is incomplete or damaged; UsageError if whyformer cannot
        express the model.
    """
    directory = open_directory(path)
    architecture = choose(directory.config, ARCHITECTURES)
    settings = architecture.settings_from(directory)
    source, target = read_tokenizers(
        directory,
        architecture.sizes_in(directory),
        bos_begins_texts=architecture.bos_begins_texts,
    )
    vocabularies = Vocabularies(source.theirs, target.theirs)
    weights = architecture.weights_in(directory, settings, vocabularies)
    generation = directory.config | directory.generation
    decoding, notes = search_settings(generation)
    if new := architecture.new_weights(directory, settings):
        named = ", ".join(f"`{one}`" for one in new)
        notes.append(f"the directory has no weights for {named}: they are random, so train them")
    build(SearchSettings, decoding, where=str(path / "generation_config.json"))
    facts = architecture.facts_from(directory) | {
        "decoding": decoding, "imported": {"model_type": directory.model_type},
    }  # fmt: skip
    outline = Outline(settings, source, target, facts)
    with torch.random.fork_rng(devices=[]):
        model = build_model(settings, outline.sizes, shared=outline.one_vocabulary)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(weights.pop(name))
    return Read(Bundle(model.eval(), source, target, facts), directory.model_type, notes)
