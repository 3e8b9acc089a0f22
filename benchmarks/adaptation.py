"""Measure adaptation, distillation, back-translation and minimum Bayes risk on real data.

    python benchmarks/adaptation.py --data DIRECTORY --work DIRECTORY --out results.jsonl \\
        --minutes 4 --parts adapt distil back mbr
    python benchmarks/adaptation.py --out results.jsonl --table

DIRECTORY of ``--data`` has one folder for each corpus (see `CORPORA`); what needs an absent folder
is skipped. ``--work`` keeps the runs and the translations. Every result is one line of ``--out``.
The command can be stopped and run again: finished trainings and results are not repeated.
Trainings run one at a time with one thread; pin them with ``taskset -c 1``.

A result has the scores of one system on one dev file with 95 % intervals, and the paired comparison
with the first system of the same case. `minutes` is the time of the last training, and
`total_minutes` includes the trainings before it, such as those of the teachers. Dev files are used
for scores only: every run holds out its validation set from the training file.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SENTENCE_METRICS = ("chrf", "bleu")
WORD_METRICS = ("wer", "per")
HELD_BACK = 500
"""Number of pairs that select the weights of all runs of the part `back`."""
NEW_PIECES = 1000
"""Number of pieces that the arm `extended` may add to the vocabulary."""
SPEED_SECONDS = 20
"""Computing time of a measurement of the decoding speed."""
ARMS = ("unadapted", "scratch", "adapted", "extended")
PARTS = ("adapt", "distil", "back", "mbr")
CASES = ("words", "words-full", "captions")


@dataclass(frozen=True)
class Corpus:
    """A folder with parallel files.

    Args: train, dev: names of the files without the suffix of the language.
    """

    folder: str
    source: str
    target: str
    train: str = "train"
    dev: str = "dev"


CORPORA = {
    "captions": Corpus("multi30k", "de", "en"),
    "captions-to-german": Corpus("multi30k", "en", "de"),
    "everyday": Corpus("tatoeba-de-en", "de", "en"),
    "similarity": Corpus("stsb-ko-en", "ko", "en"),
    "software": Corpus("software-ko-en", "ko", "en"),
    # This folder has no training file, so its larger dev file (994 pairs) is used for training.
    "news": Corpus("news-ko-en", "ko", "en", train="dev", dev="jhe-dev"),
}
PAIRS = {
    f"{before}-{after}": (before, after)
    for before, after in (
        ("captions", "everyday"),
        ("news", "software"),
        ("software", "news"),
        ("similarity", "software"),
    )
}
"""Name -> the corpus of the model to start from, and the corpus to adapt it to."""
LARGE = ("--model.d-model", "256", "--model.d-ff", "1024")
SMALL = ("--model.d-model", "128", "--model.d-ff", "512")
"""The layers of a small model have a quarter of the parameters of those of a large model."""


@dataclass(frozen=True)
class Dev:
    """A dev set: a file of sources, and one or more files of references."""

    name: str
    source: Path
    references: list[Path]
    metrics: tuple[str, ...] = SENTENCE_METRICS


@dataclass(frozen=True)
class System:
    """What is scored: one run or several as an ensemble, and the options of the search.

    Args: times, total: the time of the last training and of all trainings, as multiples of the
        minutes.
    """

    arm: str
    runs: list[Path]
    times: float
    total: float
    search: tuple[str, ...] = ()


class Session:
    """Trains, translates and scores for one seed, and keeps everything that is finished."""

    def __init__(self, options: argparse.Namespace, seed: int) -> None:
        self.options, self.seed = options, seed
        self.data: Path = options.data
        self.work: Path = options.work / f"{options.minutes:g}-minutes-seed-{seed}"
        for folder in ("runs", "data", "translations"):
            (self.work / folder).mkdir(parents=True, exist_ok=True)
        self.done = {key_of(one) for one in results_in(options.out)}

    def train(self, name: str, *arguments: str, times: float = 1, seed: int | None = None) -> Path:
        """Return the directory of a run that was trained for a multiple of the minutes.

        Args: arguments: the command of whyformer, and what only this run needs.
        """
        run = self.work / "runs" / name
        finished = run.with_suffix(".seconds")
        if not finished.exists():
            begun = time.monotonic()
            whyformer(
                *arguments, "--out", str(run), "--quiet", "--validation.verdict", "false",
                "--training.minutes", f"{times * self.options.minutes:g}",
                "--training.seed", str(self.seed if seed is None else seed),
            )  # fmt: skip
            finished.write_text(f"{time.monotonic() - begun:.1f}\n")
        return run

    def translate(self, system: System, source: Path, name: str) -> Path:
        """Return the file with the translations of a file."""
        output = self.work / "translations" / f"{name}.txt"
        if not output.exists():
            runs = [str(run) for run in system.runs]
            whyformer(
                "translate", *runs, "--input", str(source), "--output", str(output), *system.search
            )
        return output

    def score(self, part: str, case: str, systems: list[System], dev: Dev, **more: Any) -> None:
        """Score systems on a dev set, beside the first system, and write what is new.

        Args: more: further fields of the results.
        """
        first = self.translate(systems[0], dev.source, f"{part}-{case}-{systems[0].arm}-{dev.name}")
        for system in systems:
            result = {
                "part": part, "case": case, "arm": system.arm, "on": dev.name,
                "base_minutes": self.options.minutes, "seed": self.seed,
            }  # fmt: skip
            if key_of(result) in self.done:
                continue
            own = self.translate(system, dev.source, f"{part}-{case}-{system.arm}-{dev.name}")
            files = [first] if own == first else [first, own]
            found = json.loads(
                whyformer(
                    "evaluate", "--hypotheses", *map(str, files), "--references",
                    *map(str, dev.references), "--metric", *dev.metrics, "--json",
                )
            )  # fmt: skip
            scores = found["scores"][str(own)]
            result |= {
                "minutes": round(system.times * self.options.minutes, 3),
                "total_minutes": round(system.total * self.options.minutes, 3),
                "scores": {one["name"]: [one["value"], one["interval"]] for one in scores},
                "against": systems[0].arm,
                "differences": {
                    one["metric"]: [one["difference"], one["interval"], one["p"]]
                    for one in found.get("comparisons") or []
                },
            } | more.get(system.arm, {})
            with self.options.out.open("a") as file:
                file.write(json.dumps(result) + "\n")
            print(json.dumps(result), flush=True)

    def lines(self, folder: str, name: str, suffix: str) -> list[str]:
        """Return the lines of a file of a corpus, plain or compressed."""
        file = self.data / folder / f"{name}.{suffix}"
        packed = file.with_name(f"{file.name}.gz")
        raw = gzip.decompress(packed.read_bytes()) if packed.exists() else file.read_bytes()
        return raw.decode().removesuffix("\n").split("\n")[: self.options.limit or None]

    def files(self, name: str, *sides: list[str], suffixes: tuple[str, ...]) -> Path:
        """Return the prefix of new files with the given lines."""
        prefix = self.work / "data" / name
        for suffix, lines in zip(suffixes, sides, strict=True):
            prefix.with_name(f"{name}.{suffix}").write_text("\n".join(lines) + "\n")
        return prefix

    def corpus(self, name: str) -> tuple[str, ...]:
        """Return the arguments that name the training data of a corpus.

        The training file is copied: `whyformer train` would use a dev file beside it.
        """
        one = CORPORA[name]
        sides = [self.lines(one.folder, one.train, side) for side in (one.source, one.target)]
        prefix = self.files(name, *sides, suffixes=(one.source, one.target))
        return ("--data", str(prefix), *sides_of(one.source, one.target))

    def dev(self, name: str) -> Dev:
        """Return the dev set of a corpus."""
        one = CORPORA[name]
        languages = (one.source, one.target)
        sides = [self.lines(one.folder, one.dev, side) for side in languages]
        prefix = self.files(f"{name}-scored", *sides, suffixes=languages)
        source, reference = (prefix.with_name(f"{prefix.name}.{side}") for side in languages)
        return Dev(name, source, [reference])


def adapt(session: Session) -> None:
    """Domain adaptation: fine-tuned beside unadapted and from scratch, on the new and the old
    domain."""
    for case in session.options.pairs:
        before, after = PAIRS[case]
        if not present(session, *(CORPORA[name].folder for name in (before, after))):
            continue
        old = session.train(before, "train", *session.corpus(before))
        start = ("train", "--start-from", str(old), *session.corpus(after))
        systems = []
        for arm in session.options.arms:
            if arm == "unadapted":
                systems.append(System(arm, [old], 1, 1))
            elif arm == "scratch":
                systems.append(System(arm, [session.train(after, "train", *start[3:])], 1, 1))
            elif arm == "adapted":
                systems.append(System(arm, [session.train(f"{case}-{arm}", *start)], 1, 2))
            else:
                larger = ("--extend-vocabulary", str(NEW_PIECES))
                run = session.train(f"{case}-{arm}", *start, *larger)
                systems.append(System(arm, [run], 1, 2))
        for name in (after, before):
            session.score("adapt", case, systems, session.dev(name))


def distil(session: Session) -> None:
    """Distillation: two teachers of words to one student, and a large model to a small one."""
    measures = {
        "words": lambda: distil_words(session, "words", "pronounce"),
        "words-full": lambda: distil_words(session, "words-full", "pronounce-full"),
        "captions": lambda: distil_captions(session),
    }
    for case in session.options.cases:
        measures[case]()


def distil_words(session: Session, case: str, recipe: str) -> None:
    """Two teachers of one recipe, students of the same size that learn from both, and one model
    that has the time of the teachers and of a student."""
    if not present(session, "cmudict-g2p"):
        return
    train = session.files("words", session.lines("cmudict-g2p", "train", "tsv"), suffixes=("tsv",))
    data = ("--data", f"{train}.tsv")
    first, second = session.seed, session.seed + 1000
    a = session.train(f"{case}-teacher-1", "train", recipe, *data, seed=first)
    b = session.train(f"{case}-teacher-2", "train", recipe, *data, seed=second)
    teach = ("distil", str(a), str(b), *data)
    sequences = session.train(f"{case}-student-of-sequences", *teach, "--level", "sequence")
    student = session.train(f"{case}-student", *teach)
    longer = session.train(f"{case}-longer", "train", recipe, *data, times=3)
    systems = [
        System("single", [a], 1, 1),
        System("ensemble", [a, b], 1, 2),
        System("student", [student], 1, 3),
        System("student-of-sequences", [sequences], 1, 3),
        System("single-3-times", [longer], 3, 3),
    ]
    session.score("distil", case, systems, word_dev(session))


def distil_captions(session: Session) -> None:
    """A large model to a small one."""
    if not present(session, "multi30k"):
        return
    captions = session.corpus("captions-to-german")
    recipe = ("train", "multi30k-en-de", *captions)
    large = session.train("captions-large", *recipe, *LARGE, times=3)
    small = session.train("captions-small", *recipe, *SMALL)
    teach = ("distil", str(large), *captions, *SMALL)
    student = session.train("captions-student", *teach)
    longer = session.train("captions-small-4-times", *recipe, *SMALL, times=4)
    systems = [
        System("large", [large], 3, 3),
        System("small", [small], 1, 1),
        System("student", [student], 1, 4),
        System("small-4-times", [longer], 4, 4),
    ]
    dev = session.dev("captions-to-german")
    speeds = {one.arm: speed_of(one.runs[0], dev.source) for one in (systems[0], systems[2])}
    session.score("distil", "captions", systems, dev, **speeds)


def back(session: Session) -> None:
    """Back-translation: half of the pairs, with and without synthetic pairs, and all pairs."""
    if not present(session, "multi30k"):
        return
    languages = ("en", "de")
    english, german = (session.lines("multi30k", "train", language) for language in languages)
    size = min(HELD_BACK, len(english) // 10)
    held = session.files("back-held", english[:size], german[:size], suffixes=languages)
    sides = [english[size:], german[size:]]
    half = session.files("back-half", *(side[::2] for side in sides), suffixes=languages)
    whole = session.files("back-all", *sides, suffixes=languages)
    alone = session.files("back-alone", sides[1][1::2], suffixes=("de",)).with_suffix(".de")

    def trained(name: str, data: Path, *, reverse: bool = False) -> Path:
        source, target = reversed(languages) if reverse else languages
        files = ("--data", str(data), "--dev", str(held), *sides_of(source, target))
        return session.train(name, "train", *files)

    backwards = System("backwards", [trained("back-reversed", half, reverse=True)], 1, 1)
    synthetic = (
        session.translate(backwards, alone, "back-synthetic")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    pairs = [
        (one, other) for one, other in zip(synthetic, sides[1][1::2], strict=True) if one.strip()
    ]
    mixed = session.files(
        "back-mixed",
        sides[0][::2] + [one for one, _ in pairs],
        sides[1][::2] + [other for _, other in pairs],
        suffixes=languages,
    )
    systems = [
        System("half", [trained("back-half", half)], 1, 1),
        System("half-and-synthetic", [trained("back-mixed", mixed)], 1, 2),
        System("all", [trained("back-all", whole)], 1, 1),
    ]
    session.score("back", "captions", systems, session.dev("captions-to-german"))


def mbr(session: Session) -> None:
    """Minimum Bayes risk over samples beside beam search, with the same model."""
    if not present(session, "multi30k"):
        return
    run = session.train("captions-mbr", "train", *session.corpus("captions-to-german"), times=2)
    samples = ("--sample", "--mbr", "chrf", "--seed", "1")
    searches = {
        "beam-5": ("--beam", "5"),
        "greedy": ("--beam", "1"),
        "mbr-16": (*samples, "--nbest", "16"),
        "mbr-64": (*samples, "--nbest", "64"),
        "mbr-64-min-p": (*samples, "--nbest", "64", "--min-p", "0.05"),
    }
    systems = [System(arm, [run], 2, 2, search) for arm, search in searches.items()]
    session.score("mbr", "captions", systems, session.dev("captions-to-german"))


def present(session: Session, *folders: str) -> bool:
    """Return whether the folders of the corpora exist; if not, say which one is missing."""
    missing = [one for one in folders if not (session.data / one).is_dir()]
    if missing:
        print(f"skipped: {session.data / missing[0]} does not exist", file=sys.stderr)
    return not missing


def sides_of(source: str, target: str) -> tuple[str, ...]:
    """Return the options that name the sides of two parallel files."""
    return ("--data.source", source, "--data.target", target)


def word_dev(session: Session) -> Dev:
    """Return a dev set of words with one or more pronunciations.

    Every file of references has a line for each word. If a word has fewer pronunciations than
    files, its first pronunciation is repeated.
    """
    words: dict[str, list[str]] = {}
    for line in session.lines("cmudict-g2p", "dev", "tsv"):
        word, sounds = line.split("\t")
        words.setdefault(word, []).append(sounds)
    count = max(map(len, words.values()))
    names = tuple(f"reference-{number}" for number in range(count))
    sides = [[(one * count)[0] if n >= len(one) else one[n] for one in words.values()]
             for n in range(count)]  # fmt: skip
    prefix = session.files("words-dev", [*words], *sides, suffixes=("source", *names))
    files = [prefix.with_name(f"words-dev.{name}") for name in ("source", *names)]
    return Dev("words", files[0], files[1:], WORD_METRICS)


def speed_of(run: Path, source: Path) -> dict[str, Any]:
    """Return the number of parameters and the decoding speed of a run, measured once."""
    kept = run.with_suffix(".speed.json")
    if not kept.exists():
        seconds = ("--seconds", str(SPEED_SECONDS))
        kept.write_text(
            whyformer("bench", "--run", str(run), "--source", str(source), *seconds, "--json")
        )
    found = json.loads(kept.read_text(encoding="utf-8"))
    speeds = {
        f"{one['engine']} {one['search']} batch {one['batch']}": one["sentences_per_second"][
            "median"
        ]
        for one in found["decoding"]
    }
    return {"parameters": found["parameters"], "sentences_per_second": speeds}


def results_in(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the results of the output file."""
    if file.exists():
        yield from map(json.loads, file.read_text(encoding="utf-8").splitlines())


