"""What the parts `kill` and `io` disturb: commands that write, and what they write undisturbed.

Every task trains here, alone and as two ranks; further a conversion, a question of the laboratory,
and a translation into a file that stands there already.
"""

import hashlib
import json
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from soak_parts import syscalls
from soak_parts.forks import CommandResult, Ending, say
from soak_parts.tiny_runs import KINDS, prepare, training_command, write_data
from soak_parts.together import as_rank, free_port, together

UPDATES, EVERY = 20, 5
"""Updates of a run, and between two validations, each followed by a checkpoint."""
QUESTION = "heads"
"""The question of the laboratory whose published numbers stand in for measuring."""
VARIED: dict[str, dict[str, object]] = {
    "letters": {"training__average": "ema"},
    "rnn": {"training__optimizer": "radam", "text__sampling": 0},
    "bert": {"training__average": "checkpoints", "training__average_last": 2},
    "electra": {"training__accumulate": 2},
    "classify": {"training__optimizer": "muon"},
}
"""Settings of some kinds that put more into a checkpoint."""
SHARED: dict[str, object] = {"training__accumulate": 2}
"""Two ranks share the batches of an update."""


@dataclass(frozen=True)
class Work:
    """One command line that writes below a directory.

    Args:
        argv: its arguments. Args: the prepared directory, and where it writes.
        ranks: processes that run it together.
        stdin: file below the prepared directory that is its standard input.
        needs: kinds of runs that must stand in the prepared directory.
        begin: writes what stands there before the command runs.
        patch: changes the child that runs it.
    """

    name: str
    argv: Callable[[Path, Path], list[str]]
    ranks: int = 1
    stdin: str = ""
    needs: tuple[str, ...] = ()
    begin: Callable[[Path], None] = lambda out: None
    patch: Callable[[], None] = lambda: None

    @property
    def trains(self) -> bool:
        """Whether it writes checkpoints."""
        return self.name.startswith("train ")


def _train(kind: str, place: Path, out: Path, *, stdin: bool = False, **more: object) -> list[str]:
    changes: dict[str, object] = {"training__updates": UPDATES, "validation__every": EVERY}
    given = VARIED.get(kind, {}) | changes | more
    argv = training_command(kind, place / "data", out, **given)
    if stdin:
        argv[argv.index("--data") + 1] = "-"
    return argv


def _former_output(out: Path) -> None:
    out.mkdir(parents=True)
    (out / "told.txt").write_text("what stood there before\n", encoding="utf-8")


def _published_numbers() -> None:
    """Let `lab run` take a question's published numbers instead of measuring for minutes."""
    from whyformer.lab.method import runner
    from whyformer.lab.method.record import result_of

    record = result_of(QUESTION)
    assert record is not None
    known = {(c.part, json.dumps(dict(c.settings)), c.seed): c for c in record.results.cells}

    def measured(works: Any, *_: Any) -> Any:
        for work in works:
            cell = known[work.part, json.dumps(dict(work.settings)), work.seed]
            yield work, runner.plain(dict(cell.numbers)), cell.seconds

    runner._measured = measured


WORKS: dict[str, Work] = {
    work.name: work
    for work in (
        *(Work(f"train {kind}", partial(_train, kind)) for kind in KINDS),
        *(
            Work(f"train {kind}, 2 ranks", partial(_train, kind, **SHARED), ranks=2)
            for kind in KINDS
        ),
        Work(
            "train gpt, 2 ranks, fsdp",
            partial(_train, "gpt", training__parallel="fsdp", **SHARED),
            ranks=2,
        ),
        Work("train pairs, stdin", partial(_train, "pairs", stdin=True), stdin="data/pairs.tsv"),
        Work(
            "convert",
            lambda place, out: [
                *("convert", str(place / "letters"), "--out", str(out / "converted")),
                *("--pairs", str(place / "data" / "pairs.tsv"), "--sentences", "4"),
            ],
            needs=("letters",),
        ),
        Work(
            "lab run",
            lambda place, out: [
                *("lab", "run", QUESTION, "--full", "--workers", "1", "--out", str(out)),
            ],
            patch=_published_numbers,
        ),
        Work(
            "translate",
            lambda place, out: [
                *("translate", str(place / "letters"), "--overwrite", "--beam", "1"),
                *("--input", str(place / "data" / "sources.txt")),
                *("--output", str(out / "told.txt")),
            ],
            needs=("letters",),
            begin=_former_output,
        ),
    )
}


@dataclass
class Undisturbed:
    """What a work does when nobody disturbs it.

    Args:
        files: name -> hash, see `snapshot`.
        counts: kind of operation -> how many the first rank makes.
        seconds: of its processor.
        code: its exit code.
        operations: of each rank in their order, `kind path` each.
    """

    files: dict[str, str]
    counts: Counter[str]
    seconds: float
    code: int
    operations: list[list[str]] = field(default_factory=list)

    def number(self, kinds: tuple[str, ...]) -> int:
        """Return how many operations of these kinds there are."""
        return sum(self.counts[kind] for kind in kinds)


_known: dict[tuple[Path, str, bool], Undisturbed] = {}


def set_up(place: Path, works: Iterable[Work] = tuple(WORKS.values())) -> Path:
    """Write data and the runs that works need; return ``place``."""
    write_data(place / "data")
    needed = {kind for work in works for kind in work.needs}
    prepare(place, tuple(kind for kind in KINDS if kind in needed), convert=False)
    return place


