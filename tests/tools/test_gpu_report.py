"""The tables that are made from the JSON files of a benchmark on a GPU."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu_report.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_report", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def results(out: Path, *, rehearsal: bool = False) -> Path:
    about = {"rehearsal": rehearsal, "torch": "2.11", "device": "a GPU", "seconds": 3.0}
    parts: dict[str, dict[str, Any]] = {
        "tests": {"exit_code": 0, "last_lines": ["", "7 passed in 3 s"]},
        "training": {
            "big/ceiling": 5e14,
            "big/whyformer": {"tokens_per_second": 3000.0, "mfu_of_measured_peak": 0.456},
            "big/marian": {"tokens_per_second": 1500.0, "mfu_of_measured_peak": 0.2},
            "big/torch": "left out: no time",
        },
        "decoding": {
            "T/whyformer/beam 5/512 at once": {"tokens_per_second": 9000.0},
            "T/hugging-face/beam 5/512 at once": {"tokens_per_second": 4500.0},
            "T/ctranslate2/failed": "RuntimeError: no CUDA 12",
        },
        "learning": {"updates": 300, "pre-norm/seed 1": {"nll": 1.23456}},
    }
    out.mkdir()
    for name, values in parts.items():
        (out / f"{name}.json").write_text(json.dumps(about | values), encoding="utf-8")
    return out


def test_speeds_are_compared_with_peers_of_the_same_model(tool: ModuleType, tmp_path: Path) -> None:
    text = tool.report(results(tmp_path / "out"))
    assert "| big | whyformer | 3,000 | 2.00 × | 46% |" in text
    assert "Measured peak for `big`: 500.0 TFLOP/s." in text
    assert "| T | beam 5 | 512 | whyformer | 9,000 | 2.00 × |" in text
    assert "| pre-norm | 1 | 1.235 |" in text


def test_what_failed_or_is_missing_is_reported(tool: ModuleType, tmp_path: Path) -> None:
    text = tool.report(results(tmp_path / "out"))
    assert "`T/ctranslate2` failed: RuntimeError: no CUDA 12" in text
    assert "`big/torch`: no time" in text
    assert "### Profile\n\nNot run." in text
    assert "time limit ended" not in text
    (tmp_path / "out" / "tests.json").write_text('{"rehearsal": false}', encoding="utf-8")
    assert "The time limit ended this part." in tool.report(tmp_path / "out")


def test_only_the_section_of_the_gpu_is_replaced(tool: ModuleType) -> None:
    page = "# P\n\n## A\n\na\n\n## On a GPU\n\nold\n\n### Tests\n\nold\n\n## B\n\nb\n"
    found = tool.insert(page, "## On a GPU\n\nnew\n")
    assert found == "# P\n\n## A\n\na\n\n## On a GPU\n\nnew\n\n## B\n\nb\n"
    assert tool.insert(found, "## On a GPU\n\nnew\n") == found
    assert tool.insert("# P\n", "## On a GPU\n\nnew\n") == "# P\n\n## On a GPU\n\nnew\n"


@pytest.mark.parametrize("rehearsal", [True, False])
def test_a_rehearsal_is_never_written_into_a_page(tmp_path: Path, *, rehearsal: bool) -> None:
    page = tmp_path / "page.md"
    page.write_text("# P\n", encoding="utf-8")
    out = results(tmp_path / "out", rehearsal=rehearsal)
    command = [sys.executable, str(SCRIPT), str(out), "--into", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is not rehearsal
    assert ("On a GPU" in page.read_text(encoding="utf-8")) is not rehearsal
