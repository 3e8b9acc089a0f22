"""The page of one question."""

import json
from collections.abc import Sequence
from html import escape

from whyformer.charts.numbers import number
from whyformer.charts.table import table
from whyformer.charts.words import in_symbols
from whyformer.foundation.bilingual import Language
from whyformer.lab.method.charts import Figure
from whyformer.lab.pages.cards import SECTIONS, Card, Facts, in_html
from whyformer.lab.pages.drawing import drawn, drawn_first
from whyformer.lab.pages.frame import document, file_of, say
from whyformer.lab.pages.live import LIVE, script_of
from whyformer.lab.pages.method import provenance_of_criterion
from whyformer.lab.pages.page import Page, is_quick
from whyformer.lab.pages.real import disagreements
from whyformer.lab.pages.rows import claim_table
from whyformer.lab.pages.wording import WORDS

DERIVATION, MEASURED = 2, 3
"""Places of two sections in `SECTIONS`."""
RESULTS = "results"
"""Name of the folder that contains the numbers of the pages as JSON."""


def question_page(
    page: Page,
    language: Language,
    languages: Sequence[Language],
    around: Sequence[Page | None],
) -> str:
    """Return the page of one question. Args: around: the previous question and the next one."""
    experiment, card = page.experiment, page.cards[language]
    sections = _sections(card, page.facts, language)
    lead, others = leading_figure(page)
    figures = "\n".join(drawn(figure, language) for figure in others)
    live = _live(experiment.name, language)
    summary = sections[0] if sections else f"<p class=absent>{say('not_written', language)}</p>"
    body = [
        f"<h1>{in_symbols(experiment.question.in_(language))}</h1>",
        _notices(page, language) + disagreements(page, language),
        first_screen(page, lead, language, summary),
        f"<h2>{say('claims', language)}</h2>\n<p class=soft>{say('open_a_row', language)}</p>",
        claim_table(page, language),
    ]
    for place, section in enumerate(sections):
        if place == 0 and experiment.brief is None:  # the page begins with this section
            continue
        body.append(f"<h2>{escape(SECTIONS[place].in_(language))}</h2>\n{section}")
        if place == DERIVATION:
            body.append(live)
        if place == MEASURED:
            body.append(figures)
    if not sections:
        body += [live, figures]
    body += [_provenance(page, language), _onward(around, language)]
    scripts = [script_of(experiment.name)] if live else []
    title = experiment.question.in_(language)
    html = "\n".join(part for part in body if part)
    return document(experiment.name, title, html, language, languages, scripts)


def leading_figure(page: Page) -> tuple[Figure | None, list[Figure]]:
    """Return the figure of the first screen, and the other figures in order. The figure of the
    first screen is the one that the brief names, or the first figure if this one was not measured.
    """
    if page.record is None:
        return None, []
    figures = list(page.experiment.charts(page.record.results))
    brief = page.experiment.brief
    named = [figure for figure in figures if brief is not None and figure.name == brief.figure]
    lead = next(iter(named or figures), None)
    return lead, [figure for figure in figures if figure is not lead]


def first_screen(page: Page, lead: Figure | None, language: Language, summary: str) -> str:
    """Return the answer, the figure that shows it, and what to do in practice.

    Args: summary: the summary of the card, which is the answer if there is no brief.
    """
    brief = page.experiment.brief
    hint = f'<p class="soft hint">{say("hover", language)}</p>'
    figure = "" if lead is None else drawn_first(lead, language, hint)
    if brief is None:
        return f'<div class="short">{summary}</div>\n<div class="shown">{figure}</div>'
    return (
        f'<p class="answer">{in_symbols(brief.answer.in_(language))}</p>\n'
        f'<div class="shown">{figure}<aside class="practice"><h2>{say("practice", language)}</h2>'
        f"<p>{in_symbols(brief.practice.in_(language))}</p></aside></div>"
    )


def _sections(card: Card | None, facts: Facts, language: Language) -> list[str]:
    return [] if card is None else [in_html(body, facts, language) for body in card.bodies]


