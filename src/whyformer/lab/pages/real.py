"""What a comparison on a real task says of a claim: a line in its row, and a notice if it disagrees
with the small model of the laboratory."""

import math

from whyformer.charts.words import in_symbols
from whyformer.foundation.bilingual import Language
from whyformer.lab.method.experiment import Claim
from whyformer.lab.method.real_tasks import RealAnswer, real_answers
from whyformer.lab.method.statistics import Estimate, Spread
from whyformer.lab.method.verdict import Judgement, contradict
from whyformer.lab.pages.cards import badge, html_estimate
from whyformer.lab.pages.frame import say
from whyformer.lab.pages.page import Page


def real_in_short(page: Page, claim: Claim, language: Language) -> str:
    """Return a line for each real task that tested a claim: verdict, arms, effect and task."""
    return "".join(
        f'<span class="effect">{say("on_real_task", language)} '
        f"{badge(judgement_of(one), language)} {_effect(one, language)}</span>"
        for one in real_answers(page.experiment.name).get(claim.name, [])
    )


def disagreements(page: Page, language: Language) -> str:
    """Return a notice that names the claims for which a real task contradicts the small model."""
    found = [
        f"“{in_symbols(claim.popular.in_(language))}”"
        for claim in page.experiment.claims
        for one in real_answers(page.experiment.name).get(claim.name, [])
        if claim.name in page.facts.judgements
        and contradict(page.facts.judgements[claim.name], judgement_of(one))
    ]
    if not found:
        return ""
    return f'<p class="notice">{say("real_task_disagrees", language)} {", ".join(found)}</p>'


def judgement_of(answer: RealAnswer) -> Judgement:
    """Return the verdict of a real task as a judgement without circumstances."""
    return Judgement(answer.verdict, (), (), ())


def _effect(answer: RealAnswer, language: Language) -> str:
    value, low, high = answer.effect
    seeds = answer.found["comparisons"][answer.support.arm]["seeds"]
    low, high = (math.nan if end is None else end for end in (low, high))
    estimate = Estimate(value, low, high, seeds, Spread.COMPARED)
    task = answer.comparison.task
    arms = f"<code>{in_symbols(answer.support.arm)}</code> − <code>{answer.found['base']}</code>"
    return (
        f"{task.measure.in_(language)}, {arms}: {html_estimate(estimate, language)}; "
        f"{task.name.in_(language)}"
    )
