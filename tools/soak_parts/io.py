"""Part `io`: a command whose disk fails ends with one sentence, and completes once it is repaired.

A trial starts a work (see writers.py) and lets the system refuse what it asks for at the k-th
operation on its files: once, or from there on; or removes or cuts another file at that moment. The
command must end with exit code 1 or 2 and one sentence, or complete exactly as if nothing had
happened. What was whole must still be so. Without the fault, the same command must complete, and
every file must be equal to that of an undisturbed run. Where a file of its own was removed or cut,
it may refuse and name the file; it must then complete with --overwrite.

The faults come from a library that is preloaded, so that they also reach what Rust and C++ write,
and so that they also stop root, who has every permission.
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

from soak_parts import syscalls, works
from soak_parts.forks import CommandResult, Ending
from soak_parts.kill import GOLDEN, check_standing, checkpoints_in_place, told
from soak_parts.syscalls import CHANGING, KINDS, Action, Plan
from soak_parts.together import KILLED
from soak_parts.verdicts import Verdict
from soak_parts.works import (
    Undisturbed,
    Work,
    difference,
    fresh,
    log_of,
    run,
    snapshot,
    undisturbed,
)
from soak_parts.writers import FORMER, OUTPUT, WRITERS

NEW = ("open", "write", "make")
"""Operations that need space."""
NAMED = ("open", "rename", "make", "remove", "mode")
"""Operations that need permission to write in a directory."""


@dataclass(frozen=True)
class Way:
    """What the disk does.

    Args:
        kinds: operations that it may happen at.
        value: number of the error; 0 where another file is damaged.
        lasting: whether every later operation of these kinds fails as well.
    """

    action: Action
    kinds: tuple[str, ...]
    value: int = 0
    lasting: bool = False


WAYS: dict[str, Way] = {
    "full disk": Way(Action.FAIL, NEW, errno.ENOSPC, lasting=True),
    "EIO once": Way(Action.FAIL, CHANGING, errno.EIO),
    "no permission": Way(Action.FAIL, NAMED, errno.EACCES, lasting=True),
    "file vanishes": Way(Action.REMOVE, KINDS),
    "ENOSPC once": Way(Action.FAIL, (*NEW, "sync", "rename", "close"), errno.ENOSPC),
    "read-only": Way(Action.FAIL, (*NAMED, "write"), errno.EROFS, lasting=True),
    "file cut": Way(Action.CUT, ("look",)),
    "EIO from then on": Way(Action.FAIL, KINDS, errno.EIO, lasting=True),
    "quota": Way(Action.FAIL, NEW, errno.EDQUOT, lasting=True),
    "unreadable": Way(Action.FAIL, ("look",), errno.EACCES),
    "EIO while reading": Way(Action.FAIL, ("look", "read"), errno.EIO),
}
"""Name -> what happens."""


@dataclass(frozen=True)
class Fault:
    """A way at a moment. Args: at: which operation, from 1 on. victim: the file it damages."""

    name: str
    at: int
    victim: Path | None = None

    def plant(self, temporary: Path) -> None:
        """Let it happen in this process, whose temporary files are put where they are watched."""
        way = WAYS[self.name]
        temporary.mkdir(exist_ok=True)
        os.environ["TMPDIR"], tempfile.tempdir = str(temporary), None
        victim = str(self.victim or "")
        syscalls.plan(Plan(self.at, way.action, way.kinds, way.value, way.lasting, victim=victim))


def set_up(place: Path) -> Path:
    """Write data and the runs that works need; return ``place``."""
    return works.set_up(place, WRITERS.values())


def trial(seed: int, index: int, place: Path) -> Verdict:
    """Disturb one work, then run it again in peace, and judge both."""
    rng = random.Random(f"io/{seed}/{index}")
    names, ways = list(WRITERS), list(WAYS)
    turn, number = divmod(index, len(names))
    work, way = WRITERS[names[number]], ways[(turn + number) % len(ways)]
    moment = (turn * GOLDEN + number / len(names) + seed * GOLDEN**2) % 1.0
    rank = rng.randrange(work.ranks)
    known = undisturbed(work, place, reading=True)
    out = fresh(work, place)
    fault = chosen(rng, way, moment, known.operations[rank], [out / name for name in known.files])
    label = f"{work.name}: {way} at {moment:.4f} ({fault.at}), rank {rank}"
    if fault.victim is not None:
        label += f", {fault.victim.relative_to(place)}"
    log, temporary = place / "io.log", place / "temporary"
    shutil.rmtree(temporary, ignore_errors=True)
    saved = fault.victim if fault.victim and fault.victim.exists() else None
    before = saved.read_bytes() if saved else b""
    endings = run(
        work, place, out, disturb=partial(fault.plant, temporary), rank=rank,
        watch=(log,) * work.ranks, reading=True,
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
    if not refused and not work.trains:  # the outputs are there, and were compared
        return Verdict(True, f"{way}: {kind}", label)
    expected = 0 if own else checkpoints_in_place(log, out, asked=False)
    return _completed(work, place, out, known, expected, own, f"{way}: {kind}", label)


def _completed(
    work: Work, place: Path, out: Path, known: Undisturbed, expected: int, own: Path | None,
    kind: str, label: str,
) -> Verdict:  # fmt: skip
    """Run a disturbed work again without a fault and judge what it leaves."""
    check = None if own else partial(check_standing, work, out, expected)
    final = run(work, place, out, disturb=check)
    if own and work.trains and _named(final, own, out):
        kind, final = f"{kind}, then named", run(work, place, out, more=("--overwrite",))
    for ending in final:
        if ending.fault or ending.value[0].code != known.code or ending.value[0].fault:
            bad = "lost" if "Lost" in ending.fault else "not completed"
            return Verdict(False, bad, f"{label}: {told(ending)}")
    if how := difference(known.files, snapshot(out, sweeps=work.trains)):
        return Verdict(False, "different", f"{label}: {how}")
    return Verdict(True, kind, label)


def chosen(
    rng: random.Random, name: str, moment: float, operations: list[str], written: Sequence[Path]
) -> Fault:
    """Return a fault at a moment of a work.

    Args:
        moment: 0 the beginning, 1 the end.
        operations: of the undisturbed work.
        written: files that it leaves.
    """
    way = WAYS[name]
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
    """Return what is wrong with how the ranks ended; "" when nothing is.

    Args: code: exit code of the undisturbed work.
    """
    failed = any(e.fault not in ("", KILLED) or (e.value and e.value[0].code) for e in endings)
    for ending in endings:
        if ending.fault == KILLED and failed:  # torchrun does that
            continue
        if ending.fault:
            return told(ending)
        said: CommandResult = ending.value[0]
        if not said.orderly or said.code not in {code, 1, 2}:
            return told(ending)
        if said.code != code and not said.refused:
            return f"no sentence: {told(ending)}"
        if "Exception ignored" in said.err:
            return f"an exception was ignored: {told(ending)}"
    return ""


def _silent(known: Undisturbed, out: Path, own: Path | None) -> str:
    """Return how files differ that a work left with exit code 0; "" when they do not.

    What it could not remove does not count: the next start removes it.
    """
    found = snapshot(out, sweeps=False)
    found = {name: digest for name, digest in found.items() if ".former/" not in name}
    expected = dict(known.files)
    if own is not None:
        for one in (found, expected):
            one.pop(own.relative_to(out).as_posix(), None)
    return difference(expected, found)


def _damaged_output(known: Undisturbed, out: Path) -> str:
    """Return what is wrong with a file that a work replaces; "" when it is the old or the new."""
    if OUTPUT not in known.files:
        return ""
    found = snapshot(out).get(OUTPUT)
    former = hashlib.sha256(FORMER.encode()).hexdigest()
    return "" if found in (former, known.files[OUTPUT]) else f"{OUTPUT} is neither old nor new"


def _named(endings: list[Ending], own: Path, out: Path) -> bool:
    """Return whether no rank completed, and one of them named a damaged file or its directory."""
    within = own.relative_to(out).parts[0]
    refusals = [one.value[0] for one in endings if not one.fault]
    ended = all(one.fault in ("", KILLED) for one in endings) and all(r.refused for r in refusals)
    return ended and any(within in one.err for one in refusals)
