"""Find out what training files hold: pairs, labelled texts, labelled words, or text."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from statistics import median

from whyformer.data.formats.names import LABEL, LANGUAGES, TARGET, TEXT, plain_name
from whyformer.data.formats.recognition import Format, Wanted
from whyformer.data.formats.roles import Roles, roles_of_labelled
from whyformer.data.formats.tables import Table
from whyformer.data.labelled import Example, read_examples
from whyformer.data.lines import STDIN
from whyformer.data.reading import Pair, pair_files, parallel, read_pairs
from whyformer.data.tagged import Tagged, read_tagged
from whyformer.foundation.errors import DataError
from whyformer.recipes.recipe import DataSettings
from whyformer.tasks.text_data import read_documents

FEW_LABELS = 0.05
"""Maximum number of different labels, as a fraction of the rows; or `MOST_LABELS`, if that is
more."""
MOST_LABELS = 20
REPEATED = 0.97
"""If at least this share of the rows has a value that occurs in several rows, the values that occur
once are treated as faults."""
LONGEST_LABEL = 40
"""Maximum length of a label in characters."""
WORDS_PER_LABEL = 2
"""If words have labels, there are at least this many times as many different words as different
labels. If words have translations instead, both numbers are similar."""
GRADES = 12
"""A column of whole numbers with at most so many different values holds classes."""


def task_of(data: DataSettings) -> tuple[str, str]:
    """Return the task that fits the files of a recipe, and the reason.

    Raises: DataError when the first file cannot be read.
    """
    path, reading = data.train[0], data.reading
    if len(pair_files_of(data)) == 2 or path == STDIN:
        return "translate", "two parallel files are pairs"
    found = reading.format(path, Wanted.TAGGED)
    if found in (Format.WORDS, Format.CONLLU):
        return "tag", f"the format is {found}"
    if found in (Format.TMX, Format.DICTIONARY):
        return "translate", f"the format is {found}"
    table = reading.table(path, Wanted.PAIRS, (data.source, data.second, data.target))
    if table is None or len(table.columns) == 1:
        return "language", "one column of text"
    return _task_of_table(table, data)


def pair_files_of(data: DataSettings) -> tuple[str, ...]:
    """Return the first file of the training data, or its two parallel files."""
    names = {"source": data.source, "target": data.target}
    first, second = parallel(data.train, **names, reading=data.reading)[0]
    return pair_files(first, second, **names)


def _task_of_table(table: Table, data: DataSettings) -> tuple[str, str]:
    if data.second is None and table.named and _names_a_pair(table, data):
        return "translate", "the names of the columns are those of pairs"
    labelled = _labelled_or_none(table, data)
    if labelled is None:
        return "translate", "no column holds labels"
    texts, labels = _column(labelled, "text"), _column(labelled, "label")
    if _are_tags(texts, labels):
        return "tag", "every word has a label"
    label = labelled.columns["label"]
    known = f"column `{label}`" if table.named else f"column {label}"
    kind = _kind_of_labels(labels, named=table.named and plain_name(label) in LABEL)
    if kind == "numbers":
        return "regress", f"numbers in {known}"
    if kind == "labels":
        return "classify", f"labels in {known}"
    return "translate", "two columns of text"


def _labelled_or_none(table: Table, data: DataSettings) -> Roles | None:
    """Return the columns of labelled texts, or None if they cannot be determined."""
    for number in (False, True):
        try:
            return roles_of_labelled(table, data.source, data.second, data.target, number=number)
        except DataError:
            continue
    return None


def _names_a_pair(table: Table, data: DataSettings) -> bool:
    """Return whether the column names, or the name in `data.target`, indicate pairs."""
    names = [plain_name(name) for name in table.columns]
    if data.target is not None:
        place = table.place(data.target)
        names = [] if place is None else [names[place]]
        return bool(names) and names[0] in (TARGET - LABEL) | LANGUAGES
    sources = [name for name in names if name in TEXT]
    targets = [name for name in names if name in TARGET - LABEL]
    return sum(name in LANGUAGES for name in names) == 2 or (bool(sources) and len(targets) == 1)


def _column(roles: Roles, role: str) -> list[str]:
    place = roles.table.place(roles.columns[role])
    return [row[place] for row in roles.table.sample() if place is not None and place < len(row)]


def _kind_of_labels(values: Sequence[str], *, named: bool) -> str | None:
    """Return whether values are labels, numbers, or neither (None).

    Whole numbers with many different values, such as dates, are targets of pairs, not labels. If
    the name of their column is the name of a label (``named``), they are numbers.
    """
    filled = [value.strip() for value in values if value.strip()]
    counts = Counter(filled)
    repeated = {value for value, count in counts.items() if count > 1}
    if repeated and sum(counts[value] for value in repeated) >= REPEATED * len(filled):
        counts = Counter({value: counts[value] for value in repeated})  # the others are faults
    different = set(counts)
    if not filled or max(map(len, different)) > LONGEST_LABEL:
        return None
    if all(map(is_number, different)):
        whole = all(value.lstrip("+-").isdecimal() for value in different)
        if whole and len(different) <= GRADES:
            return "labels"
        return "numbers" if named or not whole else None
    few = min(max(MOST_LABELS, FEW_LABELS * len(filled)), len(filled) / 2)
    return "labels" if len(different) <= few else None


def is_number(text: str) -> bool:
    """Return whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _are_tags(texts: Sequence[str], labels: Sequence[str]) -> bool:
    """Return whether each row has one label for each word of its text."""
    rows = [(a.split(), b.split()) for a, b in zip(texts, labels, strict=True) if a.strip()]
    if not rows or median(len(words) for words, _ in rows) < 3:
        return False
    if sum(len(words) == len(given) for words, given in rows) < 0.98 * len(rows):
        return False
    given = [label for _, labels in rows for label in labels]
    words = {word for words, _ in rows for word in words}
    few = len(set(given)) <= max(MOST_LABELS, FEW_LABELS * len(given))
    return few and WORDS_PER_LABEL * len(set(given)) <= len(words)


def pairs_of(data: DataSettings) -> Iterator[Pair]:
    """Yield the pairs of all training files."""
    source, target, reading = data.source, data.target, data.reading
    files = parallel(data.train, source=source, target=target, reading=reading)
    return chain.from_iterable(
        read_pairs(*one, source=source, target=target, reading=reading, optional=True)
        for one in files
    )


def examples_of(data: DataSettings, *, number: bool) -> Iterator[Example]:
    """Yield the labelled texts of all training files."""
    return chain.from_iterable(
        read_examples(
            path, text=data.source, second=data.second, label=data.target,
            reading=data.reading, number=number,
        )
        for path in data.train
    )  # fmt: skip


def tagged_of(data: DataSettings) -> Iterator[Tagged]:
    """Yield the labelled sentences of all training files."""
    return chain.from_iterable(
        read_tagged(path, text=data.source, label=data.target, reading=data.reading)
        for path in data.train
    )


def lines_of(data: DataSettings) -> Iterator[str]:
    """Yield the lines of all documents."""
    for path in data.train:
        for document in read_documents(path, data.documents, data.source, data.reading):
            yield from document
