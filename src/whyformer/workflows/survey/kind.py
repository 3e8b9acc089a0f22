"""Decide by their content what data files hold."""

from collections.abc import Sequence

from whyformer.data.formats.names import LABEL, LANGUAGES, TARGET, TEXT, plain_name
from whyformer.data.formats.recognition import Format, Wanted
from whyformer.data.formats.roles import roles_of_labelled, roles_of_pairs
from whyformer.data.formats.tables import Table
from whyformer.data.reading import pair_files, parallel
from whyformer.data.survey.profile import Kind
from whyformer.foundation.errors import DataError
from whyformer.recipes.recipe import DataSettings

FEW_LABELS = 0.05
"""Most different labels, relative to the number of rows; `ALWAYS_FEW` are few enough."""
ALWAYS_FEW = 20
LONGEST_LABEL = 40
"""Maximum length of a label in characters."""


def kind_of(data: DataSettings) -> Kind:
    """Return what the first file holds. Raises: DataError when it cannot be read."""
    names = {"source": data.source, "target": data.target}
    first, second = parallel(data.train, **names, reading=data.reading)[0]
    if len(pair_files(first, second, **names)) == 2:
        return Kind.PAIRS
    found = data.reading.format(first, Wanted.TAGGED)
    if found in (Format.WORDS, Format.CONLLU):
        return Kind.TAGGED
    table = data.reading.table(first, Wanted.PAIRS, (data.source, data.second, data.target))
    if table is None or len(table.columns) == 1:
        return Kind.TEXT
    if table.format in (Format.TMX, Format.DICTIONARY) or _is_pair_by_name(table, data):
        return Kind.PAIRS
    return _kind_of_columns(table, data)


def _is_pair_by_name(table: Table, data: DataSettings) -> bool:
    """Return whether the columns have names of pairs."""
    if not table.named or data.second is not None:
        return False
    names = [plain_name(name) for name in table.columns]
    if data.target is not None and (place := table.place(data.target)) is not None:
        return names[place] in (TARGET - LABEL) | LANGUAGES
    if sum(name in LANGUAGES for name in names) == 2:
        return True
    targets = [name for name in names if name in TARGET - LABEL or name == "target"]
    sources = [name for name in names if name in TEXT]
    return bool(sources) and len(targets) == 1 and targets != ["target"]


def _kind_of_columns(table: Table, data: DataSettings) -> Kind:
    """Return the kind by the values of the column that would be the label."""
    try:
        roles = roles_of_labelled(table, data.source, data.second, data.target)
    except DataError:
        try:
            roles = roles_of_labelled(table, data.source, data.second, data.target, number=True)
        except DataError:
            roles_of_pairs(table, data.source, data.target)  # its error says what is in doubt
            return Kind.PAIRS
    places = table.place(roles.columns["text"]), table.place(roles.columns["label"])
    rows = table.sample()
    texts, labels = (
        [row[place] for row in rows if place is not None and place < len(row)] for place in places
    )
    if _are_tags(texts, labels):
        return Kind.TAGGED
    return Kind.LABELLED if _are_labels(labels) else Kind.PAIRS


def _are_labels(values: Sequence[str]) -> bool:
    """Return whether values are labels or numbers."""
    filled = [value.strip() for value in values if value.strip()]
    different = set(filled)
    if not filled or max(map(len, different)) > LONGEST_LABEL:
        return False
    few = min(max(ALWAYS_FEW, FEW_LABELS * len(filled)), len(filled) / 2)
    return len(different) <= few or all(map(is_number, different))


def is_number(text: str) -> bool:
    """Return whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _are_tags(texts: Sequence[str], labels: Sequence[str]) -> bool:
    """Return whether there is one label for each word."""
    rows = [(a.split(), b.split()) for a, b in zip(texts, labels, strict=True) if a.strip()]
    several = [len(words) for words, _ in rows if len(words) > 2]
    if len(several) < len(rows) / 2 or not rows:
        return False
    if sum(len(words) == len(given) for words, given in rows) < 0.95 * len(rows):
        return False
    different = {label for _, labels in rows for label in labels}
    known = {word for words, _ in rows for word in words}
    given = sum(len(labels) for _, labels in rows)
    few = len(different) <= max(ALWAYS_FEW, FEW_LABELS * given)
    return few and 2 * len(different) <= len(known)  # words that are translated are as many
