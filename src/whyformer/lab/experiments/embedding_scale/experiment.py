"""Why multiply embeddings by √d_model? Loudness at the start, and what training makes of it."""

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F

from whyformer.blocks.embeddings import EmbeddingScale, Tying
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.bilingual import Said, alike
from whyformer.lab.method.charts import Axis, Chart, Figure, Look, Series
from whyformer.lab.method.experiment import (
    Claim,
    Experiment,
    Mode,
    Numbers,
    Part,
    Results,
    Settings,
)
from whyformer.lab.method.statistics import (
    NOT_MEASURED,
    Estimate,
    estimate,
    exactly,
    log_slope,
    paired,
)
from whyformer.lab.method.verdict import Test, above, below, within
from whyformer.models.gpt import GPT

ONE, SQRT = EmbeddingScale.ONE, EmbeddingScale.SQRT_D_MODEL
TIED, UNTIED = Tying.DECODER, Tying.NONE
TIES: dict[str, str] = {TIED: "tied", UNTIED: "untied"}
POSITIONS = {"sinusoidal": "with positions", "none": "without positions"}
SMALL, UNIT = "small", "unit"
"""How embeddings start: N(0, 1/d_model) or N(0, 1)."""
WIDTHS = (64, 128, 256, 512)
TRAINED_WIDTH, JUDGED_WIDTH = 64, 512
RATES = (2e-3, 6e-3, 2e-2)
STEPS, WARMUP = 300, 20
ALIKE = 0.02
"""Nats a character below which a difference does not count, as for learned positions."""


def deviation(init: str, d_model: int) -> float:
    """Return the standard deviation of the starting embeddings."""
    return d_model**-0.5 if init == SMALL else 1.0


def predicted_ratio(scale: str, init: str, d_model: int) -> float:
    """Return token over position: (factor · deviation · √d) / √(d/2).

    >>> round(predicted_ratio("sqrt-d-model", "small", 512), 3)
    1.414
    """
    factor = math.sqrt(d_model) if scale == SQRT else 1.0
    return factor * deviation(init, d_model) * math.sqrt(2)


def fresh_model(settings: Settings, seed: int, *, layers: int = 2) -> GPT:
    """Return a model whose embedding starts as asked.

    An output matrix of its own starts at N(0, 1/d_model) in every arm, so that untied arms differ
    at their input only. A tied one is the embedding, whatever that starts as: this is the tie.
    """
    d, init = settings["d_model"], settings["init"]
    shape = lm.reference(
        layers=layers, d_model=d, embedding_scale=settings["scale"], tying=settings["tying"],
        embedding_deviation=deviation(init, d), positions=settings["positions"],
    )  # fmt: skip
    model = lm.fresh_model(shape, seed)
    if settings["tying"] == UNTIED:
        with torch.no_grad():
            model.projection.weight.mul_(deviation(SMALL, d) / deviation(init, d))
    return model


@torch.no_grad()
def measure_loudness(settings: Settings, seed: int) -> Numbers:
    """Look at what enters the first layer: the tokens' part, the positions' part, the logits."""
    tying, positions = {"tying": TIED}, {"positions": "sinusoidal"}
    model = fresh_model({**settings, **tying, **positions}, seed, layers=1).eval()
    ids = next(lm.dev_windows(64, count=8)).target
    where = model.positions.embed(ids.shape[1], 0, model.embedding.weight)
    assert where is not None
    tokens = model.embedding(ids, model.positions) - where
    token, position = tokens.norm(dim=-1).mean(), where.norm(dim=-1).mean()
    return {
        "token": token.item(),
        "position": position.item(),
        "ratio": (token / position).item(),
        "logits": model(ids).std().item(),
    }


def measure_training(settings: Settings, seed: int) -> Numbers:
    """Train a character model of two layers from one start."""
    model = fresh_model(settings, seed)
    trained = lm.train(
        model.settings, seed, steps=settings["steps"], warmup=WARMUP,
        learning_rate=settings["rate"], model=model,
    )  # fmt: skip
    return {"loss": trained.loss}


