"""The bottleneck of sequence-to-sequence models: one vector for the whole source, or attention.

An encoder-decoder LSTM copies rows of random symbols, or writes them in reverse order. The reversed
task is the same as Sutskever's trick: copying a source that is read in reverse order.
"""

from whyformer.lab.experiments.bottleneck.claims import CLAIMS, numbers
from whyformer.lab.experiments.bottleneck.experiment import conditions, measure
from whyformer.lab.experiments.bottleneck.figures import NAMES, charts
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Experiment, Mode, Part

EXPERIMENT = Experiment(
    name="bottleneck",
    question=Bilingual("Is one vector for the whole source a bottleneck, and does attention "
                       "remove it?",
                       "원문 전체를 벡터 하나에 담는 것이 병목인가요, 어텐션이 그것을 없애나요?"),
    keywords=(
        "bottleneck", "context vector", "fixed-length", "one vector", "long sentences", "reverse",
        "reversing", "병목", "컨텍스트 벡터", "문맥 벡터", "고정 길이", "벡터 하나", "긴 문장", "뒤집",
    ),
    mentions=(
        "seq2seq", "encoder", "decoder", "length", "sutskever", "bahdanau", "source", "인코더",
        "디코더",
    ),
    parts=(Part("lengths", measure, conditions, {Mode.QUICK: 2, Mode.FULL: 5}),),
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)  # fmt: skip
