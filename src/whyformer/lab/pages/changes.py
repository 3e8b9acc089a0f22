"""The page about what changed since the first edition, and why."""

from collections import Counter
from collections.abc import Sequence
from html import escape

from whyformer.charts.table import table
from whyformer.charts.words import in_symbols
from whyformer.foundation.bilingual import Language
from whyformer.lab.method.bilingual import VERDICTS
from whyformer.lab.method.intervals import FAMILY
from whyformer.lab.method.verdict import Judgement, Verdict
from whyformer.lab.pages.cards import badge
from whyformer.lab.pages.edition import (
    Answer,
    Cause,
    Change,
    Point,
    Status,
    changes_of,
    points,
    removed_claims,
)
from whyformer.lab.pages.frame import document, file_of, say, with_code
from whyformer.lab.pages.page import Page, circumstance
from whyformer.lab.pages.wording import WORDS

CHANGES_PAGE = "changes"
COUNTED = {
    Cause.DATA: "count_new_data",
    Cause.CLAIM: "count_new_tests",
    Cause.INTERVAL: "count_wider_interval",
    Cause.CORRECTION: "count_correction",
}
"""How many verdicts changed for each cause."""
REASONS = {
    Cause.NEW: "because_new_claim",
    Cause.DATA: "because_new_data",
    Cause.CLAIM: "because_new_tests",
    Cause.INTERVAL: "because_wider_interval",
    Cause.CORRECTION: "because_correction",
}
"""Why one verdict changed."""
STATUS_WORDS = {
    Status.CORRECTED: "status_corrected",
    Status.REMEASURED: "status_remeasured",
    Status.REFUTED: "status_refuted",
    Status.PLANNED: "status_planned",
    Status.OPEN: "status_open",
}


def changes_page(pages: Sequence[Page], language: Language, languages: Sequence[Language]) -> str:
    """Return the page with the verdicts of both editions and the answers to the review."""
    changes = [change for page in pages for change in changes_of(page)]
    asked = {page.experiment.name: page for page in pages}
    title = WORDS["changes"].in_(language)
    body = (
        f"<h1>{escape(title)}</h1>\n<p class=lead>{say('changes_lead', language)}</p>\n"
        f"{_in_short(pages, changes, language)}"
        f"<h2>{say('changed_verdicts', language)}</h2>\n{_verdicts(pages, changes, language)}"
        f"<h2>{say('points', language)}</h2>\n<p>{say('points_lead', language)}</p>\n"
        + "".join(_point(one, asked, language) for one in points())
    )
    return document(CHANGES_PAGE, title, body, language, languages)


def _in_short(pages: Sequence[Page], changes: Sequence[Change], language: Language) -> str:
    compared = [change for change in changes if change.before is not None]
    changed = [change for change in compared if change.cause is not None]
    causes = Counter(change.cause for change in changed)
    lines = "".join(
        f"<li>{say(word, language, count=causes[cause], family=FAMILY)}</li>"
        for cause, word in COUNTED.items()
        if causes[cause]
    )
    rows = "".join(
        f'<tr><th scope="row"><b class="verdict {verdict.name.lower()}">'
        f"{escape(VERDICTS[verdict].in_(language))}</b></th>"
        + "".join(
            f'<td class="n">{sum(one is not None and one.verdict is verdict for one in found)}</td>'
            for found in (
                [change.before for change in compared],
                [change.plain for change in compared],
                [change.after for change in compared],
            )
        )
        + "</tr>"
        for verdict in Verdict
    )
    words = ("before", "with_plain_intervals", "now")
    head = f'<th scope="col">{say("verdict", language)}</th>' + "".join(
        f'<th scope="col" class=n>{say(word, language)}</th>' for word in words
    )
    told = say("changes_count", language, changed=len(changed), claims=len(compared))
    removed = sum(len(list(removed_claims(page))) for page in pages)
    new = len(changes) - len(compared)
    also = say("changes_also", language, removed=removed, new=new) if removed or new else ""
    return (
        f'<p>{told}</p><ul>{lines}</ul><p>{also}</p>\n<div class="tight">{table(head, rows)}</div>'
        f"<p>{say('why_fewer', language)}</p>"
    )


