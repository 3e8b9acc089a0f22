"""The words of the laboratory's verdicts, in both languages."""

from whyformer.foundation.bilingual import Bilingual
from whyformer.lab.method.verdict import Verdict

VERDICTS: dict[Verdict, Bilingual] = {
    Verdict.SUPPORTED: Bilingual("supported", "확인됨"),
    Verdict.CONDITIONAL: Bilingual("supported under conditions", "조건부로 확인됨"),
    Verdict.NOT_SUPPORTED: Bilingual("not supported", "확인되지 않음"),
    Verdict.REFUTED: Bilingual("refuted", "반박됨"),
    Verdict.INCONCLUSIVE: Bilingual("inconclusive", "판단 유보"),
}
