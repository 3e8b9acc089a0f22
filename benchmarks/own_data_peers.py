"""Train JoeyNMT and Hugging Face's Marian on the sentence sets of `own_data.py`, on one core.

    taskset -c 1 python benchmarks/own_data_peers.py --data DIRECTORY --out peers.jsonl --minutes 8
    python benchmarks/own_data.py --out peers.jsonl --table chrf

Every result is one line of the output file, in the format of `own_data.py`. A result that is in the
file already is not measured again, so the command can be stopped and run again. The minutes include
the updates and the validations, but not the start of the process, the training of the tokenizer, or
the conversion of the text to tokens. See README.md.

Each peer trains on all pairs except about 2 % (at most 500 pairs), which select the checkpoint. The
dev file of a corpus is used for the score only. Test files are not read.
"""

import argparse
import functools
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from own_data import files_of, run, scores_in
from training_speed import ALLOCATOR, HERE, JOEYNMT, PEERS, peers_python, say

SETS = ["tatoeba-ko-en", "software-de-en", "stylekqc-ko-en", "enja", "tatoeba-de-en"]
SMALL = 10_000
"""With fewer pairs, a training of some minutes reads each pair many times."""
VALIDATION_SHARE, MAX_VALIDATION = 0.02, 500

Settings = dict[str, Any]
BASE: Settings = {
    "vocabulary": 4000, "encoder_layers": 3, "decoder_layers": 2, "d_model": 128, "heads": 4,
    "d_ff": 512, "dropout": 0.0, "label_smoothing": 0.1, "batch_tokens": 2048, "warmup": 100,
    "rate": 2e-3, "max_length": 100, "beam": 5, "length_penalty": 1.0,
}  # fmt: skip
"""Settings of both peers. `rate` is the highest learning rate."""
PEER: dict[str, Settings] = {
    "joeynmt": {"norm": "pre", "rate": 4e-3},
    "marian": {"xavier": True},
}
"""Settings of one peer. `xavier` replaces the initialization of Hugging Face, `normal(0, 0.02)`."""
FEW_PAIRS: Settings = {"dropout": 0.1, "batch_tokens": 1024, "vocabulary": 2000}
"""Settings for data sets with fewer than `SMALL` pairs."""
TRIALS: dict[str, Settings] = {
    "drop1": {"dropout": 0.1},
    "drop2": {"dropout": 0.2},
    "drop3": {"dropout": 0.3},
    "rate1": {"rate": 1e-3},
    "rate2": {"rate": 2e-3},
    "rate3": {"rate": 3e-3},
    "rate4": {"rate": 4e-3},
    "post": {"norm": "post"},
    "init": {"xavier": False},
    "b1024": {"batch_tokens": 1024},
    "b2048": {"batch_tokens": 2048},
    "v1000": {"vocabulary": 1000},
    "v2000": {"vocabulary": 2000},
    "v4000": {"vocabulary": 4000},
    "wide": {"d_model": 192, "d_ff": 768},
    "d256": {"d_model": 256, "d_ff": 1024},
}
"""Settings that were tried. An arm is a peer, or a peer with trials, such as `marian-drop1`."""


def main() -> None:
    """Measure everything that was asked for and is not in the output file."""
    options = parse_options()
    done = set()
    if options.out.exists():
        for line in options.out.read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            done.add((one["set"], one["arm"], one["minutes"], one["seed"]))
    pythons = {"marian": peers_python(PEERS), "joeynmt": peers_python(JOEYNMT)}
    # Processes that this thread starts inherit its cores.
    own_cores = functools.partial(os.sched_setaffinity, 0, options.translate_on)
    with ThreadPoolExecutor(1, initializer=own_cores) as translations:
        waiting: list[Future[None]] = []
        for seed in options.seeds:
            for name in options.sets:
                for arm in options.arms:
                    if (name, arm, options.minutes, seed) not in done:
                        score = trained(options, pythons[peer_of(arm)], name, arm, seed)
                        waiting.append(translations.submit(score))
                        if not options.in_background:
                            waiting[-1].result()
        for one in waiting:
            one.result()


