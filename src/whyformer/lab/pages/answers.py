"""The laboratory's answers as text and as JSON, for the command line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whyformer.foundation.bilingual import Language
from whyformer.lab.method.bilingual import VERDICTS
from whyformer.lab.method.experiment import Experiment
from whyformer.lab.method.record import Record
from whyformer.lab.method.runner import plain
from whyformer.lab.method.verdict import Judgement, Verdict, contradict
from whyformer.lab.pages.cards import ABSENT, all_measured, facts_of, in_text, read_card
from whyformer.lab.pages.frame import file_of
from whyformer.lab.pages.numbers import format_estimate
from whyformer.lab.pages.page import is_quick, where
from whyformer.lab.pages.wording import WORDS

MARKS = {
    Verdict.SUPPORTED: "✓",
    Verdict.CONDITIONAL: "◐",
    Verdict.NOT_SUPPORTED: "–",
    Verdict.REFUTED: "✕",
    Verdict.INCONCLUSIVE: "?",
}
PAGES = Path("docs") / "lab"
CHECKOUT = Path(__file__).parents[4]


def language_of(asked: str) -> Language:
    """Return the language of a question: Korean if the question contains a Korean letter."""
    return Language.KOREAN if any("가" <= c <= "힣" for c in asked) else Language.ENGLISH


def verdict_words(judgement: Judgement | None, language: Language) -> str:
    """Return a verdict as text with its mark, or a text that there is no verdict yet."""
    if judgement is None:
        return f"· {WORDS['not_yet'].in_(language)}"
    return f"{MARKS[judgement.verdict]} {VERDICTS[judgement.verdict].in_(language)}"


def title(experiment: Experiment, record: Record | None, language: Language) -> str:
    """Return the question as text, with a mark if its results come from a quick run."""
    question = experiment.question.in_(language)
    return f"{question} {WORDS['quick_mark'].in_(language)}" if is_quick(record) else question


def answer(experiment: Experiment, record: Record | None, language: Language) -> str:
    """Return the short answer to a question: each claim with its verdict, and the path of the
    page."""
    facts = facts_of(experiment, record.results if record else None)
    card = read_card(experiment.name, language)
    lines = [f"{title(experiment, record, language)}  ({experiment.name})", ""]
    brief = experiment.brief
    if brief is not None:
        lines += [brief.answer.in_(language), ""]
    if card is not None and record is not None:
        lines += [in_text(card.summary, facts, language), ""]
        if not all_measured(card.summary, facts):
            lines += [f"{ABSENT} {WORDS['not_in_this_run'].in_(language)}", ""]
    if brief is not None:
        lines += [f"{WORDS['practice'].in_(language)}: {brief.practice.in_(language)}", ""]
    lines.append(WORDS["claims"].in_(language))
    for claim in experiment.claims:
        judgement = facts.judgements.get(claim.name)
        said = claim.popular.in_(language)
        lines.append(f"  {verdict_words(judgement, language)}: {said}")
        if judgement is not None:
            seen = where(experiment, judgement, language)
            lines += [f"      {' '.join(one)}" for one in seen]
    lines += ["", f"{WORDS['page'].in_(language)}: {page_of(experiment, language)}"]
    return "\n".join(lines)


def in_full(experiment: Experiment, record: Record | None, language: Language) -> str:
    """Return the short answer, followed by the criterion of each claim and all numbers."""
    facts = facts_of(experiment, record.results if record else None)
    lines = [answer(experiment, record, language), ""]
    for claim in experiment.claims:
        lines += [
            f"[{claim.name}] {claim.precise.in_(language)}",
            f"  {WORDS['criterion'].in_(language)}: {claim.criterion.in_(language)}",
        ]
    if facts.numbers:
        lines += ["", WORDS["headline"].in_(language)]
        width = max(map(len, facts.numbers))
        for name, number in facts.numbers.items():
            value = (
                str(format_estimate(number))
                if number.seeds
                else WORDS["not_in_this_run"].in_(language)
            )
            lines.append(f"  {name:<{width}}  {value}")
    if record is not None:
        made = record.made
        lines += [
            "",
            f"{WORDS['mode'].in_(language)}: {WORDS[str(record.results.mode)].in_(language)}, "
            f"whyformer {made['whyformer']}, torch {made['machine']['torch']}, "
            f"{made['cell_seconds'] / 60:.1f} min, {record.config}",
        ]
    return "\n".join(lines)


def page_of(experiment: Experiment, language: Language) -> str:
    """Return the path of a question's page, or a text that tells how to build the page."""
    for root in (Path(), CHECKOUT):
        page = root / PAGES / file_of(experiment.name, language)
        if page.is_file():
            return str(page)
    return WORDS["build_pages"].in_(language).replace("`", "")


def as_json(experiment: Experiment, record: Record | None) -> dict[str, Any]:
    """Return a question with its claims, verdicts and numbers as JSON values."""
    facts = facts_of(experiment, record.results if record else None)
    brief = experiment.brief
    return {
        "name": experiment.name,
        "question": {"en": experiment.question.en, "ko": experiment.question.ko},
        "answer": None if brief is None else {"en": brief.answer.en, "ko": brief.answer.ko},
        "practice": None if brief is None else {"en": brief.practice.en, "ko": brief.practice.ko},
        "measured": None if record is None else dict(record.made),
        "claims": {
            claim.name: {
                "popular": {"en": claim.popular.en, "ko": claim.popular.ko},
                "precise": {"en": claim.precise.en, "ko": claim.precise.ko},
                "criterion": {"en": claim.criterion.en, "ko": claim.criterion.ko},
                **judgement_json(facts.judgements.get(claim.name)),
            }
            for claim in experiment.claims
        },
        "numbers": {
            name: plain({"value": e.value, "low": e.low, "high": e.high})
            | {"seeds": e.seeds, "spread": str(e.spread)}
            for name, e in facts.numbers.items()
        },
    }


def judgement_json(judgement: Judgement | None) -> dict[str, Any]:
    """Return a verdict and its circumstances as JSON values."""
    if judgement is None:
        return {"verdict": None}
    return {
        "verdict": str(judgement.verdict),
        "holds": list(judgement.holds),
        "fails": list(judgement.fails),
        "open": list(judgement.open),
    }


def contradictions(
    mine: Mapping[str, Judgement], published: Mapping[str, Judgement]
) -> tuple[str, ...]:
    """Return the names of the claims on which two runs contradict each other."""
    return tuple(n for n, one in mine.items() if n in published and contradict(one, published[n]))
