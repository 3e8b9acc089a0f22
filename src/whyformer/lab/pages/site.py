"""Write all pages in both languages. The pages depend only on the results and load no other
files."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from whyformer.foundation.bilingual import Language
from whyformer.foundation.errors import UsageError
from whyformer.foundation.files import write_text
from whyformer.lab.method.questions import experiment_named, written
from whyformer.lab.method.record import PUBLISHED, result_of, write_record
from whyformer.lab.pages.cards import facts_of, read_card
from whyformer.lab.pages.changes import CHANGES_PAGE, changes_page
from whyformer.lab.pages.comparison import comparison_page
from whyformer.lab.pages.frame import file_of
from whyformer.lab.pages.method import METHOD_PAGE, method_page
from whyformer.lab.pages.overview import glossary_page, index_page
from whyformer.lab.pages.page import Page
from whyformer.lab.pages.question import RESULTS, question_page

OTHER_PAGES = ("index", "glossary", CHANGES_PAGE, METHOD_PAGE)


def write_report(
    out: Path,
    *,
    results: Path = PUBLISHED,
    languages: Sequence[Language] = tuple(Language),
    names: Sequence[str] | None = None,
    comparisons: Sequence[Path] = (),
) -> list[Path]:
    """Write the pages of every question, and return the paths of the files, the index first.

    Args:
        results: directory of files NAME.json; the page of a question without a file states that
            there are no results.
        names: names of the questions to include; None includes all questions.
        comparisons: files ``comparison.json`` of `whyformer compare`, which become questions, too.
    """
    pages = [_page(name, results) for name in (written() if names is None else names)]
    pages += [comparison_page(path) for path in comparisons]
    refuse_equal_names(pages)
    made: list[Path] = []
    for language in languages:
        files = {"index": index_page(pages, language, languages)}
        files["glossary"] = glossary_page(language, languages)
        files[CHANGES_PAGE] = changes_page(pages, language, languages)
        files[METHOD_PAGE] = method_page(pages, language, languages)
        for place, page in enumerate(pages):
            around = (pages[place - 1] if place else None, *pages[place + 1 : place + 2])
            files[page.experiment.name] = question_page(page, language, languages, around)
        for name, html in files.items():
            made.append(out / file_of(name, language))
            write_text(made[-1], html)
    for page in pages:
        name = f"{page.experiment.name}.json"
        if page.record is None:
            continue
        (out / RESULTS).mkdir(parents=True, exist_ok=True)
        made.append(out / RESULTS / name)
        if page.experiment.command:
            record = page.record
            kept = {name: record.made[name] for name in ("whyformer", "machine")}
            seconds = record.made["cell_seconds"]
            write_record(made[-1], page.experiment, record.results, wall_seconds=seconds, made=kept)
        else:
            shutil.copyfile(results / name, made[-1])
    return made


def refuse_equal_names(pages: Sequence[Page]) -> None:
    """Refuse two pages that would be written to one file. Raises: UsageError."""
    names = [page.experiment.name for page in pages]
    for name in names:
        if name in OTHER_PAGES or names.count(name) > 1:
            raise UsageError(
                f"A comparison cannot have the name `{name}`, because another page has it. The "
                "name of a comparison is that of its directory: rename the directory."
            )


def _page(name: str, results: Path) -> Page:
    experiment, record = experiment_named(name), result_of(name, results)
    facts = facts_of(experiment, record.results if record else None)
    return Page(experiment, record, facts, {one: read_card(name, one) for one in Language})
