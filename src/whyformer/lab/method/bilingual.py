"""Sentences in the two languages of the laboratory: neither may be missing."""

from dataclasses import dataclass
from enum import StrEnum

from whyformer.lab.method.verdict import Verdict


class Language(StrEnum):
    """Languages of the pages."""

    ENGLISH = "en"
    KOREAN = "ko"


@dataclass(frozen=True)
class Bilingual:
    """The same thing in English and in Korean."""

    en: str
    ko: str

    def in_(self, language: Language) -> str:
        """Return the words of one language."""
        return self.en if language is Language.ENGLISH else self.ko


def alike(words: str) -> Bilingual:
    """Return what is written the same way in both languages: symbols and names."""
    return Bilingual(words, words)


VERDICTS: dict[Verdict, Bilingual] = {
    Verdict.SUPPORTED: Bilingual("supported", "지지됨"),
    Verdict.CONDITIONAL: Bilingual("supported under conditions", "조건부로 지지됨"),
    Verdict.NOT_SUPPORTED: Bilingual("not supported", "지지되지 않음"),
    Verdict.REFUTED: Bilingual("refuted", "반박됨"),
    Verdict.INCONCLUSIVE: Bilingual("inconclusive", "판단 유보"),
}