def undisturbed(work: Work, place: Path, *, reading: bool = False) -> Undisturbed:
    """Run a work once and remember what it left.

    Args: reading: whether operations on the files that it reads are listed as well.
    Raises: RuntimeError when it fails.
    """
    if (place, work.name, reading) not in _known:
        out, log = fresh(work, place), place / "baseline.log"
        endings = run(work, place, out, watch=(log,) * work.ranks, reading=reading)
        for ending in endings:
            if ending.fault or ending.value[0].code not in (0, 1) or ending.value[0].fault:
                raise RuntimeError(f"{work.name}, undisturbed: {ending}")
        said, seconds = endings[0].value
        found = [syscalls.operations(log_of(log, rank)) for rank in range(work.ranks)]
        counts = Counter(one.split(" ", 1)[0] for one in found[0])
        _known[place, work.name, reading] = Undisturbed(
            snapshot(out), counts, seconds, said.code, found
        )
    return _known[place, work.name, reading]


def log_of(log: Path, rank: int) -> Path:
    """Return the log of a rank's operations, given that of the first."""
    return log.with_suffix(f".{rank}") if rank else log


def fresh(work: Work, place: Path) -> Path:
    """Return the directory a work writes to, as it is before the first start."""
    out = place / "disturbed"
    shutil.rmtree(out, ignore_errors=True)
    work.begin(out)
    return out


Disturb = Callable[[], None]
"""Called in the child right before the command runs."""


def run(
    work: Work,
    place: Path,
    out: Path,
    *,
    disturb: Disturb | None = None,
    rank: int = 0,
    watch: tuple[Path, ...] = (),
    reading: bool = False,
    more: tuple[str, ...] = (),
    seconds: float = 300,
) -> list[Ending]:
    """Run a work; return how each rank ended, with (CommandResult, processor seconds) as value.

    Args:
        disturb: what happens to it, in the process of ``rank``.
        watch: one log of operations for each rank.
        reading: whether files that the work reads are watched as well.
        more: further arguments.
    """
    port = free_port() if work.ranks > 1 else 0
    stdin = (place / work.stdin).read_bytes() if work.stdin else b""

    def child(number: int) -> tuple[CommandResult, float]:
        import time

        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if work.ranks > 1:
            as_rank(number, work.ranks, port)
        work.patch()
        if watch:
            syscalls.watch(place if reading else out, log_of(watch[number], number))
        if disturb is not None and number == rank:
            disturb()
        began = time.process_time()
        said = say(*work.argv(place, out), *more, stdin=stdin)
        for one in (signal.SIGINT, signal.SIGTERM):  # the command has ended
            signal.signal(one, signal.SIG_IGN)
        return said, time.process_time() - began

    return together([partial(child, number) for number in range(work.ranks)], seconds=seconds)


def snapshot(out: Path, *, sweeps: bool = True) -> dict[str, str]:
    """Return a hash of every file below a directory, of what must be equal in it.

    Args: sweeps: whether a command removes at once what its killed predecessor left; others wait
        until it is a day old, for another process might be writing there.
    """
    from whyformer.foundation.files import TEMPORARY

    found: dict[str, str] = {}
    for path in sorted(out.rglob("*")):
        parts = path.relative_to(out).parts
        left = not sweeps and any(TEMPORARY.fullmatch(part) for part in parts)
        name = "/".join(parts)
        if path.is_file() and path.name != ".lock" and not left:
            found[name] = hashlib.sha256(_lasting(path)).hexdigest()
    return found


def _lasting(path: Path) -> bytes:
    """Return a file's content without seconds and counts of starts, which no run repeats."""
    content = path.read_bytes()
    if path.name.startswith("shard-"):  # torch.distributed.checkpoint keeps no order of tensors
        return _tensors(content)
    if path.name == "state.json" and list(path.parent.glob("shard-*")):
        state = json.loads(content)
        return json.dumps([state[n] for n in sorted(state) if n not in ("files", "seal")]).encode()
    if path.name == "timings.jsonl":
        lines = [json.loads(line) for line in content.splitlines()]
        return json.dumps([(one["step"], one["tokens"]) for one in lines]).encode()
    if path.name == f"{QUESTION}.json":
        state = json.loads(content)
        for name in ("wall_seconds", "cells_from_an_earlier_start"):
            state.pop(name)
        return json.dumps(state).encode()
    if path.name == "cells.jsonl":  # a line that was cut off stays, and is skipped
        return "\n".join(filter(_is_json, content.decode(errors="replace").split("\n"))).encode()
    return content


def _tensors(content: bytes) -> bytes:
    """Return the tensors of a safetensors file in the order of their names."""
    begin = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:begin])
    found = [
        (name, about["dtype"], about["shape"], content[begin + first : begin + last].hex())
        for name, about in sorted(header.items())
        if name != "__metadata__"
        for first, last in [about["data_offsets"]]
    ]
    return json.dumps(found).encode()


def _is_json(line: str) -> bool:
    try:
        return bool(json.loads(line))
    except ValueError:
        return False


def difference(expected: dict[str, str], found: dict[str, str]) -> str:
    """Return how two snapshots differ; "" when they do not."""
    missing = sorted(expected.keys() - found.keys())
    more = sorted(found.keys() - expected.keys())
    other = sorted(name for name in expected.keys() & found.keys() if expected[name] != found[name])
    told = [("missing", missing), ("left over", more), ("different", other)]
    return "; ".join(f"{how}: {', '.join(names[:4])}" for how, names in told if names)
