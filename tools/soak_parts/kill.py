"""Part `kill`: after a kill at any moment, the same command completes the job, bit for bit.

A trial starts a job (see jobs.py) and kills, stops or interrupts it. This happens before, during or
after the k-th operation on its files, or after some processor time. The moments are spread evenly
over the job. Then existing files must be complete, the same command must finish the job, and every
file must be equal to that of an undisturbed run. Power loss is not tested: after a kill, the
operating system still completes pending writes.
"""

import json
import random
import signal
from functools import partial
from pathlib import Path

from soak_parts import syscalls
from soak_parts.forks import Ending
from soak_parts.jobs import (
    EVERY,
    JOBS,
    Job,
    Undisturbed,
    difference,
    fresh,
    run,
    snapshot,
    undisturbed,
)
from soak_parts.syscalls import CHANGING, Action, Plan
from soak_parts.together import KILLED
from soak_parts.verdicts import Verdict

GOLDEN = 0.6180339887498949
"""The fractional parts of its multiples are spread evenly over 0 to 1, for any number of them."""
INTERRUPTIONS = (
    "kill before",
    "SIGTERM at",
    "kill within",
    "kill after a time",
    "SIGINT twice at",
    "kill after",
    "stop at",
    "kill after a time",
    "SIGINT twice after a time",
    "kill within",
    "SIGTERM after a time",
    "stop after a time",
)
"""The interruptions in successive trials of a job."""
AGAIN = 0.2
"""Share of trials in which the second start is also killed."""
KILLS = {
    "kill before": Action.KILL_BEFORE,
    "kill within": Action.KILL_HALFWAY,
    "kill after": Action.KILL_AFTER,
}
SIGNALS = {"SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT, "stop": signal.SIGSTOP}


def trial(seed: int, index: int, place: Path) -> Verdict:
    """Interrupt one job once or twice, run it again, and check the result."""
    rng = random.Random(f"kill/{seed}/{index}")
    names = list(JOBS)
    turn, number = divmod(index, len(names))
    job, way = JOBS[names[number]], INTERRUPTIONS[(turn + number) % len(INTERRUPTIONS)]
    moment = (turn * GOLDEN + number / len(names) + seed * GOLDEN**2) % 1.0
    rank = rng.randrange(job.ranks)
    if rank > 0 and not way.endswith("a time"):
        way = f"{way.split()[0]} {'twice ' if 'twice' in way else ''}after a time"
    known = undisturbed(job, place)
    label = f"{job.name}: {way} at {moment:.4f}, rank {rank}"
    out, log = fresh(job, place), place / "kill.log"
    endings = run(
        job, place, out, disturb=partial(_disturb, way, moment, known, rng.random()),
        rank=rank, watch=(log,) * job.ranks,
    )  # fmt: skip
    if fault := _ended_wrongly(way, endings, rank, known.code):
        return Verdict(False, "ending", f"{label}: {fault}")
    again = rng.random() < AGAIN and not way.startswith("stop")
    expected = checkpoints_in_place(log, out, asked=way.startswith("SIG"))
    if again:
        run(
            job, place, out, disturb=partial(_disturb, "kill within", rng.random(), known, 0.0),
            watch=(place / "again.log",) * job.ranks,
        )  # fmt: skip
    final = run(job, place, out, disturb=partial(check_standing, job, out, expected))
    for ending in final:
        if ending.fault or ending.value[0].code != known.code or ending.value[0].fault:
            kind = "lost" if "Lost" in ending.fault else "not completed"
            return Verdict(False, kind, f"{label}: {describe(ending)}")
    if how := difference(known.files, snapshot(out, sweeps=job.trains)):
        return Verdict(False, "different", f"{label}: {how}")
    return Verdict(True, f"{job.name.split(',')[0]} · {way.split()[0]}", label)


def _disturb(way: str, moment: float, known: Undisturbed, draw: float) -> None:
    """Plan the interruption in the child. Args: moment: from 0, the job's start, to 1, its end."""
    first = signal.SIGKILL if way.startswith("kill") else SIGNALS[way.split()[0]]
    if way.endswith("a time"):
        syscalls.signal_after(moment * known.seconds, first)
        if "twice" in way:
            syscalls.signal_after(moment * known.seconds + 0.05 * draw, first)
        return
    at = 1 + int(moment * known.number(CHANGING))
    second = int(first) if "twice" in way else 0
    action = KILLS.get(way, Action.SIGNAL)
    syscalls.plan(Plan(at, action, value=int(first), second=second, gap=1 + int(20 * draw)))


def _ended_wrongly(way: str, endings: list[Ending], rank: int, code: int) -> str:
    """Return a description of a process that ended wrongly, or ""."""
    failed = any(e.fault not in ("", KILLED) or (e.value and e.value[0].code) for e in endings)
    for number, ending in enumerate(endings):
        if ending.fault == KILLED and failed:  # as by torchrun
            continue
        if ending.fault:
            own = {"kill": "SIGKILL", "SIGTERM": "SIGTERM"}.get(way.split()[0])
            if number == rank and own and ending.fault == f"the process died: {own}":
                continue
            return describe(ending)
        result = ending.value[0]
        allowed = {code} if way.startswith("stop") else {code, 130}
        if len(endings) > 1 and not way.startswith("stop"):
            allowed.add(1)  # another rank ended
        if not result.orderly or result.code not in allowed:
            return describe(ending)
        if result.code == 1 != code and not result.refused:
            return f"no sentence: {describe(ending)}"
    return ""


def checkpoints_in_place(log: Path, out: Path, *, asked: bool) -> int:
    """Return the update of the last checkpoint that was in place before the process ended.

    Args: asked: whether the process received a request to stop. Then it may write one more.
    """
    moved = f"rename {out / 'checkpoint'}"
    # After a failed rename, another rename restored the previous checkpoint.
    failed = syscalls.marked(log).count(moved)
    whole = syscalls.operations(log, ("rename",)).count(moved) - 2 * failed
    unsure = asked or syscalls.operations(log)[-1:] == [moved]
    return EVERY * max(0, whole - unsure)


class LostError(Exception):
    """A file that was complete is missing or damaged."""


def check_standing(job: Job, out: Path, expected: int) -> None:
    """Check in a child that the files of a disturbed job are complete.

    Args: expected: the lowest acceptable update of the checkpoint.
    Raises: LostError, or an error of the readers.
    """
    from whyformer.bundle import load_bundle
    from whyformer.foundation.files import standing
    from whyformer.training.checkpoints import whole_tensors

    if job.trains:
        checkpoint = standing(out / "checkpoint")
        if checkpoint.exists():
            whole_tensors(checkpoint)
            step = json.loads((checkpoint / "state.json").read_text(encoding="utf-8"))["step"]
            if step < expected:
                raise LostError(f"the checkpoint has update {step} instead of {expected}")
            if standing(out / "model").exists():
                load_bundle(out)
        elif expected:
            raise LostError(f"the checkpoint of update {expected} is missing")
    elif job.name == "translate":
        text = (out / "output.txt").read_text(encoding="utf-8")
        if text != "previous output\n" and text.count("\n") != 12:
            raise LostError(f"the output contains {text[:200]!r}")


def describe(ending: Ending) -> str:
    """Return the fault or the exit code and last output of a process, for a report."""
    if ending.fault:
        return ending.fault[-900:]
    result = ending.value[0]
    return f"exit code {result.code}: {(result.fault or result.err)[-700:]}"
