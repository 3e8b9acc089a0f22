"""The page about the method: intervals, their coverage, the correction, and the criteria."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from whyformer.charts.table import table
from whyformer.charts.words import in_symbols
from whyformer.foundation.bilingual import Language
from whyformer.foundation.parsing import read_json
from whyformer.lab.method.criterion import criterion_of
from whyformer.lab.method.intervals import CORRECTED_ALPHA, FAMILY
from whyformer.lab.pages.edition import CHANGES, first_edition, is_first_edition
from whyformer.lab.pages.frame import document, file_of, say, with_code
from whyformer.lab.pages.page import Page
from whyformer.lab.pages.wording import WORDS

METHOD_PAGE = "method"
SIMULATED = {
    "mean": "simulated_mean",
    "geometric mean": "simulated_geometric_mean",
    "median": "simulated_median",
    "bootstrap": "simulated_bootstrap",
    "normal": "simulated_normal",
    "log-normal": "simulated_log_normal",
    "heavy-tailed": "simulated_heavy_tailed",
}
"""The texts for the names in `coverage.json`."""


def level() -> str:
    """Return the level of the intervals that decide the verdicts, in percent."""
    return f"{100 * (1 - CORRECTED_ALPHA):.3f}"


def method_page(pages: Sequence[Page], language: Language, languages: Sequence[Language]) -> str:
    """Return the page that explains how the verdicts are reached."""
    simulated = read_json(CHANGES / "coverage.json")
    simulations = f"{simulated['simulations']:,}"
    title = WORDS["method"].in_(language)
    body = (
        f"<h1>{escape(title)}</h1>\n<p class=lead>{say('method_lead', language)}</p>\n"
        f"<h2>{say('intervals', language)}</h2>\n<p>{say('how_intervals', language)}</p>\n"
        f"<p>{say('coverage_lead', language, simulations=simulations)}</p>\n"
        f"{_coverage(simulated, language)}<p>{say('coverage_read', language)}</p>\n"
        f"<h2>{say('family', language)}</h2>\n"
        f"<p>{say('how_level', language, level=level(), family=FAMILY)}</p>\n"
        f"<p>{say('why_family', language)}</p>\n{_family(simulated['family'], language)}"
        f"<p>{say('family_read', language)}</p>\n"
        f"<h2>{say('criteria', language)}</h2>\n"
        f"<p>{with_code(say('criteria_lead', language))}</p>\n"
        f"{_criteria(pages, language)}"
    )
    return document(METHOD_PAGE, title, body, language, languages)


def _coverage(simulated: Mapping[str, Any], language: Language) -> str:
    head = (
        f'<th scope="col">{say("statistic", language)}</th>'
        f'<th scope="col">{say("distribution", language)}</th>'
        + "".join(
            f'<th scope="col" class=n>{say("number_of_seeds", language, seeds=seeds)}</th>'
            for seeds in simulated["seeds"]
        )
    )
    rows = "".join(
        f'<tr><th scope="row">{say(SIMULATED[row["statistic"]], language)}</th>'
        f"<td>{say(SIMULATED[row['values']], language)}</td>"
        + "".join(f'<td class="n">{_percent(share)}</td>' for share in row["covered"])
        + "</tr>"
        for row in simulated["coverage"]
    )
    return f'<div class="tight">{table(head, rows)}</div>'


def _family(simulated: Mapping[str, Any], language: Language) -> str:
    words = ("distribution", "not_corrected", "corrected")
    head = "".join(
        f'<th scope="col"{" class=n" if k else ""}>{say(word, language)}</th>'
        for k, word in enumerate(words)
    )
    rows = "".join(
        f'<tr><th scope="row">{say(SIMULATED[row["values"]], language)}</th>'
        f'<td class="n">{_percent(row["plain"])}</td>'
        f'<td class="n">{_percent(row["corrected"])}</td></tr>'
        for row in simulated["rows"]
    )
    return table(head, rows)


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{100 * share:.1f}"


def _criteria(pages: Sequence[Page], language: Language) -> str:
    rows = ""
    for page in pages:
        if page.record is None or page.experiment.command:
            continue
        name = page.experiment.name
        question = in_symbols(page.experiment.question.in_(language))
        rows += (
            f'<tr><th scope="row"><a href="{file_of(name, language)}">{question}</a></th>'
            f"<td>{provenance_of_criterion(page, language)}</td></tr>"
        )
    head = (
        f'<th scope="col">{say("question", language)}</th>'
        f'<th scope="col">{say("criterion_and_data", language)}</th>'
    )
    return table(head, rows)


def provenance_of_criterion(page: Page, language: Language) -> str:
    """Return, as HTML, when the criterion and the data of a question were made, and whether the
    criterion changed after the data."""
    record = page.record
    if record is None or page.experiment.command:
        return ""
    current = criterion_of(page.experiment.name)
    shown = f"{say('criterion_hash', language)}: <code>{current}</code>."
    if is_first_edition(page):
        known = first_edition()[page.experiment.name]
        dates = say(
            "first_edition_dates",
            language,
            criterion=known["criterion"]["date"],
            criterion_commit=known["criterion"]["commit"],
            data=known["data"]["date"],
            data_commit=known["data"]["commit"],
        )
        changed = known["changed"]
        note = (
            with_code(in_symbols(changed[str(language)]))
            if changed
            else say("none_changed", language)
        )
        return f"{dates} {note} {shown} {say('no_hash', language)}"
    registered = record.made.get("registered")
    if not registered:
        return f"{shown} {say('not_registered', language)}"
    dates = say(
        "registered_dates",
        language,
        criterion=registered["date"],
        hash=registered["criterion"],
        commit=registered["commit"] or "—",
        data=record.made["measured"],
    )
    same = registered["criterion"] == record.made["criterion"] == current
    notes = [say("same_criterion" if same else "other_criterion", language)]
    if registered["changed"] is not False:
        notes.append(say("not_committed", language))
    return " ".join([dates, shown, *notes])