def measure_identity(settings: Settings, seed: int) -> Numbers:
    """Train a model with the factor and a twin without it beside each other; compare their losses.

    The twin's embedding starts √d as large and learns √d as fast, which under Adam, whose steps
    ignore the gradient's size, is the same course. In float64, d a power of 4.
    """
    losses: list[list[float]] = []
    for twin in (False, True):
        model = fresh_model(
            {"d_model": 64, "init": SMALL, "positions": "sinusoidal", "tying": settings["tying"],
             "scale": ONE if twin else SQRT}, seed
        ).double()  # fmt: skip
        faster = 1.0
        if twin:
            faster = model.settings.d_model**0.5
            with torch.no_grad():
                model.embedding.weight.mul_(faster)
        embedding = model.embedding.weight
        others = [p for p in model.parameters() if p is not embedding]
        optimizer = torch.optim.Adam(
            [{"params": [embedding], "lr": 3e-3 * faster}, {"params": others, "lr": 3e-3}],
            betas=(0.9, 0.98),
            eps=1e-300,
        )
        windows = lm.Windows(lm.text().train, 32, 8, seed)
        losses.append([])
        for step in range(settings["steps"]):
            batch = windows.batch(0, step)
            loss = F.cross_entropy(model(batch.target).flatten(0, 1), batch.labels.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses[-1].append(loss.item())
    return {"gap": max(abs(a - b) for a, b in zip(*losses, strict=True))}


def loudness_conditions(mode: Mode) -> list[Settings]:
    """Return every width, start and factor."""
    return [
        {"d_model": d, "init": init, "scale": scale}
        for init in (SMALL, UNIT)
        for scale in (ONE, SQRT)
        for d in WIDTHS
    ]


def training_conditions(mode: Mode) -> list[Settings]:
    """Return the grid; quick has one rate, one start, and few updates."""
    quick = mode is Mode.QUICK
    return [
        {
            "positions": positions, "tying": tying, "init": init, "scale": scale,
            "rate": rate, "d_model": TRAINED_WIDTH, "steps": 120 if quick else STEPS,
        }
        for positions in ("sinusoidal", "none")
        for tying in (TIED, UNTIED)
        for init in ((SMALL,) if quick else (SMALL, UNIT))
        for scale in (ONE, SQRT)
        for rate in (RATES[1:2] if quick else RATES)
    ]  # fmt: skip


def identity_conditions(mode: Mode) -> list[Settings]:
    """Return both kinds of output matrix."""
    return [{"tying": tying, "steps": 30} for tying in (UNTIED, TIED)]


def ratio(results: Results, scale: str, init: str, d_model: int = JUDGED_WIDTH) -> Estimate:
    """Return how loud tokens are beside positions."""
    where = {"scale": scale, "init": init, "d_model": d_model}
    return estimate(results.values("loudness", "ratio", **where))


def worst_error(results: Results, scale: str, init: str) -> Estimate:
    """Return the largest relative distance from the formula, of the means over seeds."""
    errors = []
    for d in results.levels("loudness", "d_model", scale=scale, init=init):
        predicted = predicted_ratio(scale, init, d)
        errors.append(abs(ratio(results, scale, init, d).value / predicted - 1))
    return exactly(max(errors))


def tuned(results: Results, **arm: str) -> list[float]:
    """Return the losses of an arm at its own best learning rate, a value a seed."""
    best = results.best("training", "loss", "rate", **arm)
    return results.values("training", "loss", rate=best, **arm)


def measured(results: Results, **arm: str) -> bool:
    """Say whether this mode has the arm."""
    return bool(results.conditions("training", **arm))


def gains(results: Results, **arm: str) -> list[float]:
    """Return how much lower the loss is with the factor, each at its own best rate, by seed."""
    without, factor = tuned(results, scale=ONE, **arm), tuned(results, scale=SQRT, **arm)
    return [a - b for a, b in zip(without, factor, strict=True)]


def gain(results: Results, **arm: str) -> Estimate:
    """Return the mean of `gains`."""
    return estimate(gains(results, **arm)) if measured(results, **arm) else NOT_MEASURED


def share_of_positions(results: Results, **arm: str) -> Estimate:
    """Return how much of the gain goes when positions go."""
    if not measured(results, **arm):
        return NOT_MEASURED
    alone = gains(results, positions="none", **arm)
    return paired(alone, gains(results, positions="sinusoidal", **arm))


def same_start(results: Results, positions: str) -> Estimate:
    """Return N(0, 1) without the factor against N(0, 1/d) with it: one function at the start."""
    where = {"positions": positions, "tying": UNTIED}
    if not measured(results, init=UNIT, **where):
        return NOT_MEASURED
    return paired(
        tuned(results, scale=SQRT, init=SMALL, **where),
        tuned(results, scale=ONE, init=UNIT, **where),
    )


def arms(results: Results) -> list[tuple[str, str]]:
    """Return the pairs of tie and start that were trained."""
    return [
        (tying, init)
        for tying in results.levels("training", "tying")
        for init in results.levels("training", "init", tying=tying)
    ]


def comparable_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `comparable`."""
    return {
        init: [
            within(ratio(results, SQRT, init), 0.5, 2.0, margin=8.0, name="ratio with"),
            below(ratio(results, ONE, init), 0.5, contrary=10.0, name="ratio without"),
        ]
        for init in (SMALL, UNIT)
    }


def law_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `law`."""
    return {
        f"{init}, {scale}": [below(worst_error(results, scale, init), 0.05, contrary=0.5)]
        for init in (SMALL, UNIT)
        for scale in (ONE, SQRT)
    }


def training_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `training`."""
    return {
        f"{TIES[tying]}, {init}": [
            above(gain(results, positions="sinusoidal", tying=tying, init=init), ALIKE)
        ]
        for tying, init in arms(results)
    }


def reason_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `reason`: asked where the positions are the louder ones."""
    return {
        TIES[tying]: [
            above(share_of_positions(results, tying=tying, init=SMALL), ALIKE, name="gain that goes"),
            within(gain(results, positions="none", tying=tying, init=SMALL), -ALIKE, ALIKE,
                   margin=math.inf, name="gain that stays"),
        ]
        for tying in results.levels("training", "tying", init=SMALL)
    }  # fmt: skip


def start_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `start`."""
    return {
        name: [within(same_start(results, positions), -ALIKE, ALIKE)]
        for positions, name in POSITIONS.items()
    }


def identity_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `identity`."""
    return {
        name: [below(estimate(results.values("identity", "gap", tying=tying)), 1e-9, contrary=1e-3)]
        for tying, name in TIES.items()
    }


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found: dict[str, Estimate] = {}
    for init in (SMALL, UNIT):
        for scale, name in ((ONE, "one"), (SQRT, "sqrt")):
            where = {"scale": scale, "init": init}
            found[f"ratio_{init}_{name}"] = ratio(results, scale, init)
            found[f"slope_{init}_{name}"] = log_slope(
                *results.curves("loudness", "ratio", "d_model", **where)
            )
            for number in ("token", "position", "logits"):
                found[f"{number}_{init}_{name}"] = estimate(
                    results.values("loudness", number, d_model=JUDGED_WIDTH, **where)
                )
    for tying, tied in TIES.items():
        found[f"identity_{tied}"] = estimate(results.values("identity", "gap", tying=tying))
        found[f"reason_{tied}"] = share_of_positions(results, tying=tying, init=SMALL)
        for init in (SMALL, UNIT):
            for positions in POSITIONS:
                arm = {"tying": tying, "init": init, "positions": positions}
                found[f"gain_{tied}_{init}_{positions}"] = gain(results, **arm)
                for scale, name in ((ONE, "one"), (SQRT, "sqrt")):
                    known = measured(results, **arm)
                    found[f"loss_{tied}_{init}_{positions}_{name}"] = (
                        estimate(tuned(results, scale=scale, **arm)) if known else NOT_MEASURED
                    )
    for positions in POSITIONS:
        found[f"same_start_{positions}"] = same_start(results, positions)
    return found


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    widths = results.levels("loudness", "d_model")
    cases = [(init, scale) for init in (SMALL, UNIT) for scale in (ONE, SQRT)]
    drawn: list[Figure] = [
        Chart(
            "ratio",
            Said("How loud tokens are beside positions", "위치에 비해 토큰은 얼마나 큰가"),
            Axis(alike("d_model"), log=True),
            Axis(
                Said("norm of token over norm of position", "토큰의 노름 / 위치의 노름"), log=True
            ),
            [
                *(
                    Series(
                        NAMES[f"{init}, {scale}"],
                        [(d, ratio(results, scale, init, d)) for d in widths],
                    )
                    for init, scale in cases
                ),
                *(
                    Series(
                        Said(f"theory: {formula}", f"이론: {formula}"),
                        [(d, exactly(predicted_ratio(scale, init, d))) for d in widths],
                        Look.THEORY,
                    )
                    for init, scale, formula in (
                        (SMALL, ONE, "√(2/d)"),
                        (SMALL, SQRT, "√2"),
                        (UNIT, SQRT, "√(2d)"),
                    )
                ),
            ],
            Said(
                "Two of the four starts balance tokens and positions at every width: the factor "
                "with N(0, 1/d), and no factor with N(0, 1).",
                "네 가지 시작 중 둘만 모든 너비에서 토큰과 위치의 균형을 맞춥니다. N(0, 1/d)에 인자를 곱한 "
                "것과, 인자 없는 N(0, 1)입니다.",
            ),
        )
    ]
    for tying, init in arms(results):
        series = []
        for positions in results.levels("training", "positions", tying=tying, init=init):
            for scale in (ONE, SQRT):
                arm = {"tying": tying, "init": init, "positions": positions, "scale": scale}
                rates = results.levels("training", "rate", **arm)
                points = [
                    (rate, estimate(results.values("training", "loss", rate=rate, **arm)))
                    for rate in rates
                ]
                name, where = NAMES[scale], NAMES[POSITIONS[positions]]
                series.append(
                    Series(Said(f"{name.en}, {where.en}", f"{name.ko}, {where.ko}"), points)
                )
        title = NAMES[f"{TIES[tying]}, {init}"]
        drawn.append(
            Chart(
                f"rates-{TIES[tying]}-{init}",
                Said(f"After training: {title.en}", f"학습 뒤: {title.ko}"),
                Axis(Said("peak learning rate, Adam", "최고 학습률 (Adam)"), log=True),
                Axis(Said("validation loss, nats a character", "검증 손실 (문자당 nat)")),
                series,
                Said(
                    "Compare each curve at its own lowest point, and the two pairs with each other: "
                    "what the factor does without positions is not about positions.",
                    "각 곡선은 가장 낮은 점에서 비교하고, 두 쌍을 다시 서로 비교합니다. 위치 정보가 없을 "
                    "때에도 남는 효과는 위치 때문이 아닙니다.",
                ),
            )
        )
    return drawn


TIE_NAMES = {
    "tied": Said("tied output", "출력 행렬 공유"),
    "untied": Said("output of its own", "출력 행렬 분리"),
}
INIT_NAMES = {SMALL: "N(0, 1/d)", UNIT: "N(0, 1)"}
SCALE_NAMES = {ONE: Said("no factor", "인자 없음"), SQRT: alike("√d_model")}
NAMES = {
    **TIE_NAMES,
    **SCALE_NAMES,
    **{init: alike(law) for init, law in INIT_NAMES.items()},
    "ratio with": Said("ratio with the factor", "인자가 있을 때의 비"),
    "ratio without": Said("ratio without the factor", "인자가 없을 때의 비"),
    "gain that goes": Said("gain that goes with the positions", "위치와 함께 사라지는 이득"),
    "gain that stays": Said("gain without positions", "위치 없이도 남는 이득"),
    "with positions": Said("sinusoidal positions", "사인·코사인 위치"),
    "without positions": Said("no positions", "위치 정보 없음"),
    **{
        f"{init}, {scale}": Said(f"{law}, {name.en}", f"{law}, {name.ko}")
        for init, law in INIT_NAMES.items()
        for scale, name in SCALE_NAMES.items()
    },
    **{
        f"{tied}, {init}": Said(f"{name.en}, {law}", f"{name.ko}, {law}")
        for init, law in INIT_NAMES.items()
        for tied, name in TIE_NAMES.items()
    },
}

EXPERIMENT = Experiment(
    name="embedding_scale",
    question=Said(
        "Why multiply the embeddings by √d_model?", "왜 임베딩에 √d_model을 곱하나요?"
    ),
    keywords=(
        "√d_model", "d_model", "tied", "tying", "weight tying", "multiply", "loud", "곱하",
        "공유", "embedding scale", "embeddings scale", "임베딩 스케일",
        "multiplied",
    ),
    mentions=(
        "embedding", "embeddings", "norm", "scale", "sqrt", "임베딩", "노름", "루트", "스케일",
    ),
    parts=(
        Part("loudness", measure_loudness, loudness_conditions, {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("identity", measure_identity, identity_conditions, {Mode.QUICK: 1, Mode.FULL: 5}),
        Part("training", measure_training, training_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    claims=(
        Claim(
            "law",
            Said(
                "How loud tokens are beside positions follows from the factor and the start.",
                "위치에 비해 토큰이 얼마나 큰지는 인자와 초기화로 정해진다.",
            ),
            Said(
                "The ratio of norms, token over position, is factor · deviation · √2 at every width.",
                "토큰과 위치의 노름 비는 모든 너비에서 인자 · 표준편차 · √2이다.",
            ),
            Said(
                "Means within 5 % of the formula at every width, for each factor and start.",
                "모든 너비에서 평균이 식의 5 % 이내, 인자와 초기화마다.",
            ),
            law_tests,
        ),
        Claim(
            "comparable",
            Said(
                "√d_model makes tokens and positions equally loud.",
                "√d_model을 곱하면 토큰과 위치의 크기가 비슷해진다.",
            ),
            Said(
                "At d_model = 512 neither is more than twice as loud with the factor, and without "
                "it tokens are less than half as loud.",
                "d_model = 512에서 인자가 있으면 어느 쪽도 2배를 넘지 않고, 없으면 토큰이 절반보다 작다.",
            ),
            Said(
                "Ratio between 1/2 and 2 with the factor and below 1/2 without; a ratio above 10 "
                "is the contrary. Asked of each start on its own.",
                "비가 인자와 함께 1/2과 2 사이, 인자 없이 1/2 미만. 10보다 크면 반대이다. 초기화마다 "
                "따로 묻는다.",
            ),
            comparable_tests,
        ),
        Claim(
            "training",
            Said(
                "A model learns better with the factor.",
                "인자가 있으면 모델이 더 잘 배운다.",
            ),
            Said(
                "With positions, each arm at its own best learning rate, the loss without the "
                "factor is higher by more than 0.02 nat a character.",
                "위치 정보가 있고 각자 가장 좋은 학습률에서, 인자가 없는 쪽의 손실이 문자당 0.02 nat 넘게 "
                "더 크다.",
            ),
            Said(
                "The interval of the paired difference (without - with) lies above 0.02 nat; "
                "refuted below -0.02.",
                "짝지은 차이(없음 - 있음)의 구간이 0.02 nat보다 위에 있다. -0.02보다 아래면 반박된다.",
            ),
            training_tests,
        ),
        Claim(
            "reason",
            Said(
                "The factor helps because positions would drown the tokens.",
                "인자가 도움이 되는 것은, 없으면 위치가 토큰을 덮어 버리기 때문이다.",
            ),
            Said(
                "The gain that the factor brings at N(0, 1/d) goes away when the positions do.",
                "N(0, 1/d)에서 인자가 주는 이득은 위치 정보를 없애면 함께 사라진다.",
            ),
            Said(
                "The gain with positions exceeds the one without by more than 0.02 nat, and the one "
                "without lies within ±0.02 nat; refuted when it exceeds the one with positions by "
                "0.02.",
                "위치가 있을 때의 이득이 없을 때보다 0.02 nat 넘게 크고, 없을 때의 이득은 ±0.02 nat 안에 "
                "있다. 없을 때의 이득이 0.02 넘게 더 크면 반박된다.",
            ),
            reason_tests,
        ),
        Claim(
            "start",
            Said(
                "It is only a matter of how large embeddings start.",
                "임베딩을 얼마나 크게 시작하느냐의 문제일 뿐이다.",
            ),
            Said(
                "Two untied models that start as the same function, N(0, 1/d) with the factor and "
                "N(0, 1) without, end with the same loss.",
                "같은 함수로 시작하는 두 모델(인자를 곱한 N(0, 1/d)와 인자 없는 N(0, 1), 출력 행렬 분리)은 "
                "같은 손실로 끝난다.",
            ),
            Said(
                "Each at its own best rate, the whole interval of the difference within ±0.02 nat.",
                "각자 가장 좋은 학습률에서 차이의 구간 전체가 ±0.02 nat 안에 있다.",
            ),
            start_tests,
        ),
        Claim(
            "identity",
            Said(
                "The factor is only a matter of how the embedding starts and how fast it learns.",
                "이 인자는 임베딩을 어떻게 시작하고 얼마나 빨리 배우게 하느냐의 문제일 뿐이다.",
            ),
            Said(
                "A model without the factor whose embedding starts √d as large and, under Adam, "
                "learns √d as fast takes exactly the course of the model with it.",
                "임베딩을 √d배 크게 시작하고 Adam에서 √d배 빨리 배우게 한, 인자 없는 모델은 인자가 있는 "
                "모델과 정확히 같은 길을 간다.",
            ),
            Said(
                "Largest difference of the losses over 30 float64 updates below 1e-9; asked of tied "
                "and of untied output matrices.",
                "float64로 30번 갱신하는 동안 손실 차이의 최댓값이 1e-9 미만. 출력 행렬을 공유할 때와 "
                "분리할 때 각각 묻는다.",
            ),
            identity_tests,
        ),
    ),
    numbers=numbers,
    charts=charts,
    names=NAMES,
)  # fmt: skip
