"""Texts in the two languages of the laboratory. Every text must exist in both languages."""

from dataclasses import dataclass
from enum import StrEnum

from whyformer.lab.method.verdict import Verdict


class Language(StrEnum):
    """Languages of the pages."""

    ENGLISH = "en"
    KOREAN = "ko"


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


VERDICTS: dict[Verdict, Bilingual] = {
    Verdict.SUPPORTED: Bilingual("supported", "확인됨"),
    Verdict.CONDITIONAL: Bilingual("supported under conditions", "조건부로 확인됨"),
    Verdict.NOT_SUPPORTED: Bilingual("not supported", "확인되지 않음"),
    Verdict.REFUTED: Bilingual("refuted", "반박됨"),
    Verdict.INCONCLUSIVE: Bilingual("inconclusive", "판단 유보"),
}
