"""The page of a comparison: one self-contained HTML file in each language.

The page is a function of ``comparison.json``, so that it can be made again from this file.
"""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from whyformer.evaluation.comparison.wording import budget_in_words
from whyformer.foundation.bilingual import Language
from whyformer.foundation.files import write_text
from whyformer.workflows.compare.page.curves import curves
from whyformer.workflows.compare.page.record import (
    is_registered,
    registration,
    said_of_registration,
)
from whyformer.workflows.compare.page.tables import cells, costs, tuning
from whyformer.workflows.compare.page.verdicts import verdicts
from whyformer.workflows.compare.page.words import WORDS, say
from whyformer.workflows.report.layout import document

NAME = "comparison"
Found = Mapping[str, Any]
"""The content of ``comparison.json``."""


def write_pages(out: Path, found: Found) -> list[Path]:
    """Write the pages into a directory, and return their paths. Args: found: see `Found`."""
    made = []
    for language in Language:
        made.append(out / file_of(language))
        write_text(made[-1], page(found, language))
    return made


def file_of(language: Language) -> str:
    """Return the name of the page in a language."""
    return f"{NAME}.html" if language is Language.ENGLISH else f"{NAME}.{language}.html"


def page(found: Found, language: Language) -> str:
    """Return the page of a comparison as HTML. Args: found: see `Found`."""
    sections = [
        ("result", verdicts(found, language)),
        ("registration", registration(found, language)),
        ("curves", curves(found, language)),
        ("tuning", tuning(found, language)),
        ("costs", costs(found, language)),
        ("cells", cells(found, language)),
    ]
    body = "".join(
        f"<section><h2>{say(name, language)}</h2>{html}</section>"
        for name, html in sections
        if html
    )
    version = found["registration"]["registration"]["code"]["whyformer"]
    return document(
        _title(found, language),
        f"{_lead(found, language)}{body}<p class=soft>{say('made', language, version=version)}</p>",
        language=language,
        others={one: file_of(one) for one in Language if one is not language},
    )


def _title(found: Found, language: Language) -> str:
    arms, base = list(found["comparisons"]), found["base"]
    if len(arms) == 1:
        return WORDS["title_one"].in_(language).format(arm=arms[0], base=base)
    return WORDS["title_many"].in_(language).format(count=len(arms), base=base)


def _lead(found: Found, language: Language) -> str:
    unit = "higher" if found["higher_is_better"] else "lower"
    text = say(
        "lead",
        language,
        recipe=found["recipe"],
        metric=found["metric"],
        unit=WORDS[unit].in_(language),
        seeds=len(found["scores"][found["base"]]),
        budget=budget_in_words(found["budget"]).in_(language),
    )
    warning = "" if is_registered(found) else said_of_registration(found, language)
    warning = f'<p class="notice">{escape(warning)}</p>' if warning else ""
    return f'<p class="lead">{text}</p>{warning}'
