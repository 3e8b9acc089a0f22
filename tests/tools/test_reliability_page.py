"""The reliability page and the READMEs agree with the JSON file and list all parts and faults."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "tools"))

import soak
from soak_parts import planted, report
from soak_parts.parts import PARTS
from soak_parts.verdicts import Tally, Verdict

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


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_the_counts_in_the_readmes_are_those_of_the_file(name: str):
    kept = json.loads(PAGE.with_suffix(".json").read_text(encoding="utf-8"))
    text = (PAGE.parents[1] / name).read_text(encoding="utf-8")
    assert {row[0] for row in report.ROW.findall(text)} == set(PARTS)
    assert report.with_counts(text, kept) == text
    kept["kill"] |= {"trials": 7, "failed": 3}
    assert " | 7 / 1,000 | 3 |\n" in report.with_counts(text, kept)
    del kept["kill"]
    assert " | 0 / 1,000 | – |\n" in report.with_counts(text, kept)


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


def test_a_soak_resumes_from_the_published_file(tmp_path, monkeypatch):
    def run(seed: int, first: int, last: int, work: Path) -> Tally:
        tally = Tally()
        for index in range(first, last):
            tally.add(index, Verdict(index != 8, "made up", f"trial {index}"))
        return tally

    part = replace(PARTS["split"], chunk=2, set_up=lambda work: None, run=run)
    monkeypatch.setitem(PARTS, "split", part)
    result = tmp_path / "soak.json"
    for trials, failed in ((6, 0), (10, 1), (12, 1)):
        record = soak.soak("split", 1, tmp_path, result, trials=trials, minutes=None)
        kept = json.loads(result.read_text(encoding="utf-8"))
        assert kept["split"] == record
        assert (record["trials"], record["failed"]) == (trials, failed)
        assert record["kinds"] == {"made up": trials}
        assert record["claim"] == part.claim
        result.write_text(json.dumps(report.published(kept)), encoding="utf-8")
