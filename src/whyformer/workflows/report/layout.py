"""The layout of the pages about a run. Each page is one HTML file with style sheet and script."""

from collections.abc import Mapping, Sequence
from html import escape

from whyformer.charts.assets import read, with_charts
from whyformer.charts.line_chart import Line, LineChart, Point, line_chart
from whyformer.charts.scale import Axis
from whyformer.foundation.bilingual import Language
from whyformer.workflows.learning_curve import Points


def document(
    title: str,
    body: str,
    *,
    refresh_seconds: int | None = None,
    language: Language = Language.ENGLISH,
    others: Mapping[Language, str] | None = None,
) -> str:
    """Return a complete HTML page.

    Args:
        body: HTML below the title.
        refresh_seconds: time after which a browser loads the page again; None: never.
        others: the names of the files with the same page in other languages.
    """
    links = "".join(
        f'<a href="{escape(file)}" hreflang="{other}" lang="{other}">{other.own_name}</a>'
        for other, file in (others or {}).items()
    )
    switch = f"<nav>{links}</nav>" if links else ""
    again = f'<meta http-equiv="refresh" content="{refresh_seconds}">' if refresh_seconds else ""
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{again}'
        f"<title>{escape(title)}</title><style>{with_charts(STYLE)}</style>"
        f"{switch}<main><h1>{escape(title)}</h1>{body}</main>"
        f'<script>"use strict";\n{{\n{read("hover.js")}}}\n</script></html>'
    )


def grid(figures: Sequence[str]) -> str:
    """Return HTML that arranges figures in a grid."""
    return "<div class=grid>" + "".join(f"<figure>{one}</figure>" for one in figures) + "</div>"


def chart(x: str, y: str, lines: Mapping[str, Points], *, log: bool = False) -> str:
    """Return a line chart. Args: x, y: names of the axes. lines: name -> points."""
    drawn = [
        Line(name, [Point(a, b) for a, b in points]) for name, points in lines.items() if points
    ]
    return line_chart(LineChart(Axis(x), Axis(y, log), drawn, f"{y} over {x}"))


STYLE = """
:root{color-scheme:light dark;--ink:#1b2430;--soft:#5c677d;--faint:#8a96a8;--line:#d8dee6;
--paper:#fff;--box:#f6f8fa;--shadow:0 6px 24px rgb(20 30 50 / .16);
--link:#1a5dbb;--good:#1d7044;--bad:#b3372f;--warn:#fff4d6;
/* colors.css */
}
@media(prefers-color-scheme:dark){:root{--ink:#e6ebf2;--soft:#9aa7b8;--faint:#7c8a9d;
--line:#39434f;--paper:#12171d;--box:#1b222b;--shadow:0 6px 24px rgb(0 0 0 / .5);
--link:#8ab8ff;--good:#69cf98;--bad:#ff8a80;--warn:#33290f;
/* colors.dark.css */
}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1180px;margin:0 auto;padding:2rem 1.2rem}h1{font-size:1.9rem;margin:0 0 .3rem}
h2{font-size:1.2rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
p,li,h1,h3,dd{overflow-wrap:anywhere}.lead,small,summary,.soft{color:var(--soft)}
html:lang(ko){word-break:keep-all}a{color:var(--link)}
nav{max-width:1180px;margin:0 auto;padding:.8rem 1.2rem 0;text-align:right}
h3{font-size:1.05rem;margin:1.2rem 0 .3rem}figure h3{margin:0 0 .2rem}th[scope=row],
th[scope=rowgroup]{font-weight:500}
.notice{background:var(--warn);border-radius:8px;padding:.6rem .9rem}
.verdict{border-left:4px solid var(--faint);padding:.1rem 0 .1rem 1rem;margin:1.2rem 0}
.verdict h3 b{color:var(--soft);margin-left:.6rem}.verdict.better{border-color:var(--good)}
.verdict.better h3 b{color:var(--good)}.verdict.worse{border-color:var(--bad)}
.verdict.worse h3 b{color:var(--bad)}.verdict p{margin:.4rem 0;max-width:70ch}
.verdict figure{max-width:680px}.remarks{padding-left:1.2rem;max-width:76ch}
svg.strip .zone{fill:var(--faint);opacity:.22}svg.strip .zero{stroke:var(--ink)}
svg.strip .bar{stroke:var(--c);stroke-width:5;opacity:.55}
svg.strip .end{stroke:var(--c);stroke-width:2;fill:none}
.n{white-space:nowrap}
dl.facts{display:grid;grid-template-columns:minmax(8rem,15rem) 1fr;gap:.4rem 1.2rem}
dl.facts dt{color:var(--soft)}dl.facts dd{margin:0;max-width:76ch}
table{border-collapse:collapse;font-size:.92rem}
td,th{padding:.35rem .9rem .35rem 0;text-align:left;vertical-align:top;
border-bottom:1px solid var(--line)}.n{text-align:right;font-variant-numeric:tabular-nums}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(460px,100%),1fr));gap:1rem}
figure{margin:0;background:var(--box);border-radius:8px;padding:.7rem;overflow-x:auto}
figcaption,summary{font-size:.88rem}
pre{background:var(--box);padding:.8rem;border-radius:8px;
overflow-x:auto;font-size:.85rem}.wide{overflow-x:auto}code{font-size:.85rem}
/* charts.css */
@media(max-width:620px){dl.facts{grid-template-columns:1fr;gap:0}dl.facts dd{margin-bottom:.6rem}
.cards thead{display:none}.cards tr{display:block;padding:.5rem 0;
border-bottom:1px solid var(--line)}.cards td{display:grid;grid-template-columns:7rem 1fr;
gap:.7rem;border:0;padding:.1rem 0;overflow-wrap:anywhere}.cards td:empty{display:none}
.cards td::before{content:attr(data-name);color:var(--soft)}
svg.plot text{font-size:20px}svg[data-heat] text{font-size:16px}}
"""
