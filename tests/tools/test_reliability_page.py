"""The page of figures says what the JSON file beside it says, and lists every part and fault."""

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "tools"))

from soak_parts import planted, report
from soak_parts.parts import PARTS

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def test_the_figures_on_the_page_are_those_of_the_file():
    kept = json.loads(PAGE.with_suffix(".json").read_text(encoding="utf-8"))
    text = PAGE.read_text(encoding="utf-8")
    assert text.split(report.BEGIN)[1].split(report.END)[0] == report.table(kept)
    assert kept == report.published(kept)


def test_every_part_and_planted_fault_is_on_the_page():
    text = PAGE.read_text(encoding="utf-8")
    for name in (*PARTS, *planted.PLANTED):
        assert f"\n| `{name}` |" in text


def test_partial_counts_and_failures_are_reported(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}{report.END}after\n", encoding="utf-8")
    record = {"seed": 1, "trials": 40, "failed": 2, "seconds": 5400.0, "kinds": {}, "figures": {}}
    other = record | {"seed": 2, "failures": ["a path of this machine"]}
    report.write(page, {"kill": record, "kill/2": other})
    text = page.read_text(encoding="utf-8")
    assert "| `kill` | 80 | 1,000 | 4 | 3.0 |" in text
    assert "| `io` | 0 | 500 | not run yet |" in text
    assert "path of this machine" not in page.with_suffix(".json").read_text(encoding="utf-8")
