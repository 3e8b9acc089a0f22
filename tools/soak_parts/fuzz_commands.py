"""Random command lines, made from the signatures of the commands with valid and absurd values."""

import inspect
import random
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

INTEGERS = (
    "1",
    "2",
    "5",
    "0",
    "-1",
    "1000000000",
    "9" * 30,
    "0100",
    "1:30",
    "x",
    "",
    "1e3",
    "1.5",
    "NaN",
    "٣",
    " 1",
    "+2",
    "1_0",
)
FLOATS = (
    "1",
    "0.5",
    "0",
    "-1",
    "1e308",
    "1e-320",
    "nan",
    "inf",
    "-inf",
    "x",
    "",
    "99999999999",
    "1,5",
    "0x1p3",
)
TEXTS = (
    "ba de ki",
    "",
    " ",
    "BA",
    "x" * 3000,
    "안녕",
    "\u1112\u1161\u11ab",
    "a\tb",
    "a\nb",
    "שלום",
    "\U0001f600",
    "-",
    "--",
    "-5",
    "\ud800",
    "%s{}",
    "'",
    '"',
    "ba\u2028de",
    "\ufeffba",
    "é",
    "e\u0301",
    "null",
)
PLAUSIBLE: dict[str, tuple[str, ...]] = {
    "device": ("cpu", "auto", "cuda", "cuda:0", "mps", "tpu", "cpu:7"),
    "engine": ("auto", "torch", "ctranslate2", "x"),
    "weights": ("float32", "int8", "x"),
    "metric": ("bleu", "chrf", "ter", "per", "wer", "exact", "bleu,chrf", "x", ","),
    "tokenize": ("13a", "intl", "char", "zh", "none", "ja-mecab", "x"),
    "documents": ("file", "paragraphs", "lines", "x"),
    "task": ("translate", "language", "masked", "replaced", "classify", "regress", "tag", "x"),
    "preset": ("tiny", "base", "x"),
    "to": ("ctranslate2", "onnx"),
    "quantize": ("none", "int8", "int4"),
    "recipe": (
        "copy",
        "translate",
        "classify",
        "tag",
        "tiny-gpt",
        "r.yaml",
        "pairs/recipe.yaml",
        "base",
        "x",
    ),
    "machine": ("h100", "a100", "x", "r.yaml"),
    "gpus": ("8", "8,64", "0", "-1", "x", ",", "8,,8", "1000000000", "³"),
    "columns": ("text", "label", "a", "0"),
    "lang": ("en", "ko", "fr"),
    "question": ("scaling", "warmup", "scalling", ""),
    "source": ("ko", "source", "data/sources.txt"),
    "target": ("en", "target", "data/references.txt"),
    "data": (
        "data/pairs.tsv",
        "data/pairs.jsonl",
        "data/labelled.tsv",
        "data/tagged.conll",
        "data/text.txt",
        "absent.tsv",
        "-",
    ),
}
RUNS = ("pairs", "letters", "rnn", "gpt", "rnn-lm", "bert", "electra", "classify", "regress", "tag")
FILES = (
    "data/sources.txt",
    "data/references.txt",
    "data/pairs.tsv",
    "data/pairs.jsonl",
    "data/text.txt",
    "data/labelled.tsv",
    "data/numbers.tsv",
    "data/tagged.conll",
)
ODD_PATHS = (
    "absent",
    "absent/deep/x",
    "data",
    ".",
    "",
    "/dev/null",
    "/dev/full",
    "x" * 300,
    "a\nb",
    "pairs/model/config.json",
)
TINY = (
    "--model.encoder-layers",
    "1",
    "--model.decoder-layers",
    "1",
    "--model.d-model",
    "16",
    "--model.heads",
    "2",
    "--model.d-ff",
    "24",
    "--training.updates",
    "2",
    "--training.batch-tokens",
    "256",
    "--validation.every",
    "2",
    "--quiet",
)
SLOW = ("demo", "bench", "lab run")
"""Commands that take minutes. They receive only invalid options or `--help`."""


def command_line(rng: random.Random, place: Path) -> tuple[list[str], bytes]:
    """Return arguments and standard input. Args: place: working directory, with prepared runs."""
    every = commands()
    name = rng.choices(list(every), [_weight(one) for one in every])[0]
    argv = name.split()
    if name in SLOW or rng.random() < 0.02:
        return [
            *argv,
            rng.choice(("--help", "--absent", "--absent=1", "--minutes=x", "--seeds=x", "-x")),
        ], b""
    parameters = [one for one in every[name] if one.name != "overrides"]
    for one in parameters:
        positional = one.kind is not inspect.Parameter.KEYWORD_ONLY
        needed = (
            one.default is inspect.Parameter.empty
            and one.kind is not inspect.Parameter.VAR_POSITIONAL
        )
        if rng.random() < (
            0.93
            if positional or needed or one.name in ("out", "source", "references", "text", "data")
            else 0.13
        ):
            argv += _given(rng, one, positional=positional)
    if name in ("train", "check"):
        argv += TINY if rng.random() < 0.95 else ()
    if any(one.name == "overrides" for one in every[name]) and rng.random() < 0.5:
        argv += _overrides(rng)
    if rng.random() < 0.08:
        rng.shuffle(argv)
    if rng.random() < 0.05:
        argv.insert(rng.randint(0, len(argv)), rng.choice((*TEXTS, "--absent", "--", "-h")))
    return argv, _stdin(rng)


