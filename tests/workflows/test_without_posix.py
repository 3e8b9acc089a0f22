"""Training starts, resumes and translates where the modules and calls of POSIX are absent.

This is not Windows: the names that Windows lacks are taken away on the system at hand.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from toy_runs import SMALL
from whyformer.recipes.recipe import resolve
from whyformer.tasks import pair_sources
from whyformer.workflows.train import train

COMPARED = ("checkpoint/state.safetensors", "model/model.safetensors", "journal.jsonl")

TAKEN_AWAY = '''
import importlib.abc, os, shutil, signal, sys, types
import torch, numpy, tokenizers, sacrebleu, rich.console, cyclopts  # they care for themselves

WITHOUT = {"fcntl", "resource", "termios", "tty", "pty", "pwd", "grp", "syslog", "posix_ipc"}
for name in WITHOUT:
    sys.modules.pop(name, None)

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in WITHOUT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
shutil._use_fd_functions = False  # as on Windows

lockf, try_lock = os.lockf, os.F_TLOCK

def locking(descriptor, mode, count):
    """What msvcrt does: refuse with EACCES while another process holds the bytes."""
    assert mode == LK_NBLCK and os.lseek(descriptor, 0, os.SEEK_CUR) == 0
    lockf(descriptor, try_lock, count)

LK_NBLCK = 2
sys.modules["msvcrt"] = types.SimpleNamespace(locking=locking, LK_NBLCK=LK_NBLCK)

for name in (
    "fork", "forkpty", "sched_getaffinity", "getloadavg", "sysconf", "O_DIRECTORY", "getuid",
    "geteuid", "killpg", "setsid", "statvfs", "mkfifo", "chown", "lockf", "wait4", "uname",
):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGSTOP", "SIGCONT"):
    if hasattr(signal, name):
        delattr(signal, name)

real_open = os.open

def open_file(path, *rest, **more):
    if os.path.isdir(path):
        raise PermissionError(13, "Permission denied", path)
    return real_open(path, *rest, **more)

os.open = open_file
'''
TRAIN = """
import signal
from pathlib import Path
from whyformer.cli.main import main
from whyformer.training.journal import Journal
from whyformer.recipes.recipe import resolve
from whyformer.tasks import pair_sources
from whyformer.workflows.train import train

pair_sources.BUILTIN_PAIRS = eval(sys.argv[3])
run, asked = Path(sys.argv[1]), eval(sys.argv[2])
update = Journal.update

def interrupt(self, report):
    update(self, report)
    if report.step == 2:  # noticed after the next update
        signal.raise_signal(signal.SIGINT)

Journal.update = interrupt
outcome = train(resolve("copy", asked), run, quiet=True)
assert outcome.interrupted and outcome.updates == 3
Journal.update = update
assert train(resolve("copy", asked), run, quiet=True).updates == 4
assert main(["translate", str(run), "--text", "a b", "--engine", "torch"]) == 0
assert main(["doctor", str(run)]) == 0
"""
HOLD = """
from pathlib import Path
from whyformer.foundation.errors import OutputError
from whyformer.workflows.runs.lock import only_run_in

try:
    with only_run_in(Path(sys.argv[1])):
        print("held", flush=True)
        sys.stdin.readline()
except OutputError as error:
    print(error, flush=True)
"""


def test_a_run_is_trained_resumed_and_used_without_posix_bit_for_bit(tmp_path: Path) -> None:
    run, alike = tmp_path / "run", tmp_path / "alike"
    done = subprocess.run(
        [
            *(sys.executable, "-c", TAKEN_AWAY + TRAIN, str(run)),
            *(repr(SMALL), repr(pair_sources.BUILTIN_PAIRS)),
        ],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    train(resolve("copy", SMALL), alike, quiet=True)
    for name in COMPARED:
        assert (run / name).read_bytes() == (alike / name).read_bytes(), name


@pytest.mark.parametrize("before", ["import sys\n", TAKEN_AWAY], ids=["fcntl", "msvcrt"])
def test_a_second_process_is_refused_and_a_killed_one_leaves_no_lock(
    tmp_path: Path, before: str
) -> None:
    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", before + HOLD, str(tmp_path / "run")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def first_line(process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        return process.stdout.readline()

    with start() as first:
        assert first_line(first) == "held\n"
        with start() as second:
            said = first_line(second)
            assert "Another run is writing" in said
            assert str(tmp_path / "run") in said
        first.kill()
    with start() as third:
        assert first_line(third) == "held\n"
        third.communicate("\n")
