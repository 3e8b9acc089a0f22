"""One process that has everything loaded runs the trials of all tests here."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
TOOLS = HERE.parents[1] / "tools"
Served = Callable[..., Any]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a function that runs code in a forked child, with a fault planted, and returns what
    the code calls ``found``."""
    if not hasattr(os, "fork"):
        pytest.skip("trials run in forked children")
    process = subprocess.Popen(
        [sys.executable, HERE / "soak_server.py", tmp_path_factory.mktemp("soak")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TOOLS), *sys.path])},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout

    def run(code: str, fault: str = "") -> Any:
        print(json.dumps({"code": code, "fault": fault}), file=process.stdin, flush=True)
        answer = json.loads(process.stdout.readline())
        assert not answer["fault"], answer["fault"]
        return answer["found"]

    with process:
        yield run
        process.stdin.close()
