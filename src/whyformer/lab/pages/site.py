"""The pages: a function of the results alone, in two languages, without anything beside them."""

import json
import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

from whyformer.charts.assets import read, with_charts
from whyformer.charts.numbers import number, tick
from whyformer.charts.table import table
from whyformer.charts.words import in_symbols
from whyformer.foundation.files import write_text
from whyformer.lab.method.bilingual import VERDICTS, Bilingual, Language
from whyformer.lab.method.experiment import Claim, Experiment, Mode
from whyformer.lab.method.questions import experiment_named, written
from whyformer.lab.method.record import PUBLISHED, Record, result_of
from whyformer.lab.method.verdict import Judgement, Test, Verdict
from whyformer.lab.pages.cards import (
    SECTIONS,
    Card,
    Facts,
    badge,
    facts_of,
    html_estimate,
    in_html,
    read_card,
)
from whyformer.lab.pages.drawing import drawn
from whyformer.lab.pages.glossary import GLOSSARY
from whyformer.lab.pages.live import LIVE, SCRIPTS, script_of
from whyformer.lab.pages.wording import VERDICT_MEANINGS, WORDS

RESULTS = "results"
"""Folder of the pages that holds the numbers behind them."""
# Nothing may be asked of a network, whatever a page says.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


@dataclass(frozen=True)
class Page:
    """A question with all that its page is made from."""

    experiment: Experiment
    record: Record | None
    facts: Facts
    cards: Mapping[Language, Card | None]


def write_report(
    out: Path,
    *,
    results: Path = PUBLISHED,
    languages: Sequence[Language] = tuple(Language),
    names: Sequence[str] | None = None,
) -> list[Path]:
    """Write the pages of every question and return the files' paths, the index first.

    Args:
        results: directory of files NAME.json; a question without one says so.
        names: the questions; None takes all.
    """
    pages = [_page(name, results) for name in (written() if names is None else names)]
    made: list[Path] = []
    for language in languages:
        files = {"index": _index(pages, language, languages)}
        files["glossary"] = _glossary(language, languages)
        for place, page in enumerate(pages):
            around = (pages[place - 1] if place else None, *pages[place + 1 : place + 2])
            files[page.experiment.name] = _question(page, language, languages, around)
        for name, html in files.items():
            made.append(out / file_of(name, language))
            write_text(made[-1], html)
    for page in pages:
        name = f"{page.experiment.name}.json"
        if page.record is not None:
            (out / RESULTS).mkdir(parents=True, exist_ok=True)
            shutil.copyfile(results / name, out / RESULTS / name)
            made.append(out / RESULTS / name)
    return made


def file_of(name: str, language: Language) -> str:
    """Return the name of a page's file."""
    return f"{name}.html" if language is Language.ENGLISH else f"{name}.{language}.html"


def is_quick(record: Record | None) -> bool:
    """Say whether what was measured is a quick run's, so that its verdicts are provisional."""
    return record is not None and record.results.mode is Mode.QUICK


def circumstance(experiment: Experiment, name: str, language: Language) -> str:
    """Return what a circumstance, an arm or a test is called in the pages."""
    said = experiment.names.get(name)
    return name if said is None else said.in_(language)


def where(
    experiment: Experiment, judgement: Judgement, language: Language
) -> list[tuple[str, str]]:
    """Return the circumstances as (what was seen there, their names), where they differ."""
    kinds = (
        ("holds_in", judgement.holds),
        ("fails_in", judgement.fails),
        ("open_in", judgement.open),
    )
    if sum(map(bool, (judgement.holds, judgement.fails, judgement.open))) < 2:
        return []
    return [
        (WORDS[word].in_(language), ", ".join(circumstance(experiment, n, language) for n in names))
        for word, names in kinds
        if names
    ]


def _page(name: str, results: Path) -> Page:
    experiment, record = experiment_named(name), result_of(name, results)
    facts = facts_of(experiment, record.results if record else None)
    return Page(experiment, record, facts, {one: read_card(name, one) for one in Language})


def _say(word: str, language: Language, **values: object) -> str:
    return escape(WORDS[word].in_(language).format(**values))


