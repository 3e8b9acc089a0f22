"""Small data files and finished runs of every task and model family, for the trials.

All data is generated; nothing is downloaded.
"""

import random
from dataclasses import dataclass
from pathlib import Path

from soak_parts.forks import in_child, run_command

SYLLABLES = ("ba", "de", "ki", "lo", "mu", "na", "po", "ra", "su", "ti")
SHAPE = {"layers": 1, "d_model": 16, "heads": 2, "d_ff": 24, "max_length": 64}
PAIR_SHAPE = {"encoder_layers": 1, "decoder_layers": 1, "d_model": 16, "heads": 2, "d_ff": 24}
RECURRENT = {"encoder_layers": 1, "decoder_layers": 1, "d_model": 16}
TRAINED = {"updates": 6, "warmup": 2, "learning_rate": 0.01, "batch_tokens": 256}


@dataclass(frozen=True)
class Kind:
    """One kind of run: its recipe, its data and its settings."""

    recipe: str
    data: str
    settings: dict[str, object]


def _kind(recipe: str, data: str, shape: dict[str, object], **settings: object) -> Kind:
    given: dict[str, object] = {f"model.{name}": value for name, value in shape.items()}
    given |= {f"training.{name}": value for name, value in TRAINED.items()}
    given |= {"validation.every": 3, "data.dev_share": 0.1}
    return Kind(recipe, data, given | {k.replace("__", "."): v for k, v in settings.items()})


BPE = {"text__units": "bpe", "text__vocabulary": 300}
KINDS = {
    "pairs": _kind(
        "translate",
        "pairs.tsv",
        PAIR_SHAPE,
        text__units="words",
        validation__metric="chrf",
        training__schedule="linear",
        decoding__beam=2,
    ),
    "letters": _kind(
        "translate",
        "pairs.jsonl",
        PAIR_SHAPE,
        text__units="chars",
        validation__metric="loss",
        training__schedule="linear",
    ),
    "rnn": _kind("copy-lstm", "pairs.tsv", RECURRENT, text__units="words"),
    "gpt": _kind("tiny-gpt", "text.txt", SHAPE, data__row_tokens=32),
    "rnn-lm": _kind(
        "tiny-lstm-lm",
        "text.txt",
        {"layers": 1, "d_model": 16, "max_length": 64},
        data__row_tokens=32,
    ),
    "bert": _kind(
        "tiny-bert",
        "text.txt",
        SHAPE,
        data__row_tokens=32,
        data__documents="lines",
        data__next_sentence="false",
        **BPE,
    ),
    "electra": _kind(
        "tiny-electra", "text.txt", SHAPE, data__row_tokens=32, data__documents="lines", **BPE
    ),
    "classify": _kind("classify", "labelled.tsv", SHAPE, data__row_tokens=32, **BPE),
    "regress": _kind("regress", "numbers.tsv", SHAPE, data__row_tokens=32, **BPE),
    "tag": _kind("tag", "tagged.conll", SHAPE, data__row_tokens=32, **BPE),
}
"""The kinds of runs by name. They cover the tasks translate (three runs), language (two), masked,
replaced, classify, regress and tag, and the model families transformer, rnn, gpt, rnn-lm, bert and
electra."""
TRANSLATORS, LANGUAGE, LABELLERS = (
    ("pairs", "letters", "rnn"),
    ("gpt", "rnn-lm"),
    (
        "classify",
        "regress",
        "tag",
    ),
)


def word(rng: random.Random) -> str:
    """Return a random word."""
    return "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(1, 3)))


def sentence(rng: random.Random, longest: int = 6) -> str:
    """Return a random sentence of 1 to ``longest`` words."""
    return " ".join(word(rng) for _ in range(rng.randint(1, longest)))


def write_data(place: Path, *, lines: int = 240, seed: int = 1) -> None:
    """Write one file of each format, with generated texts."""
    import json

    place.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    texts = sorted({sentence(rng) for _ in range(lines)})
    rng.shuffle(texts)
    pairs = [(text, text.upper()) for text in texts]
    numbers = [f"{len(text) / 10:.2f}" for text in texts]
    labels = ["long" if len(text) > 12 else "short" for text in texts]
    tags = [["B-X" if one[0] in "bd" else "O" for one in text.split()] for text in texts]
    files = {
        "pairs.tsv": [f"{a}\t{b}" for a, b in pairs],
        "pairs.jsonl": [json.dumps({"source": a, "target": b}) for a, b in pairs],
        "text.txt": texts,
        "labelled.tsv": [f"{a}\t{b}" for a, b in zip(texts, labels, strict=True)],
        "numbers.tsv": [f"{a}\t{b}" for a, b in zip(texts, numbers, strict=True)],
        "tagged.conll": [
            "".join(f"{w} {t}\n" for w, t in zip(text.split(), tag, strict=True))
            for text, tag in zip(texts, tags, strict=True)
        ],
        "sources.txt": texts[:12],
        "references.txt": [text.upper() for text in texts[:12]],
    }
    for name, found in files.items():
        (place / name).write_text("\n".join(found) + "\n", encoding="utf-8")


def training_command(name: str, data: Path, out: Path, **changes: object) -> list[str]:
    """Return the arguments of the command that trains one kind of run.

    Args: changes: settings that override those of the kind, such as `training__updates=2`.
    """
    kind = KINDS[name]
    argv = ["train", kind.recipe, "--out", str(out), "--data", str(data / kind.data), "--quiet"]
    laid = {setting.replace("__", "."): value for setting, value in changes.items()}
    for setting, value in (kind.settings | laid).items():
        argv += [f"--{setting}", str(value)]
    return argv


def prepare(place: Path, names: tuple[str, ...] = tuple(KINDS), *, convert: bool = True) -> Path:
    """Write the data and train the runs under ``place``, unless they exist; return ``place``.

    Raises: RuntimeError if a run cannot be trained.
    """
    if not (place / "data" / "pairs.tsv").exists():
        write_data(place / "data")
    for name in names:
        out = place / name
        if (out / "done").exists():
            continue
        _must(training_command(name, place / "data", out))
        if convert and name == "pairs":
            pairs = str(place / "data" / "pairs.tsv")
            _must(["convert", str(out), "--pairs", pairs, "--sentences", "8"])
        (out / "done").write_text("", encoding="utf-8")
    return place


def _must(argv: list[str]) -> None:
    ending = in_child(run_command, *argv, seconds=300, memory=None)
    if ending.fault or ending.value.code != 0:
        raise RuntimeError(f"{' '.join(argv)}: {ending.fault or ending.value}")
