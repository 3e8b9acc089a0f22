"""The tables of the page: the trials, the costs, and all trainings."""

from collections.abc import Mapping, Sequence
from html import escape
from statistics import mean
from typing import Any

from whyformer.charts.numbers import number
from whyformer.charts.table import folded, table
from whyformer.evaluation.comparison.wording import signed
from whyformer.foundation.bilingual import Language
from whyformer.workflows.compare.page.words import WORDS, say

Row = tuple[str, Sequence[str]]
"""The HTML of the first cell, and of the further cells."""
MANY = 40
"""With more trainings than this, their table opens on a click."""


def tuning(found: Mapping[str, Any], language: Language) -> str:
    """Return every trial of every arm with its score, or "" without tuning.

    Args: found: see `page.Found`.
    """
    if not any(found["trials"].values()):
        return ""
    metric = found["trained"][found["base"]][0]["metric"]
    rows: list[Row] = []
    keys = list(next(one for some in found["trials"].values() for one in some)["values"])
    for arm, trials in found["trials"].items():
        for place, one in enumerate(trials, start=1):
            kept = f"<b>{say('kept_mark', language)}</b>" if one["chosen"] else ""
            values = [escape(",".join(one["values"][key])) for key in keys]
            score = number(mean(one["scores"].values()), 4)
            rows.append((escape(arm), [str(place), *values, score, kept]))
    heads = [WORDS["trial"].in_(language), *keys, metric, ""]
    lead = say("tuning_lead", language, metric=metric)
    return f'<p class="soft">{lead}</p>{_table(heads, rows, "tuning", language)}'


def costs(found: Mapping[str, Any], language: Language) -> str:
    """Return the mean score and the mean costs of each arm. Args: see `tuning`."""
    rows: list[Row] = []
    for arm, one in found["costs"].items():
        score = mean(found["scores"][arm].values())
        cells = [
            number(score, 4),
            number(one["seconds"] / 60),
            f"{one['updates']:,.0f}",
            number(one["tokens"]),
            f"{one['parameters']:,.0f}",
            "–" if one["flops"] is None else number(one["flops"]),
        ]
        rows.append((_named(found, arm, language), cells))
    names = ("time", "count_updates", "count_tokens", "parameters", "operations")
    heads = [found["metric"], *(WORDS[name].in_(language) for name in names)]
    return (
        f'<p class="soft">{say("costs_lead", language)}</p>{_table(heads, rows, "costs", language)}'
    )


def cells(found: Mapping[str, Any], language: Language) -> str:
    """Return the table of all trainings that are judged. Args: see `tuning`."""
    base = found["scores"][found["base"]]
    metric = found["trained"][found["base"]][0]["metric"]
    rows: list[Row] = []
    for arm, trainings in found["trained"].items():
        for one in trainings:
            seed = str(one["seed"])
            score = found["scores"][arm][seed]
            apart = "–" if arm == found["base"] else signed(score - base[seed])
            cells = [
                seed,
                number(score, 4),
                apart,
                number(one["selected"], 4),
                number(one["seconds"] / 60),
                f"{one['updates']:,}",
                number(one["tokens"]),
            ]
            rows.append((_named(found, arm, language), cells))
    heads = [
        WORDS["seed"].in_(language),
        found["metric"],
        WORDS["difference"].in_(language),
        f"{WORDS['best_validation'].in_(language)} ({metric})",
        *(WORDS[name].in_(language) for name in ("time", "count_updates", "count_tokens")),
    ]
    made = _table(heads, rows, "cells", language)
    lead = f'<p class="soft">{say("cells_lead", language)}</p>'
    return lead + (made if len(rows) <= MANY else folded(say("cells", language), made))


def _named(found: Mapping[str, Any], arm: str, language: Language) -> str:
    mark = f" <small>{say('base_mark', language)}</small>" if arm == found["base"] else ""
    return escape(arm) + mark


def _table(heads: Sequence[str], rows: Sequence[Row], name: str, language: Language) -> str:
    """Return a table whose first column is the arm. A repeated arm is named once."""
    head = f'<th scope="col">{say("arm", language)}</th>' + "".join(
        f'<th scope="col" class="n">{escape(one)}</th>' if one else "<td></td>" for one in heads
    )
    body, before = "", None
    for first, cells in rows:
        span = sum(row[0] == first for row in rows)
        named = "" if first == before else f'<th scope="rowgroup" rowspan="{span}">{first}</th>'
        named = named.replace('scope="rowgroup" rowspan="1"', 'scope="row"')
        values = "".join(f'<td class="n">{cell}</td>' for cell in cells)
        body += f"<tr>{named}{values}</tr>"
        before = first
    return table(head, body, name=WORDS[name].in_(language))
