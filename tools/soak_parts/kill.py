"""Part `kill`: a command that was killed at any moment is completed by the same command, exactly.

A trial starts a work (see works.py), and kills, stops or interrupts it: at the k-th operation on
its files (before it, in the middle of a write, or after it) or after so much processor time. Both
are spread evenly from the beginning to the end. What stands then must be whole; the same command
must complete it; and every file must be equal to that of an undisturbed run. A process killed so
leaves its writes to the system: loss of power is another matter, and is not shown here.
"""

import json
import random
import signal
from functools import partial
from pathlib import Path

from soak_parts import syscalls
from soak_parts.forks import Ending
from soak_parts.syscalls import CHANGING, Action, Plan
from soak_parts.together import KILLED
from soak_parts.verdicts import Verdict
from soak_parts.works import (
    EVERY,
    WORKS,
    Undisturbed,
    Work,
    difference,
    fresh,
    run,
    snapshot,
    undisturbed,
)

GOLDEN = 0.6180339887498949
"""Multiples of it, without their whole part, spread evenly however many there are."""
WAYS = (
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
"""What happens in trial after trial of one work."""
AGAIN = 0.2
"""Share of trials in which the second start is killed as well."""
KILLS = {
    "kill before": Action.KILL_BEFORE,
    "kill within": Action.KILL_HALFWAY,
    "kill after": Action.KILL_AFTER,
}
SIGNALS = {"SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT, "stop": signal.SIGSTOP}


def trial(seed: int, index: int, place: Path) -> Verdict:
    """Disturb one work once or twice and judge what came of it."""
    rng = random.Random(f"kill/{seed}/{index}")
    names = list(WORKS)
    turn, number = divmod(index, len(names))
    work, way = WORKS[names[number]], WAYS[(turn + number) % len(WAYS)]
    moment = (turn * GOLDEN + number / len(names) + seed * GOLDEN**2) % 1.0
    rank = rng.randrange(work.ranks)
    if rank > 0 and not way.endswith("a time"):
        way = f"{way.split()[0]} {'twice ' if 'twice' in way else ''}after a time"
    known = undisturbed(work, place)
    label = f"{work.name}: {way} at {moment:.4f}, rank {rank}"
    out, log = fresh(work, place), place / "kill.log"
    endings = run(
        work, place, out, disturb=partial(_disturb, way, moment, known, rng.random()),
        rank=rank, watch=(log,) * work.ranks,
    )  # fmt: skip
    if fault := _ended_wrongly(way, endings, rank, known.code):
        return Verdict(False, "ending", f"{label}: {fault}")
    again = rng.random() < AGAIN and not way.startswith("stop")
    expected = checkpoints_in_place(log, out, asked=way.startswith("SIG"))
    if again:
        run(
            work, place, out, disturb=partial(_disturb, "kill within", rng.random(), known, 0.0),
            watch=(place / "again.log",) * work.ranks,
        )  # fmt: skip
    final = run(work, place, out, disturb=partial(check_standing, work, out, expected))
    for ending in final:
        if ending.fault or ending.value[0].code != known.code or ending.value[0].fault:
            kind = "lost" if "Lost" in ending.fault else "not completed"
            return Verdict(False, kind, f"{label}: {told(ending)}")
    if how := difference(known.files, snapshot(out, sweeps=work.trains)):
        return Verdict(False, "different", f"{label}: {how}")
    return Verdict(True, f"{work.name.split(',')[0]} · {way.split()[0]}", label)


def _disturb(way: str, moment: float, known: Undisturbed, draw: float) -> None:
    """Plan in the child what will happen to it. Args: moment: 0 the beginning, 1 the end."""
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
    """Return what is wrong with how the processes ended; "" when nothing is."""
    failed = any(e.fault not in ("", KILLED) or (e.value and e.value[0].code) for e in endings)
    for number, ending in enumerate(endings):
        if ending.fault == KILLED and failed:  # torchrun does that
            continue
        if ending.fault:
            own = {"kill": "SIGKILL", "SIGTERM": "SIGTERM"}.get(way.split()[0])
            if number == rank and own and ending.fault == f"the process died: {own}":
                continue
            return told(ending)
        said = ending.value[0]
        allowed = {code} if way.startswith("stop") else {code, 130}
        if len(endings) > 1 and not way.startswith("stop"):
            allowed.add(1)  # another rank ended
        if not said.orderly or said.code not in allowed:
            return told(ending)
        if said.code == 1 != code and not said.refused:
            return f"no sentence: {told(ending)}"
    return ""


def checkpoints_in_place(log: Path, out: Path, *, asked: bool) -> int:
    """Return the update whose checkpoint had been put in its place before the process ended.

    Args: asked: whether the process was asked to stop, which makes one more checkpoint.
    """
    moved = f"rename {out / 'checkpoint'}"
    # Where a rename failed, another one put the former checkpoint back.
    failed = syscalls.marked(log).count(moved)
    whole = syscalls.operations(log, ("rename",)).count(moved) - 2 * failed
    unsure = asked or syscalls.operations(log)[-1:] == [moved]
    return EVERY * max(0, whole - unsure)


class LostError(Exception):
    """Something good that stood before is not there any more."""


def check_standing(work: Work, out: Path, expected: int) -> None:
    """Check in a child that what a disturbed work left is whole.

    Args: expected: the update that a checkpoint must have reached at least.
    Raises: LostError, or what the readers raise.
    """
    from whyformer.bundle import load_bundle
    from whyformer.foundation.files import standing
    from whyformer.training.checkpoints import whole_tensors

    if work.trains:
        checkpoint = standing(out / "checkpoint")
        if checkpoint.exists():
            whole_tensors(checkpoint)
            step = json.loads((checkpoint / "state.json").read_text(encoding="utf-8"))["step"]
            if step < expected:
                raise LostError(f"the checkpoint is of update {step}, not of {expected}")
            if standing(out / "model").exists():
                load_bundle(out)
        elif expected:
            raise LostError(f"no checkpoint, where one of update {expected} had been written")
    elif work.name == "translate":
        text = (out / "told.txt").read_text(encoding="utf-8")
        if text != "what stood there before\n" and text.count("\n") != 12:
            raise LostError(f"the output holds {text[:200]!r}")


def told(ending: Ending) -> str:
    """Return what a process that ended said, for a report."""
    if ending.fault:
        return ending.fault[-900:]
    said = ending.value[0]
    return f"exit code {said.code}: {(said.fault or said.err)[-700:]}"
