"""Write all pages in both languages. The pages depend only on the results and load no other
files."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from whyformer.foundation.files import write_text
from whyformer.lab.method.bilingual import Language
from whyformer.lab.method.questions import experiment_named, written
from whyformer.lab.method.record import PUBLISHED, result_of
from whyformer.lab.pages.cards import facts_of, read_card
from whyformer.lab.pages.frame import file_of
from whyformer.lab.pages.overview import glossary_page, index_page
from whyformer.lab.pages.page import Page
from whyformer.lab.pages.question import RESULTS, question_page


def write_report(
    out: Path,
    *,
    results: Path = PUBLISHED,
    languages: Sequence[Language] = tuple(Language),
    names: Sequence[str] | None = None,
) -> list[Path]:
    """Write the pages of every question, and return the paths of the files, the index first.

    Args:
        results: directory of files NAME.json; the page of a question without a file states that
            there are no results.
        names: names of the questions to include; None includes all questions.
    """
    pages = [_page(name, results) for name in (written() if names is None else names)]
    made: list[Path] = []
    for language in languages:
        files = {"index": index_page(pages, language, languages)}
        files["glossary"] = glossary_page(language, languages)
        for place, page in enumerate(pages):
            around = (pages[place - 1] if place else None, *pages[place + 1 : place + 2])
            files[page.experiment.name] = question_page(page, language, languages, around)
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


def _page(name: str, results: Path) -> Page:
    experiment, record = experiment_named(name), result_of(name, results)
    facts = facts_of(experiment, record.results if record else None)
    return Page(experiment, record, facts, {one: read_card(name, one) for one in Language})
