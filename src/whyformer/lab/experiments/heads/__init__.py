"""Are several heads better than one? Training with many or few heads, and pruning afterwards."""

from whyformer.lab.experiments.heads.claims import CLAIMS, numbers
from whyformer.lab.experiments.heads.experiment import conditions, measure
from whyformer.lab.experiments.heads.figures import NAMES, charts
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Experiment, Mode, Part

EXPERIMENT = Experiment(
    name="heads",
    question=Bilingual("Are several heads better than one?", "헤드는 여러 개가 하나보다 나을까요?"),
    keywords=(
        "head", "heads", "multi-head", "multihead", "multiple heads", "several heads",
        "many heads", "pruning", "prune", "subspace", "헤드", "멀티헤드", "멀티 헤드", "여러 헤드",
        "가지치기", "부분 공간",
    ),
    parts=(Part("training", measure, conditions, {Mode.QUICK: 2, Mode.FULL: 5}),),
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)  # fmt: skip
