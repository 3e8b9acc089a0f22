"""A glossary for translation: if a source contains a term, its translation must contain the target
term."""

from collections.abc import Callable, Iterable
from pathlib import Path

from whyformer.data.reading import read_pairs
from whyformer.foundation.errors import DataError, UsageError
from whyformer.foundation.parsing import shown
from whyformer.foundation.wording import counted
from whyformer.text.normalization import lower, normalize
from whyformer.text.phrases import phrase_pattern


class Glossary:
    """Source terms with their target terms.

    A term occurs in a source as whole words; Hangul particles may follow it. Where several terms
    begin, the longest one counts. A term in lower case is found in any case. A term with upper-case
    letters is found only in this spelling. If a term is listed twice, its first target counts.

    >>> glossary = Glossary([("dog", "Hund"), ("guide dog", "Blindenhund"), ("모델", "model")])
    >>> glossary.required("Dogs, a guide dog and another dog"), glossary.required("모델을")
    (['Blindenhund', 'Hund'], ['model'])
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._targets: dict[str, str] = {}
        for source, target in pairs:
            self._targets.setdefault(normalize(source).strip(), target.strip())
        self._exact = phrase_pattern(self._targets) if self._targets else None
        small = [term for term in self._targets if term == lower(term)]
        self._lower = phrase_pattern(small) if small else None

    def __len__(self) -> int:
        return len(self._targets)

    def required(self, source: str) -> list[str]:
        """Return the target terms that must occur in the translation of a source."""
        text = normalize(source)
        found: dict[int, str] = {}
        for pattern, searched in ((self._lower, lower(text)), (self._exact, text)):
            # `lower` can change the length of a text; then only the exact spelling is searched.
            if pattern is not None and len(searched) == len(text):
                for match in pattern.finditer(searched):
                    if len(match[0]) >= len(found.get(match.start(), "")):
                        found[match.start()] = match[0]
        return [self._targets[found[place]] for place in _apart(found)]


def _apart(found: dict[int, str]) -> list[int]:
    """Return the starts of the matches from left to right, without overlapping matches."""
    kept: list[int] = []
    end = 0
    for start in sorted(found):
        if start >= end:
            kept.append(start)
            end = start + len(found[start])
    return kept


def read_glossary(path: Path, say: Callable[[str], None] = lambda text: None) -> Glossary:
    """Read a table of source terms and target terms, in any format of pairs.

    Args: say: called with a sentence if terms have several translations.
    Raises: UsageError if there is no such file; DataError if it cannot be read, or if a term or its
        target is empty.
    """
    if not path.is_file():
        raise UsageError(f"`--glossary` must be a file of pairs, but there is no file `{path}`.")
    pairs = list(read_pairs(path, optional=True, alone=True))
    for pair in pairs:
        if not pair.source.strip() or not pair.target.strip():
            raise DataError(
                f"{path}:{pair.line}: Each row must have a term and its translation, but this row "
                f"has `{pair.source}` and `{pair.target}`. Complete or delete the row."
            )
    found = [(normalize(pair.source).strip(), pair.target.strip()) for pair in pairs]
    if several := _with_several_targets(found):
        say(
            f"{path}: {counted(len(several), 'term')} with several translations, such as "
            f"{shown(several[0])}. The first translation of a term is used."
        )
    return Glossary(found)


def _with_several_targets(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return the terms that have different targets, in the order of the table."""
    targets: dict[str, set[str]] = {}
    for source, target in pairs:
        targets.setdefault(source, set()).add(target)
    return [source for source, different in targets.items() if len(different) > 1]
