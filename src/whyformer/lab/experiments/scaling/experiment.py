"""Why 1/√d_k? At initialisation by drawing scores, and after training by tuning every arm."""

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from whyformer.blocks.attention import attention
from whyformer.blocks.scaling import SCALINGS, ScoreScale
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.bilingual import Said, alike
from whyformer.lab.method.charts import Axis, Chart, Look, Series
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
from whyformer.training.optimizers import OptimizerKind

NONE, SQRT, LINEAR = ScoreScale.NONE, ScoreScale.INVERSE_SQRT, ScoreScale.INVERSE
DRAWN = (NONE, SQRT, LINEAR)
WIDTHS = (4, 16, 64, 256, 512, 1024, 4096)
JUDGED_WIDTH, KEYS = 512, 64
RATES = {OptimizerKind.ADAM: (1e-3, 3e-3, 1e-2, 3e-2), OptimizerKind.SGD: (0.03, 0.1, 0.3, 1.0)}
ARMS = ("inverse-sqrt", "none", "inverse", "cosine", "folded")
STEPS, WARMUP = 200, 20
MORE_THAN_ONE = math.nextafter(1.0, 2.0)
"""A ratio of exactly 1 is an effect that is switched off."""


def measure_scores(settings: Settings, seed: int) -> Numbers:
    """Draw queries and keys of unit variance; look at scores, softmax, Jacobian and gradient.

    In float64: the Jacobian's formula cancels in float32.
    """
    d_k, n, law = settings["d_k"], settings["n"], settings["law"]
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        if law == "normal":
            return torch.randn(shape, generator=generator, dtype=torch.float64)
        return torch.randint(2, shape, generator=generator).double() * 2 - 1

    found: dict[str, list[Tensor]] = {}
    queries = 8
    for _ in range(settings["rows"] // (queries * 25)):
        queried, keys = draw(25, 1, queries, d_k), draw(25, 1, n, d_k)
        g = torch.randn(25, 1, queries, n, generator=generator, dtype=torch.float64)
        for scale in DRAWN:
            q = queried.clone().requires_grad_()
            scaled, k, factor = SCALINGS[scale](d_k, 1)(q, keys)
            _, p, scores = attention(scaled, k, k, scale=factor)
            (gradient,) = torch.autograd.grad((p * g).sum(), q)
            p, scores = p.detach(), scores.detach()
            second, third = p.square().sum(-1), p.pow(3).sum(-1)
            rows = {
                "score": scores,
                "entropy": torch.special.entr(p).sum(-1) / math.log(n),
                "largest": p.amax(-1),
                "jacobian": (second - 2 * third + second.square()).clamp(min=0).sqrt(),
                "gradient": gradient.norm(dim=-1),
            }
            for name, value in rows.items():
                found.setdefault(f"{scale}/{name}", []).append(value.flatten())
    whole = {name: torch.cat(values) for name, values in found.items()}
    numbers: dict[str, float] = {}
    for scale in DRAWN:
        numbers[f"{scale}/std"] = whole[f"{scale}/score"].std().item()
        for name in ("entropy", "largest"):
            numbers[f"{scale}/{name}"] = whole[f"{scale}/{name}"].mean().item()
        for name in ("jacobian", "gradient"):
            values = whole[f"{scale}/{name}"]
            numbers[f"{scale}/{name}_median"] = values.median().item()
            numbers[f"{scale}/{name}_rms"] = values.square().mean().sqrt().item()
    return numbers


def measure_training(settings: Settings, seed: int) -> Numbers:
    """Train a character model of two layers with one way of scaling."""
    arm = settings["arm"]
    model_settings = lm.reference(
        layers=2, d_model=128, heads=settings["heads"],
        score_scale="none" if arm == "folded" else arm,
    )  # fmt: skip
    model = lm.fresh_model(model_settings, seed)
    if arm == "folded":
        fold_into_queries(model)
    trained = lm.train(
        model_settings, seed, steps=STEPS, warmup=WARMUP, learning_rate=settings["rate"],
        optimizer=OptimizerKind(settings["optimizer"]), model=model,
    )  # fmt: skip
    return {"loss": trained.loss}


def measure_identity(settings: Settings, seed: int) -> Numbers:
    """Train a scaled model and its unscaled twin beside it; return how far their losses part.

    The twin starts with W_Q/√d_k. Exact: its W_Q also learns 1/√d_k as fast under Adam (whose
    steps ignore the gradient's size), or 1/d_k as fast under SGD. In float64, d_k a power of 4.
    """
    losses = []
    for twin in (False, True):
        shape = lm.reference(layers=2, d_model=64, score_scale="none" if twin else "inverse-sqrt")
        model = lm.fresh_model(shape, seed).double()
        d_k = shape.head_width
        if twin:
            fold_into_queries(model)
        queries = [p for name, p in model.named_parameters() if "project_query" in name]
        others = [p for name, p in model.named_parameters() if "project_query" not in name]
        adam = settings["optimizer"] == "adam"
        slower = (d_k**-0.5 if adam else 1 / d_k) if twin and settings["rate_too"] else 1.0
        rate = 3e-3 if adam else 0.1
        groups = [{"params": queries, "lr": rate * slower}, {"params": others, "lr": rate}]
        optimizer = (
            torch.optim.Adam(groups, betas=(0.9, 0.98), eps=1e-300)
            if adam
            else torch.optim.SGD(groups, momentum=0.9)
        )
        windows = lm.Windows(lm.text().train, 32, 8, seed)
        for step in range(30):
            batch = windows.batch(0, step)
            loss = F.cross_entropy(model(batch.target).flatten(0, 1), batch.labels.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    half = len(losses) // 2
    gap = max(abs(a - b) for a, b in zip(losses[:half], losses[half:], strict=True))
    return {"gap": gap}


@torch.no_grad()
def fold_into_queries(model: GPT) -> None:
    """Start W_Q smaller by √d_k, which gives the unscaled scores the variance of the scaled."""
    for name, parameter in model.named_parameters():
        if "project_query" in name:
            parameter.mul_(model.settings.head_width**-0.5)


def score_conditions(mode: Mode) -> list[Settings]:
    """Every width at 64 keys, and the judged width at other lengths."""
    rows = 600 if mode is Mode.QUICK else 2000
    widths = [{"d_k": d, "n": KEYS, "law": law} for law in ("normal", "rademacher") for d in WIDTHS]
    lengths = [{"d_k": 64, "n": n, "law": "normal"} for n in (16, 256)]
    return [{**one, "rows": rows} for one in (*widths, *lengths)]


def training_conditions(mode: Mode) -> list[Settings]:
    """All arms on one grid of rates; quick takes the best rate of three arms from a full run."""
    if mode is Mode.QUICK:
        best = {"inverse-sqrt": 3e-3, "none": 1e-3, "inverse": 1e-2}
        return [
            {"arm": arm, "heads": 1, "optimizer": "adam", "rate": rate}
            for arm, rate in best.items()
        ]
    adam = [
        {"arm": arm, "heads": heads, "optimizer": "adam", "rate": rate}
        for heads in (1, 8)
        for arm in (ARMS if heads == 1 else ARMS[:3])
        for rate in RATES[OptimizerKind.ADAM]
    ]
    sgd = [
        {"arm": arm, "heads": 1, "optimizer": "sgd", "rate": rate}
        for arm in ("inverse-sqrt", "inverse")
        for rate in RATES[OptimizerKind.SGD]
    ]
    return [*adam, *sgd]


def identity_conditions(mode: Mode) -> list[Settings]:
    """Both optimizers, with and without the slower rate."""
    return [{"optimizer": o, "rate_too": t} for o in ("adam", "sgd") for t in (True, False)]


def ratio(results: Results, number: str, law: str, d_k: int = JUDGED_WIDTH) -> Estimate:
    """Return unscaled over scaled, seed by seed."""
    where = {"d_k": d_k, "n": KEYS, "law": law}
    none = results.values("scores", f"{NONE}/{number}", **where)
    scaled = results.values("scores", f"{SQRT}/{number}", **where)
    return estimate([a / b for a, b in zip(none, scaled, strict=True)])


def std_slope(results: Results, scale: str, law: str) -> Estimate:
    """Return the exponent of the scores' standard deviation over d_k."""
    return log_slope(*results.curves("scores", f"{scale}/std", "d_k", n=KEYS, law=law))


def worst_variance(results: Results, law: str) -> Estimate:
    """Return the largest |Var/d_k - 1| over all widths, from the mean over seeds."""
    errors = []
    for d_k in results.levels("scores", "d_k", n=KEYS, law=law):
        stds = results.values("scores", f"{NONE}/std", d_k=d_k, n=KEYS, law=law)
        errors.append(abs(sum(s * s for s in stds) / len(stds) / d_k - 1))
    return exactly(max(errors))


def tuned(results: Results, arm: str, **where: object) -> list[float]:
    """Return the losses of an arm at its own best learning rate, a value a seed."""
    best = results.best("training", "loss", "rate", arm=arm, **where)
    return results.values("training", "loss", arm=arm, rate=best, **where)


def gap(results: Results, arm: str, **where: object) -> Estimate:
    """Return how much worse an arm is than 1/√d_k, each at its own best rate, paired by seed."""
    return paired(tuned(results, "inverse-sqrt", **where), tuned(results, arm, **where))


def gap_or_nothing(results: Results, arm: str, **where: object) -> Estimate:
    """Return the gap of an arm that only the full run trains."""
    trained = results.conditions("training", arm=arm, **where)
    return gap(results, arm, **where) if trained else NOT_MEASURED


def saturation_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `saturation`."""
    return {
        law: [
            below(worst_variance(results, law), 0.05, contrary=0.5, name="variance"),
            within(std_slope(results, NONE, law), 0.48, 0.52, name="slope unscaled"),
            within(std_slope(results, SQRT, law), -0.02, 0.02, name="slope scaled"),
            below(ratio(results, "jacobian_median", law), 0.1, contrary=1.0, name="Jacobian"),
        ]
        for law in ("normal", "rademacher")
    }


def explosion_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `explosion`."""
    return {
        kind: [above(ratio(results, f"gradient_{kind}", "normal"), MORE_THAN_ONE, contrary=0.5)]
        for kind in ("rms", "median")
    }


def training_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `training`."""
    return {
        f"{heads} heads": [above(gap(results, "none", heads=heads, optimizer="adam"), 0.0)]
        for heads in results.levels("training", "heads", optimizer="adam")
    }


def linear_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `d_k`."""
    return {
        optimizer: [above(gap(results, "inverse", heads=1, optimizer=optimizer), 0.0)]
        for optimizer in results.levels("training", "optimizer", arm="inverse")
    }


def identity_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `identity`."""
    return {
        optimizer: [
            below(
                estimate(results.values("identity", "gap", optimizer=optimizer, rate_too=True)),
                1e-9,
                contrary=1e-3,
            )
        ]
        for optimizer in ("adam", "sgd")
    }


def length_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `length`."""
    return {"d_k = 64": [above(length_slope(results), 0.02)]}


def length_slope(results: Results) -> Estimate:
    """Return the exponent of the unscaled scores' standard deviation over the number of keys."""
    lengths, curves = results.curves("scores", f"{NONE}/std", "n", d_k=64, law="normal")
    return log_slope(lengths, curves)


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found = {
        "slope_none": std_slope(results, NONE, "normal"),
        "slope_sqrt": std_slope(results, SQRT, "normal"),
        "slope_linear": std_slope(results, LINEAR, "normal"),
        "slope_length": length_slope(results),
        "jacobian_ratio": ratio(results, "jacobian_median", "normal"),
        "gradient_median_ratio": ratio(results, "gradient_median", "normal"),
        "gradient_rms_ratio": ratio(results, "gradient_rms", "normal"),
        "gap_none": gap(results, "none", heads=1, optimizer="adam"),
        "gap_inverse": gap(results, "inverse", heads=1, optimizer="adam"),
        "gap_none_narrow": gap_or_nothing(results, "none", heads=8, optimizer="adam"),
        "gap_inverse_sgd": gap_or_nothing(results, "inverse", heads=1, optimizer="sgd"),
        "gap_cosine": gap_or_nothing(results, "cosine", heads=1, optimizer="adam"),
        "gap_folded": gap_or_nothing(results, "folded", heads=1, optimizer="adam"),
        "loss_sqrt": estimate(tuned(results, "inverse-sqrt", heads=1, optimizer="adam")),
        "loss_none": estimate(tuned(results, "none", heads=1, optimizer="adam")),
        "loss_inverse": estimate(tuned(results, "inverse", heads=1, optimizer="adam")),
    }
    for scale in (NONE, SQRT):
        where = {"d_k": JUDGED_WIDTH, "n": KEYS, "law": "normal"}
        for name in ("entropy", "largest"):
            found[f"{name}_{scale.name.lower()}"] = estimate(
                results.values("scores", f"{scale}/{name}", **where)
            )
    for optimizer in ("adam", "sgd"):
        for rate_too, name in ((True, "exact"), (False, "start_only")):
            found[f"{name}_{optimizer}"] = estimate(
                results.values("identity", "gap", optimizer=optimizer, rate_too=rate_too)
            )
    return found


def charts(results: Results) -> list[Chart]:
    """See `Experiment`."""
    widths = results.levels("scores", "d_k", n=KEYS, law="normal")
    d_k = Axis(Said("width of a head, d_k", "헤드의 너비 d_k"), log=True)

    def over_widths(number: str) -> list[tuple[float, Estimate]]:
        return [
            (d, estimate(results.values("scores", number, d_k=d, n=KEYS, law="normal")))
            for d in widths
        ]

    drawn = [
        Chart(
            "score-std",
            Said("How large the scores are", "점수의 크기"),
            d_k,
            Axis(Said("standard deviation of q·k", "q·k의 표준편차"), log=True),
            [
                *(Series(NAMES[scale], over_widths(f"{scale}/std")) for scale in DRAWN),
                *(
                    Series(
                        Said(f"theory: {name}", f"이론: {name}"),
                        [(d, exactly(d**power)) for d in widths],
                        Look.THEORY,
                    )
                    for name, power in (("√d_k", 0.5), ("1", 0.0), ("1/√d_k", -0.5))
                ),
            ],
            Said(
                "Only 1/√d_k makes the scores' size independent of the width.",
                "1/√d_k만이 점수의 크기를 너비와 무관하게 만듭니다.",
            ),
        ),
        Chart(
            "gradient",
            Said(
                "Gradient to a query: typical row and mean square",
                "질의의 기울기: 보통 행과 평균제곱",
            ),
            d_k,
            Axis(Said("norm of dL/dq", "dL/dq의 노름"), log=True),
            [
                Series(
                    Said(f"{NAMES[scale].en}, {en}", f"{NAMES[scale].ko}, {ko}"),
                    over_widths(f"{scale}/gradient_{kind}"),
                )
                for scale in (NONE, SQRT)
                for kind, en, ko in (
                    ("rms", "root mean square", "제곱평균제곱근"),
                    ("median", "median", "중앙값"),
                )
            ],
            Said(
                "Without the factor the median and the root mean square part company: most rows "
                "receive nothing, a few receive very much.",
                "인자가 없으면 중앙값과 제곱평균제곱근이 서로 반대로 갑니다. 대부분의 행은 거의 "
                "기울기를 받지 못하고, 몇몇 행이 아주 큰 기울기를 받습니다.",
            ),
        ),
        Chart(
            "largest",
            Said("The largest softmax weight of a row", "한 행에서 가장 큰 소프트맥스 가중치"),
            d_k,
            Axis(Said("mean of max p", "max p의 평균")),
            [Series(NAMES[scale], over_widths(f"{scale}/largest")) for scale in DRAWN],
            Said(
                "Near 1 a row looks at one key only; near 1/64 it looks at all alike.",
                "1에 가까우면 한 키만 보고, 1/64에 가까우면 모든 키를 똑같이 봅니다.",
            ),
        ),
    ]
    rates = results.levels("training", "rate", heads=1, optimizer="adam")
    if len(rates) > 1:
        series = [
            Series(
                NAMES[arm],
                [
                    (r, estimate(results.values("training", "loss", arm=arm, rate=r, heads=1,
                                                optimizer="adam")))
                    for r in results.levels("training", "rate", arm=arm, heads=1, optimizer="adam")
                ],
            )
            for arm in results.levels("training", "arm", heads=1, optimizer="adam")
        ]  # fmt: skip
        drawn.append(
            Chart(
                "rates",
                Said("After training, at every learning rate", "학습 뒤, 학습률마다"),
                Axis(Said("peak learning rate, Adam", "최고 학습률 (Adam)"), log=True),
                Axis(Said("validation loss, nats a character", "검증 손실 (문자당 nat)")),
                series,
                Said(
                    "One head of width 128. Compare each arm at its own lowest point.",
                    "너비 128인 헤드 하나. 각 방식은 자신의 가장 낮은 점에서 비교합니다.",
                ),
            )
        )
    return drawn


NAMES = {
    "none": Said("no factor", "인자 없음"),
    "inverse-sqrt": alike("1/√d_k"),
    "inverse": alike("1/d_k"),
    "cosine": Said("unit-length q and k", "길이 1로 맞춘 q와 k"),
    "folded": Said("no factor, W_Q starts 1/√d_k as large", "인자 없음, W_Q를 1/√d_k배로 시작"),
    "normal": Said("normal components", "정규분포 성분"),
    "rademacher": Said("components ±1", "±1 성분"),
    "rms": Said("root mean square", "제곱평균제곱근"),
    "median": Said("typical row (median)", "보통 행 (중앙값)"),
    "1 heads": Said("1 head (d_k = 128)", "헤드 1개 (d_k = 128)"),
    "8 heads": Said("8 heads (d_k = 16)", "헤드 8개 (d_k = 16)"),
    "adam": alike("Adam"),
    "sgd": alike("SGD"),
    "d_k = 64": alike("d_k = 64"),
    "variance": Said("largest |Var/d_k − 1|", "|Var/d_k − 1|의 최댓값"),
    "slope unscaled": Said("exponent without the factor", "인자가 없을 때의 지수"),
    "slope scaled": Said("exponent with the factor", "인자가 있을 때의 지수"),
    "Jacobian": Said("median Jacobian, without / with", "야코비안 중앙값의 비 (없음/있음)"),
}

EXPERIMENT = Experiment(
    name="scaling",
    question=Said("Why divide by √d_k?", "왜 √d_k로 나누나요?"),
    keywords=(
        "sqrt",
        "√d_k",
        "√",
        "d_k",
        "dk",
        "scale",
        "scaled",
        "scaling",
        "divide",
        "saturation",
        "루트",
        "나누",
        "스케일",
        "포화",
        "제곱근",
        "divided",
        "saturate",
        "saturated",
        "square root dot product",
        "square root attention",
    ),
    mentions=(
        "softmax",
        "scores",
        "temperature",
        "소프트맥스",
        "점수",
        "dot product",
    ),
    parts=(
        Part("scores", measure_scores, score_conditions, {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("identity", measure_identity, identity_conditions, {Mode.QUICK: 1, Mode.FULL: 5}),
        Part("training", measure_training, training_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    claims=(
        Claim(
            "saturation",
            Said(
                "Without √d_k the softmax saturates and its gradient vanishes.",
                "√d_k가 없으면 소프트맥스가 포화되어 기울기가 사라진다.",
            ),
            Said(
                "Scores of independent unit-variance components have variance d_k; the median "
                "norm of the softmax Jacobian then dies as d_k grows, and 1/√d_k keeps both "
                "independent of d_k.",
                "분산 1인 독립 성분의 점수는 분산이 d_k이다. 그래서 d_k가 커지면 소프트맥스 "
                "야코비안 노름의 중앙값이 사라지고, 1/√d_k는 둘 다 d_k와 무관하게 만든다.",
            ),
            Said(
                "For normal and ±1 components: variance within 5 % of d_k at every width; exponent "
                "of the deviation 0.50 ± 0.02 without and 0 ± 0.02 with the factor; at d_k = 512 "
                "the median Jacobian without is below 1/10 of that with.",
                "정규분포와 ±1 성분 모두에서: 모든 너비에서 분산이 d_k의 5 % 이내, 표준편차의 지수가 "
                "인자 없이 0.50 ± 0.02, 인자와 함께 0 ± 0.02, d_k = 512에서 야코비안 중앙값이 인자가 "
                "있을 때의 1/10 미만.",
            ),
            saturation_tests,
        ),
        Claim(
            "explosion",
            Said(
                "Without √d_k the gradient explodes (the students' first guess).",
                "√d_k가 없으면 기울기가 폭발한다 (학생들의 첫 추측).",
            ),
            Said(
                "At d_k = 512 the gradient to a query is larger without the factor.",
                "d_k = 512에서 질의의 기울기는 인자가 없을 때 더 크다.",
            ),
            Said(
                "The ratio of the gradient's norms without and with the factor is above 1: asked of "
                "the root mean square and of the median, each on its own.",
                "인자가 없을 때와 있을 때의 기울기 노름의 비가 1보다 크다: 제곱평균제곱근과 중앙값 각각에 대해.",
            ),
            explosion_tests,
        ),
        Claim(
            "training",
            Said("A model without the factor learns worse.", "인자가 없는 모델은 더 못 배운다."),
            Said(
                "After training, each arm at its own best learning rate, the loss without the "
                "factor is higher than with it.",
                "각자 가장 좋은 학습률로 학습한 뒤, 인자가 없는 쪽의 손실이 더 크다.",
            ),
            Said(
                "The interval of the paired difference of losses (none - 1/√d_k) lies above 0.",
                "짝지은 손실 차이(인자 없음 - 1/√d_k)의 구간이 0보다 위에 있다.",
            ),
            training_tests,
        ),
        Claim(
            "d_k",
            Said("Dividing by d_k itself would be wrong.", "d_k 자체로 나누면 틀린다."),
            Said(
                "After training with tuned rates the loss with 1/d_k is higher than with 1/√d_k.",
                "학습률을 맞춘 뒤 1/d_k의 손실이 1/√d_k보다 크다.",
            ),
            Said(
                "The interval of the paired difference (1/d_k - 1/√d_k) lies above 0.",
                "짝지은 차이(1/d_k - 1/√d_k)의 구간이 0보다 위에 있다.",
            ),
            linear_tests,
        ),
        Claim(
            "identity",
            Said(
                "The factor is only a matter of how W_Q starts and how fast it learns.",
                "이 인자는 W_Q를 어떻게 시작하고 얼마나 빨리 배우게 하느냐의 문제일 뿐이다.",
            ),
            Said(
                "An unscaled model whose W_Q starts smaller by √d_k and learns slower (by √d_k "
                "under Adam, by d_k under SGD) takes exactly the course of the scaled one.",
                "W_Q를 √d_k만큼 작게 시작하고 (Adam에서는 √d_k배, SGD에서는 d_k배) 천천히 배우게 한, "
                "인자 없는 모델은 인자가 있는 모델과 정확히 같은 길을 간다.",
            ),
            Said(
                "Largest difference of the losses over 30 float64 updates below 1e-9.",
                "float64로 30번 갱신하는 동안 손실 차이의 최댓값이 1e-9 미만.",
            ),
            identity_tests,
        ),
        Claim(
            "length",
            Said(
                "d_k grows with the length of the sequence.",
                "d_k는 시퀀스 길이에 따라 커진다.",
            ),
            Said(
                "The scores' deviation grows with the number of keys n at fixed d_k.",
                "d_k가 같아도 키의 수 n이 커지면 점수의 표준편차가 커진다.",
            ),
            Said("Its exponent over n is above 0.02.", "n에 대한 지수가 0.02보다 크다."),
            length_tests,
        ),
    ),
    numbers=numbers,
    charts=charts,
    names=NAMES,
)