def _verdicts(pages: Sequence[Page], changes: Sequence[Change], language: Language) -> str:
    found = []
    for page in pages:
        own = [change for change in changes if change.page is page]
        changed = [change for change in own if change.cause is not None]
        same = [change for change in own if change.cause is None]
        if not own:
            continue
        rows = "".join(_change(change, language) for change in changed)
        kept = "".join(_kept(change, language) for change in same)
        gone = "".join(
            f"<li><p>{in_symbols(text.in_(language))}</p>"
            f'<p>{badge(before, language)} <span aria-hidden="true">→</span> '
            f"{say('removed', language)}</p></li>"
            for text, before in removed_claims(page)
        )
        count = say("unchanged", language, count=len(same))
        folded = f"<details><summary>{count}</summary><ul>{kept}</ul></details>" if same else ""
        experiment = page.experiment
        found.append(
            f'<article class="edition"><h3><a href="{file_of(experiment.name, language)}">'
            f"{in_symbols(experiment.question.in_(language))}</a></h3>"
            f"<ul>{rows}{gone}</ul>{folded}</article>\n"
        )
    return "".join(found)


def _change(change: Change, language: Language) -> str:
    before = badge(change.before, language) if change.before else escape("—")
    return (
        f"<li><p>{in_symbols(change.claim.popular.in_(language))}</p>"
        f'<p class="moved">{before} <span aria-hidden="true">→</span> '
        f"{badge(change.after, language)}</p>"
        f"<p class=soft>{_reason(change, language)}</p></li>"
    )


def _kept(change: Change, language: Language) -> str:
    said = in_symbols(change.claim.popular.in_(language))
    return f"<li>{badge(change.after, language)} {said}</li>"


def _reason(change: Change, language: Language) -> str:
    """Return the reason of a changed verdict in one or two plain sentences, as HTML."""
    assert change.cause is not None
    sentence = say(REASONS[change.cause], language, family=FAMILY)
    if change.before is None:
        return sentence
    if change.cause is Cause.CLAIM and change.claim.changed_after_data is not None:
        sentence = with_code(in_symbols(change.claim.changed_after_data.in_(language)))
    old = change.plain if change.cause is Cause.CORRECTION else change.before
    if change.cause is not Cause.CORRECTION and change.plain.verdict is not change.after.verdict:
        alone = say("plain_verdict", language)
        sentence = f"{sentence} {alone} {badge(change.plain, language)}."
    places = _newly_open(old, change.after)
    if not places:
        return sentence
    named = ", ".join(circumstance(change.page.experiment, one, language) for one in places)
    return f"{sentence} {say('now_open', language)} {in_symbols(named)}."


def _newly_open(before: Judgement, after: Judgement) -> Sequence[str]:
    return [name for name in after.open if name not in before.open]


def _point(point: Point, asked: dict[str, Page], language: Language) -> str:
    answers = "".join(_answer(answer, asked, language) for answer in point.answers)
    name = say("point", language, name=point.name)
    return (
        f'<article class="point"><h3><span class="soft">{name}</span> '
        f"{in_symbols(point.text.in_(language))}</h3><ul>{answers}</ul></article>\n"
    )


def _answer(answer: Answer, asked: dict[str, Page], language: Language) -> str:
    page = asked.get(answer.question)
    where = ""
    if page is not None:
        question = in_symbols(page.experiment.question.in_(language))
        where = f'<a href="{file_of(answer.question, language)}">{question}</a>'
    text = answer.text.in_(language)
    said = with_code(in_symbols(text))
    kind = {Status.CORRECTED: "supported", Status.REMEASURED: "supported",
            Status.REFUTED: "refuted"}.get(answer.status, "inconclusive")  # fmt: skip
    mark = f'<b class="status {kind}">{say(STATUS_WORDS[answer.status], language)}</b>'
    return f"<li><p>{mark} {where}</p><p>{said}</p></li>"
