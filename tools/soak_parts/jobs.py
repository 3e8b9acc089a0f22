"""Jobs for the parts `kill` and `io`: commands that write files, and their undisturbed results.

The jobs are the training of every task with one and with two ranks, a conversion, a question of the
laboratory, and a translation that replaces an existing file.
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
from soak_parts.forks import CommandResult, Ending, run_command
from soak_parts.tiny_runs import KINDS, prepare, training_command, write_data
from soak_parts.together import as_rank, free_port, together

UPDATES, EVERY = 20, 5
"""Updates of a run, and updates between two checkpoints."""
QUESTION = "heads"
"""The question of the laboratory whose published numbers replace measurements."""
VARIED: dict[str, dict[str, object]] = {
    "letters": {"training__average": "ema"},
    "rnn": {"training__optimizer": "radam", "text__sampling": 0},
    "bert": {"training__average": "checkpoints", "training__average_last": 2},
    "electra": {"training__accumulate": 2},
    "classify": {"training__optimizer": "muon"},
}
"""Settings of some kinds of runs, which add content to the checkpoint."""
SHARED: dict[str, object] = {"training__accumulate": 2}
"""Settings with two batches per update, which two ranks share."""


@dataclass(frozen=True)
class Job:
    """A command that writes files into a directory.

    Args:
        argv: function from the prepared directory and the output directory to the arguments.
        ranks: number of processes.
        stdin: file in the prepared directory that is the standard input.
        needs: kinds of runs that the prepared directory must contain.
        begin: function that writes existing files into the output directory.
        patch: function that changes the child process before the command.
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
    (out / "output.txt").write_text("previous output\n", encoding="utf-8")


def _published_numbers() -> None:
    """Let `lab run` use the published numbers of a question instead of measuring for minutes."""
    from whyformer.lab.method import runner
    from whyformer.lab.method.record import result_of

    record = result_of(QUESTION)
    assert record is not None
    known = {(c.part, json.dumps(dict(c.settings)), c.seed): c for c in record.results.cells}

    def measured(jobs: Any, *_: Any) -> Any:
        for job in jobs:
            cell = known[job.part, json.dumps(dict(job.settings)), job.seed]
            yield job, runner.plain(dict(cell.numbers)), cell.seconds

    runner._measured = measured


JOBS: dict[str, Job] = {
    job.name: job
    for job in (
        *(Job(f"train {kind}", partial(_train, kind)) for kind in KINDS),
        *(
            Job(f"train {kind}, 2 ranks", partial(_train, kind, **SHARED), ranks=2)
            for kind in KINDS
        ),
        Job(
            "train gpt, 2 ranks, fsdp",
            partial(_train, "gpt", training__parallel="fsdp", **SHARED),
            ranks=2,
        ),
        Job("train pairs, stdin", partial(_train, "pairs", stdin=True), stdin="data/pairs.tsv"),
        Job(
            "convert",
            lambda place, out: [
                *("convert", str(place / "letters"), "--out", str(out / "converted")),
                *("--pairs", str(place / "data" / "pairs.tsv"), "--sentences", "4"),
            ],
            needs=("letters",),
        ),
        Job(
            "lab run",
            lambda place, out: [
                *("lab", "run", QUESTION, "--full", "--workers", "1", "--out", str(out)),
            ],
            patch=_published_numbers,
        ),
        Job(
            "translate",
            lambda place, out: [
                *("translate", str(place / "letters"), "--overwrite", "--beam", "1"),
                *("--input", str(place / "data" / "sources.txt")),
                *("--output", str(out / "output.txt")),
            ],
            needs=("letters",),
            begin=_former_output,
        ),
    )
}


