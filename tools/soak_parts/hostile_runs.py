"""Malicious files of a run outside its model: recipe, checkpoint, corpus and conversion."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from soak_parts import hostile_weights
from soak_parts.hostile_configs import ABSURD, DEEP

Maker = Callable[[random.Random, Path], None]
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n"
    for a, b in zip("abcdefghijk", "bcdefghijkl", strict=True)
)
"""A small YAML file that expands to 9^12 words."""


def _recipe(*texts: str) -> Maker:
    def make(rng: random.Random, run: Path) -> None:
        path = run / "recipe.yaml"
        former = path.read_text(encoding="utf-8")
        path.write_text(rng.choice(texts).replace("FORMER", former), encoding="utf-8")

    return make


def _json(file: str) -> Maker:
    """Return a function that changes one value of a JSON file, or its whole text."""

    def make(rng: random.Random, run: Path) -> None:
        path = run / file
        state = json.loads(path.read_text(encoding="utf-8"))
        spots = list(_spots(state))
        holder, key = rng.choice(spots)
        holder[key] = rng.choice(ABSURD)
        deep = "[" * DEEP
        text = json.dumps(state)
        path.write_text(
            rng.choice((text, text, text, text, deep, "", text[:-1], "[]", "null")),
            encoding="utf-8",
        )

    return make


def _spots(state: Any) -> Any:
    items = state.items() if isinstance(state, dict) else enumerate(state)
    for key, value in items:
        yield state, key
        if isinstance(value, dict | list) and value:
            yield from _spots(value)


def _binary(*files: str) -> Maker:
    def make(rng: random.Random, run: Path) -> None:
        path = run / rng.choice(files)
        content = bytearray(path.read_bytes())
        choice = rng.randrange(4)
        if choice == 0:
            content = content[: rng.randrange(len(content))]
        elif choice == 1:
            content = bytearray(b"\xff" * len(content))
        elif choice == 2:
            content += b"\xff" * rng.choice((1, 8, 1000))
        else:
            at = rng.randrange(max(1, len(content) - 8))
            content[at : at + 8] = b"\xff" * 8
        path.write_bytes(bytes(content))

    return make


def _state(name: str) -> Maker:
    """Return a function that changes the weights of a checkpoint like those of a model."""

    def make(rng: random.Random, run: Path) -> None:
        place = run / "checkpoint"
        shutil.move(place / "state.safetensors", place / "model.safetensors")
        try:
            hostile_weights.WEIGHTS[name](rng, place)
        finally:
            if (place / "model.safetensors").exists():
                shutil.move(place / "model.safetensors", place / "state.safetensors")

    return make


CANARY = "x: !!python/object/apply:os.system ['touch $SOAK_CANARY']\n"
RUNS: dict[str, Maker] = {
    "recipe: laughs": _recipe(LAUGHS, "FORMER" + LAUGHS),
    "recipe: tags": _recipe(CANARY, "FORMER" + CANARY, "!!python/object/new:os.system [id]\n"),
    "recipe: nested": _recipe("a: " + "[" * DEEP, "a: " + "{a: " * DEEP, "- " * DEEP),
    "recipe: odd": _recipe(
        "",
        "\t",
        "[]",
        "a: 1\na: 2\n",
        "task: translate\n",
        "\ufeffFORMER",
        "? [a]\n: b\n",
        "<<: 1\n",
    ),
    "run.json": _json("run.json"),
    "run.json again": _json("run.json"),
    "checkpoint: state.json": _json("checkpoint/state.json"),
    "checkpoint: state.json again": _json("checkpoint/state.json"),
    "checkpoint: header": _state("weights: header"),
    "checkpoint: header length": _state("weights: header length"),
    "checkpoint: offsets": _state("weights: offsets"),
    "checkpoint: shape": _state("weights: shape"),
    "checkpoint: tensors missing": _state("weights: tensors missing"),
    "checkpoint: a pickle": _state("weights: a pickle!"),
    "corpus: corpus.json": _json("corpus/corpus.json"),
    "corpus: ids": _binary("corpus/source.bin", "corpus/target.bin", "corpus/text.bin"),
    "corpus: offsets": _binary("corpus/source.offsets.bin", "corpus/target.offsets.bin"),
    "tokenizers": _json("tokenizers/source.json"),
    "conversion: record": _json("ctranslate2/whyformer.json"),
    "conversion: config": _json("ctranslate2/config.json"),
    "conversion: vocabulary": _json("ctranslate2/shared_vocabulary.json"),
    "conversion: model": _binary("ctranslate2/model.bin"),
    "conversion: model again": _binary("ctranslate2/model.bin"),
    "diagnosis: none": _recipe("FORMER"),
}
