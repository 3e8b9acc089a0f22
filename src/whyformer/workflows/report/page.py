"""The page of a run: one HTML file that needs nothing beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import accumulate
from pathlib import Path
from typing import Any

from whyformer.decoding.alignment import Aligned
from whyformer.evaluation.score import Score
from whyformer.foundation.files import write_text
from whyformer.foundation.wording import counted
from whyformer.training.journal import read_journal, read_timings
from whyformer.workflows.report.charts import Line, heat_map, line_chart

POINTS = 300
"""Most points of a curve; longer ones are thinned to means of neighbours."""


@dataclass(frozen=True)
class Mistake:
    """A wrong answer beside the nearest right one; `rate` is errors per right token."""

    source: str
    answer: str
    right: str
    errors: int
    rate: float


@dataclass(frozen=True)
class Story:
    """What the page tells beyond the run's own journal."""

    title: str
    scores: Sequence[Score]
    pronounced: Sequence[tuple[str, Sequence[tuple[str, float]]]]
    """Source, then for each hypothesis its text and log-probability."""
    alignments: Sequence[Aligned]
    mistakes: Sequence[Mistake]
    repeat: str
    """The command that makes this run again."""
    metric: str
    """Metric of the run's validations."""
    notes: Sequence[str] = field(default_factory=tuple)


def write_report(run: Path, story: Story) -> Path:
    """Write ``report.html`` into a run's directory and return its path."""
    journal, timings = read_journal(run), read_timings(run)
    sections = [
        ("Scores on held-out data", _scores(story.scores)),
        ("Learning curves", _curves(journal, timings, story.metric)),
        ("Gradient norm of each layer", _gradients(journal)),
        ("Used on what no dictionary holds", _pronounced(story.pronounced)),
        ("Where the decoder looked", _alignments(story.alignments)),
        ("The worst mistakes", _mistakes(story.mistakes)),
        ("How to repeat this", _repeat(story, run)),
    ]
    body = "".join(f"<section><h2>{escape(name)}</h2>{html}</section>" for name, html in sections)
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(story.title)}</title><style>{STYLE}</style>"
        f"<main><h1>{escape(story.title)}</h1>{_summary(journal, timings)}{body}</main></html>"
    )
    write_text(run / "report.html", page)
    return run / "report.html"


def _summary(journal: list[dict[str, Any]], timings: list[dict[str, Any]]) -> str:
    seconds = sum(t["seconds"] for t in timings)
    tokens = sum(t["tokens"] for t in timings)
    updates = max((line["step"] for line in journal), default=0)
    epochs = max((line.get("epoch", 0) for line in journal), default=0)
    return (
        f"<p class=lead>{counted(updates, 'update')} on {tokens:,} target tokens in "
        f"{seconds / 60:.1f} "
        f"minutes ({tokens / max(seconds, 1e-9):,.0f} tokens a second, validations not counted); "
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
        "<table><tr><th>metric</th><th class=n>value</th><th class=n>95 % interval</th>"
        f"<th>unit</th><th class=n>lines</th></tr>{rows}</table>"
        f"<details><summary>Signatures</summary><ul>{signatures}</ul></details>"
    )


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
    loss = [
        Line("training loss", _thin([(clock[s["step"]], s["nll"]) for s in steps])),
        Line("validation loss", [(clock[c["step"]], c["validation"]["loss"]) for c in checks]),
    ]
    charts = [line_chart(loss, x="minutes of training", y="nats a token")]
    if checks and metric in checks[0]["validation"]:
        curve = Line(metric, [(clock[c["step"]], c["validation"][metric]) for c in checks])
        charts.append(line_chart([curve], x="minutes of training", y=f"validation {metric}"))
    rate = [(clock[s["step"]], s["learning_rate"]) for s in steps]
    charts.append(
        line_chart([Line("learning rate", _thin(rate))], x="minutes of training", y="learning rate")
    )
    return _grid(charts)


