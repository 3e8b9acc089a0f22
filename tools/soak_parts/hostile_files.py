"""Malicious tokenizers and directory entries: links, pipes and devices."""

import json
import os
import pickle
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from soak_parts.hostile_configs import DEEP
from soak_parts.hostile_weights import Canary

Maker = Callable[[random.Random, Path], None]
NAMES = ("config.json", "model.safetensors", "source.json")


def _tokenizer(change: Callable[[random.Random, dict[str, Any]], object]) -> Maker:
    def make(rng: random.Random, model: Path) -> None:
        path = model / "source.json"
        state = json.loads(path.read_text(encoding="utf-8"))
        changed = change(rng, state)
        text = changed if isinstance(changed, str) else json.dumps(state)
        path.write_text(text, encoding="utf-8", errors="surrogatepass")

    return make


def _many(rng: random.Random, state: dict[str, Any]) -> None:
    state["pieces"] = [f"p{n}" for n in range(rng.choice((300_000, 1_000_000)))]


def _long(rng: random.Random, state: dict[str, Any]) -> None:
    state["pieces"][-1] = "ab" * rng.choice((1_000_000, 10_000_000))


def _merges(rng: random.Random, state: dict[str, Any]) -> None:
    last = len(state["pieces"]) + 260
    state["merges"] = rng.choice(
        (
            [[last, last]] * 500_000,
            [[10**12, 1]],
            [[-1, -1]],
            [["a", "b"]],
            [[1]],
            [[1, 2, 3]],
            None,
            "x",
            [[n, n + 1] for n in range(300, 100_000)],
        )
    )


def _pieces(rng: random.Random, state: dict[str, Any]) -> None:
    state["pieces"] = rng.choice(
        (
            [],
            [""],
            ["a", "a"],
            [1],
            [None],
            None,
            "abc",
            {"a": 1},
            [["a"]],
            ["\ud800"],
            ["\x00", *state["pieces"][1:]],
        )
    )


def _keys(rng: random.Random, state: dict[str, Any]) -> None:
    name = rng.choice(sorted(state))
    state[name] = rng.choice((None, [], {}, 10**400, -1, "x", 1.5, True, float("nan")))


def _scores(rng: random.Random, state: dict[str, Any]) -> None:
    state["units"] = "unigram"
    state["scores"] = rng.choice(
        ([float("nan")] * len(state["pieces"]), [1e308] * len(state["pieces"]), [], [1], "x", None)
    )


def _units(rng: random.Random, state: dict[str, Any]) -> None:
    others = ["bpe", "byte-bpe", "unigram", "chars", "words", "phonemes", "os.system", "", None, 3]
    state["units"] = rng.choice([one for one in others if one != state["units"]])


def _deep(rng: random.Random, _state: dict[str, Any]) -> str:
    opening = rng.choice(("[", '{"a":'))
    return rng.choice(("", '{"format": 1, "pieces": ')) + opening * DEEP


def _target(rng: random.Random, model: Path) -> None:
    text = rng.choice(
        (
            '{"format": 1}',
            "",
            "[" * DEEP,
            '{"format":1,"lowercase":false,"pieces":["a"],"units":"chars"}',
        )
    )
    (model / "target.json").write_text(text, encoding="utf-8")


def _linked(*places: str) -> Maker:
    def make(rng: random.Random, model: Path) -> None:
        path = model / rng.choice(NAMES)
        path.unlink()
        path.symlink_to(rng.choice(places))

    return make


def _loop(rng: random.Random, model: Path) -> None:
    path = model / rng.choice(NAMES)
    path.unlink()
    path.symlink_to(path.name)


def _pipe(rng: random.Random, model: Path) -> None:
    path = model / rng.choice(NAMES)
    path.unlink()
    os.mkfifo(path)


def _directory(rng: random.Random, model: Path) -> None:
    path = model / rng.choice(NAMES)
    path.unlink()
    path.mkdir()


def _bytes(*contents: bytes) -> Maker:
    def make(rng: random.Random, model: Path) -> None:
        (model / rng.choice(("config.json", "source.json"))).write_bytes(rng.choice(contents))

    return make


def _model_is_a_link(rng: random.Random, model: Path) -> None:
    shutil.rmtree(model)
    model.symlink_to(rng.choice(("/", "/dev", "model", "..", "/proc/self/fd", "/nowhere")))


def _pickled_json(rng: random.Random, model: Path) -> None:
    (model / rng.choice(("config.json", "source.json"))).write_bytes(pickle.dumps(Canary()))


def _odd_names(rng: random.Random, model: Path) -> None:
    for name in (
        "a\nb",
        "\x1b[31m",
        "ñ" * 60,
        "-rf",
        "conftest.py",
        "sitecustomize.py",
        "__init__.py",
    ):
        (model / name).write_text(
            "import os; os.system('touch ' + os.environ['SOAK_CANARY'])", encoding="utf-8"
        )
    if rng.random() < 0.5:
        (model / "config.json").unlink()


def _no_rights(rng: random.Random, model: Path) -> None:
    (model / rng.choice(NAMES)).chmod(0)


FILES: dict[str, Maker] = {
    "tokenizer: a million pieces": _tokenizer(_many),
    "tokenizer: a piece of 20 MB": _tokenizer(_long),
    "tokenizer: merges": _tokenizer(_merges),
    "tokenizer: pieces": _tokenizer(_pieces),
    "tokenizer: a wrong key": _tokenizer(_keys),
    "tokenizer: scores": _tokenizer(_scores),
    "tokenizer: other units": _tokenizer(_units),
    "tokenizer: nested": _tokenizer(_deep),
    "tokenizer: a second one": _target,
    "link: to a device": _linked(
        "/dev/zero", "/dev/urandom", "/dev/null", "/dev/full", "/proc/kcore"
    ),
    "link: to a system file": _linked("/etc/passwd", "/proc/self/environ", "/etc", "/nowhere"),
    "link: to itself": _loop,
    "link: the directory itself": _model_is_a_link,
    "a pipe": _pipe,
    "a directory for a file": _directory,
    "bytes: no UTF-8": _bytes(
        b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b"\x00" * 1000, b"\xed\xa0\x80", b"PK\x03\x04"
    ),
    "bytes: a pickle!": _pickled_json,
    "odd names": _odd_names,
    "no rights": _no_rights,
}
