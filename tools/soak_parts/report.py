"""The figures of the soak test as a table of docs/reliability.md."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from soak_parts.parts import PARTS

BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"
KEPT = ("seed", "trials", "failed", "seconds", "kinds", "figures")
"""What is published of a part's record; failures hold paths of the machine."""


def published(whole: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what of a result file goes into the repository."""
    return {key: {name: one[name] for name in KEPT if name in one} for key, one in whole.items()}


def table(whole: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a Markdown table with a row for each part; several seeds are added up."""
    rows = [
        "| part | trials | of | failed | hours | largest figures |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for name, part in PARTS.items():
        found = [one for key, one in whole.items() if key.partition("/")[0] == name]
        trials = sum(one["trials"] for one in found)
        failed = sum(one["failed"] for one in found)
        hours = sum(one["seconds"] for one in found) / 3600
        figures: dict[str, float] = {}
        for one in found:
            for figure, value in one["figures"].items():
                figures[figure] = max(value, figures.get(figure, value))
        told = "; ".join(f"{figure}: {value:.3g}" for figure, value in figures.items())
        counts = f"{failed:,} | {hours:.1f}" if trials else "not run yet | "
        rows.append(f"| `{name}` | {trials:,} | {part.goal:,} | {counts} | {told} |")
    return "\n".join(rows) + "\n"


def write(page: Path, whole: Mapping[str, Mapping[str, Any]]) -> None:
    """Put the table into a page, and the figures into a JSON file beside it."""
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    kept = published(whole)
    page.with_suffix(".json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    page.write_text(before + BEGIN + table(kept) + END + after, encoding="utf-8")
