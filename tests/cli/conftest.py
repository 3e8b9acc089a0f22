"""The command line called in this process: fast, and with everything it said."""

import io
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from toy_runs import fewer_pairs as fewer_pairs
from toy_runs import toy_run
from whyformer.cli.main import main


@dataclass(frozen=True)
class CommandResult:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def trouble(self) -> str:
        """Standard error without warnings of cut outputs: a toy run writes as much as it may."""
        lines = self.err.splitlines(keepends=True)
        return "".join(line for line in lines if "the length limit cut" not in line)

    @property
    def sentence(self) -> str:
        """The one message of a command that was asked wrongly."""
        assert self.code == 2, (self.code, self.err)
        assert "Traceback" not in self.err
        (message,) = [line for line in self.err.splitlines() if line.startswith("whyformer: ")]
        assert self.err.splitlines()[-1] == message
        return message.removeprefix("whyformer: ")


@pytest.fixture
def cli(capsys, monkeypatch):
    """Return a function that runs a command line, with a text as standard input."""

    def run(*argv: object, stdin: str | bytes = "") -> CommandResult:
        raw = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"))
        capsys.readouterr()
        code = main([str(token) for token in argv])
        return CommandResult(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> Path:
    """Return a run with random weights; not to be changed."""
    return toy_run(tmp_path_factory.mktemp("toy") / "run")


@pytest.fixture
def own_run(tmp_path) -> Path:
    """Return a run that a test may spoil."""
    return toy_run(tmp_path / "own-run")
