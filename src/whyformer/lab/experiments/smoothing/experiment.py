"""What does label smoothing buy? Its optimum exactly, and models trained with much and little."""

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.bilingual import Said
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
from whyformer.lab.method.statistics import NOT_MEASURED, Estimate, estimate, exactly, paired
from whyformer.lab.method.verdict import Test, above, below
from whyformer.models.gpt import GPT
from whyformer.training.loss import cross_entropy

PLENTY, SCARCE = "plenty", "scarce"
SCARCE_CHARACTERS = 8_000
"""So few that the training reads each about twenty times."""
JUDGED, EPSILONS, TABLED = 0.1, (0.0, 0.1, 0.2), (0.05, 0.1, 0.2)
RATES, QUICK_RATES = (3e-4, 1e-3, 3e-3, 1e-2), {PLENTY: 3e-3, SCARCE: 1e-3}
LENGTH, STEPS, WARMUP, DEV_WINDOWS = 32, 300, 20, 256
BINS = 15


def log_odds_bound(epsilon: float, classes: int) -> float:
    """Return the log-odds of the label against another class at the optimum of a certain label.

    >>> round(log_odds_bound(0.1, 103), 2)
    6.83
    """
    return math.log((1 - epsilon + epsilon / classes) / (epsilon / classes))


