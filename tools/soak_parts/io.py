"""Part `io`: if the disk fails, a command prints one sentence, loses nothing and can be repeated.

A trial starts a job (see writers.py) and injects a fault at its k-th file operation: the operation
fails, once or from then on, or another file is removed or cut in half. The command must print one
sentence and exit with 1 or 2, or complete as if nothing had happened. Complete files must stay
complete. Without the fault, the same command must then complete, with files equal to those of an
undisturbed run. If a file of the job itself was removed or cut, the command may fail and name the
file. Then it must complete with --overwrite.

The faults come from a preloaded library, so that they also affect files that Rust and C++ write,
and the user root, who has all permissions.
"""

import errno
import hashlib
import os
import random
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from soak_parts import jobs, syscalls
from soak_parts.forks import CommandResult, Ending
from soak_parts.jobs import (
    Job,
    Undisturbed,
    difference,
    fresh,
    log_of,
    run,
    snapshot,
    undisturbed,
)
from soak_parts.kill import GOLDEN, check_standing, checkpoints_in_place, describe
from soak_parts.syscalls import CHANGING, KINDS, Action, Plan
from soak_parts.together import KILLED
from soak_parts.verdicts import Verdict
from soak_parts.writers import FORMER, OUTPUT, WRITERS

NEW = ("open", "write", "make")
"""Operations that need space."""
NAMED = ("open", "rename", "make", "remove", "mode")
"""Operations that need permission to write in a directory."""


@dataclass(frozen=True)
class FaultKind:
    """A kind of disk fault.

    Args:
        kinds: operations at which it can happen.
        value: error number; 0 if another file is damaged.
        lasting: whether all later operations of these kinds fail as well.
    """

    action: Action
    kinds: tuple[str, ...]
    value: int = 0
    lasting: bool = False


FAULT_KINDS: dict[str, FaultKind] = {
    "full disk": FaultKind(Action.FAIL, NEW, errno.ENOSPC, lasting=True),
    "EIO once": FaultKind(Action.FAIL, CHANGING, errno.EIO),
    "no permission": FaultKind(Action.FAIL, NAMED, errno.EACCES, lasting=True),
    "file vanishes": FaultKind(Action.REMOVE, KINDS),
    "ENOSPC once": FaultKind(Action.FAIL, (*NEW, "sync", "rename", "close"), errno.ENOSPC),
    "read-only": FaultKind(Action.FAIL, (*NAMED, "write"), errno.EROFS, lasting=True),
    "file cut": FaultKind(Action.CUT, ("look",)),
    "EIO from then on": FaultKind(Action.FAIL, KINDS, errno.EIO, lasting=True),
    "quota": FaultKind(Action.FAIL, NEW, errno.EDQUOT, lasting=True),
    "unreadable": FaultKind(Action.FAIL, ("look",), errno.EACCES),
    "EIO while reading": FaultKind(Action.FAIL, ("look", "read"), errno.EIO),
}
"""The kinds of disk faults by name."""


@dataclass(frozen=True)
class Fault:
    """A fault at one operation.

    Args:
        name: key of `FAULT_KINDS`.
        at: number of the operation, starting at 1.
        victim: the file that is damaged.
    """

    name: str
    at: int
    victim: Path | None = None

    def plant(self, temporary: Path) -> None:
        """Plan the fault in this process. Args: temporary: watched directory for its temp files."""
        way = FAULT_KINDS[self.name]
        temporary.mkdir(exist_ok=True)
        os.environ["TMPDIR"], tempfile.tempdir = str(temporary), None
        victim = str(self.victim or "")
        syscalls.plan(Plan(self.at, way.action, way.kinds, way.value, way.lasting, victim=victim))


def set_up(place: Path) -> Path:
    """Write the data and train the runs that jobs need; return ``place``."""
    return jobs.set_up(place, WRITERS.values())


def trial(seed: int, index: int, place: Path) -> Verdict:
    """Run one job with a fault, then without, and check both results."""
    rng = random.Random(f"io/{seed}/{index}")
    names, ways = list(WRITERS), list(FAULT_KINDS)
    turn, number = divmod(index, len(names))
    job, way = WRITERS[names[number]], ways[(turn + number) % len(ways)]
    moment = (turn * GOLDEN + number / len(names) + seed * GOLDEN**2) % 1.0
    rank = rng.randrange(job.ranks)
    known = undisturbed(job, place, reading=True)
    out = fresh(job, place)
    fault = chosen(rng, way, moment, known.operations[rank], [out / name for name in known.files])
    label = f"{job.name}: {way} at {moment:.4f} ({fault.at}), rank {rank}"
    if fault.victim is not None:
        label += f", {fault.victim.relative_to(place)}"
    log, temporary = place / "io.log", place / "temporary"
    shutil.rmtree(temporary, ignore_errors=True)
    saved = fault.victim if fault.victim and fault.victim.exists() else None
    before = saved.read_bytes() if saved else b""
    endings = run(
        job, place, out, disturb=partial(fault.plant, temporary), rank=rank,
        watch=(log,) * job.ranks, reading=True,
    )  # fmt: skip
    if saved:
        saved.write_bytes(before)
    if wrong := ended_wrongly(endings, known.code):
        return Verdict(False, "ending", f"{label}: {wrong}")
    happened = bool(syscalls.marked(log_of(log, rank)))
    own = fault.victim if saved is None else None
    refused = any(one.fault or one.value[0].code != known.code for one in endings)
    if not refused and (how := _silent(known, out, own)):
        return Verdict(False, "silent", f"{label}: {how}")
    if how := _damaged_output(known, out):
        return Verdict(False, "lost", f"{label}: {how}")
    kind = "no sign of it" if not happened else "refused" if refused else "completed"
    if not refused and not job.trains:  # the outputs were compared above
        return Verdict(True, f"{way}: {kind}", label)
    expected = 0 if own else checkpoints_in_place(log, out, asked=False)
    return _completed(job, place, out, known, expected, own, f"{way}: {kind}", label)


