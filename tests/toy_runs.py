"""A run on disk with random weights: small enough to load in a test, whole enough to be used."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from whyformer.bundle import Bundle, save_bundle
from whyformer.decoding.text_translator import TextTranslator
from whyformer.foundation.integrity import FILES, hashes, sealed_text
from whyformer.foundation.model_files import CONFIG
from whyformer.models.build import build_model
from whyformer.models.transformer import TransformerSettings
from whyformer.text.symbols import EOS, FIRST_BYTE, FIRST_PIECE
from whyformer.text.tokenizer import train_tokenizer

LINES = ("a b c", "c b a d", "e", "f g h i j")
SMALL: dict[str, Any] = {
    "model.d_model": 16,
    "model.heads": 2,
    "model.d_ff": 24,
    "model.encoder_layers": 1,
    "model.decoder_layers": 1,
    "training.updates": 4,
    "validation.every": 2,
    "validation.sentences": 4,
}
"""Settings with which a recipe such as copy trains in a second."""
SHAPE: dict[str, Any] = {
    "encoder_layers": 1,
    "decoder_layers": 2,
    "d_model": 16,
    "heads": 2,
    "d_ff": 24,
    "dropout": 0.1,
    "wiring": "pre-norm",
}


@pytest.fixture(autouse=True, scope="module")
def fewer_pairs() -> Iterator[None]:
    """Make a tenth of the pairs of `copy` and its like: they took half of a training of a second.

    A folder of tests imports this fixture in its `conftest.py`.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("whyformer.tasks.pair_sources.BUILTIN_PAIRS", (400, 40))
        yield


def toy_bundle(
    seed: int = 0,
    *,
    shared: bool = True,
    lines: tuple[str, ...] = LINES,
    decoding: dict[str, Any] | None = None,
    **shape: Any,
) -> Bundle:
    """Make a bundle of words; its search is greedy by its own facts."""
    source = train_tokenizer("words", lines, vocabulary=300)
    target = source if shared else train_tokenizer("chars", lines, vocabulary=300)
    torch.manual_seed(seed)
    settings = TransformerSettings(
        **{**SHAPE, "tying": "three-way" if shared else "decoder", **shape}
    )
    model = build_model(settings, (len(source), len(target)), shared=shared)
    with torch.no_grad():  # logits near 0, so that it says words, as many as it may
        model.projection.weight[EOS] *= 0.01
        model.projection.weight[FIRST_BYTE:FIRST_PIECE] *= 0.01
    facts = {"decoding": {"beam": 2, "length_penalty": 0.0, "max_length": 6} | (decoding or {})}
    return Bundle(model.eval(), source, target, facts)


def toy_run(directory: Path, seed: int = 0, **options: Any) -> Path:
    """Save such a bundle as a run's model and return the run."""
    save_bundle(directory / "model", toy_bundle(seed, **options))
    return directory


def seal(run: Path, **changes: Any) -> None:
    """Change a run's settings and make hashes and seal fit its files, whatever they hold."""
    path = run / "model" / CONFIG
    config = json.loads(path.read_text(encoding="utf-8")) | changes
    config[FILES] = hashes(path.parent, config[FILES])
    path.write_text(sealed_text(config), encoding="utf-8")


def batch_sizes(translator: type[TextTranslator], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by the number of lines of each batch that a translator searches."""
    sizes: list[int] = []
    search = translator.search_lines

    def counted(self: TextTranslator, lines: Sequence[Any], settings: Any) -> Any:
        sizes.append(len(lines))
        return search(self, lines, settings)

    monkeypatch.setattr(translator, "search_lines", counted)
    return sizes
