"""Texts of `whyformer ask`, in English and Korean."""

from whyformer.foundation.bilingual import Bilingual

NOT_MEASURED = Bilingual(
    "The laboratory has not measured this yet.", "실험실은 아직 이 질문을 측정하지 않았습니다."
)
ALL_QUESTIONS = Bilingual(
    "`whyformer lab list` lists all questions that have an answer.",
    "`whyformer lab list`로 답이 있는 질문을 모두 볼 수 있습니다.",
)
