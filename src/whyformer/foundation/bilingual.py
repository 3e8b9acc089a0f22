"""Texts in the two languages of the pages. Every text must exist in both languages."""

from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    """Languages of the pages."""

    ENGLISH = "en"
    KOREAN = "ko"

    @property
    def own_name(self) -> str:
        """The name of the language in the language itself."""
        return "English" if self is Language.ENGLISH else "한국어"


@dataclass(frozen=True)
class Bilingual:
    """A text in English and in Korean."""

    en: str
    ko: str

    def in_(self, language: Language) -> str:
        """Return the text in one language."""
        return self.en if language is Language.ENGLISH else self.ko


def alike(words: str) -> Bilingual:
    """Return a text that is equal in both languages, such as a symbol or a name."""
    return Bilingual(words, words)
