"""What a console of another encoding, such as Korean Windows' CP949, shows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from toy_runs import toy_run

COMMANDS = """
import sys
from whyformer.cli.main import app, main

for name in ("", *(n for n in app if not n.startswith("-"))):
    try:
        assert not main([*([name] if name else []), "--help"])
    except SystemExit as ended:
        assert not ended.code
assert main(["ask", "why divide by sqrt dk?"]) == 0
assert main(["translate", sys.argv[1], "--text", "a\\u00eb\\u266b \\ud55c\\uae00"]) in (0, 1)
"""
PROGRESS = """
from types import SimpleNamespace
from whyformer.cli.shared.streams import set_encodings
from whyformer.training.reports import StepReport
from whyformer.workflows.display import Display

set_encodings()
length = SimpleNamespace(updates_at=lambda step: 3, seconds_left=None)
report = StepReport(step=1, epoch=0, loss=1.0, nll=1.0, learning_rate=0.1, gradient_norm=1.0,
                    tokens=9, seconds=0.1, layer_gradient_norms={})
with Display() as display, display.training(length, 0, "tokens"):
    display.update(report, length)
    display.say("data: a \\u2192 b, \\u00d7 2 \\u2026 \\u266b")
"""


def in_cp949(code: str, *arguments: object, terminal: bool) -> bytes:
    """Return what a program writes to a terminal or pipe whose encoding is CP949."""
    environment = os.environ | {"PYTHONIOENCODING": "cp949", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    if not terminal:
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        assert done.returncode == 0, done.stdout.decode("utf-8", "replace")[-2000:]
        return done.stdout
    pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, env=environment, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        written = b""
        try:
            while block := os.read(ours, 1 << 16):
                written += block
        except OSError:  # the other side has ended
            pass
    os.close(ours)
    assert process.returncode == 0, written.decode("cp949", "replace")[-2000:]
    return written


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_every_command_writes_utf8_to_pipes_and_what_a_terminal_can_show(
    tmp_path: Path, terminal: bool
) -> None:
    """One process runs the commands and shows the progress of a training."""
    written = in_cp949(COMMANDS + PROGRESS, toy_run(tmp_path), terminal=terminal)
    text = written.decode("cp949" if terminal else "utf-8")  # or this raises
    assert "Traceback" not in text
    assert "whyformer train --data" in text
    assert ("√" in text) or terminal  # the answer of `ask`
    assert "tokens/s" in text
    assert ("a → b, × 2 … ?" if terminal else "a → b, × 2 … ♫") in text
