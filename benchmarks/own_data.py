"""Train several settings on several data sets: the measurements behind `docs/own-data.md`.

    python benchmarks/own_data.py --data DIRECTORY --out results.jsonl --minutes 2 --arms auto drop2
    python benchmarks/own_data.py --out docs/own-data.jsonl --table wer

DIRECTORY has the corpora, one folder each (see `SETS`). Every result is one line of the output
file. A result that is in the file already is not measured again, so the command can be stopped and
run again. Trainings run one at a time with one thread; pin them with ``taskset -c 1``.

`whyformer train` splits the training file itself. The dev file of a corpus is used for the score
only. Test files are not read.
"""

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORDS = [
    "ady",
    "arm",
    "bul",
    "dut",
    "fre",
    "geo",
    "gre",
    "hin",
    "hun",
    "ice",
    "jpn",
    "kor",
    "lit",
    "rum",
    "vie",
]
SENTENCES = {
    "tatoeba-ko-en": ("tatoeba-ko-en", "ko", "en", 0),
    "tatoeba-de-en": ("tatoeba-de-en", "de", "en", 0),
    "stylekqc-ko-en": ("stylekqc-ko-en", "ko", "en", 0),
    "enja": ("small-parallel-enja", "en", "ja", 0),
    "software-de-en": ("software-de-en", "de", "en", 0),
    "multi30k-1k": ("multi30k", "en", "de", 1000),
    "multi30k-3k": ("multi30k", "en", "de", 3000),
    "multi30k-10k": ("multi30k", "en", "de", 10000),
    "multi30k-29k": ("multi30k", "en", "de", 0),
}
"""Name -> folder, source, target, and the number of training pairs (0: all)."""
TAGGED = {"spacing-ko": ("stylekqc-ko-en", "ko"), "case-de": ("tatoeba-de-en", "de")}
"""Name -> folder and language of the sentences that a tagging set is made of, see `tagged`."""
LABELLED = {
    "3i4k": ("3i4k", ".tsv"),
    "nsmc": ("nsmc-resampled", ".tsv.gz"),
    "sst2": ("sst2", ".tsv"),
    "cola": ("cola", ".tsv"),
}
"""Name -> folder, and the ending of its files."""
SETS = [*WORDS, *SENTENCES, *LABELLED, *TAGGED]

MOST_TAGGED = 30_000
"""Maximum number of sentences of a tagging set."""
LOWER_IS_BETTER = ("wer", "per")

