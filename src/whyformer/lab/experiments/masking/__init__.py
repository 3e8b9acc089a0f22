"""What do BERT's 15 % and 80/10/10 do? Counts, and training with three recipes and probes.

A linear probe predicts a word from the state of one of its letters. All letters are visible, as in
any use of a trained model. The letter alone does not determine the word, but the letters around it
do. So the probe measures how much context the state of a visible token contains. A tagger needs
this context, too.
"""

from whyformer.lab.experiments.masking.claims import CLAIMS
from whyformer.lab.experiments.masking.data import numbers
from whyformer.lab.experiments.masking.experiment import (
    causal_conditions,
    masked_conditions,
    measure_causal,
    measure_masked,
    measure_shares,
    share_conditions,
)
from whyformer.lab.experiments.masking.figures import NAMES, charts
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Experiment, Mode, Part

EXPERIMENT = Experiment(
    name="masking",
    question=Bilingual(
        "Why 15 %, and why 80/10/10? (BERT's masks)",
        "왜 15 %이고 왜 80/10/10인가요? (BERT의 마스크)",
    ),
    keywords=(
        "masked",
        "masking",
        "mlm",
        "80/10/10",
        "80-10-10",
        "cloze",
        "마스크",
        "마스킹",
        "가리",
        "linear probe",
        "선형 프로브",
        "선형 탐침",
        "가려",
        "bert mask",
        "mask bert",
        "masks bert",
        "masked tokens",
        "bert masks",
        "15 %",
    ),
    mentions=(
        "bert",
        "15",
        "probe",
        "fine-tuning",
        "pre-training",
        "사전 학습",
        "사전학습",
        "미세 조정",
        "프로브",
        "탐침",
        "버트",
        "mask",
    ),
    parts=(
        Part("shares", measure_shares, share_conditions, {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("masked", measure_masked, masked_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
        Part("causal", measure_causal, causal_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
    revision=2,
)