def trained(options: argparse.Namespace, python: Path, name: str, arm: str, seed: int) -> Any:
    """Train once. Return a function that translates, scores and writes the result."""
    folder = tempfile.TemporaryDirectory()
    work = Path(folder.name)
    prefix, scored, sides = files_of(options.data, name, work)
    pairs = pairs_of(prefix, (sides["data.source"], sides["data.target"]))
    settings = settings_of(arm, len(pairs))
    settings |= {"seed": seed, "minutes": options.minutes, "clock": options.clock}
    write_split(pairs, work, seed)
    source, references = scored[1], scored[3]
    texts = Path(source).read_text(encoding="utf-8").splitlines()
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    write(work / "scored.src", [texts[index] for index in order])
    (work / "settings.json").write_text(json.dumps(settings))
    say(f"{name}, {arm}: {len(pairs):,} pairs, {options.minutes:g} minutes")
    worker(python, "tokenizer", arm, work)
    begun = time.monotonic()
    found = json.loads(worker(python, "train", arm, work))
    seconds = time.monotonic() - begun

    def score() -> None:
        worker(python, "translate", arm, work)
        answers = (work / "answers.txt").read_text(encoding="utf-8").split("\n")[: len(order)]
        restored = dict(zip(order, answers, strict=True))
        write(work / "hypotheses.txt", [restored[index] for index in range(len(order))])
        given = ["--hypotheses", str(work / "hypotheses.txt"), "--references", references]
        scores = json.loads(run("evaluate", *given, "--metric", "bleu", "chrf", "--json"))
        result = {
            "set": name, "arm": arm, "minutes": options.minutes, "seed": seed,
            "scores": {one["name"]: one["value"] for one in scores_in(scores)},
            "seconds": round(seconds, 1), **found, "settings": settings,
        }  # fmt: skip
        with options.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")
        print(json.dumps(result), flush=True)
        folder.cleanup()

    return score


def peer_of(arm: str) -> str:
    """Return the peer of an arm."""
    return arm.split("-")[0]


def settings_of(arm: str, pairs: int) -> Settings:
    """Return all settings of an arm on a data set with a given number of pairs."""
    peer, *trials = arm.split("-")
    settings = BASE | PEER[peer] | (FEW_PAIRS if pairs < SMALL else {})
    for one in trials:
        settings |= TRIALS[one]
    return settings


def pairs_of(prefix: Path, sides: tuple[str, str]) -> list[tuple[str, str]]:
    """Return the training pairs of two parallel files. Pairs with an empty side are dropped."""
    columns = []
    for side in sides:
        plain = Path(f"{prefix}.{side}")
        packed = Path(f"{plain}.gz")
        content = gzip.decompress(packed.read_bytes()) if packed.exists() else plain.read_bytes()
        columns.append([line.strip() for line in content.decode("utf-8").rstrip("\n").split("\n")])
    return [pair for pair in zip(*columns, strict=True) if all(pair)]


def write_split(pairs: list[tuple[str, str]], work: Path, seed: int) -> None:
    """Write the training pairs and the validation pairs. No source is in both."""
    sources = sorted({source for source, _ in pairs})
    random.Random(seed).shuffle(sources)
    count = min(MAX_VALIDATION, max(1, int(len(sources) * VALIDATION_SHARE)))
    chosen = set(sources[:count])
    held = {pair[0]: pair for pair in pairs if pair[0] in chosen}
    parts = {
        "train": [pair for pair in pairs if pair[0] not in chosen],
        "valid": sorted(held.values(), key=lambda pair: len(pair[0])),
    }
    for part, found in parts.items():
        write(work / f"{part}.src", [source for source, _ in found])
        write(work / f"{part}.trg", [target for _, target in found])


def write(file: Path, lines: list[str]) -> None:
    """Write lines to a file."""
    file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def worker(python: Path, action: str, arm: str, work: Path) -> str:
    """Run an action of the worker and return what it prints."""
    command = [str(python), str(HERE / "own_data_peers_worker.py"), action, peer_of(arm), str(work)]
    environment = os.environ | ALLOCATOR | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with (work / f"{action}.log").open("w") as log:
        found = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=log, env=environment, text=True
        )
    if found.returncode:
        sys.exit(f"{' '.join(command)}\n{(work / f'{action}.log').read_text()[-4000:]}")
    return found.stdout


def arm_name(text: str) -> str:
    """Return an arm if its peer and its trials exist."""
    peer, *trials = text.split("-")
    if peer not in PEER or not set(trials) <= set(TRIALS):
        raise argparse.ArgumentTypeError(
            f"must be one of {', '.join(PEER)}, optionally with -{', -'.join(TRIALS)}"
        )
    return text


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--arms", nargs="+", type=arm_name, default=list(PEER), metavar="ARM")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument(
        "--clock",
        choices=("wall", "cpu"),
        default="wall",
        help="what the minutes count: elapsed time (default), or time of the processor, for trials "
        "on a busy machine",
    )
    parser.add_argument(
        "--translate-on",
        type=int,
        nargs="+",
        metavar="CORE",
        help="translate and score on these cores while the next training runs (default: translate "
        "on the cores of the training, before the next training)",
    )
    options = parser.parse_args()
    options.in_background = bool(options.translate_on)
    options.translate_on = options.translate_on or os.sched_getaffinity(0)
    return options


if __name__ == "__main__":
    main()
