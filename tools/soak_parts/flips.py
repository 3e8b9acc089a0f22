"""Part `flips`: every command notices a flipped bit in a file that it reads.

A trial passes if the command prints one sentence and fails, or if its complete result is identical,
byte for byte, to that of the undamaged run. It fails if the result differs without a message.
"""

import functools
import hashlib
import os
import random
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from soak_parts.forks import CommandResult, Ending, in_child, run_command
from soak_parts.tiny_runs import KINDS, LABELLERS, LANGUAGE, TRANSLATORS, prepare, training_command
from soak_parts.verdicts import Verdict

NOT_OURS = (".lock", "done")
"""Empty files of a prepared run."""
MODEL, RESUMED = (
    "model/",
    ("checkpoint/", "tokenizers/", "corpus", "journal", "recipe", "run.json", "timetable"),
)


@dataclass(frozen=True)
class Use:
    """One command on one run.

    Args:
        name: name of the command in the report.
        run: directory name of the run.
        reads: prefixes of the paths inside the run that the command reads.
        call: function that runs the command, given the directory of all runs.
        writes: files whose content is part of the result, in addition to the output.
    """

    name: str
    run: str
    reads: tuple[str, ...]
    call: Callable[[Path], CommandResult]
    writes: tuple[str, ...] = ()


def uses() -> list[Use]:
    """Return every command with every kind of run that it can read."""
    found: list[Use] = []

    def add(name: str, run: str, *argv: str, reads: tuple[str, ...] = (MODEL,)) -> None:
        found.append(Use(name, run, reads, functools.partial(_command, argv)))

    for run in TRANSLATORS:
        add(
            "translate",
            run,
            "translate",
            f"@{run}",
            "--input",
            "@data/sources.txt",
            "--json",
            "--engine",
            "torch",
        )
        add(
            "evaluate",
            run,
            "evaluate",
            f"@{run}",
            "--source",
            "@data/sources.txt",
            "--references",
            "@data/references.txt",
            "--metric",
            "chrf",
        )
        add(
            "score",
            run,
            "score",
            f"@{run}",
            "--source",
            "@data/sources.txt",
            "--target",
            "@data/references.txt",
            "--json",
        )
        found.append(Use("load", run, (MODEL,), functools.partial(_load, run)))
    add(
        "translate by ctranslate2",
        "pairs",
        "translate",
        "@pairs",
        "--input",
        "@data/sources.txt",
        "--json",
        "--engine",
        "ctranslate2",
        reads=(MODEL, "ctranslate2/"),
    )
    add(
        "translate by auto",
        "pairs",
        "translate",
        "@pairs",
        "--input",
        "@data/sources.txt",
        "--json",
        reads=(MODEL, "ctranslate2/"),
    )
    found.append(Use("convert", "pairs", (MODEL, "corpus-dev/", "run.json"), _convert))
    for run in LANGUAGE:
        add(
            "generate",
            run,
            "generate",
            f"@{run}",
            "--prompt",
            "ba",
            "--seed",
            "1",
            "--tokens",
            "12",
            "--json",
        )
        add("evaluate", run, "evaluate", f"@{run}", "--text", "@data/text.txt", "--json")
    for run in LABELLERS:
        data = str(KINDS[run].data)
        add("classify", run, "classify", f"@{run}", "--input", "@data/sources.txt", "--json")
        add("evaluate", run, "evaluate", f"@{run}", "--labelled", f"@data/{data}", "--json")
    for run in KINDS:
        if run != "electra":  # not supported by inspect
            add("inspect", run, "inspect", f"@{run}", "--text", "ba de ki", "--json")
        found.append(
            Use(
                "train (resumed)",
                f"{run}-half",
                RESUMED,
                functools.partial(_resume, run),
                ("model", "checkpoint/state.safetensors", "journal.jsonl"),
            )
        )
    for run in ("bert", "electra"):
        found.append(Use("train --start-from", run, (MODEL,), functools.partial(_start_from, run)))
    add("diagnose", "diverged", "diagnose", "@diverged", reads=("diagnosis/",))
    add("diagnose --json", "diverged", "diagnose", "@diverged", "--json", reads=("diagnosis/",))
    return found


def set_up(place: Path, names: Sequence[str] = ()) -> Path:
    """Train the runs with these names, or all, under ``place``; return ``place``.

    Existing runs are kept.
    """
    for name in names or [*KINDS, *(f"{kind}-half" for kind in KINDS), "diverged"]:
        run = place / name
        if (run / "done").exists():
            continue
        prepare(place, (name.removesuffix("-half"),) if name != "diverged" else ())
        if name in KINDS:
            continue
        shutil.rmtree(run, ignore_errors=True)
        make, code = (_diverged, 1) if name == "diverged" else (_stopped_half_way, 130)
        ending = in_child(make, name.removesuffix("-half"), place, seconds=300, memory=None)
        if ending.fault or ending.value.code != code:
            raise RuntimeError(f"{run}: {ending.fault or ending.value}")
        (run / "done").write_text("", encoding="utf-8")
    return place


def trial(seed: int, index: int, place: Path, every: Sequence[Use] = ()) -> Verdict:
    """Flip one bit of a file and run a command.

    Args:
        place: directory from `set_up`; only one process may use it at a time.
        every: commands to choose from; the default is all.
    """
    rng = random.Random(f"flips/{seed}/{index}")
    every = every or uses()
    # Draw the command first: otherwise commands with many kinds of runs would be more frequent.
    name = rng.choice(sorted({use.name for use in every}))
    use = rng.choice([use for use in every if use.name == name])
    files = _files(place / use.run)
    read = [file for file in files if file.startswith(use.reads)]
    file = rng.choice(read if read and rng.random() < 0.9 else files)
    size = (place / use.run / file).stat().st_size
    bit = rng.randrange(size * 8)
    label = f"{use.name}: bit {bit} of {use.run}/{file} ({size} bytes)"
    before = _result(use, place)
    if before.fault or before.value[0].code != 0:
        return Verdict(False, "undamaged", f"{use.name} of {use.run}: {before}")
    after = _with_flip(use, place, file, bit)
    return _judged(before, after, label)