@dataclass
class Undisturbed:
    """The results of a job without a fault.

    Args:
        files: hash of each file; see `snapshot`.
        counts: number of operations of each kind, of the first rank.
        seconds: processor time of the first rank.
        code: exit code.
        operations: the operations of each rank in order, each of the form `kind path`.
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


def set_up(place: Path, jobs: Iterable[Job] = tuple(JOBS.values())) -> Path:
    """Write the data and train the runs that jobs need; return ``place``."""
    write_data(place / "data")
    needed = {kind for job in jobs for kind in job.needs}
    prepare(place, tuple(kind for kind in KINDS if kind in needed), convert=False)
    return place


def undisturbed(job: Job, place: Path, *, reading: bool = False) -> Undisturbed:
    """Run a job once without a fault and return its results, which are cached.

    Args: reading: whether to include operations on the files that the job reads.
    Raises: RuntimeError if the job fails.
    """
    if (place, job.name, reading) not in _known:
        out, log = fresh(job, place), place / "baseline.log"
        endings = run(job, place, out, watch=(log,) * job.ranks, reading=reading)
        for ending in endings:
            if ending.fault or ending.value[0].code not in (0, 1) or ending.value[0].fault:
                raise RuntimeError(f"{job.name}, undisturbed: {ending}")
        result, seconds = endings[0].value
        found = [syscalls.operations(log_of(log, rank)) for rank in range(job.ranks)]
        counts = Counter(one.split(" ", 1)[0] for one in found[0])
        _known[place, job.name, reading] = Undisturbed(
            snapshot(out), counts, seconds, result.code, found
        )
    return _known[place, job.name, reading]


def log_of(log: Path, rank: int) -> Path:
    """Return the path of a rank's log, given that of the first rank."""
    return log.with_suffix(f".{rank}") if rank else log


def fresh(job: Job, place: Path) -> Path:
    """Return the output directory of a job, in its state before the first start."""
    out = place / "disturbed"
    shutil.rmtree(out, ignore_errors=True)
    job.begin(out)
    return out


Disturb = Callable[[], None]
"""Called in the child right before the command runs."""


def run(
    job: Job,
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
    """Run a job; return how each rank ended, with (CommandResult, processor seconds) as value.

    Args:
        disturb: function that plans a fault in the process of ``rank``.
        watch: one log of operations for each rank.
        reading: whether to watch the files that the job reads, too.
        more: additional arguments of the command.
    """
    port = free_port() if job.ranks > 1 else 0
    stdin = (place / job.stdin).read_bytes() if job.stdin else b""

    def child(number: int) -> tuple[CommandResult, float]:
        import time

        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if job.ranks > 1:
            as_rank(number, job.ranks, port)
        job.patch()
        if watch:
            syscalls.watch(place if reading else out, log_of(watch[number], number))
        if disturb is not None and number == rank:
            disturb()
        began = time.process_time()
        result = run_command(*job.argv(place, out), *more, stdin=stdin)
        for one in (signal.SIGINT, signal.SIGTERM):  # the command has ended
            signal.signal(one, signal.SIG_IGN)
        return result, time.process_time() - began

    return together([partial(child, number) for number in range(job.ranks)], seconds=seconds)


def snapshot(out: Path, *, sweeps: bool = True) -> dict[str, str]:
    """Return a hash of every file below a directory, without content that may differ.

    Args: sweeps: whether the command immediately removes temporary files of a killed predecessor.
        Other commands wait until they are a day old, because another process may use them.
    """
    from whyformer.foundation.files import TEMPORARY

    found: dict[str, str] = {}
    for path in sorted(out.rglob("*")):
        parts = path.relative_to(out).parts
        left = not sweeps and any(TEMPORARY.fullmatch(part) for part in parts)
        name = "/".join(parts)
        if path.is_file() and path.name != ".lock" and not left:
            found[name] = hashlib.sha256(_comparable(path)).hexdigest()
    return found


def _comparable(path: Path) -> bytes:
    """Return the content of a file without times and counts of starts, which differ by run."""
    content = path.read_bytes()
    if path.name.startswith(
        "shard-"
    ):  # the order of tensors varies with torch.distributed.checkpoint
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
    if path.name == "cells.jsonl":  # an incomplete line stays in the file and is skipped
        return "\n".join(filter(_is_json, content.decode(errors="replace").split("\n"))).encode()
    return content


def _tensors(content: bytes) -> bytes:
    """Return the tensors of a safetensors file, sorted by name."""
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
    """Return the difference between two snapshots, or ""."""
    missing = sorted(expected.keys() - found.keys())
    more = sorted(found.keys() - expected.keys())
    other = sorted(name for name in expected.keys() & found.keys() if expected[name] != found[name])
    groups = [("missing", missing), ("left over", more), ("different", other)]
    return "; ".join(f"{how}: {', '.join(names[:4])}" for how, names in groups if names)
