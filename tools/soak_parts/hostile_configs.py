"""Malicious contents of `config.json`."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

Maker = Callable[[random.Random, Path], None]
ABSURD: tuple[Any, ...] = (
    10**9,
    10**18,
    10**400,
    2**31,
    2**63,
    -1,
    0,
    0.5,
    1e308,
    -1e308,
    "1",
    "",
    True,
    None,
    [],
    {},
    [1] * 5,
    float("nan"),
    float("inf"),
    "\x00",
    "../../etc/passwd",
    {"a": {"b": 1}},
)
DEEP = 200_000


def read(model: Path) -> dict[str, Any]:
    """Return the configuration of a model directory."""
    return json.loads((model / "config.json").read_text(encoding="utf-8"))


def write(model: Path, config: object) -> None:
    """Write a configuration of any content."""
    text = config if isinstance(config, str) else json.dumps(config)
    (model / "config.json").write_text(text, encoding="utf-8", errors="surrogatepass")


def _setting(value: object | None, names: tuple[str, ...] = ()) -> Maker:
    def make(rng: random.Random, model: Path) -> None:
        config = read(model)
        known = [n for n in names if n in config["model"]] or sorted(config["model"])
        config["model"][rng.choice(known)] = rng.choice(ABSURD) if value is None else value
        write(model, config)

    return make


def _top(name: str, *values: object) -> Maker:
    def make(rng: random.Random, model: Path) -> None:
        write(model, read(model) | {name: rng.choice(values)})

    return make


def _without(rng: random.Random, model: Path) -> None:
    config = read(model)
    del config[rng.choice(sorted(config))]
    write(model, config)


def _all_huge(rng: random.Random, model: Path) -> None:
    config = read(model)
    size = rng.choice((10**4, 10**5, 10**6))
    for name, value in config["model"].items():
        if isinstance(value, int) and not isinstance(value, bool):
            config["model"][name] = size
    write(model, config)


def _large_but_possible(rng: random.Random, model: Path) -> None:
    """Set the size of a model with 50 GB of weights, which could exist."""
    config = read(model)
    large = {
        "d_model": 8192,
        "d_ff": 32768,
        "heads": 64,
        "layers": 24,
        "encoder_layers": 12,
        "decoder_layers": 12,
    }
    config["model"] |= {name: value for name, value in large.items() if name in config["model"]}
    write(model, config)


def _facts(rng: random.Random, model: Path) -> None:
    config = read(model)
    facts = config["facts"]
    decoding = {
        "beam": rng.choice((10**9, -1, "x", 1e300)),
        "max_length": rng.choice((10**9, 10**18, -5)),
        "nbest": rng.choice((10**9, None, [])),
        "top_k": rng.choice((10**12, -1)),
        "temperature": rng.choice((0, -1, 1e-320, float("nan"))),
    }
    name = rng.choice(list(decoding))
    choices: list[dict[str, Any]] = [
        {"decoding": facts.get("decoding", {}) | {name: decoding[name]}},
        {"decoding": rng.choice(([], "beam", None, 7))},
        {"labels": rng.choice(([], "ab", [1, 2], None, ["x"] * 10**5, {"a": 1}))},
        {"row_tokens": rng.choice((10**12, 0, -1, "x", None))},
        {"mean": float("nan"), "deviation": rng.choice((0, float("inf"), "x"))},
        {"validation": None},
    ]
    config["facts"] = facts | rng.choice(choices)
    write(model, config)


def _nested(opening: str, closing: str) -> Maker:
    def make(rng: random.Random, model: Path) -> None:
        deep = opening * DEEP + "1" + closing * DEEP
        text = json.dumps(read(model) | {rng.choice(("facts", "model", "x")): "DEEP"})
        write(model, rng.choice((deep, opening * DEEP, text.replace('"DEEP"', deep))))

    return make


def _kind(rng: random.Random, model: Path) -> None:
    config = read(model)
    others = [
        "transformer",
        "rnn",
        "gpt",
        "rnn-lm",
        "bert",
        "electra",
        "llama",
        "",
        None,
        1,
        [],
        {},
    ]
    write(model, config | {"kind": rng.choice([k for k in others if k != config["kind"]])})


def _twice(rng: random.Random, model: Path) -> None:
    text = (model / "config.json").read_text(encoding="utf-8").rstrip()
    write(model, text[:-1] + ',"model": {"d_model": 1000000000}}')


def _text(*texts: str) -> Maker:
    def make(rng: random.Random, model: Path) -> None:
        write(model, rng.choice(texts))

    return make


def _long(rng: random.Random, model: Path) -> None:
    config = json.dumps(read(model))
    size = 20_000_000
    filler = rng.choice(
        (
            " " * size,
            '"x": "' + "a" * size + '",',
            '"x": ' + "9" * size + ",",
            '"x": [' + "1," * (size // 2) + "1],",
            "".join(f'"k{n}": 1,' for n in range(size // 12)),
        )
    )
    write(model, "{" + filler + config[1:])


CONFIGS: dict[str, Maker] = {
    "config: a setting of 10^9": _setting(10**9),
    "config: a setting of 10^18": _setting(10**18, ("d_model", "d_ff", "max_length", "layers")),
    "config: length of 10^9": _setting(10**9, ("max_length",)),
    "config: an absurd setting": _setting(None),
    "config: another absurd setting": _setting(None),
    "config: all settings huge": _all_huge,
    "config: a model of 50 GB": _large_but_possible,
    "config: absurd vocabularies": _top(
        "vocabularies",
        [10**12, 10**12],
        [-1, -1],
        ["a", "b"],
        [],
        [1.5, 2],
        [True, True],
        [[1], [2]],
        [10**400, 1],
        None,
        "300",
        [917, 917, 917],
    ),
    "config: absurd format": _top("format", 10**100, -1, 0, "1", None, 1.5, True, [1], {"a": 1}),
    "config: another kind": _kind,
    "config: a key missing": _without,
    "config: facts": _facts,
    "config: more facts": _facts,
    "config: nested lists": _nested("[", "]"),
    "config: nested objects": _nested('{"a":', "}"),
    "config: a key twice": _twice,
    "config: no object": _text(
        "", " ", "[]", "1", "null", '"x"', "NaN", "{", "\ud800", "{}{}", "\ufeff{}"
    ),
    "config: 20 MB": _long,
    "config: unknown keys": _top(
        "model", {"family": "transformer", "__class__": "os.system"}, {}, {"d_model": {}}
    ),
}