def key_of(result: dict[str, Any]) -> tuple[Any, ...]:
    """Return what a result is a result of."""
    return tuple(result[name] for name in ("part", "case", "arm", "on", "base_minutes", "seed"))


def table(file: Path) -> str:
    """Return the results as a Markdown table."""
    lines = [
        "| part | case | system | minutes (in all) | dev set | scores | difference |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in results_in(file):
        scores = ", ".join(
            f"{name} {value:.1f}{within(interval)}"
            for name, (value, interval) in one["scores"].items()
        )
        differences = ", ".join(
            f"{name} {value:+.1f}{within(interval)}"
            for name, (value, interval, _) in one["differences"].items()
        )
        minutes = f"{one['minutes']:g} ({one['total_minutes']:g})"
        row = (one["part"], one["case"], one["arm"], minutes, one["on"], scores, differences)
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def within(interval: list[float] | None) -> str:
    """Return an interval as text; "" if there is none."""
    return "" if interval is None else f" [{interval[0]:.1f}, {interval[1]:.1f}]"


def whyformer(*arguments: str) -> str:
    """Return what a command of whyformer prints."""
    command = [sys.executable, "-m", "whyformer", *arguments]
    found = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    if found.returncode:
        sys.exit(f"{' '.join(command)}\n{found.stderr}")
    return found.stdout


def main() -> None:
    """Measure every part that was asked for."""
    options = parse_options()
    if options.table:
        print(table(options.out))
        return
    measures = {"adapt": adapt, "distil": distil, "back": back, "mbr": mbr}
    for seed in options.seeds:
        session = Session(options, seed)
        for part in options.parts:
            measures[part](session)


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="directory with the folders of the corpora")
    parser.add_argument("--work", type=Path, help="directory for runs and translations")
    parser.add_argument("--out", type=Path, required=True, help="file of the results")
    parser.add_argument("--minutes", type=float, default=4.0, help="time of one training")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--pairs", nargs="+", choices=PAIRS, default=[*PAIRS], help="for adapt")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES, help="for distil")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS[:3], help="for adapt")
    parser.add_argument(
        "--limit", type=int, default=0, help="for a trial: read this number of lines of each file"
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument("--table", action="store_true", help="print the results in --out")
    options = parser.parse_args()
    if not options.table and not (options.data and options.work):
        parser.error("--data and --work are required.")
    return options


if __name__ == "__main__":
    main()
