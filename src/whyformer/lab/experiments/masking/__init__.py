"""What does BERT's 80/10/10 masking do? Training with three recipes, and probes.

A linear probe predicts a word from the state of one of its letters. All letters are visible, as in
any use of a trained model. The letter alone does not determine the word, but the letters around it
do. So the probe measures how much context the state of a visible token contains. A tagger needs
this context, too.
"""

from whyformer.lab.experiments.masking.claims import CLAIMS, numbers
from whyformer.lab.experiments.masking.experiment import (
    causal_conditions,
    masked_conditions,
    measure_causal,
    measure_masked,
)
from whyformer.lab.experiments.masking.figures import NAMES, charts
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Experiment, Mode, Part

EXPERIMENT = Experiment(
    name="masking",
    question=Bilingual("Does BERT need 80/10/10, and what does predicting only 15 % cost?",
                       "BERT에 80/10/10이 필요한가요, 15 %만 예측하면 무엇을 잃나요?"),
    keywords=(
        "masked", "masking", "mlm", "80/10/10", "80-10-10", "cloze", "linear probe", "bert mask",
        "mask bert", "masks bert", "masked tokens", "bert masks", "15 %", "마스크", "마스킹", "가리",
        "가려", "선형 프로브", "선형 탐침",
    ),
    mentions=(
        "bert", "15", "probe", "fine-tuning", "pre-training", "mask", "사전 학습", "사전학습",
        "미세 조정", "프로브", "탐침", "버트",
    ),
    parts=(
        Part("masked", measure_masked, masked_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
        Part("causal", measure_causal, causal_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
    revision=2,
)  # fmt: skip