CHARS = {"text.source_units": "chars", "text.target_units": "phonemes"}
SHAPE = {
    "preset": "tiny", "model.encoder_layers": 3, "model.decoder_layers": 1, "model.d_model": 128,
    "model.heads": 4, "model.d_ff": 512, "model.tying": "decoder", "model.wiring": "pre-norm",
    "model.positions": "rotary", "training.optimizer": "muon", "training.matrix_ratio": 1.5,
    "training.learning_rate": 0.003, "training.schedule": "linear", "training.warmup": 100,
    "training.clip": 1.0, "training.batch_tokens": 1024, "validation.patience": 0,
}  # fmt: skip
WORD_BASE = SHAPE | CHARS | {
    "validation.metric": "per", "decoding.length_penalty": 0.0, "decoding.beam": 5,
}  # fmt: skip
SENTENCE_BASE = SHAPE | {
    "model.decoder_layers": 2, "model.encoder_layers": 3, "validation.metric": "chrf",
    "text.units": "bpe", "model.tying": "three-way", "text.vocabulary": 2000, "model.dropout": 0.3,
    "training.label_smoothing": 0.1, "training.batch_tokens": 2048,
}  # fmt: skip
LS = {"training.label_smoothing": 0.1}
EMA = {"training.average": "ema", "training.ema_decay": 0.99}
AUTO_ARMS: dict[str, dict[str, Any]] = {
    "auto": {},
    "auto-plain": {"training.average": "none"},
    "auto-more-epochs": {"training.epochs": 1000},
    "auto-b2048": {"training.batch_tokens": 2048},
    "auto-b512": {"training.batch_tokens": 512},
    "auto-b1024": {"training.batch_tokens": 1024},
    "auto-w30": {"training.warmup": 30},
    "auto-b512-ema": {"training.batch_tokens": 512} | EMA,
    "auto-b256": {"training.batch_tokens": 256},
    "auto-rate5": {"training.learning_rate": 0.005},
    "auto-rate2": {"training.learning_rate": 0.002},
    "auto-drop1": {"model.dropout": 0.1},
    "auto-drop2": {"model.dropout": 0.2},
    "auto-drop3": {"model.dropout": 0.3},
    "auto-ema": EMA,
}
"""Settings that replace some of the chosen settings: `whyformer train --data FILE --SETTING …`."""
WORD_ARMS: dict[str, dict[str, Any]] = {
    "drop0": {"model.dropout": 0.0, "training.label_smoothing": 0.0},
    "drop2": {"model.dropout": 0.2} | LS,
    "drop1": {"model.dropout": 0.1} | LS,
    "drop2-nols": {"model.dropout": 0.2, "training.label_smoothing": 0.0},
    "drop2-b512": {"model.dropout": 0.2, "training.batch_tokens": 512} | LS,
    "drop2-b512-ema": {"model.dropout": 0.2, "training.batch_tokens": 512} | EMA | LS,
    "drop2-enc2": {"model.dropout": 0.2, "model.encoder_layers": 2} | LS,
    "drop3": {"model.dropout": 0.3} | LS,
    "drop3-b512": {"model.dropout": 0.3, "training.batch_tokens": 512} | LS,
    "drop3-ema": {"model.dropout": 0.3} | EMA | LS,
    "drop3-d2": {"model.dropout": 0.3, "model.decoder_layers": 2} | LS,
    "drop3-wide": {"model.dropout": 0.3, "model.d_model": 192, "model.d_ff": 768} | LS,
    "drop3-shared": {"model.dropout": 0.3, "text.shared": "true", "text.source_units": "chars",
                     "text.target_units": "chars", "model.tying": "three-way"} | LS,
}  # fmt: skip
SENTENCE_ARMS: dict[str, dict[str, Any]] = {
    "v1000": {"text.vocabulary": 1000},
    "v2000": {},
    "v4000": {"text.vocabulary": 4000},
    "v8000": {"text.vocabulary": 8000},
    "v4000-drop1": {"text.vocabulary": 4000, "model.dropout": 0.1},
    "v4000-drop0": {"text.vocabulary": 4000, "model.dropout": 0.0},
    "v8000-drop1": {"text.vocabulary": 8000, "model.dropout": 0.1},
    "v4000-b1024": {"text.vocabulary": 4000, "training.batch_tokens": 1024},
    "v4000-b1024-ema": {"text.vocabulary": 4000, "training.batch_tokens": 1024} | EMA,
    "v4000-drop0-ema": {"text.vocabulary": 4000, "model.dropout": 0.0} | EMA,
    "v4000-dec1": {"text.vocabulary": 4000, "model.decoder_layers": 1},
    "v4000-unigram": {"text.vocabulary": 4000, "text.units": "unigram", "text.sampling": 0.1},
    "v4000-sampling": {"text.vocabulary": 4000, "text.sampling": 0.1},
    "v4000-wide": {"text.vocabulary": 4000, "model.d_model": 192, "model.d_ff": 768},
    "chars": {"text.units": "chars"},
    "drop1": {"model.dropout": 0.1},
    "wide": {"model.d_model": 192, "model.d_ff": 768},
    "b1024": {"training.batch_tokens": 1024},
}
TWO_LAYERS = {"model.layers": 2, "model.dropout": 0.3}
MUON = {"training.optimizer": "muon"}
LABEL_ARMS: dict[str, dict[str, Any]] = {
    "recipe": {},
    "label-2-layers-drop3": TWO_LAYERS,
    "label-muon": TWO_LAYERS | MUON,
    "label-muon-drop1": TWO_LAYERS | MUON | {"model.dropout": 0.1},
    "label-muon-drop5": TWO_LAYERS | MUON | {"model.dropout": 0.5},
    "label-muon-1-layer": TWO_LAYERS | MUON | {"model.layers": 1},
    "label-muon-4-layers": TWO_LAYERS | MUON | {"model.layers": 4},
    "label-muon-ls": TWO_LAYERS | MUON | LS,
    "label-muon-ema": TWO_LAYERS | MUON | EMA,
}


@dataclass(frozen=True)
class Kind:
    """What is measured in the same way: a recipe, settings, variants and metrics."""

    recipe: str
    base: dict[str, Any]
    arms: dict[str, dict[str, Any]]
    metrics: str


OF_WORDS = Kind("translate", WORD_BASE, WORD_ARMS, "wer per exact")
OF_SENTENCES = Kind("translate", SENTENCE_BASE, SENTENCE_ARMS, "bleu chrf")
OF_LABELS = Kind("classify", {}, LABEL_ARMS, "")
OF_TAGS = Kind("tag", {}, LABEL_ARMS, "")


