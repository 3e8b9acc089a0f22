"""The words of the laboratory's verdicts, and what its texts in two languages are made of."""

from whyformer.foundation.bilingual import Bilingual, Language, alike
from whyformer.lab.method.verdict import Verdict

__all__ = ["VERDICTS", "Bilingual", "Language", "alike"]

VERDICTS: dict[Verdict, Bilingual] = {
    Verdict.SUPPORTED: Bilingual("supported", "확인됨"),
    Verdict.CONDITIONAL: Bilingual("supported under conditions", "조건부로 확인됨"),
    Verdict.NOT_SUPPORTED: Bilingual("not supported", "확인되지 않음"),
    Verdict.REFUTED: Bilingual("refuted", "반박됨"),
    Verdict.INCONCLUSIVE: Bilingual("inconclusive", "판단 유보"),
}