def measure_table(settings: Settings, seed: int) -> Numbers:
    """Fit a free table of logits, a row a context, and compare its softmax with (1-ε) q + ε/V."""
    epsilon, classes, contexts, draws = settings["epsilon"], settings["classes"], 6, 24
    generator = torch.Generator().manual_seed(seed)
    # Context 0 has one label only; each next one may have twice as many.
    labels = torch.stack(
        [torch.randint(2**c, (draws,), generator=generator) for c in range(contexts)]
    )
    rows = torch.eye(contexts, dtype=torch.float64).repeat_interleave(draws, 0)
    table = torch.zeros(classes, contexts, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [table], max_iter=1_000, tolerance_grad=1e-13, tolerance_change=0,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> float:
        optimizer.zero_grad()
        loss = cross_entropy(rows, table, labels.flatten(), epsilon).smoothed / len(rows)
        loss.backward()
        return loss.item()

    optimizer.step(closure)
    found = table.detach().log_softmax(0)
    q = F.one_hot(labels, classes).double().mean(1).T
    wanted = (1 - epsilon) * q + epsilon / classes
    odds = (found[0, 0] - found[1:, 0]).max().item()
    return {
        "gap": (found.exp() - wanted).abs().max().item(),
        "odds": odds,
        "odds_gap": abs(odds - log_odds_bound(epsilon, classes)),
    }


def measure_training(settings: Settings, seed: int) -> Numbers:
    """Train a character model of two layers, and judge it without smoothing."""
    few = lm.text().train[:SCARCE_CHARACTERS] if settings["text"] == SCARCE else None
    trained = lm.train(
        lm.reference(layers=2, d_model=128), seed, steps=STEPS, warmup=WARMUP, length=LENGTH,
        learning_rate=settings["rate"], smoothing=settings["epsilon"], ids=few,
    )  # fmt: skip
    return judged(trained.model, settings["epsilon"] or JUDGED)


@torch.no_grad()
def judged(model: GPT, epsilon: float) -> Numbers:
    """Return loss, accuracy and calibration on the dev text.

    Args: epsilon: of the bound that the log-odds are compared with.
    """
    model.eval()
    pairs = [
        (model(w.target).flatten(0, 1), w.labels.flatten())
        for w in lm.dev_windows(LENGTH, DEV_WINDOWS)
    ]
    log_p = torch.cat([logits for logits, _ in pairs]).double().log_softmax(-1)
    labels = torch.cat([some for _, some in pairs])
    top, guess = log_p.max(-1)
    confidence, right = top.exp(), guess == labels
    others = torch.log1p(-confidence.clamp(max=1 - 1e-15)) - math.log(log_p.shape[1] - 1)
    places, shares = reliability(confidence, right)
    return {
        "nll": F.nll_loss(log_p, labels).item(),
        "accuracy": right.double().mean().item(),
        "confidence": confidence.mean().item(),
        "error": calibration_error(confidence, right),
        "beyond": (top - others > log_odds_bound(epsilon, log_p.shape[1])).double().mean().item(),
        "places": places,
        "shares": shares,
    }


def binned(confidence: Tensor) -> Tensor:
    """Return the bin of each confidence: equal widths, the upper end included."""
    return (confidence * BINS).ceil().long().clamp(1, BINS) - 1


def calibration_error(
    confidence: Float[Tensor, "guesses"], right: Bool[Tensor, "guesses"]
) -> float:
    """Return the mean over guesses of |share right - mean confidence| in a guess's bin (ECE).

    Source: Guo et al. 2017 (arXiv:1706.04599), Eq. 3.
    """
    bins = binned(confidence)
    apart = torch.zeros(BINS, dtype=torch.float64)
    apart.index_add_(0, bins, right.double() - confidence.double())
    return apart.abs().sum().item() / len(bins)


def reliability(
    confidence: Float[Tensor, "guesses"], right: Bool[Tensor, "guesses"]
) -> tuple[list[float], list[float]]:
    """Return mean confidence and share of right guesses in each bin; NaN in an empty one."""
    bins = binned(confidence)
    places, shares = [], []
    for number in range(BINS):
        here = bins == number
        places.append(confidence[here].mean().item())
        shares.append(right[here].double().mean().item())
    return places, shares


def table_conditions(mode: Mode) -> list[Settings]:
    """Three ε, with as many classes as the characters that all tests of Python have seen."""
    return [{"epsilon": epsilon, "classes": 103} for epsilon in TABLED]


def training_conditions(mode: Mode) -> list[Settings]:
    """Every ε at every rate with both texts; quick has one rate, with and without smoothing."""
    quick = mode is Mode.QUICK
    return [
        {"text": text, "epsilon": epsilon, "rate": rate}
        for text in (PLENTY, SCARCE)
        for epsilon in ((0.0, JUDGED) if quick else EPSILONS)
        for rate in ((QUICK_RATES[text],) if quick else RATES)
    ]


def tuned(results: Results, number: str, text: str, epsilon: float) -> list | None:
    """Return a number of an arm at the rate of its least loss; None where it was not trained."""
    where = {"text": text, "epsilon": epsilon}
    if not results.conditions("training", **where):
        return None
    best = results.best("training", "nll", "rate", **where)
    return results.values("training", number, rate=best, **where)


def gain(results: Results, number: str, text: str, epsilon: float = JUDGED) -> Estimate:
    """Return how much more of a number there is with smoothing than without."""
    without, with_ = (tuned(results, number, text, e) for e in (0.0, epsilon))
    return NOT_MEASURED if without is None or with_ is None else paired(without, with_)


def bound_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `bound`."""
    return {
        f"epsilon {epsilon:g}": [
            below(
                estimate(results.values("table", number, epsilon=epsilon)),
                1e-6,
                contrary=1e-3,
                name=number,
            )
            for number in ("gap", "odds_gap")
        ]
        for epsilon in TABLED
    }


def perplexity_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `perplexity`."""
    return {text: [above(gain(results, "nll", text), 0.01)] for text in (PLENTY, SCARCE)}


def price_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `price`."""
    most = -math.log(1 - JUDGED)
    return {
        text: [below(gain(results, "nll", text), most, contrary=2 * most)]
        for text in (PLENTY, SCARCE)
    }


def accuracy_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `accuracy`."""
    return {text: [above(gain(results, "accuracy", text), 0.001)] for text in (PLENTY, SCARCE)}


def calibration_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `calibration`."""
    return {
        text: [above(gain(results, "error", text).map(lambda v: -v), 0.005)]
        for text in (PLENTY, SCARCE)
    }


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found = {
        "table_gap": estimate(results.values("table", "gap", epsilon=JUDGED)),
        "table_odds": estimate(results.values("table", "odds", epsilon=JUDGED)),
        "bound": exactly(log_odds_bound(JUDGED, 103)),
        "most": exactly(-math.log(1 - JUDGED)),
    }
    for text in (PLENTY, SCARCE):
        for number in ("nll", "accuracy", "confidence", "error", "beyond"):
            for epsilon in EPSILONS:
                values = tuned(results, number, text, epsilon)
                name = f"{number}_{text}_{round(100 * epsilon)}"
                found[name] = NOT_MEASURED if values is None else estimate(values)
            found[f"gain_{number}_{text}"] = gain(results, number, text)
        found[f"gain_nll_{text}_20"] = gain(results, "nll", text, 0.2)
    return found


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    kinds = (
        ("nll", Said("loss without smoothing, nats", "스무딩을 뺀 손실 (nat)"),
         Said("The loss that smoothing costs or saves", "스무딩이 치르거나 아끼는 손실"),
         Said("Trained with ε, judged without. With plenty of text it costs, with little it saves.",
              "ε로 학습하고 스무딩 없이 쟀습니다. 글이 많으면 손해, 적으면 이득입니다.")),
        ("accuracy", Said("share of right guesses", "맞힌 비율"),
         Said("Accuracy", "정확도"),
         Said("How often the likeliest character is the right one.",
              "가장 그럴듯하다고 한 문자가 정답인 비율입니다.")),
        ("error", Said("calibration error (ECE)", "보정 오차 (ECE)"),
         Said("Calibration error", "보정 오차"),
         Said("How far confidence and accuracy are apart.",
              "확신과 정확도가 얼마나 어긋나는지입니다.")),
    )  # fmt: skip
    drawn: list[Figure] = []
    for number, axis, title, caption in kinds:
        series = []
        for text in (PLENTY, SCARCE):
            found = [(e, tuned(results, number, text, e)) for e in EPSILONS]
            points = [(e, estimate(values)) for e, values in found if values is not None]
            series.append(Series(NAMES[text], points))
        drawn.append(
            Chart(number, title, Axis(Said("smoothing ε", "스무딩 ε")), Axis(axis), series, caption)
        )
    return [*drawn, *(reliability_chart(results, text) for text in (PLENTY, SCARCE))]


def reliability_chart(results: Results, text: str) -> Chart:
    """Draw how often guesses of each confidence are right."""
    series = [
        Series(
            Said("calibrated", "완벽한 보정"), [(0.0, exactly(0)), (1.0, exactly(1))], Look.THEORY
        )
    ]
    for epsilon in (0.0, JUDGED):
        places, shares = (tuned(results, n, text, epsilon) or [] for n in ("places", "shares"))
        points = [
            (sum(x) / len(x), estimate(y))
            for x, y in zip(zip(*places, strict=True), zip(*shares, strict=True), strict=True)
            if all(map(math.isfinite, x))
        ]
        series.append(Series(NAMES[f"epsilon {epsilon:g}"], points))
    return Chart(
        f"reliability-{text}",
        Said(f"Confidence and accuracy, {NAMES[text].en}", f"확신과 정확도, {NAMES[text].ko}"),
        Axis(Said("confidence of the guess", "추측의 확신")),
        Axis(Said("share of right guesses", "맞힌 비율")),
        series,
        Said(
            "Above the line the model is too modest, below it too sure.",
            "선 위는 지나치게 겸손한 것이고, 아래는 지나치게 확신하는 것입니다.",
        ),
    )


NAMES = {
    PLENTY: Said("plenty of text", "글이 넉넉할 때"),
    SCARCE: Said("little text, read many times", "적은 글을 여러 번 읽을 때"),
    **{
        f"epsilon {e:g}": Said(
            f"ε = {e:g}" if e else "no smoothing", f"ε = {e:g}" if e else "스무딩 없음"
        )
        for e in (0.0, *TABLED)
    },
    "gap": Said("largest difference of a probability", "확률 차이의 최댓값"),
    "odds_gap": Said("difference of the log-odds", "로그 오즈의 차이"),
}

EXPERIMENT = Experiment(
    name="smoothing",
    question=Said("What does label smoothing buy?", "레이블 스무딩으로 무엇을 얻나요?"),
    keywords=(
        "label smoothing",
        "smoothing",
        "overconfidence",
        "overconfident",
        "confidence",
        "calibration",
        "레이블 스무딩",
        "라벨 스무딩",
        "스무딩",
        "평활",
        "보정",
        "캘리브레이션",
        "퍼플렉시티 나빠",
        "퍼플렉서티 나빠",
        "perplexity worse",
        "확신 지나",
        "과신",
    ),
    mentions=(
        "epsilon",
        "perplexity",
        "ece",
        "확신",
        "퍼플렉시티",
        "퍼플렉서티",
    ),
    parts=(
        Part("table", measure_table, table_conditions, {Mode.QUICK: 3, Mode.FULL: 20}),
        Part("training", measure_training, training_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    claims=(
        Claim(
            "bound",
            Said(
                "Label smoothing limits how sure a model may become.",
                "레이블 스무딩은 모델이 가질 수 있는 확신을 제한한다.",
            ),
            Said(
                "The optimum of the smoothed loss is (1-ε) q + ε/V, so the log-odds of the label "
                "against another class are at most ln((1-ε+ε/V) / (ε/V)).",
                "스무딩한 손실의 최적은 (1-ε) q + ε/V이고, 따라서 정답과 다른 클래스의 로그 오즈는 최대 "
                "ln((1-ε+ε/V) / (ε/V))이다.",
            ),
            Said(
                "For ε = 0.05, 0.1, 0.2: a free table of logits, fitted in float64, differs from "
                "the formula by less than 1e-6 in every probability and in the log-odds.",
                "ε = 0.05, 0.1, 0.2에서: float64로 맞춘 로짓 표가 모든 확률과 로그 오즈에서 공식과 1e-6 "
                "미만으로 다르다.",
            ),
            bound_tests,
        ),
        Claim(
            "perplexity",
            Said("Label smoothing hurts perplexity.", "레이블 스무딩은 퍼플렉시티를 해친다."),
            Said(
                "Trained with ε = 0.1, a model has a higher plain loss on unseen text.",
                "ε = 0.1로 학습하면 처음 보는 글에서 스무딩 없는 손실이 더 크다.",
            ),
            Said(
                "With plenty and with little text: the paired difference, each at its own best "
                "rate, is above 0.01 nat; below -0.01 is the contrary.",
                "글이 넉넉할 때와 적을 때 각각: 각자 가장 좋은 학습률에서 짝지은 차이가 0.01 nat보다 "
                "크다. -0.01보다 작으면 반대이다.",
            ),
            perplexity_tests,
        ),
        Claim(
            "price",
            Said(
                "The perplexity that is lost stays within the price of modesty.",
                "잃는 퍼플렉시티는 스무딩의 이론적 상한을 넘지 않는다.",
            ),
            Said(
                "The loss rises by no more than -ln(1-ε), which a perfect model would pay.",
                "손실은 완벽한 모델이 치를 값인 -ln(1-ε)보다 더 오르지 않는다.",
            ),
            Said(
                "With plenty and with little text: the paired difference for ε = 0.1 is below "
                "-ln 0.9; above twice that is the contrary.",
                "글이 넉넉할 때와 적을 때 각각: ε = 0.1의 짝지은 차이가 -ln 0.9 미만. 그 두 배를 넘으면 "
                "반대이다.",
            ),
            price_tests,
        ),
        Claim(
            "accuracy",
            Said("Label smoothing improves accuracy.", "레이블 스무딩은 정확도를 높인다."),
            Said(
                "Trained with ε = 0.1, a model guesses the next character right more often.",
                "ε = 0.1로 학습하면 다음 문자를 더 자주 맞힌다.",
            ),
            Said(
                "With plenty and with little text: the paired difference is above 0.1 percentage "
                "points; below -0.1 is the contrary.",
                "글이 넉넉할 때와 적을 때 각각: 짝지은 차이가 0.1퍼센트포인트보다 크다. -0.1보다 작으면 "
                "반대이다.",
            ),
            accuracy_tests,
        ),
        Claim(
            "calibration",
            Said(
                "Label smoothing makes a model's confidence honest.",
                "레이블 스무딩은 모델의 확신을 정직하게 만든다.",
            ),
            Said(
                "Trained with ε = 0.1, a model has a smaller calibration error.",
                "ε = 0.1로 학습하면 보정 오차가 작아진다.",
            ),
            Said(
                "With plenty and with little text: the expected calibration error falls by more "
                "than 0.005; a rise of more than that is the contrary.",
                "글이 넉넉할 때와 적을 때 각각: 보정 오차(ECE)가 0.005 넘게 줄어든다. 그보다 늘면 "
                "반대이다.",
            ),
            calibration_tests,
        ),
    ),
    numbers=numbers,
    charts=charts,
    names=NAMES,
)