def _completed(
    job: Job, place: Path, out: Path, known: Undisturbed, expected: int, own: Path | None,
    kind: str, label: str,
) -> Verdict:  # fmt: skip
    """Run a disturbed job again without a fault and check its files."""
    check = None if own else partial(check_standing, job, out, expected)
    final = run(job, place, out, disturb=check)
    if own and job.trains and _named(final, own, out):
        kind, final = f"{kind}, then named", run(job, place, out, more=("--overwrite",))
    for ending in final:
        if ending.fault or ending.value[0].code != known.code or ending.value[0].fault:
            bad = "lost" if "Lost" in ending.fault else "not completed"
            return Verdict(False, bad, f"{label}: {describe(ending)}")
    if how := difference(known.files, snapshot(out, sweeps=job.trains)):
        return Verdict(False, "different", f"{label}: {how}")
    return Verdict(True, kind, label)


def chosen(
    rng: random.Random, name: str, moment: float, operations: list[str], written: Sequence[Path]
) -> Fault:
    """Return a fault of a kind at a moment of a job.

    Args:
        moment: from 0, the start of the job, to 1, its end.
        operations: file operations of the undisturbed job.
        written: files that the job writes.
    """
    way = FAULT_KINDS[name]
    fitting = [one for one in operations if one.split(" ", 1)[0] in way.kinds]
    if not fitting:  # this rank writes nothing
        return Fault(name, 1 << 40)
    at = 1 + int(moment * len(fitting))
    if way.action is Action.FAIL:
        return Fault(name, at)
    looked = [
        one
        for one in operations
        for kind, _, path in [one.partition(" ")]
        if kind == "look" and (Path(path) in written or Path(path).is_file())
    ]
    if not looked:
        return Fault(name, 1 << 40)
    if way.action is Action.CUT:  # right before it is opened
        line = looked[int(moment * len(looked))]
        spots = [n for n, one in enumerate(fitting, start=1) if one == line]
        return Fault(name, rng.choice(spots), Path(line.partition(" ")[2]))
    return Fault(name, at, Path(rng.choice(sorted(set(looked))).partition(" ")[2]))


def ended_wrongly(endings: list[Ending], code: int) -> str:
    """Return a description of a rank that ended wrongly, or "".

    Args: code: exit code of the undisturbed job.
    """
    failed = any(e.fault not in ("", KILLED) or (e.value and e.value[0].code) for e in endings)
    for ending in endings:
        if ending.fault == KILLED and failed:  # as by torchrun
            continue
        if ending.fault:
            return describe(ending)
        result: CommandResult = ending.value[0]
        if not result.orderly or result.code not in {code, 1, 2}:
            return describe(ending)
        if result.code != code and not result.refused:
            return f"no sentence: {describe(ending)}"
        if "Exception ignored" in result.err:
            return f"an exception was ignored: {describe(ending)}"
    return ""


def _silent(known: Undisturbed, out: Path, own: Path | None) -> str:
    """Return the difference between the files of a job with exit code 0 and the expected ones.

    Files that the job could not remove do not count, because the next start removes them.
    Returns: "" if there is no difference.
    """
    found = snapshot(out, sweeps=False)
    found = {name: digest for name, digest in found.items() if ".former/" not in name}
    expected = dict(known.files)
    if own is not None:
        for one in (found, expected):
            one.pop(own.relative_to(out).as_posix(), None)
    return difference(expected, found)


def _damaged_output(known: Undisturbed, out: Path) -> str:
    """Return a message if a replaced file has neither its old nor its new content, else ""."""
    if OUTPUT not in known.files:
        return ""
    found = snapshot(out).get(OUTPUT)
    former = hashlib.sha256(FORMER.encode()).hexdigest()
    return "" if found in (former, known.files[OUTPUT]) else f"{OUTPUT} is neither old nor new"


def _named(endings: list[Ending], own: Path, out: Path) -> bool:
    """Return whether all ranks failed and one of them named the damaged file or its directory."""
    within = own.relative_to(out).parts[0]
    refusals = [one.value[0] for one in endings if not one.fault]
    ended = all(one.fault in ("", KILLED) for one in endings) and all(r.refused for r in refusals)
    return ended and any(within in one.err for one in refusals)
