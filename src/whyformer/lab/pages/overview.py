"""The pages about all questions: the index with every verdict, and the glossary."""

from collections.abc import Sequence
from html import escape

from whyformer.charts.table import table
from whyformer.charts.words import in_symbols
from whyformer.foundation.bilingual import Bilingual, Language
from whyformer.lab.method.bilingual import VERDICTS
from whyformer.lab.method.intervals import FAMILY
from whyformer.lab.method.verdict import Verdict
from whyformer.lab.pages.cards import badge
from whyformer.lab.pages.changes import CHANGES_PAGE
from whyformer.lab.pages.frame import document, file_of, say
from whyformer.lab.pages.glossary import GLOSSARY
from whyformer.lab.pages.method import METHOD_PAGE, level
from whyformer.lab.pages.page import Page, is_quick, not_yet, where
from whyformer.lab.pages.sayings import sayings_section
from whyformer.lab.pages.wording import VERDICT_MEANINGS, WORDS


def index_page(pages: Sequence[Page], language: Language, languages: Sequence[Language]) -> str:
    """Return the page that lists every claim with its verdict."""
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
    told = say("quick_count", language, quick=quick, questions=len(pages))
    notice = f'<p class="notice">{told}</p>' if quick else ""
    hint = f'<p class="soft hint">{say("filter", language)}</p>' if buttons else ""
    count = say("count", language, claims=len(judged), questions=len(pages))
    title = WORDS["laboratory"].in_(language)
    body = (
        f"<h1>{escape(title)}</h1>\n<p class=lead>{say('lead', language)}</p>\n{notice}"
        f"{sayings_section(pages, language)}\n"
        f"<h2>{say('all_verdicts', language)}</h2>\n<p>{count}</p>"
        f'<div class="filter">{buttons}</div>{hint}\n<div class="glance">{articles}</div>\n'
        f'<h2>{say("how_to_read", language)}</h2>\n<dl class="meanings">{meanings}</dl>\n'
        f"<p>{say('how_intervals', language)}</p><p>"
        f"{say('how_level', language, level=level(), family=FAMILY)} "
        f'<a href="{file_of(METHOD_PAGE, language)}">{say("method", language)}</a></p>'
        f"<p>{say('refuted_too', language)}</p>\n"
        f'<p><a href="{file_of(CHANGES_PAGE, language)}">{say("changes_link", language)}</a></p>'
    )
    return document("index", title, body, language, languages)


def _at_a_glance(page: Page, language: Language) -> str:
    experiment = page.experiment
    rows = []
    for claim in experiment.claims:
        judgement = page.facts.judgements.get(claim.name)
        kind = judgement.verdict.name.lower() if judgement else "none"
        mark = badge(judgement, language) if judgement else not_yet(language)
        seen = where(experiment, judgement, language) if judgement else []
        places = "".join(f"<span>{escape(a)} {in_symbols(b)}</span> " for a, b in seen)
        said = in_symbols(claim.popular.in_(language))
        rows.append(
            f'<li data-verdict="{kind}"><span>{mark}</span><span>{said}</span>'
            + (f'<span class="where">{places}</span>' if places else "")
            + "</li>"
        )
    quick = f" <small>{say('quick_mark', language)}</small>" if is_quick(page.record) else ""
    return (
        f'<article data-verdicts><h3><a href="{file_of(experiment.name, language)}">'
        f"{in_symbols(experiment.question.in_(language))}</a>{quick}</h3>"
        f"<ul>{''.join(rows)}</ul></article>\n"
    )


def glossary_page(language: Language, languages: Sequence[Language]) -> str:
    """Return the glossary page, with the terms in alphabetical order of its language."""
    other = next(one for one in Language if one is not language)
    rows = "".join(
        f'<tr><th scope="row">{in_symbols(term.name.in_(language))}</th>'
        f'<td lang="{other}">{in_symbols(term.name.in_(other))}</td>'
        f"<td>{in_symbols(term.meaning.in_(language))}</td></tr>"
        for term in sorted(GLOSSARY, key=lambda term: _order(term.name, language))
    )
    head = "".join(
        f'<th scope="col">{say(w, language)}</th>' for w in ("term", "other_term", "meaning")
    )
    title = WORDS["glossary"].in_(language)
    body = (
        f"<h1>{escape(title)}</h1>\n<p class=lead>{say('glossary_lead', language)}</p>\n"
        f'<div class="terms">{table(head, rows)}</div>'
    )
    return document("glossary", title, body, language, languages)


def _order(name: Bilingual, language: Language) -> str:
    return name.in_(language).casefold()
