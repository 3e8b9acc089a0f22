"""The report of a run: one self-contained HTML file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import accumulate
from pathlib import Path
from typing import Any

from whyformer.charts.heat_map import HeatMap, heat_map, heat_map_table
from whyformer.charts.table import folded
from whyformer.decoding.alignment import Aligned
from whyformer.evaluation.score import Score
from whyformer.foundation.files import write_text
from whyformer.foundation.wording import counted
from whyformer.training.journal import read_journal, read_timings
from whyformer.workflows.learning_curve import Points, thinned
from whyformer.workflows.report.layout import chart, document, grid


@dataclass(frozen=True)
class Mistake:
    """A wrong output and the closest reference; `rate` is the number of errors per reference
    token."""

    source: str
    answer: str
    right: str
    errors: int
    rate: float


@dataclass(frozen=True)
class ReportContent:
    """The content of the report, except the content that comes from the journal of the run."""

    title: str
    scores: Sequence[Score]
    pronounced: Sequence[tuple[str, Sequence[tuple[str, float]]]]
    """Each source with its hypotheses: text and log-probability."""
    alignments: Sequence[Aligned]
    mistakes: Sequence[Mistake]
    repeat: str
    """The command that repeats this run."""
    metric: str
    """The validation metric of the run."""
    verdict: Sequence[str] = field(default_factory=tuple)
    """The lines of the verdict of the run."""
    notes: Sequence[str] = field(default_factory=tuple)
    viewer: str = ""
    """The model on a small page, as HTML, or "" if there is no such page."""


def write_report(run: Path, content: ReportContent) -> Path:
    """Write ``report.html`` into the directory of a run and return its path."""
    journal, timings = read_journal(run), read_timings(run)
    sections = [
        ("Scores on held-out data", _scores(content.scores) + _verdict(content.verdict)),
        ("Try the model", content.viewer),
        ("Learning curves", _curves(journal, timings, content.metric)),
        ("Gradient norm of each layer", _gradients(journal)),
        ("Words outside the dictionary", _pronounced(content.pronounced)),
        ("Cross-attention", _alignments(content.alignments)),
        ("Largest errors", _mistakes(content.mistakes)),
        ("How to reproduce this run", _repeat(content, run)),
    ]
    body = "".join(
        f"<section><h2>{escape(name)}</h2>{html}</section>" for name, html in sections if html
    )
    page = document(content.title, _summary(journal, timings) + body)
    write_text(run / "report.html", page)
    return run / "report.html"


def _summary(journal: list[dict[str, Any]], timings: list[dict[str, Any]]) -> str:
    seconds = sum(t["seconds"] for t in timings)
    tokens = sum(t["tokens"] for t in timings)
    updates = max((line["step"] for line in journal), default=0)
    epochs = max((line.get("epoch", 0) for line in journal), default=0)
    return (
        f"<p class=lead>{counted(updates, 'update')} on {counted(tokens, 'target token')} in "
        f"{seconds / 60:.1f} "
        f"minutes ({tokens / max(seconds, 1e-9):,.0f} tokens per second, without validations); "
        f"{counted(epochs, 'full pass', 'full passes')} over the training data.</p>"
    )


def _scores(scores: Sequence[Score]) -> str:
    rows = "".join(
        f"<tr><td>{escape(s.name.upper())}</td><td class=n><b>{s.value:.2f}</b></td>"
        f"<td class=n>{_interval(s)}</td><td>{escape(s.unit)}</td><td class=n>{s.n:,}</td></tr>"
        for s in scores
    )
    signatures = "".join(f"<li><code>{escape(s.signature)}</code></li>" for s in scores)
    return (
        "<div class=wide><table><tr><th>metric</th><th class=n>value</th>"
        "<th class=n>95 % interval</th><th>unit</th><th class=n>lines</th></tr>"
        f"{rows}</table></div>"
        f"<details><summary>Signatures</summary><ul>{signatures}</ul></details>"
    )


def _verdict(lines: Sequence[str]) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def _interval(score: Score) -> str:
    return f"{score.interval[0]:.2f} – {score.interval[1]:.2f}" if score.interval else "–"


def _curves(journal: list[dict[str, Any]], timings: list[dict[str, Any]], metric: str) -> str:
    clock = dict(
        zip(
            (t["step"] for t in timings),
            accumulate(t["seconds"] / 60 for t in timings),
            strict=True,
        )
    )
    steps = [line for line in journal if "nll" in line]
    checks = [line for line in journal if "validation" in line]

    def minutes(name: str, lines: Mapping[str, Points]) -> str:
        return chart("minutes of training", name, lines)

    loss = {
        "training loss": thinned([(clock[s["step"]], s["nll"]) for s in steps]),
        "validation loss": [(clock[c["step"]], c["validation"]["loss"]) for c in checks],
    }
    charts = [minutes("nats per token", loss)]
    if checks and metric in checks[0]["validation"]:
        curve = [(clock[c["step"]], c["validation"][metric]) for c in checks]
        charts.append(minutes(f"validation {metric}", {metric: curve}))
    rate = [(clock[s["step"]], s["learning_rate"]) for s in steps]
    charts.append(minutes("learning rate", {"learning rate": thinned(rate)}))
    return grid(charts)


def _gradients(journal: list[dict[str, Any]]) -> str:
    measured = [line for line in journal if "layer_gradient_norms" in line]
    if not measured:
        return "<p>Not measured.</p>"
    names = list(measured[0]["layer_gradient_norms"])
    charts = []
    for side in ("encoder", "decoder"):
        lines = {
            name.removeprefix(f"{side}."): thinned(
                [(m["step"], m["layer_gradient_norms"][name]) for m in measured], 150
            )
            for name in names
            if name.startswith(side)
        }
        if lines:
            charts.append(chart("update", f"{side}, L2 norm", lines, log=True))
    return grid(charts)


def _pronounced(rows: Sequence[tuple[str, Sequence[tuple[str, float]]]]) -> str:
    body = "".join(
        f"<tr><td><b>{escape(source)}</b></td>"
        + "".join(
            f"<td>{escape(text)}<br><small>log p {log_p:.2f}</small></td>" for text, log_p in found
        )
        + "</tr>"
        for source, found in rows
    )
    width = max((len(found) for _, found in rows), default=1)
    head = "".join(f"<th>{n}. best</th>" for n in range(1, width + 1))
    return f"<div class=wide><table><tr><th>input</th>{head}</tr>{body}</table></div>"


def _alignments(alignments: Sequence[Aligned]) -> str:
    lead = (
        "<p>Cross-attention of the last decoder layer, mean over heads. Each row is an output "
        "token, each column a source token.</p>"
    )
    return lead + grid(
        [attention_map(a.target_tokens, a.source_tokens, a.weights) for a in alignments]
    )


def attention_map(
    queries: Sequence[str], keys: Sequence[str], weights: Sequence[Sequence[float]]
) -> str:
    """Return the attention weights of a head as a heat map (one row per query) and a table."""
    label = "Attention weights. Each row is a query, each column a key."
    chart = HeatMap(queries, keys, weights, label)
    return heat_map(chart) + folded("Numbers", heat_map_table(chart))


def _mistakes(mistakes: Sequence[Mistake]) -> str:
    body = "".join(
        f"<tr><td><b>{escape(m.source)}</b></td><td>{escape(m.answer)}</td>"
        f"<td>{escape(m.right)}</td><td class=n>{m.errors}</td></tr>"
        for m in mistakes
    )
    return (
        "<div class=wide><table><tr><th>input</th><th>answer</th><th>closest reference</th>"
        f"<th class=n>errors</th></tr>{body}</table></div>"
    )


def _repeat(content: ReportContent, run: Path) -> str:
    notes = "".join(f"<p>{escape(note)}</p>" for note in content.notes)
    recipe = (run / "recipe.yaml").read_text(encoding="utf-8")
    machine = (run / "run.json").read_text(encoding="utf-8")
    return (
        f"<pre>{escape(content.repeat)}</pre>{notes}"
        f"<details><summary>Every setting of this run</summary><pre>{escape(recipe)}</pre>"
        "</details>"
        f"<details><summary>Versions</summary><pre>{escape(machine)}</pre></details>"
    )