def _notices(page: Page, language: Language) -> str:
    record = page.record
    if record is None:
        return f'<p class="notice">{say("not_yet", language)}</p>'
    found = []
    if is_quick(record):
        found.append("quick_run")
    if record.revision != page.experiment.revision:
        found.append("older")
    return "".join(f'<p class="notice">{say(word, language)}</p>' for word in found)


def _live(name: str, language: Language) -> str:
    if name not in LIVE:
        return ""
    piece = LIVE[name]
    choices = "".join(
        f'<button type="button" aria-pressed="false">{in_symbols(choice.in_(language))}</button>'
        for choice in piece.choices
    )
    told = {
        "right": piece.right,
        "yes": WORDS["right"].in_(language),
        "no": WORDS["wrong"].in_(language),
        "words": {key: said.in_(language) for key, said in piece.words.items()},
    }
    data = json.dumps(told, ensure_ascii=False).replace("<", "\\u003c")
    return (
        f'<section class="live" data-live="{name}"><h3>{say("predict", language)}</h3>'
        f'<p class="asked">{in_symbols(piece.asked.in_(language))}</p>'
        f'<div class="choices">{choices}</div>'
        f"<noscript><p>{say('needs_script', language)}</p></noscript>"
        f'<p class="answer" hidden><b></b> {in_symbols(piece.why.in_(language))}</p>'
        f'<div class="stage" hidden></div><p class="axis" hidden>{say("live_note", language)}</p>'
        f'<script type="application/json">{data}</script></section>'
    )


def _provenance(page: Page, language: Language) -> str:
    record, name = page.record, page.experiment.name
    if record is None:
        return ""
    rows = []
    for part in page.experiment.parts:
        cells = [c for c in record.results.cells if c.part == part.name]
        if cells:
            conditions = len(record.results.conditions(part.name))
            seeds = len({c.seed for c in cells})
            spent = _duration(sum(c.seconds for c in cells), language)
            rows.append(
                f'<tr><th scope="row"><code>{escape(part.name)}</code></th>'
                f'<td class="n">{conditions}</td><td class="n">{seeds}</td>'
                f'<td class="n">{len(cells):,}</td><td class="n">{spent}</td></tr>'
            )
    heads = ("part", "conditions", "seeds", "cells", "time")
    head = "".join(
        f'<th scope="col"{"" if h == "part" else " class=n"}>{say(h, language)}</th>' for h in heads
    )
    made, machine = record.made, record.made["machine"]
    versions = (
        f"whyformer {made['whyformer']}, torch {machine['torch']}, Python {machine['python']}"
    )
    place = say("cores", language, cores=machine["cores"], threads=machine["threads"])
    mode = record.results.mode
    command = page.experiment.command_of(mode)
    return (
        f"<h2>{say('provenance', language)}</h2>\n"
        f"{table(head, ''.join(rows))}<p class=facts>"
        f"{say('mode', language)}: {say(str(mode), language)}. "
        f"{say('versions', language)}: {escape(versions)}. {say('machine', language)}: "
        f"{escape(str(machine['machine']))}, {place}. {say('config', language)}: "
        f"<code>{escape(record.config)}</code>.<br>{say('reproduce', language)}: "
        f"<code>{escape(command)}</code><br>"
        f"{provenance_of_criterion(page, language)}<br>"
        f'<a href="{RESULTS}/{name}.json">{say("result_file", language)}</a></p>'
    )


def _duration(seconds: float, language: Language) -> str:
    if seconds < 90:
        return say("seconds", language, seconds=number(seconds, 2))
    return say("minutes", language, minutes=number(seconds / 60, 2))


def _onward(around: Sequence[Page | None], language: Language) -> str:
    links = "".join(
        f'<a href="{file_of(page.experiment.name, language)}"><small>{say(word, language)}</small>'
        f"{in_symbols(page.experiment.question.in_(language))}</a>"
        for word, page in zip(("previous", "next"), around, strict=False)
        if page is not None
    )
    return f'<nav class="onward">{links}</nav>' if links else ""
