"""Are several heads better than one? Trained with many or few; then heads are taken out again."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.bilingual import Said
from whyformer.lab.method.charts import Axis, Chart, Figure, Series
from whyformer.lab.method.experiment import (
    Claim,
    Experiment,
    Mode,
    Numbers,
    Part,
    Results,
    Settings,
)
from whyformer.lab.method.statistics import NOT_MEASURED, Estimate, estimate, paired
from whyformer.lab.method.verdict import Test, above, below
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.models.transformer import count_parameters

WIDTH, LENGTH, STEPS, WARMUP = 128, 32, 300, 20
HEADS = (1, 2, 4, 8, 16, 32)
FIXED_HEADS = (1, 2, 4, 16)
"""With d_k fixed; eight heads are the same model in both families."""
MIDDLE = 8
FIXED_WIDTH = WIDTH // MIDDLE
"""d_k of the control; with `MIDDLE` heads both families are one model."""
RATES = (1e-3, 3e-3, 1e-2)
QUICK_RATE = 3e-3
SPLIT, FIXED = "split", "fixed"
"""Whether d_k is d_model / h, or the same for every h and paid for by a narrower feed-forward."""
MISSED = 0.02
"""Nats a character that make a head missed."""
AFFORDABLE = 0.05
"""Nats a character that half of the heads may cost."""
PROBED = 64
"""Windows of the dev text that pruning is judged on."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def shape(heads: int, family: str) -> GPTSettings:
    """Return two layers of so many heads. All shapes have as many weights, to 0.2 %.

    A head of width d_k costs 4 · d_model · d_k weights, one more unit of the feed-forward network
    2 · d_model; so a head of the fixed family is paid for by 2 d_k units.
    """
    if family == SPLIT:
        return lm.reference(layers=2, d_model=WIDTH, heads=heads)
    spared = 2 * FIXED_WIDTH * (MIDDLE - heads)
    return lm.reference(
        layers=2, d_model=WIDTH, heads=heads, d_k=FIXED_WIDTH, d_ff=4 * WIDTH + spared
    )


def measure(settings: Settings, seed: int) -> Numbers:
    """Train with so many heads; then remove each head alone, and all of them one after another."""
    chosen = shape(settings["heads"], settings["family"])
    trained = lm.train(
        chosen, seed, steps=STEPS, learning_rate=settings["rate"], warmup=WARMUP, length=LENGTH
    )
    model = trained.model
    found: dict[str, float | list[float]] = {
        "loss": trained.loss,
        "parameters": count_parameters(model),
    }
    if settings["family"] == SPLIT:
        seen = lm.Windows(lm.text().train, LENGTH, 32, seed=1_000 + seed).batch(0, 0)
        places = [(layer, head) for layer in range(2) for head in range(chosen.heads)]
        whole = lm.dev_loss(model, LENGTH, PROBED)
        on_seen = [loss_without(model, [place], seen) for place in places]
        found["alone"] = [loss_without(model, [place]) - whole for place in places]
        # Least missed on text that was learned from goes first; judged on text that was not.
        order = [place for _, place in sorted(zip(on_seen, places, strict=True))]
        found["rise"] = [
            loss_without(model, order[: int(share * len(order))]) - whole for share in SHARES
        ]
    return found


@torch.no_grad()
def loss_without(
    model: GPT, places: Sequence[tuple[int, int]], batch: lm.Window | None = None
) -> float:
    """Return the loss when some heads, (layer, head), say nothing; on the dev text by default.

    What a head says reaches the stream through its columns of W_O; they are zero meanwhile.
    """
    d_k = model.settings.head_width
    kept: list[tuple[Tensor, Tensor]] = []
    for layer, head in places:
        weight = model.layers[layer].get_parameter("self_attention.project_output.weight")
        columns = weight[:, head * d_k : (head + 1) * d_k]
        kept.append((columns, columns.clone()))
        columns.zero_()
    if batch is None:
        loss = lm.dev_loss(model, LENGTH, PROBED)
    else:
        model.eval()
        loss = lm.window_loss(model, batch, 0.0).nll.item() / batch.tokens
    for columns, before in kept:
        columns.copy_(before)
    return loss


def conditions(mode: Mode) -> list[Settings]:
    """Every number of heads at every rate; quick has three numbers at one rate, without control."""
    if mode is Mode.QUICK:
        return [{"family": SPLIT, "heads": h, "rate": QUICK_RATE} for h in (1, MIDDLE, 32)]
    families = ((SPLIT, HEADS), (FIXED, FIXED_HEADS))
    return [
        {"family": family, "heads": h, "rate": rate}
        for family, heads in families
        for h in heads
        for rate in RATES
    ]


def tuned(results: Results, heads: int, family: str = SPLIT, number: str = "loss") -> list | None:
    """Return a number of an arm at its own best rate, a value a seed; None where not trained."""
    family = SPLIT if heads == MIDDLE else family
    where = {"family": family, "heads": heads}
    if not results.conditions("training", **where):
        return None
    best = results.best("training", "loss", "rate", **where)
    return results.values("training", number, rate=best, **where)