def _document(
    name: str,
    title: str,
    body: str,
    language: Language,
    languages: Sequence[Language],
    scripts: Iterable[str] = (),
) -> str:
    style = with_charts((SCRIPTS / "style.css").read_text(encoding="utf-8"))
    page_script = (SCRIPTS / "page.js").read_text(encoding="utf-8")
    page_script = page_script.replace("  // hover.js\n", read("hover.js"))
    others = "".join(
        f'<a class="tongue" href="{file_of(name, other)}" hreflang="{other}" lang="{other}">'
        f"{'English' if other is Language.ENGLISH else '한국어'}</a>"
        for other in languages
        if other is not language
    )
    inline = "".join(f"<script>\n{one}</script>\n" for one in (page_script, *scripts))
    site = f"whyformer {WORDS['lab'].in_(language)}"
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(title)} · {escape(site)}</title>\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n"
        f'<nav class="top"><a class="home" href="{file_of("index", language)}">{escape(site)}</a>'
        f'<a href="{file_of("glossary", language)}">{_say("glossary", language)}</a>'
        f"{others}</nav>\n"
        f"<main>\n{body}\n</main>\n{inline}</body>\n</html>\n"
    )


def _index(pages: Sequence[Page], language: Language, languages: Sequence[Language]) -> str:
    judged = [(page, claim) for page in pages for claim in page.experiment.claims]
    counts = dict.fromkeys(Verdict, 0)
    for page in pages:
        for judgement in page.facts.judgements.values():
            counts[judgement.verdict] += 1
    buttons = "".join(
        f'<button type="button" class="verdict {v.name.lower()}" data-verdict="{v.name.lower()}" '
        f'aria-pressed="false">{escape(VERDICTS[v].in_(language))}<span>{count}</span></button>'
        for v, count in counts.items()
        if count
    )
    articles = "".join(_at_a_glance(page, language) for page in pages)
    meanings = "".join(
        f'<dt><b class="verdict {v.name.lower()}">{escape(VERDICTS[v].in_(language))}</b></dt>'
        f"<dd>{escape(said.in_(language))}</dd>"
        for v, said in VERDICT_MEANINGS.items()
    )
    quick = sum(is_quick(page.record) for page in pages)
    told = _say("quick_count", language, quick=quick, questions=len(pages))
    notice = f'<p class="notice">{told}</p>' if quick else ""
    hint = f'<p class="soft hint">{_say("filter", language)}</p>' if buttons else ""
    count = _say("count", language, claims=len(judged), questions=len(pages))
    title = WORDS["laboratory"].in_(language)
    body = (
        f"<h1>{escape(title)}</h1>\n<p class=lead>{_say('lead', language)}</p>\n{notice}"
        f"<h2>{_say('all_verdicts', language)}</h2>\n<p>{count}</p>"
        f'<div class="filter">{buttons}</div>{hint}\n<div class="glance">{articles}</div>\n'
        f'<h2>{_say("how_to_read", language)}</h2>\n<dl class="meanings">{meanings}</dl>\n'
        f"<p>{_say('how_intervals', language)}</p><p>{_say('refuted_too', language)}</p>"
    )
    return _document("index", title, body, language, languages)


def _at_a_glance(page: Page, language: Language) -> str:
    experiment = page.experiment
    rows = []
    for claim in experiment.claims:
        judgement = page.facts.judgements.get(claim.name)
        kind = judgement.verdict.name.lower() if judgement else "none"
        mark = badge(judgement, language) if judgement else _not_yet(language)
        seen = where(experiment, judgement, language) if judgement else []
        places = "".join(f"<span>{escape(a)} {in_symbols(b)}</span> " for a, b in seen)
        said = in_symbols(claim.popular.in_(language))
        rows.append(
            f'<li data-verdict="{kind}"><span>{mark}</span><span>{said}</span>'
            + (f'<span class="where">{places}</span>' if places else "")
            + "</li>"
        )
    quick = f" <small>{_say('quick_mark', language)}</small>" if is_quick(page.record) else ""
    return (
        f'<article data-verdicts><h3><a href="{file_of(experiment.name, language)}">'
        f"{in_symbols(experiment.question.in_(language))}</a>{quick}</h3>"
        f"<ul>{''.join(rows)}</ul></article>\n"
    )


def _not_yet(language: Language) -> str:
    return f'<span class="absent">{_say("not_yet", language)}</span>'