def kind_of(name: str) -> Kind:
    """Return how a data set is measured."""
    if name in LABELLED:
        return OF_LABELS
    if name in TAGGED:
        return OF_TAGS
    return OF_WORDS if name in WORDS else OF_SENTENCES


def main() -> None:
    """Measure everything that was asked for and is not in the output file."""
    options = parse_options()
    if options.left_out:
        print(left_out(options.out, options.left_out, options.minutes))
        return
    if options.table:
        print(table(options.out, options.table))
        return
    done = set()
    if options.out.exists():
        for line in options.out.read_text().splitlines():
            one = json.loads(line)
            done.add((one["set"], one["arm"], one["minutes"], one["seed"]))
    for seed in options.seeds:
        for arm in options.arms:
            for name in options.sets:
                known = arm in AUTO_ARMS or arm in kind_of(name).arms
                if not known or (name, arm, options.minutes, seed) in done:
                    continue
                result = measured(options, name, arm, seed)
                with options.out.open("a") as file:
                    file.write(json.dumps(result) + "\n")
                print(json.dumps(result), flush=True)


def measured(options: argparse.Namespace, name: str, arm: str, seed: int) -> dict[str, Any]:
    """Train and score once."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        train, scored, names = files_of(options.data, name, work)
        kind = kind_of(name)
        chosen = arm in AUTO_ARMS
        settings = (AUTO_ARMS[arm] if chosen else kind.base | kind.arms[arm]) | names
        settings |= {"training.minutes": options.minutes, "training.seed": seed}
        settings["validation.verdict"] = "false"
        flags = [f"--{key.replace('_', '-')}={value}" for key, value in settings.items()]
        begun = time.monotonic()
        out = work / "run"
        recipe = [] if chosen else [kind.recipe]
        run("train", *recipe, "--data", str(train), "--out", str(out), "--quiet", *flags)
        seconds = time.monotonic() - begun
        metrics = ["--metric", *kind.metrics.split()] if kind.metrics else []
        found = json.loads(run("evaluate", str(out), *scored, *metrics, "--json"))
        journal = [json.loads(line) for line in (out / "journal.jsonl").read_text().splitlines()]
        return {
            "set": name, "arm": arm, "minutes": options.minutes, "seed": seed,
            "scores": {one["name"]: one["value"] for one in scores_in(found)},
            "seconds": round(seconds, 1),
            "updates": max((one.get("step", 0) for one in journal), default=0),
        }  # fmt: skip


def scores_in(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the scores of the only system that `whyformer evaluate --json` reports."""
    if "systems" in found:  # labelled texts
        return found["systems"][0]["scores"]
    return next(iter(found["scores"].values()))


def table(results: Path, metric: str) -> str:
    """Return the results that have a metric as a Markdown table: settings × data sets."""
    found = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    found = [one for one in found if metric in one["scores"]]
    sets = sorted({one["set"] for one in found}, key=SETS.index)
    rows = sorted({(one["minutes"], one["arm"]) for one in found})
    lines = [
        f"| minutes | settings | {' | '.join(sets)} |",
        f"| --- | --- | {' | '.join('---' for _ in sets)} |",
    ]
    for minutes, arm in rows:
        cells = []
        for name in sets:
            scores = [
                one["scores"][metric]
                for one in found
                if (one["minutes"], one["arm"], one["set"]) == (minutes, arm, name)
            ]
            cells.append(f"{sum(scores) / len(scores):.1f}" if scores else "")
        lines.append(f"| {minutes:g} | {arm} | {' | '.join(cells)} |")
    return "\n".join(lines)