def _weight(name: str) -> float:
    if name in SLOW:
        return 0.5
    slow = {
        "train": 0.7,
        "check": 0.15,
        "convert": 0.7,
        "doctor": 0.02,
        "lab report": 0.3,
        "plan": 1.5,
    }
    return slow.get(name, 3.0)


def commands() -> dict[str, list[inspect.Parameter]]:
    """Return the parameters of each command by its name, such as ``lab show``."""
    from whyformer.cli.main import app

    found: dict[str, list[inspect.Parameter]] = {}

    def walk(one: Any, name: str) -> None:
        function: Callable[..., Any] | None = one.default_command
        if function is not None and name:
            found[name] = list(inspect.signature(function, eval_str=True).parameters.values())
        for inner in one:
            if not inner.startswith("-"):
                walk(one[inner], f"{name} {inner}".strip())

    walk(app, "")
    return found


def _given(rng: random.Random, one: inspect.Parameter, *, positional: bool) -> list[str]:
    kind = _plain(one.annotation)
    option = "--" + one.name.replace("_", "-")
    if kind is bool:
        return [option]
    several = kind is list or one.kind is inspect.Parameter.VAR_POSITIONAL
    values = [_value(rng, one) for _ in range(rng.choice((1, 1, 1, 2)) if several else 1)]
    if positional:
        return values
    if rng.random() < 0.2:
        return [f"{option}={values[0]}"]
    return [option, *values]


def _value(rng: random.Random, one: inspect.Parameter) -> str:
    kind = _plain(one.annotation)
    if rng.random() < 0.02:
        return rng.choice(TEXTS)
    if one.name in PLAUSIBLE:
        return rng.choice(PLAUSIBLE[one.name])
    if get_origin(kind) is Literal:
        return str(rng.choice((*get_args(kind), "x")))
    if kind is int:
        return rng.choice(INTEGERS)
    if kind is float:
        return rng.choice(FLOATS)
    if one.name in ("run", "runs", "start_from"):
        return rng.choice(RUNS) if rng.random() < 0.93 else rng.choice((*ODD_PATHS, *FILES))
    if one.name in ("out", "output", "alignments"):
        return rng.choice(
            ("o1", "o2", "deep/o3", "data/sources.txt", "pairs", "o4.html", *ODD_PATHS)
        )
    if kind is Path or one.name in ("hypotheses", "references", "dev"):
        return rng.choice(FILES) if rng.random() < 0.9 else rng.choice(ODD_PATHS)
    return rng.choice(TEXTS)


def _plain(annotation: Any) -> Any:
    """Return the type of a value without `Annotated`, `| None` and `list[...]`."""
    if hasattr(annotation, "__metadata__"):
        return _plain(annotation.__origin__)
    if get_origin(annotation) in (Union, types.UnionType):
        return _plain(next(one for one in get_args(annotation) if one is not type(None)))
    if get_origin(annotation) is list:
        return list
    return annotation


def _overrides(rng: random.Random) -> list[str]:
    from whyformer.recipes.recipe import Recipe

    names: list[str] = []
    for section, field in Recipe.model_fields.items():
        inner = getattr(field.annotation, "model_fields", None)
        names += [f"{section}.{name}" for name in inner] if inner else []
    names += [
        f"model.{n}"
        for n in (
            "d_model",
            "heads",
            "d_ff",
            "dropout",
            "positions",
            "norm",
            "family",
            "cell",
            "max_length",
            "wiring",
        )
    ]
    argv: list[str] = []
    for _ in range(rng.choice((1, 1, 2))):
        name = rng.choice(names)
        if name == "training.minutes" or name == "data.builtin":  # long runs
            continue
        small = (
            "0",
            "-1",
            "x",
            "",
            "1.5",
            "nan",
            "inf",
            "true",
            "null",
            "[1,2]",
            "16",
            "3",
            "0100",
            "1:30",
            "1e400",
            "9" * 30,
        )
        argv += [f"--{name.replace('_', '-')}", rng.choice(small)]
    return argv


def _stdin(rng: random.Random) -> bytes:
    return rng.choice(
        (
            b"",
            b"\n",
            b"ba de\nki\n",
            b"ba\tBA\n" * 5,
            b"\xff\xfe",
            b"ba\r\nde",
            "안녕\n שלום\n".encode(),
            b"\x00\n",
            b"ba " * 3000,
        )
    )