def _judged(before: Ending, after: Ending, label: str) -> Verdict:
    if after.fault:
        return Verdict(False, "crash", f"{label}: {after.fault[-600:]}")
    result, _ = after.value
    if not result.orderly:
        return Verdict(
            False,
            "traceback",
            f"{label}: exit {result.code}: {(result.fault or result.err)[-600:]}",
        )
    if result.refused:
        return Verdict(True, "refused", label)
    if (
        result.code == 0
        and after.value[0].out == before.value[0].out
        and after.value[1] == before.value[1]
    ):
        return Verdict(True, "no effect", label)
    return Verdict(
        False, "silent", f"{label}: exit {result.code}, another result; {result.err[-300:]}"
    )


@functools.cache
def _undamaged(name: str, run: str, place: Path, number: int) -> Ending:
    return in_child(_on_a_copy, uses()[number], place, None, 0, seconds=60)


def _result(use: Use, place: Path) -> Ending:
    number = next(n for n, one in enumerate(uses()) if (one.name, one.run) == (use.name, use.run))
    return _undamaged(use.name, use.run, place, number)


def _with_flip(use: Use, place: Path, file: str, bit: int) -> Ending:
    return in_child(_on_a_copy, use, place, file, bit, seconds=60)


def _on_a_copy(use: Use, place: Path, file: str | None, bit: int) -> tuple[CommandResult, str]:
    """Replace a run by a damaged copy, run the command, and return its result and output hash."""
    kept, run = place / f".kept-{use.run}", place / use.run
    if kept.exists():  # an earlier child was killed
        shutil.rmtree(run, ignore_errors=True)
    else:
        os.replace(run, kept)
    shutil.copytree(kept, run)
    try:
        if file is not None:
            flip(run / file, bit)
            after_damage(run)
        result = use.call(place)
        return result, _hash_of(run, use.writes)
    finally:
        shutil.rmtree(run, ignore_errors=True)
        os.replace(kept, run)


def after_damage(_run: Path) -> None:
    """Do nothing. A planted fault replaces this function."""


def flip(path: Path, bit: int) -> None:
    """Flip one bit of a file."""
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def _files(run: Path) -> list[str]:
    found = [file for file in run.rglob("*") if file.is_file() and file.stat().st_size]
    return sorted(str(file.relative_to(run)) for file in found if file.name not in NOT_OURS)


def _hash_of(run: Path, names: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for name in names:
        for file in sorted([run / name, *(run / name).rglob("*")]):
            if file.is_file():
                digest.update(f"{file.relative_to(run)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _command(argv: tuple[str, ...], place: Path) -> CommandResult:
    return run_command(*(str(place / one[1:]) if one.startswith("@") else one for one in argv))


def _load(run: str, place: Path) -> CommandResult:
    """Translate with the Python API; a `WhyformerError` counts as a failed command."""
    import whyformer
    from whyformer.foundation.errors import WhyformerError

    texts = (place / "data" / "sources.txt").read_text(encoding="utf-8").splitlines()
    try:
        answers = whyformer.load(place / run).answers(texts)
    except WhyformerError as error:
        return CommandResult(error.exit_code, "", f"whyformer: {error}")
    return CommandResult(0, repr([(one.text, one.score) for one in answers]), "")


def _convert(place: Path) -> CommandResult:
    out = place / "converted"
    shutil.rmtree(out, ignore_errors=True)
    try:
        return run_command("convert", place / "pairs", "--out", out, "--sentences", "8", "--json")
    finally:
        shutil.rmtree(out, ignore_errors=True)


def _resume(name: str, place: Path) -> CommandResult:
    return run_command(*training_command(name, place / "data", place / f"{name}-half"), "--json")


def _start_from(name: str, place: Path) -> CommandResult:
    out = place / "started"
    shutil.rmtree(out, ignore_errors=True)
    argv = training_command("classify", place / "data", out)
    options = zip(argv[7::2], argv[8::2], strict=True)
    # The model's size and the tokenizer come from the run to start from.
    kept = [pair for pair in options if not pair[0].startswith(("--model.", "--text."))]
    try:
        result = run_command(
            *argv[:7], *(one for pair in kept for one in pair), "--start-from", place / name
        )
        return CommandResult(
            result.code, result.out + _hash_of(out, ("model",)), result.err, result.fault
        )
    finally:
        shutil.rmtree(out, ignore_errors=True)


def _stopped_half_way(name: str, place: Path) -> CommandResult:
    """Train until update 4 of 6, and then stop as with Ctrl-C."""
    from whyformer.training.journal import Journal

    record = Journal.update

    def update(self: Journal, report: "object") -> None:
        record(self, report)  # pyright: ignore[reportArgumentType]
        if report.step == 4:  # pyright: ignore[reportAttributeAccessIssue]
            os.kill(os.getpid(), signal.SIGINT)

    Journal.update = update  # pyright: ignore[reportAttributeAccessIssue]
    return run_command(*training_command(name, place / "data", place / f"{name}-half"))


def _diverged(_name: str, place: Path) -> CommandResult:
    """Train with a learning rate at which training diverges, so that a diagnosis is written."""
    argv = training_command(
        "pairs",
        place / "data",
        place / "diverged",
        training__learning_rate="1e6",
        training__clip="0",
        training__warmup="0",
    )
    return run_command(*argv)
