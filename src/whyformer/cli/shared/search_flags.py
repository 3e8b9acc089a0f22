"""Flags of ``whyformer translate`` for phrases, coverage and a second search."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from whyformer.cli.shared.options import within

SEARCH = Group("Search")
_Search = Parameter(group=SEARCH, negative="")
_Flag = Parameter(group=SEARCH, negative="", show_default=False)


@Parameter(name="*")
@dataclass(frozen=True)
class SearchFlags:
    """Further flags of the search.

    Args:
        coverage_penalty: Rank translations also by the attention that each source token received.
            Larger values penalize missing parts more; for example, 0.2.
        coverage: Coverage penalty: wu (penalizes too little attention) or summary (too much).
        force: Phrase that every translation must contain. This option can be repeated.
        force_file: File with one phrase per line that every translation must contain.
        forbid: Phrase that no translation may contain. This option can be repeated.
        forbid_file: File with one phrase per line that no translation may contain.
        glossary: Table of terms and their translations. If a line contains a term,
            its translation must contain the translation of the term.
            If a term is listed twice, its first translation is used.
        fallback: Search lines again with a larger beam and without repeated n-grams
            if their translation repeats itself or reaches the length limit.
        shortlist: Score only likely target tokens: the list that `whyformer shortlist` made.
        token_confidence: With --json, also list the tokens of each translation
            with the probability that the model gives to each token.
    """

    coverage_penalty: Annotated[float | None, _Search, within(0.0, 100.0)] = None
    coverage: Annotated[str | None, _Search] = None
    force: Annotated[list[str] | None, _Search] = None
    force_file: Annotated[Path | None, _Search] = None
    forbid: Annotated[list[str] | None, _Search] = None
    forbid_file: Annotated[Path | None, _Search] = None
    glossary: Annotated[Path | None, _Search] = None
    fallback: Annotated[bool, _Flag] = False
    shortlist: Annotated[bool, _Flag] = False
    token_confidence: Annotated[bool, _Flag] = False

    def settings(self) -> dict[str, Any]:
        """Return the search settings that were given."""
        found = {
            "coverage_penalty": self.coverage_penalty,
            "coverage": self.coverage,
            "force": _phrases(self.force, self.force_file),
            "forbid": _phrases(self.forbid, self.forbid_file),
        }
        return {name: value for name, value in found.items() if value is not None}

    def of_torch(self) -> list[str]:
        """Return the given flags that only the torch engine supports, beside search settings."""
        asked = {
            "--glossary": self.glossary is not None,
            "--fallback": self.fallback,
            "--token-confidence": self.token_confidence,
        }
        return [flag for flag, given in asked.items() if given]


NO_FLAGS = SearchFlags()


def _phrases(given: list[str] | None, file: Path | None) -> list[str] | None:
    """Return the phrases of an option and of a file; None if neither was given."""
    from whyformer.data.lines import read_lines

    if file is None:
        return given
    return [*(given or []), *(line for line in read_lines(file) if line.strip())]