def _gradients(journal: list[dict[str, Any]]) -> str:
    measured = [line for line in journal if "layer_gradient_norms" in line]
    if not measured:
        return "<p>Not measured.</p>"
    names = list(measured[0]["layer_gradient_norms"])
    charts = []
    for side in ("encoder", "decoder"):
        lines = [
            Line(
                name.removeprefix(f"{side}."),
                _thin([(m["step"], m["layer_gradient_norms"][name]) for m in measured], 150),
            )
            for name in names
            if name.startswith(side)
        ]
        if lines:
            charts.append(line_chart(lines, x="update", y=f"{side}, L2 norm", log=True))
    return _grid(charts)


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
        "<p>Cross-attention of the last decoder layer, mean over heads: each row is a symbol being "
        "written, each column one being read.</p>"
    )
    return lead + _grid([heat_map(a.target_tokens, a.source_tokens, a.weights) for a in alignments])


def _mistakes(mistakes: Sequence[Mistake]) -> str:
    body = "".join(
        f"<tr><td><b>{escape(m.source)}</b></td><td>{escape(m.answer)}</td>"
        f"<td>{escape(m.right)}</td><td class=n>{m.errors}</td></tr>"
        for m in mistakes
    )
    return (
        "<div class=wide><table><tr><th>input</th><th>answer</th><th>nearest right one</th>"
        f"<th class=n>errors</th></tr>{body}</table></div>"
    )


def _repeat(story: Story, run: Path) -> str:
    notes = "".join(f"<p>{escape(note)}</p>" for note in story.notes)
    recipe = (run / "recipe.yaml").read_text(encoding="utf-8")
    machine = (run / "run.json").read_text(encoding="utf-8")
    return (
        f"<pre>{escape(story.repeat)}</pre>{notes}"
        f"<details><summary>Every setting of this run</summary><pre>{escape(recipe)}</pre>"
        "</details>"
        f"<details><summary>Versions</summary><pre>{escape(machine)}</pre></details>"
    )


def _thin(points: list[tuple[float, float]], most: int = POINTS) -> list[tuple[float, float]]:
    size = -(-len(points) // most)
    if size <= 1:
        return points
    groups = [points[k : k + size] for k in range(0, len(points), size)]
    return [(g[-1][0], sum(y for _, y in g) / len(g)) for g in groups]


def _grid(charts: Sequence[str]) -> str:
    return "<div class=grid>" + "".join(f"<figure>{c}</figure>" for c in charts) + "</div>"


STYLE = """
:root{color-scheme:light dark;--ink:#1b2430;--soft:#5c677d;--line:#d8dee6;--paper:#fff;
--box:#f6f8fa}
@media(prefers-color-scheme:dark){:root{--ink:#e6ebf2;--soft:#9aa7b8;--line:#39434f;--paper:#12171d;
--box:#1b222b}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1180px;margin:0 auto;padding:2rem 1.2rem}h1{font-size:1.9rem;margin:0 0 .3rem}
h2{font-size:1.2rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
.lead,small,summary{color:var(--soft)}table{border-collapse:collapse;font-size:.92rem}
td,th{padding:.35rem .9rem .35rem 0;text-align:left;vertical-align:top;
border-bottom:1px solid var(--line)}.n{text-align:right;font-variant-numeric:tabular-nums}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(330px,1fr));gap:1rem}
figure{margin:0;background:var(--box);border-radius:8px;padding:.7rem;overflow-x:auto}
svg{width:100%;display:block}svg text{fill:var(--soft);font-size:11px}
svg .grid{stroke:var(--line);stroke-width:1}.legend{display:flex;flex-wrap:wrap;gap:.2rem 1rem;
font-size:.8rem;color:var(--soft)}.legend i{display:inline-block;width:.8rem;height:.2rem;
margin-right:.35rem;vertical-align:middle}pre{background:var(--box);padding:.8rem;border-radius:8px;
overflow-x:auto;font-size:.85rem}.wide{overflow-x:auto}code{font-size:.85rem}
"""