def _question(
    page: Page,
    language: Language,
    languages: Sequence[Language],
    around: Sequence[Page | None],
) -> str:
    experiment, card, record = page.experiment, page.cards[language], page.record
    sections = _sections(card, page.facts, language)
    figures = ""
    if record is not None:
        figures = "\n".join(drawn(f, language) for f in experiment.charts(record.results))
        figures = (
            f'<p class="soft hint">{_say("hover", language)}</p>\n{figures}' if figures else ""
        )
    claims = "".join(_claim(page, claim, language) for claim in experiment.claims)
    live = _live(experiment.name, language)
    short = sections[0] if sections else f"<p class=absent>{_say('not_written', language)}</p>"
    body = [
        f"<h1>{in_symbols(experiment.question.in_(language))}</h1>",
        _notices(page, language),
        f'<div class="short">{short}</div>',
        f'<h2>{_say("claims", language)}</h2>\n<div class="claims">{claims}</div>',
    ]
    for place, section in enumerate(sections[1:], start=1):
        heading = SECTIONS[place].in_(language)
        body.append(f"<h2>{escape(heading)}</h2>\n{section}")
        if heading == SECTIONS[2].in_(language):
            body.append(live)
        if heading == SECTIONS[3].in_(language):
            body.append(figures)
    if not sections:
        body += [live, figures]
    body += [_provenance(page, language), _onward(around, language)]
    scripts = [script_of(experiment.name)] if live else []
    title = experiment.question.in_(language)
    html = "\n".join(part for part in body if part)
    return _document(experiment.name, title, html, language, languages, scripts)


def _sections(card: Card | None, facts: Facts, language: Language) -> list[str]:
    return [] if card is None else [in_html(body, facts, language) for body in card.bodies]


def _notices(page: Page, language: Language) -> str:
    record = page.record
    if record is None:
        return f'<p class="notice">{_say("not_yet", language)}</p>'
    found = []
    if is_quick(record):
        found.append("quick_run")
    if record.revision != page.experiment.revision:
        found.append("older")
    return "".join(f'<p class="notice">{_say(word, language)}</p>' for word in found)


def _claim(page: Page, claim: Claim, language: Language) -> str:
    judgement = page.facts.judgements.get(claim.name)
    mark = badge(judgement, language) if judgement else _not_yet(language)
    tests = "" if page.record is None else _tests(page, claim, language)
    seen = where(page.experiment, judgement, language) if judgement else []
    places = "".join(f"<span><b>{escape(a)}</b> {in_symbols(b)}</span>" for a, b in seen)
    return (
        f'<article class="claim" id="claim-{escape(claim.name)}"><header>'
        f"<h3>“{in_symbols(claim.popular.in_(language))}”</h3>{mark}</header>"
        + (f'<p class="where">{places}</p>' if places else "")
        + f"<dl><dt>{_say('precise', language)}</dt>"
        f"<dd>{in_symbols(claim.precise.in_(language))}</dd></dl>"
        f"<details><summary>{_say('criterion', language)}</summary>"
        f"<p>{in_symbols(claim.criterion.in_(language))}</p>{tests}</details></article>\n"
    )


def _tests(page: Page, claim: Claim, language: Language) -> str:
    """Return what was tested where, with the effect drawn beside what was demanded."""
    if page.record is None:
        return ""
    rows = []
    found = claim.tests(page.record.results)
    named = any(test.name for tests in found.values() for test in tests)
    for place, tests in found.items():
        for k, test in enumerate(tests):
            name = circumstance(page.experiment, place, language) if k == 0 else ""
            tested = circumstance(page.experiment, test.name, language) if test.name else ""
            rows.append(
                f'<tr><th scope="row">{in_symbols(name)}</th>'
                + (f"<td>{in_symbols(tested)}</td>" if named else "")
                + f'<td class="n">{html_estimate(readable(test).effect, language)}</td>'
                f"<td>{_strip(test)}</td><td>{escape(demanded(test, language))}</td>"
                f"<td>{_say(str(test.answer()), language)}</td></tr>"
            )
    heads = ("circumstance", *(["test"] if named else []), "effect", "", "demanded", "answer")
    head = "".join(
        f'<th scope="col"{" class=n" if h == "effect" else ""}>{h and _say(h, language)}</th>'
        for h in heads
    )
    return table(head, "".join(rows))


def demanded(test: Test, language: Language) -> str:
    """Say where the effect had to lie: the limits are allowed, except where a test is strict."""
    seen = readable(test)
    low, high = tick(seen.low), tick(seen.high)
    if test.low == test.high:
        word = "exactly"
    elif math.isinf(test.low) and math.isinf(test.high):
        word = "anything"
    elif math.isinf(test.low):
        strict = test.high == math.nextafter(round(test.high, 9), -math.inf)
        word = "below" if strict else "at_most"
    elif test.low == math.nextafter(round(test.low, 9), math.inf):
        word = "above"
    else:
        word = "at_least" if math.isinf(test.high) else "between"
    return WORDS[word].in_(language).format(low=low, high=high)


