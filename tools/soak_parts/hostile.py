"""Part `hostile`: model directories made to do harm are refused, cheaply, and nothing runs.

Each trial damages a copy of a tiny run in one way, puts the hashes right again (whoever makes a
hostile directory can do that too), and uses it. It passes when the command ends in time with a
documented exit code, in little memory, and without executing what the files carry.
"""

import os
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from soak_parts.forks import GIGABYTE, in_child, say
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
"""Name -> what spoils ``model/`` of a run; `RUNS` spoil what else a run holds."""
FAMILIES = (*TRANSLATORS, *LANGUAGE, *LABELLERS, "bert", "electra")


def set_up(place: Path) -> Path:
    """Make the runs that trials copy; return ``place``."""
    return prepare(place)


def trial(seed: int, index: int, place: Path, every: Sequence[str] = (*MAKERS, *RUNS)) -> Verdict:
    """Make one hostile directory and use it.

    Args:
        place: what `set_up` returned.
        every: names of what spoils a directory, taken in turn.
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
        ending = in_child(say, *argv, seconds=SECONDS, memory=4 * GIGABYTE + allowed)
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
    said = ending.value
    if not said.orderly:
        told = (said.fault or said.err)[-600:]
        return Verdict(False, "traceback", f"{label}: exit {said.code}: {told}")
    if said.code == 0 and name.endswith("!"):
        return Verdict(False, "accepted", f"{label}: {said.out[:100]}")
    if said.code and not said.refused:
        return Verdict(False, "no sentence", f"{label}: exit {said.code}: {said.err[-300:]}")
    kind = "accepted, harmless" if said.code == 0 else "refused"
    return Verdict(True, kind, f"{label}: {said.err.strip()[-300:]}")


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
