"""The table of the claims of a question: one row for each claim, which opens to its details."""

from collections.abc import Mapping, Sequence

from whyformer.charts.words import in_symbols
from whyformer.foundation.bilingual import Language
from whyformer.lab.method.experiment import Claim
from whyformer.lab.method.verdict import Answer, Judgement, Test
from whyformer.lab.pages.cards import badge, html_estimate
from whyformer.lab.pages.claims import claim_article, readable
from whyformer.lab.pages.frame import say
from whyformer.lab.pages.page import Page, circumstance, not_yet
from whyformer.lab.pages.real import real_in_short

MOST = 2
"""Largest number of circumstances in the row of a claim."""


def claim_table(page: Page, language: Language) -> str:
    """Return the claims of a question as rows that open without JavaScript."""
    heads = "".join(f"<span>{say(head, language)}</span>" for head in ("people_say", "we_measured"))
    rows = "".join(_row(page, claim, language) for claim in page.experiment.claims)
    return f'<div class="claims"><p class="heads">{heads}</p>\n{rows}</div>'


def _row(page: Page, claim: Claim, language: Language) -> str:
    judgement = page.facts.judgements.get(claim.name)
    mark = badge(judgement, language) if judgement else not_yet(language)
    return (
        f'<details class="row"><summary><h3>“{in_symbols(claim.popular.in_(language))}”</h3>'
        f'<span class="found">{mark}{effect_in_short(page, claim, language)}'
        f"{real_in_short(page, claim, language)}</span></summary>"
        f"{claim_article(page, claim, language)}</details>\n"
    )


def effect_in_short(page: Page, claim: Claim, language: Language) -> str:
    """Return the measured effect of a claim with its interval, in at most two circumstances."""
    judgement = page.facts.judgements.get(claim.name)
    if page.record is None or judgement is None:
        return ""
    found = claim.tests(page.record.results)
    places = _places(claim, judgement, found)
    tests = [(place, _test(claim, found[place])) for place in places]
    label, first = claim.shown.label, tests[0][1].name
    name = label.in_(language) if label else circumstance(page.experiment, first, language)
    effects = "; ".join(
        html_estimate(readable(test).effect, language)
        + (f", {_in_symbols(page, place, language)}" if len(found) > 1 else "")
        for place, test in tests
    )
    return f'<span class="effect">{in_symbols(name)}: {effects}</span>' if name else effects


def _in_symbols(page: Page, place: str, language: Language) -> str:
    name = circumstance(page.experiment, place, language)
    return in_symbols(name.replace(" = ", "\u00a0=\u00a0"))


def _places(
    claim: Claim, judgement: Judgement, found: Mapping[str, Sequence[Test]]
) -> Sequence[str]:
    """Return the circumstances of the row: those that the author chose, if they were measured.
    Otherwise, the first of each result that the verdict is made of."""
    chosen = [place for place in claim.shown.places if found.get(place)]
    results = (judgement.holds, judgement.fails, judgement.open)
    return (chosen or [names[0] for names in results if names])[:MOST]


def _test(claim: Claim, tests: Sequence[Test]) -> Test:
    """Return the test of the row: the one that the author chose. Otherwise, the first test that
    does not hold, or the first test."""
    named = [test for test in tests if claim.shown.test and test.name == claim.shown.test]
    judged = [test for test in tests if not test.precondition]
    failed = [test for test in judged if test.answer() is not Answer.HOLDS]
    return [*named, *failed, *judged, *tests][0]