def readable(test: Test) -> Test:
    """Return a test on the logarithm of a ratio as one on the ratio; others as they are."""
    if not test.logarithm:
        return test
    ends = [math.exp(v) for v in (test.low, test.high, *test.contrary)]
    effect = test.effect.map(math.exp)
    return replace(test, effect=effect, low=ends[0], high=ends[1], contrary=(ends[2], ends[3]))


def _strip(test: Test) -> str:
    """Draw the interval of an effect over the zone where it had to lie."""
    e = test.effect
    seen = [v for v in (e.low, e.value, e.high, test.low, test.high) if math.isfinite(v)]
    if not math.isfinite(e.value) or not seen:
        return ""
    low, high = min(seen), max(seen)
    pad = ((high - low) or abs(high) or 1.0) * 0.18
    low, high = low - pad, high + pad

    def at(value: float) -> float:
        return 150 * min(1.0, max(0.0, (value - low) / (high - low)))

    zone = at(test.low), at(test.high)
    return (
        '<svg class="strip" viewBox="0 0 150 18" aria-hidden="true">'
        f'<rect class="zone" x="{zone[0]:.1f}" y="1" width="{zone[1] - zone[0]:.1f}" height="16"/>'
        '<path class="floor" d="M0 9H150"/>'
        f'<path class="bar" d="M{at(e.low):.1f} 9H{at(e.high):.1f}"/>'
        f'<circle class="value" cx="{at(e.value):.1f}" cy="9" r="3.6"/></svg>'
    )


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
        f'<section class="live" data-live="{name}"><h3>{_say("predict", language)}</h3>'
        f'<p class="asked">{in_symbols(piece.asked.in_(language))}</p>'
        f'<div class="choices">{choices}</div>'
        f"<noscript><p>{_say('needs_script', language)}</p></noscript>"
        f'<p class="answer" hidden><b></b> {in_symbols(piece.why.in_(language))}</p>'
        f'<div class="stage" hidden></div><p class="axis" hidden>{_say("live_note", language)}</p>'
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
        f'<th scope="col"{"" if h == "part" else " class=n"}>{_say(h, language)}</th>'
        for h in heads
    )
    made, machine = record.made, record.made["machine"]
    versions = (
        f"whyformer {made['whyformer']}, torch {machine['torch']}, Python {machine['python']}"
    )
    place = _say("cores", language, cores=machine["cores"], threads=machine["threads"])
    mode = record.results.mode
    return (
        f"<h2>{_say('provenance', language)}</h2>\n"
        f"{table(head, ''.join(rows))}<p class=facts>"
        f"{_say('mode', language)}: {_say(str(mode), language)}. "
        f"{_say('versions', language)}: {escape(versions)}. {_say('machine', language)}: "
        f"{escape(str(machine['machine']))}, {place}. {_say('config', language)}: "
        f"<code>{escape(record.config)}</code>.<br>{_say('reproduce', language)}: "
        f"<code>whyformer lab run {name} --{mode}</code><br>"
        f'<a href="{RESULTS}/{name}.json">{_say("result_file", language)}</a></p>'
    )


def _duration(seconds: float, language: Language) -> str:
    if seconds < 90:
        return _say("seconds", language, seconds=number(seconds, 2))
    return _say("minutes", language, minutes=number(seconds / 60, 2))


def _onward(around: Sequence[Page | None], language: Language) -> str:
    links = "".join(
        f'<a href="{file_of(page.experiment.name, language)}"><small>{_say(word, language)}</small>'
        f"{in_symbols(page.experiment.question.in_(language))}</a>"
        for word, page in zip(("previous", "next"), around, strict=False)
        if page is not None
    )
    return f'<nav class="onward">{links}</nav>' if links else ""


def _glossary(language: Language, languages: Sequence[Language]) -> str:
    other = next(one for one in Language if one is not language)
    rows = "".join(
        f'<tr><th scope="row">{in_symbols(term.name.in_(language))}</th>'
        f'<td lang="{other}">{in_symbols(term.name.in_(other))}</td>'
        f"<td>{in_symbols(term.meaning.in_(language))}</td></tr>"
        for term in sorted(GLOSSARY, key=lambda term: _order(term.name, language))
    )
    head = "".join(
        f'<th scope="col">{_say(w, language)}</th>' for w in ("term", "other_term", "meaning")
    )
    title = WORDS["glossary"].in_(language)
    body = (
        f"<h1>{escape(title)}</h1>\n<p class=lead>{_say('glossary_lead', language)}</p>\n"
        f'<div class="terms">{table(head, rows)}</div>'
    )
    return _document("glossary", title, body, language, languages)


def _order(name: Bilingual, language: Language) -> str:
    return name.in_(language).casefold()
