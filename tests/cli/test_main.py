"""Exit codes, help, dotted settings, and the restart for a faster allocator."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import whyformer
from whyformer import __version__
from whyformer.acceleration import allocator
from whyformer.cli import doctor
from whyformer.cli.main import COMMANDS, app, main
from whyformer.cli.shared.dotted import split

PACKAGE = Path(whyformer.__file__).parent


def test_help_names_every_command_and_exit_code(cli):
    text = cli("--help").out
    for word in (*COMMANDS, "0 success, 1 failure, 2 usage error", "130 stopped by Ctrl-C"):
        assert word in text
    assert cli("--version").out.strip() == __version__


@pytest.mark.parametrize(
    "command",
    [*COMMANDS, "config show", "config list", "lab list", "lab show", "lab run", "lab report"],
)
def test_every_help_has_examples_that_fit_a_terminal(cli, command):
    text = cli(*command.split(), "--help").out
    assert f"  whyformer {command}" in text
    epilogue = app[command.split()[0]].help_epilogue
    assert epilogue
    assert max(map(len, epilogue.splitlines())) <= 80


def test_every_command_has_one_file_and_is_listed_in_a_group_of_the_help():
    files = {
        file.relative_to(PACKAGE / "cli").with_suffix("").as_posix().replace("/", ".")
        for file in (PACKAGE / "cli").rglob("*.py")
        if "shared" not in file.parts
        and file.stem not in ("__init__", "main")
        and not (file.parent.name in ("bench", "translate") and file.stem != file.parent.name)
    }
    assert sorted(command.module for command in COMMANDS.values()) == sorted(files)
    assert [name for name in app if not name.startswith("-")] == list(COMMANDS)
    assert all(app[name].group == (command.group,) for name, command in COMMANDS.items())


@pytest.mark.parametrize("argv", [["--help"], ["train", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(argv):
    code = (
        "import sys; from whyformer.cli.main import main; main(sys.argv[1:]); "
        "print([m for m in ('torch', 'numpy', 'pydantic', 'sacrebleu') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *argv], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_importing_whyformer_imports_no_torch():
    code = "import whyformer, sys; print('torch' in sys.modules, whyformer.__version__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", __version__]


@pytest.mark.parametrize(
    ("tokens", "others", "found"),
    [
        (["train", "--out", "x"], ["train", "--out", "x"], {}),
        (["--a.b", "1", "x"], ["x"], {"a.b": ["1"]}),
        (["--a.b=1", "x"], ["x"], {"a.b": ["1"]}),
        (["--a.b-c=", "x"], ["x"], {"a.b_c": [""]}),
        (["--a.b", "-1", "--c.d"], [], {"a.b": ["-1"], "c.d": []}),
        (["--a.b", "-1e-3"], [], {"a.b": ["-1e-3"]}),
        (["--data.train", "-", "--out", "x"], ["--out", "x"], {"data.train": ["-"]}),
        (["--data.train", "a", "b", "--x"], ["--x"], {"data.train": ["a", "b"]}),
        (["--a.b", "1", "--a.b", "2"], [], {"a.b": ["1", "2"]}),
        (["--text=--a.b"], ["--text=--a.b"], {}),
        (["x", "--", "--a.b", "1"], ["x", "--", "--a.b", "1"], {}),
        (["a.tsv", "--out", "runs/v1.2"], ["a.tsv", "--out", "runs/v1.2"], {}),
    ],
)
def test_dotted_settings_are_taken_off_the_line(tokens, others, found):
    assert split(tokens) == (others, found)


def test_a_bug_is_not_hidden(monkeypatch):
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("whyformer.workflows.doctor.examine", broken)
    with pytest.raises(ZeroDivisionError):
        main(["doctor"])


def test_ctrl_c(cli, monkeypatch):
    def stopped() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("whyformer.workflows.doctor.examine", stopped)
    said = cli("doctor")
    assert (said.code, said.err) == (130, "whyformer: Stopped by Ctrl-C.\n")
    assert doctor.EXAMPLES


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_the_allocator_is_chosen_once(monkeypatch):
    monkeypatch.setattr(allocator, "_glibc", lambda: True)
    clean = {"PATH": "/bin"}
    wanted = allocator.wanted_environment(clean)
    assert wanted == {**clean, "GLIBC_TUNABLES": allocator.TUNABLES, allocator.GUARD: "1"}
    assert allocator.wanted_environment(wanted) is None
    assert allocator.wanted_environment({allocator.GUARD: "1"}) is None
    assert allocator.wanted_environment({"GLIBC_TUNABLES": "x"}) is None
    assert allocator.wanted_environment({allocator.OFF: "1"}) is None
    assert allocator.wanted_environment({allocator.OFF: "0"}) is not None
    monkeypatch.setattr(allocator, "_glibc", lambda: False)
    assert allocator.wanted_environment(clean) is None


@pytest.mark.skipif(not allocator._glibc(), reason="glibc only")
def test_a_running_program_keeps_big_blocks_where_that_is_left_to_it():
    kept = {k: v for k, v in os.environ.items() if k not in (allocator.OFF, "GLIBC_TUNABLES")}
    program = (
        "import ctypes, sys; from whyformer.acceleration.allocator import keep_big_blocks\n"
        "class Info(ctypes.Structure):\n"
        "    _fields_ = [(name, ctypes.c_size_t) for name in 'arena ordblks smblks hblks hblkhd '\n"
        "        'usmblks fsmblks uordblks fordblks keepcost'.split()]\n"
        "libc = ctypes.CDLL(None); libc.mallinfo2.restype = Info; libc.malloc.restype = "
        "ctypes.c_void_p\n"
        "done = keep_big_blocks(); before = libc.mallinfo2().hblks\n"
        "libc.malloc(1 << 24); print(done, libc.mallinfo2().hblks - before)"
    )

    def said(**environment: str) -> str:
        command = [sys.executable, "-c", program]
        return subprocess.check_output(command, env=kept | environment, text=True).strip()

    assert said() == "True 0"  # 16 MiB lie in the heap
    assert said(**{allocator.OFF: "1"}) == "False 1"  # and else in a mapping of their own
    assert said(GLIBC_TUNABLES="glibc.malloc.check=0") == "False 1"


@pytest.mark.skipif(not allocator._glibc(), reason="glibc only")
@pytest.mark.parametrize("start", [["-m", "whyformer"], ["-c", "import sys; from "
    "whyformer.cli.main import main; sys.exit(main())"]])  # fmt: skip
def test_the_restarted_program_is_the_same(start):
    environment = {k: v for k, v in os.environ.items() if k != allocator.OFF}
    done = subprocess.run(
        [sys.executable, *start, "train", "absent.yaml", "--out", "nowhere"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "whyformer: `absent.yaml` does not exist. Give the path of a YAML recipe.\n"
    )


def test_ctrl_c_that_python_cannot_raise_is_delivered_again():
    """A destructor is such a place: Python would print a traceback and go on."""
    code = """
import signal, sys, time
from whyformer.cli import main as entry

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run detached

class Interrupted:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def run(tokens, *, restart):
    one = Interrupted()
    del one
    time.sleep(30)

entry._run = run
sys.exit(entry.main(["train"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 130
    assert done.stderr == "whyformer: Stopped by Ctrl-C.\n"
