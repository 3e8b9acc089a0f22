"""The details of one claim: what was tested, the criterion, and every test with its interval."""

import math
from dataclasses import replace
from html import escape

from whyformer.charts.numbers import tick
from whyformer.charts.table import table
from whyformer.charts.words import in_symbols
from whyformer.foundation.bilingual import Language
from whyformer.lab.method.experiment import Claim
from whyformer.lab.method.verdict import Test
from whyformer.lab.pages.cards import badge, html_estimate
from whyformer.lab.pages.frame import say
from whyformer.lab.pages.method import level
from whyformer.lab.pages.page import Page, circumstance, is_quick, where
from whyformer.lab.pages.wording import WORDS


def claim_article(page: Page, claim: Claim, language: Language) -> str:
    """Return the details of a claim, which appear when the reader opens the row of the claim."""
    judgement = page.facts.judgements.get(claim.name)
    tests = "" if page.record is None else _tests(page, claim, language)
    seen = where(page.experiment, judgement, language) if judgement else []
    places = "".join(f"<span><b>{escape(a)}</b> {in_symbols(b)}</span>" for a, b in seen)
    changed = claim.changed_after_data
    uncorrected = "" if page.record is None else _uncorrected(page, claim, language)
    note = "" if changed is None else _changed(changed.in_(language), language)
    return (
        f'<article class="claim" id="claim-{escape(claim.name)}">'
        + (f'<p class="where">{places}</p>' if places else "")
        + uncorrected
        + f"<dl><dt>{say('precise', language)}</dt>"
        f"<dd>{in_symbols(claim.precise.in_(language))}</dd>"
        f"<dt>{say('criterion' if changed is None else 'criterion_now', language)}</dt>"
        f"<dd>{in_symbols(claim.criterion.in_(language))}</dd></dl>{note}{tests}</article>"
    )


def _uncorrected(page: Page, claim: Claim, language: Language) -> str:
    """Return the verdict with intervals that are not corrected, if it is another one."""
    if page.record is None or is_quick(page.record):
        return ""
    plain = claim.judge(page.record.results, corrected=False)
    if plain.verdict is page.facts.judgements[claim.name].verdict:
        return ""
    return f'<p class="soft">{say("plain_verdict", language)} {badge(plain, language)}</p>'


def _changed(text: str, language: Language) -> str:
    return f'<p class="notice"><b>{say("changed_after_data", language)}</b> {in_symbols(text)}</p>'


def _tests(page: Page, claim: Claim, language: Language) -> str:
    """Return a table of the tests in each circumstance: the effect, the required limits, and a
    drawing of both."""
    if page.record is None:
        return ""
    rows = []
    found = claim.tests(page.record.results)
    named = any(test.name or test.precondition for tests in found.values() for test in tests)
    for place, tests in found.items():
        for k, test in enumerate(tests):
            name = circumstance(page.experiment, place, language) if k == 0 else ""
            tested = circumstance(page.experiment, test.name, language) if test.name else ""
            if test.precondition:
                tested = f"{say('precondition', language)} {tested}"
            rows.append(
                f'<tr><th scope="row">{in_symbols(name)}</th>'
                + (f"<td>{in_symbols(tested)}</td>" if named else "")
                + f'<td class="n">{html_estimate(readable(test).effect, language)}</td>'
                f"<td>{_strip(test)}</td><td>{escape(demanded(test, language))}</td>"
                f"<td>{say(str(test.answer()), language)}</td></tr>"
            )
    heads = ("circumstance", *(["test"] if named else []), "effect", "", "demanded", "answer")
    head = "".join(
        f'<th scope="col"{" class=n" if h == "effect" else ""}>{h and say(h, language)}</th>'
        for h in heads
    )
    made = table(head, "".join(rows))
    if all(test.effect.corrected is None for tests in found.values() for test in tests):
        return made
    return f'{made}<p class="soft">{say("level_of_tests", language, level=level())}</p>'


def demanded(test: Test, language: Language) -> str:
    """Return the required limits of an effect as text. An effect may be equal to a limit, unless
    the test is strict."""
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
    """Convert a test on the logarithm of a ratio to a test on the ratio; return other tests
    unchanged."""
    if not test.logarithm:
        return test
    ends = [math.exp(v) for v in (test.low, test.high, *test.contrary)]
    effect = test.effect.map(math.exp)
    return replace(test, effect=effect, low=ends[0], high=ends[1], contrary=(ends[2], ends[3]))


def _strip(test: Test) -> str:
    """Draw the intervals of an effect over the zone between the required limits: the interval that
    is shown as a thick line, the interval of the verdict as a thin line."""
    e = test.effect
    ends = (e.low, e.value, e.high, *e.judged, test.low, test.high)
    seen = [v for v in ends if math.isfinite(v)]
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
        f'<path class="judged" d="M{at(e.judged[0]):.1f} 9H{at(e.judged[1]):.1f}"/>'
        f'<path class="bar" d="M{at(e.low):.1f} 9H{at(e.high):.1f}"/>'
        f'<circle class="value" cx="{at(e.value):.1f}" cy="9" r="3.6"/></svg>'
    )
