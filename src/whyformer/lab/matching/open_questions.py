"""Questions that people often ask and that the laboratory has not measured yet."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from whyformer.foundation.bilingual import Bilingual

FILE = Path(__file__).with_name("open_questions.toml")


@dataclass(frozen=True)
class OpenQuestion:
    """A question without a measurement.

    Args:
        text: what is meant, and what would have to be measured.
        keywords: other words that people use for the same question.
        related: names of questions of the laboratory that are near.
    """

    name: str
    question: Bilingual
    text: Bilingual
    keywords: Sequence[str]
    related: Sequence[str]


@cache
def open_questions() -> dict[str, OpenQuestion]:
    """Return the open questions by name, in the order of the file."""
    content = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {
        name: OpenQuestion(
            name,
            Bilingual(*one["question"]),
            Bilingual(*one["text"]),
            tuple(one["keywords"]),
            tuple(one["related"]),
        )
        for name, one in content.items()
    }