def worse(results: Results, heads: int, family: str = SPLIT) -> Estimate:
    """Return how much worse a number of heads is than eight, each at its own best rate."""
    middle, other = tuned(results, MIDDLE), tuned(results, heads, family)
    return NOT_MEASURED if middle is None or other is None else paired(middle, other)


def missed(results: Results, heads: int) -> Estimate:
    """Return the share of heads whose removal alone costs more than `MISSED`."""
    rows = tuned(results, heads, number="alone")
    if rows is None:
        return NOT_MEASURED
    return estimate([sum(one > MISSED for one in row) / len(row) for row in rows])


def rise(results: Results, heads: int, share: float = 0.5) -> Estimate:
    """Return how much the loss rises when a share of all heads is removed, least missed first."""
    rows = tuned(results, heads, number="rise")
    return NOT_MEASURED if rows is None else estimate([row[SHARES.index(share)] for row in rows])


def several_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `several`."""
    return {family: [above(worse(results, 1, family), MISSED)] for family in (SPLIT, FIXED)}


def too_many_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `too_many`."""
    ends = ((SPLIT, HEADS[-1]), (FIXED, FIXED_HEADS[-1]))
    return {family: [above(worse(results, most, family), MISSED)] for family, most in ends}


def u_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `u`."""
    ends = {"one head": 1, "most heads": HEADS[-1]}
    return {
        SPLIT: [
            above(worse(results, heads), 0.0, contrary=-MISSED, name=name)
            for name, heads in ends.items()
        ]
    }


def pruned(results: Results) -> list[int]:
    """Return the numbers of heads of which some were removed after training."""
    return [h for h in results.levels("training", "heads", family=SPLIT) if h > 1]


def alone_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `alone`."""
    return {
        f"{heads} heads": [above(missed(results, heads), 0.5, contrary=0.25, strict=True)]
        for heads in pruned(results)
    }


