"""Outputs are as long as training targets were, and what is cut is named."""

from pathlib import Path
from typing import Any

import pytest
import torch

from whyformer.recipes.recipe import resolve
from whyformer.tasks.translation import Translation
from whyformer.workflows.search_settings import search_settings
from whyformer.workflows.systems import load_system
from whyformer.workflows.train import train

SOURCES = [f"{'abcdef'[n % 6] * 6}{'abcdef'[n // 6] * 6}" for n in range(36)]
TARGETS = [" ".join([source[0], *map(str, range(99))]) for source in SOURCES]
"""Sources of 12 characters, targets of 100 words."""
ASKED: dict[str, Any] = {
    "model.d_model": 32, "model.heads": 2, "model.d_ff": 64, "model.dropout": 0.0,
    "model.encoder_layers": 1, "model.decoder_layers": 1, "model.tying": "decoder",
    "data.dev_share": 0.1, "text.source_units": "chars", "text.target_units": "words",
    "text.vocabulary": 1000,
    "training.updates": 150, "training.batch_tokens": 1200, "training.learning_rate": 0.01,
    "training.warmup": 20, "training.label_smoothing": 0.0, "training.schedule": "constant",
    "validation.metric": "exact", "validation.every": 150, "decoding.beam": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("long")
    rows = [f"{s}\t{t}\n" for s, t in zip(SOURCES, TARGETS, strict=True)]
    (directory / "pairs.tsv").write_text("".join(rows), encoding="utf-8")
    asked = ASKED | {"data.train": [str(directory / "pairs.tsv")]}
    train(resolve("translate", asked), directory / "run", quiet=True)
    return directory / "run"


def test_training_says_what_the_limit_is_and_which_targets_exceed_it(run, tmp_path):
    asked = ASKED | {"data.train": [str(run.parent / "pairs.tsv")]}
    for max_length, told in ((None, "no training target exceeds"), (60, "32 training targets")):
        recipe = resolve("translate", asked | {"decoding.max_length": max_length}).recipe
        task = Translation(recipe, tmp_path)
        (said,) = [line for line in task.facts(1, torch.device("cpu")) if line.startswith("limit")]
        assert told in said


def test_targets_of_100_words_for_12_characters_are_written_whole(run):
    system = load_system([run])
    settings = search_settings(system.facts, {})
    found = system.translator.translate(SOURCES, settings)
    right = sum(one.text == target for one, target in zip(found, TARGETS, strict=True))
    assert right >= 34
    assert all(one.hypotheses[0][1].finished for one in found)