def left_out(results: Path, metric: str, minutes: float) -> str:
    """Return the leave-one-out error of one fixed choice of settings, as a Markdown table.

    For each data set, the settings with the best mean over the other data sets are chosen, and
    compared with the best settings that were found for this data set. Only settings that were
    measured on all data sets are compared.
    """
    scores: dict[str, dict[str, float]] = {}
    for line in results.read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        if metric in one["scores"] and one["minutes"] == minutes and one["arm"] != "auto":
            scores.setdefault(one["arm"], {})[one["set"]] = one["scores"][metric]
    sets = sorted({name for found in scores.values() for name in found}, key=SETS.index)
    whole = {arm: found for arm, found in scores.items() if len(found) == len(sets)}
    sign = 1 if metric in LOWER_IS_BETTER else -1
    lines = ["| left out | chosen | its score | best | its score |", "|---|---|---|---|---|"]
    errors = []
    for name in sets:
        others = [one for one in sets if one != name]

        def mean(arm: str, sets: list[str] = others) -> float:
            return sign * sum(whole[arm][one] for one in sets) / len(sets)

        chosen = min(whole, key=mean)
        best = min(whole, key=lambda arm: sign * whole[arm][name])
        errors.append(sign * (whole[chosen][name] - whole[best][name]))
        row = (name, chosen, f"{whole[chosen][name]:.1f}", best, f"{whole[best][name]:.1f}")
        lines.append(f"| {' | '.join(row)} |")
    mean_error = sum(errors) / max(1, len(errors))
    return "\n".join([*lines, "", f"mean distance from the best: {mean_error:.2f}"])


def files_of(data: Path, name: str, work: Path) -> tuple[Path, list[str], dict[str, Any]]:
    """Return the training data, the arguments to score, and the settings that name the sides."""
    if name in WORDS:
        folder = data / "sigmorphon2020-g2p"
        return folder / f"{name}_train.tsv", ["--pairs", str(folder / f"{name}_dev.tsv")], {}
    if name in LABELLED:
        folder, ending = LABELLED[name]
        shutil.copy(data / folder / f"train{ending}", work / f"train{ending}")
        return work / f"train{ending}", ["--labelled", str(data / folder / f"dev{ending}")], {}
    if name in TAGGED:
        folder, language = TAGGED[name]
        for part in ("train", "dev"):
            (work / f"{part}.jsonl").write_text(tagged(name, data / folder, part, language))
        # The dev file is not beside the training file, because `whyformer train` would read it.
        (work / "held").mkdir()
        (work / "dev.jsonl").rename(work / "held" / "dev.jsonl")
        return work / "train.jsonl", ["--labelled", str(work / "held" / "dev.jsonl")], {}
    folder, source, target, count = SENTENCES[name]
    place = data / folder
    dev = ["--source", str(place / f"dev.{source}"), "--references", str(place / f"dev.{target}")]
    train = place / "train"
    if count:
        train = work / "train"
        for side in (source, target):
            lines = (place / f"train.{side}").read_text().split("\n")[:count]
            train.with_suffix(f".{side}").write_text("\n".join(lines) + "\n")
    else:  # a copy without the dev files beside it
        for side in (source, target):
            for ending in ("", ".gz"):
                if (found := place / f"train.{side}{ending}").exists():
                    shutil.copy(found, work / found.name)
        train = work / "train"
    return train, dev, {"data.source": source, "data.target": target}


def tagged(name: str, folder: Path, part: str, language: str) -> str:
    """Return sentences with labels, as JSON lines, made of plain sentences.

    spacing-ko: the words are the characters without spaces; the label says whether a space follows.
    case-de: the words are in lower case; the label says whether the word begins with a capital.
    """
    path = folder / f"{part}.{language}"
    packed = path.with_name(path.name + ".gz")
    text = gzip.decompress(packed.read_bytes()).decode() if packed.exists() else path.read_text()
    lines = []
    for line in text.splitlines()[:MOST_TAGGED]:
        words = line.split()
        if name == "spacing-ko":
            tokens = [character for word in words for character in word]
            labels = [
                "space" if place == len(word) - 1 else "none"
                for word in words
                for place in range(len(word))
            ]
        else:
            tokens = [word.lower() for word in words]
            labels = ["capital" if word[0].isupper() else "small" for word in words]
        if tokens:
            one = {"words": tokens, "labels": labels}
            lines.append(json.dumps(one, ensure_ascii=False))
    return "\n".join(lines) + "\n"


def run(*arguments: str) -> str:
    """Return what a command of whyformer prints."""
    command = [sys.executable, "-m", "whyformer", *arguments]
    found = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    if found.returncode:
        sys.exit(f"{' '.join(command)}\n{found.stderr}")
    return found.stdout


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    arms = [*AUTO_ARMS, *WORD_ARMS, *SENTENCE_ARMS, *LABEL_ARMS]
    parser.add_argument("--arms", nargs="+", choices=arms, default=["auto"])
    parser.add_argument("--table", metavar="METRIC", help="print the results in --out")
    parser.add_argument(
        "--left-out", metavar="METRIC", help="print the leave-one-out error at --minutes"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    return parser.parse_args()


if __name__ == "__main__":
    main()