def half_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `half`."""
    return {
        f"{heads} heads": [below(rise(results, heads), AFFORDABLE, contrary=0.2)]
        for heads in pruned(results)
    }


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found = {}
    for heads in HEADS:
        losses = tuned(results, heads)
        found[f"loss_{heads}"] = NOT_MEASURED if losses is None else estimate(losses)
        if heads != MIDDLE:
            found[f"worse_{heads}"] = worse(results, heads)
        if heads > 1:
            found[f"missed_{heads}"] = missed(results, heads)
            found[f"half_{heads}"] = rise(results, heads)
            found[f"all_{heads}"] = rise(results, heads, 1.0)
    for heads in FIXED_HEADS:
        found[f"fixed_{heads}"] = worse(results, heads, FIXED)
    return found


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    series = []
    for family, numbers_of_heads in ((SPLIT, HEADS), (FIXED, (*FIXED_HEADS, MIDDLE))):
        found = [(h, tuned(results, h, family)) for h in sorted(numbers_of_heads)]
        points = [(float(h), estimate(losses)) for h, losses in found if losses is not None]
        if len(points) > 1:
            series.append(Series(NAMES[family], points))
    shares = [
        Series(NAMES[f"{heads} heads"], [(share, rise(results, heads, share)) for share in SHARES])
        for heads in pruned(results)
    ]
    alone = [
        Series(
            NAMES[f"{heads} heads"],
            [
                ((place + 0.5) / (2 * heads), estimate(column))
                for place, column in enumerate(zip(*sorted_rows(results, heads), strict=True))
            ],
        )
        for heads in pruned(results)
    ]
    return [
        Chart(
            "heads",
            Said("Loss after training, over the number of heads", "헤드 수에 따른 학습 뒤의 손실"),
            Axis(Said("heads, h", "헤드 수 h"), log=True),
            Axis(Said("validation loss, nats a character", "검증 손실 (문자당 nat)")),
            series,
            Said(
                "Each point at its own best learning rate; all models have as many weights.",
                "점마다 자신의 가장 좋은 학습률입니다. 가중치의 수는 모두 같습니다.",
            ),
        ),
        Chart(
            "alone",
            Said("What each head costs when it alone goes", "헤드를 하나만 뺄 때의 손해"),
            Axis(Said("heads, from least missed to most", "헤드 (손해가 작은 것부터)")),
            Axis(Said("rise of the loss, nats", "손실의 증가 (nat)")),
            alone,
            Said(
                "Removed after training, without training on. The axis counts a share of all heads "
                "of both layers.",
                "학습을 마친 뒤 더 학습하지 않고 뺐습니다. 가로축은 두 층의 모든 헤드에 대한 비율입니다.",
            ),
        ),
        Chart(
            "pruning",
            Said("Removing one head after another", "헤드를 하나씩 계속 빼면"),
            Axis(Said("share of heads removed", "뺀 헤드의 비율")),
            Axis(Said("rise of the loss, nats", "손실의 증가 (nat)")),
            shares,
            Said(
                "Least missed first, as judged on text that was learned from.",
                "학습한 글에서 손해가 작았던 헤드부터 뺐습니다.",
            ),
        ),
    ]


def sorted_rows(results: Results, heads: int) -> list[list[float]]:
    """Return for each seed what every head costs alone, from the least."""
    return [sorted(row) for row in tuned(results, heads, number="alone") or []]


NAMES = {
    SPLIT: Said("d_k = d_model / h", "d_k = d_model / h"),
    FIXED: Said("d_k = 16, narrower feed-forward", "d_k = 16, 피드포워드를 줄임"),
    "one head": Said("one head - eight", "헤드 하나 - 여덟"),
    "most heads": Said("thirty-two heads - eight", "헤드 서른둘 - 여덟"),
    **{f"{h} heads": Said(f"{h} heads a layer", f"층마다 헤드 {h}개") for h in HEADS if h > 1},
}

EXPERIMENT = Experiment(
    name="heads",
    question=Said("Are several heads better than one?", "헤드는 여러 개가 하나보다 나을까요?"),
    keywords=(
        "head",
        "heads",
        "multi-head",
        "multihead",
        "pruning",
        "prune",
        "subspace",
        "헤드",
        "멀티헤드",
        "멀티 헤드",
        "가지치기",
        "부분 공간",
        "multiple heads",
        "several heads",
        "many heads",
        "여러 헤드",
    ),
    parts=(Part("training", measure, conditions, {Mode.QUICK: 2, Mode.FULL: 5}),),
    claims=(
        Claim(
            "several",
            Said("Several heads are better than one.", "헤드는 여러 개가 하나보다 낫다."),
            Said(
                "At as many weights, each at its best rate, eight heads learn better than one.",
                "가중치 수가 같을 때, 각자 가장 좋은 학습률에서 헤드 여덟이 하나보다 잘 배운다.",
            ),
            Said(
                "The paired difference of losses (one - eight) is above 0.02 nat; below -0.02 is "
                "the contrary. With d_k = d_model / h, and with d_k = 16 for every h.",
                "짝지은 손실 차이(하나 - 여덟)가 0.02 nat보다 크다. -0.02보다 작으면 반대이다. "
                "d_k = d_model / h일 때와 항상 d_k = 16일 때 각각.",
            ),
            several_tests,
        ),
        Claim(
            "too_many",
            Said("Too many heads are worse again.", "헤드가 너무 많으면 다시 나빠진다."),
            Said(
                "The most heads learn worse than eight: thirty-two with d_k = d_model / h, sixteen "
                "with d_k = 16.",
                "가장 많은 헤드는 여덟보다 못 배운다. d_k = d_model / h일 때 서른둘, d_k = 16일 때 열여섯.",
            ),
            Said(
                "The paired difference of losses (most - eight) is above 0.02 nat; below -0.02 is "
                "the contrary.",
                "짝지은 손실 차이(최다 - 여덟)가 0.02 nat보다 크다. -0.02보다 작으면 반대이다.",
            ),
            too_many_tests,
        ),
        Claim(
            "u",
            Said(
                "There is a best number of heads in the middle.",
                "가장 좋은 헤드 수는 중간에 있다.",
            ),
            Said(
                "The loss over the number of heads is U-shaped: both ends lie above eight heads.",
                "헤드 수에 따른 손실은 U자이다. 양 끝이 모두 헤드 여덟보다 높다.",
            ),
            Said(
                "Both differences, one - eight and thirty-two - eight, have intervals above 0; below "
                "-0.02 is the contrary.",
                "두 차이(하나 - 여덟, 서른둘 - 여덟)의 구간이 모두 0보다 위. -0.02보다 작으면 반대이다.",
            ),
            u_tests,
        ),
        Claim(
            "alone",
            Said(
                "Every head that was trained is needed.",
                "학습한 헤드는 모두 필요하다.",
            ),
            Said(
                "After training most heads are missed when they alone are removed.",
                "학습 뒤 대부분의 헤드는 하나만 빼도 아쉽다.",
            ),
            Said(
                "Each number of heads on its own: more than half of the heads cost above 0.02 nat; "
                "less than a quarter is the contrary.",
                "헤드 수마다 따로: 0.02 nat 넘게 손해를 주는 헤드가 절반을 넘는다. 사분의 일 미만이면 "
                "반대이다.",
            ),
            alone_tests,
        ),
        Claim(
            "half",
            Said(
                "Half of the heads can go after training.",
                "학습이 끝나면 헤드의 절반은 없어도 된다.",
            ),
            Said(
                "Without half of all heads, least missed first, a trained model is hardly worse.",
                "손해가 작은 것부터 절반을 빼도 학습된 모델은 거의 나빠지지 않는다.",
            ),
            Said(
                "Each number of heads on its own: the loss rises by less than 0.05 nat; by more "
                "than 0.2 is the contrary.",
                "헤드 수마다 따로: 손실의 증가가 0.05 nat 미만. 0.2를 넘으면 반대이다.",
            ),
            half_tests,
        ),
    ),
    numbers=numbers,
    charts=charts,
    names=NAMES,
)
