"""Write the results of the soak test to docs/reliability.md and the READMEs."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from soak_parts.parts import PARTS

BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"
KEPT = ("seed", "trials", "failed", "seconds", "kinds", "figures")
"""Keys of a record that are published. Failures are not: they contain local paths."""
ROW = re.compile(r"^\| `([\w-]+)` \| ([^|]+) \| [^|]+ \| [^|]+ \|$", re.MULTILINE)
"""A row of the table in a README: part, what a trial does, trials, failed."""


def published(whole: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the published keys of a result file."""
    return {key: {name: one[name] for name in KEPT if name in one} for key, one in whole.items()}


def records(whole: Mapping[str, Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    """Return the records of one part, one for each seed."""
    return [one for key, one in whole.items() if key.partition("/")[0] == name]


def counts(found: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Return the number of trials and of failed trials."""
    return sum(one["trials"] for one in found), sum(one["failed"] for one in found)


def table(whole: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a Markdown table with one row per part, summed over seeds."""
    rows = [
        "| part | trials | goal | failed | hours | largest measured values |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for name, part in PARTS.items():
        found = records(whole, name)
        trials, failed = counts(found)
        hours = sum(one["seconds"] for one in found) / 3600
        figures: dict[str, float] = {}
        for one in found:
            for figure, value in one["figures"].items():
                figures[figure] = max(value, figures.get(figure, value))
        grouped: dict[str, list[str]] = {}
        for figure, value in figures.items():
            measured, _, condition = figure.partition(", ")
            grouped.setdefault(measured, []).append(f"{condition} {value:.3g}".lstrip())
        largest = "; ".join(f"{name}: {', '.join(values)}" for name, values in grouped.items())
        results = f"{failed:,} | {hours:.1f}" if trials else "not run yet | "
        rows.append(f"| `{name}` | {trials:,} | {part.goal:,} | {results} | {largest} |")
    return "\n".join(rows) + "\n"


def write(page: Path, whole: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the table into a page and the published results into a JSON file beside it."""
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    kept = published(whole)
    page.with_suffix(".json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    page.write_text(before + BEGIN + table(kept) + END + after, encoding="utf-8")


def with_counts(readme: str, whole: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the text of a README with the current numbers in its table of parts."""

    def row(old: re.Match[str]) -> str:
        if old[1] not in PARTS:
            return old[0]
        trials, failed = counts(records(whole, old[1]))
        shown = f"{failed:,}" if trials else "–"
        return f"| `{old[1]}` | {old[2]} | {trials:,} / {PARTS[old[1]].goal:,} | {shown} |"

    return ROW.sub(row, readme)
