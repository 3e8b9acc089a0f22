"""The part of the page that comes first: the effect of each arm, and the verdict."""

from collections.abc import Mapping
from html import escape
from typing import Any

from whyformer.charts.interval_strip import Strip, farthest_of, interval_strip
from whyformer.charts.numbers import number
from whyformer.evaluation.comparison.verdict import Verdict
from whyformer.evaluation.comparison.wording import VERDICTS, advice, sentence
from whyformer.foundation.bilingual import Language
from whyformer.workflows.compare.notes import TEXTS, Note
from whyformer.workflows.compare.page.words import WORDS, say


def verdicts(found: Mapping[str, Any], language: Language) -> str:
    """Return the verdict on each arm, with its drawing. Args: found: see `page.Found`."""
    strips = {name: _strip(found, name, language) for name in found["comparisons"]}
    farthest = farthest_of(list(strips.values()), found["margin"])
    articles = "".join(
        _article(found, name, interval_strip(strip, found["margin"], farthest), language)
        for name, strip in strips.items()
    )
    comparisons = found["comparisons"].values()
    items = any(one["lines"] is not None for one in comparisons)
    remarks = [WORDS["how_drawn"], WORDS["both_units" if items else "seeds_only"]]
    if len(comparisons) > 1:
        remarks.append(WORDS["several"])
    remarks += [TEXTS[Note(note["name"])] for note in found["notes"]]
    text = "".join(f"<li>{escape(one.in_(language))}</li>" for one in remarks)
    return f'{articles}<ul class="soft remarks">{text}</ul>'


def _strip(found: Mapping[str, Any], name: str, language: Language) -> Strip:
    one = found["comparisons"][name]
    low, high = one["interval"]
    return Strip(one["effect"], low, high, _sentence(found, name, language))


def _article(found: Mapping[str, Any], name: str, drawing: str, language: Language) -> str:
    one = found["comparisons"][name]
    verdict = Verdict(one["verdict"])
    badge = escape(VERDICTS[verdict].in_(language))
    more = advice(one)
    p = number(one["adjusted_p"], 2)
    if one["lines"] is None:
        facts = say("facts_seeds", language, p=p, seeds=one["seeds"])
    else:
        facts = say("facts", language, p=p, seeds=one["seeds"], lines=f"{one['lines']:,}")
    if values := found["tuned"].get(name):
        said = ", ".join(f"{key} = {value[0]}" for key, value in values.items())
        facts += f"; {say('tuned_to', language, values=said)}"
    return (
        f'<article class="verdict {verdict.name.lower()}"><h3>{escape(name)} '
        f"<b>{badge}</b></h3><p>{escape(_sentence(found, name, language))}"
        + (f" {escape(more.in_(language))}" if more else "")
        + f"</p><figure>{drawing}</figure><p class=soft>{facts}</p></article>"
    )


def _sentence(found: Mapping[str, Any], name: str, language: Language) -> str:
    one = found["comparisons"][name]
    return sentence(one, found["base"], name, found["metric"], found["margin"]).in_(language)
