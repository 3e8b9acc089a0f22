"""Part `hostile`: malicious model directories need little time and memory and run no code.

Each trial changes a copy of a tiny run in one way, corrects its hashes, as an attacker would, and
runs a command on it. A trial passes if the command ends in time with a documented exit code, needs
little memory, and executes no code from the files.
"""

import os
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from soak_parts.forks import GIGABYTE, in_child, run_command
from soak_parts.hostile_configs import CONFIGS
from soak_parts.hostile_files import FILES
from soak_parts.hostile_runs import RUNS
from soak_parts.hostile_weights import WEIGHTS
from soak_parts.sealing import seal
from soak_parts.tiny_runs import LABELLERS, LANGUAGE, TRANSLATORS, prepare, training_command
from soak_parts.verdicts import Verdict

SECONDS, SPARE = 20.0, 300 << 20
Maker = Callable[[random.Random, Path], None]
MAKERS: dict[str, Maker] = CONFIGS | WEIGHTS | FILES
"""Functions that change ``model/`` of a run, by name. Those in `RUNS` change its other files."""
FAMILIES = (*TRANSLATORS, *LANGUAGE, *LABELLERS, "bert", "electra")


def set_up(place: Path) -> Path:
    """Train the runs that the trials copy; return ``place``."""
    return prepare(place)


def trial(seed: int, index: int, place: Path, every: Sequence[str] = (*MAKERS, *RUNS)) -> Verdict:
    """Make one malicious directory and run a command on it.

    Args:
        place: directory from `set_up`.
        every: names of the changes, which are used in turn.
    """
    rng = random.Random(f"hostile/{seed}/{index}")
    name = every[index % len(every)]
    family = rng.choice(FAMILIES) if name in MAKERS else "pairs"
    run, canary = place / f"hostile-{index}", place / f"canary-{index}"
    shutil.rmtree(run, ignore_errors=True)
    canary.unlink(missing_ok=True)
    shutil.copytree(place / family, run)
    os.environ["SOAK_CANARY"] = str(canary)
    try:
        if name in MAKERS:
            MAKERS[name](rng, run / "model")
            argv = _command(rng, family, run, place)
        else:
            RUNS[name](rng, run)
            argv = _command_on_run(name, rng, run, place)
        seal(run)
        size = _size(run)
        allowed = int(1.3 * size) + SPARE
        ending = in_child(run_command, *argv, seconds=SECONDS, memory=4 * GIGABYTE + allowed)
        label = f"{name} of {family}: {' '.join(argv[:2])}"
        return _judged(name, ending, allowed, executed=canary.exists(), label=label)
    finally:
        canary.unlink(missing_ok=True)
        shutil.rmtree(run, ignore_errors=True)
        shutil.rmtree(place / "hostile-out", ignore_errors=True)


def _judged(name: str, ending: Any, allowed: int, *, executed: bool, label: str) -> Verdict:
    if executed:
        return Verdict(False, "executed", label)
    if ending.fault:
        return Verdict(False, "crash", f"{label}: {ending.fault[-600:]}")
    if ending.grown > allowed:
        return Verdict(
            False, "memory", f"{label}: {ending.grown >> 20} MiB, allowed {allowed >> 20} MiB"
        )
    result = ending.value
    if not result.orderly:
        detail = (result.fault or result.err)[-600:]
        return Verdict(False, "traceback", f"{label}: exit {result.code}: {detail}")
    if result.code == 0 and name.endswith("!"):
        return Verdict(False, "accepted", f"{label}: {result.out[:100]}")
    if result.code and not result.refused:
        return Verdict(False, "no sentence", f"{label}: exit {result.code}: {result.err[-300:]}")
    kind = "accepted, harmless" if result.code == 0 else "refused"
    return Verdict(True, kind, f"{label}: {result.err.strip()[-300:]}")


def _command(rng: random.Random, family: str, run: Path, place: Path) -> list[str]:
    data = place / "data"
    argv = [["inspect", str(run), "--text", "ba de"]]
    if family in TRANSLATORS:
        argv += [
            ["translate", str(run), "--text", "ba de"],
            [
                "score",
                str(run),
                "--source",
                str(data / "sources.txt"),
                "--target",
                str(data / "references.txt"),
            ],
        ]
    elif family in LANGUAGE:
        argv += [["generate", str(run), "--prompt", "ba", "--tokens", "5"]] * 2
    elif family in LABELLERS:
        argv += [["classify", str(run), "--text", "ba de"]] * 2
    else:
        base = training_command("classify", data, place / "hostile-out")[:7]
        argv = [[*base, "--start-from", str(run), "--training.updates", "1"]]
    return rng.choice(argv)


def _command_on_run(name: str, rng: random.Random, run: Path, place: Path) -> list[str]:
    if name.startswith("conversion"):
        return [
            "translate",
            str(run),
            "--text",
            "ba de",
            "--engine",
            rng.choice(("auto", "ctranslate2")),
        ]
    if name.startswith("diagnosis"):
        return ["diagnose", str(run)]
    return training_command("pairs", place / "data", run)


def _size(run: Path) -> int:
    return sum(f.lstat().st_size for f in run.rglob("*") if f.is_file() and not f.is_symlink())
