"""Why sines and cosines? Exact properties of position codes, and their use by trained models."""

from whyformer.lab.experiments.positions.claims import CLAIMS, numbers
from whyformer.lab.experiments.positions.experiment import (
    algebra_conditions,
    language_conditions,
    margin_conditions,
    measure_algebra,
    measure_language,
    measure_margin,
    measure_order,
    measure_projection,
    measure_shift,
    measure_tasks,
    order_conditions,
    projection_conditions,
    shift_conditions,
    task_conditions,
)
from whyformer.lab.experiments.positions.figures import NAMES, charts
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Experiment, Mode, Part

EXPERIMENT = Experiment(
    name="positions",
    question=Bilingual("Why sines and cosines?", "왜 사인과 코사인인가요?"),
    keywords=(
        "position",
        "positions",
        "positional",
        "sin",
        "cos",
        "sine",
        "cosine",
        "sinusoid",
        "sinusoidal",
        "order",
        "rotary",
        "rope",
        "alibi",
        "extrapolate",
        "위치",
        "위치 임베딩",
        "위치 부호",
        "포지셔널",
        "사인",
        "코사인",
        "순서",
        "주기",
        "외삽",
        "로터리",
        "embedding position",
    ),
    mentions=(
        "encoding",
        "encodings",
        "인코딩",
    ),
    parts=(
        Part("algebra", measure_algebra, algebra_conditions, {Mode.QUICK: 1, Mode.FULL: 1}),
        Part("margin", measure_margin, margin_conditions, {Mode.QUICK: 1, Mode.FULL: 1}),
        Part("shift", measure_shift, shift_conditions, {Mode.QUICK: 5, Mode.FULL: 5}),
        Part(
            "projection", measure_projection, projection_conditions, {Mode.QUICK: 5, Mode.FULL: 20}
        ),
        Part("order", measure_order, order_conditions, {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("tasks", measure_tasks, task_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
        Part("language", measure_language, language_conditions, {Mode.QUICK: 1, Mode.FULL: 5}),
    ),
    claims=CLAIMS,
    numbers=numbers,
    charts=charts,
    names=NAMES,
)
