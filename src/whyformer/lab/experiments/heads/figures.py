"""The charts and tables of the page."""

from itertools import count

from whyformer.lab.experiments.heads.claims import best, pruned, rise
from whyformer.lab.experiments.heads.experiment import (
    FIXED,
    FIXED_HEADS,
    HEADS,
    MIDDLE,
    SHARES,
    SPLIT,
)
from whyformer.lab.method.bilingual import Bilingual, alike
from whyformer.lab.method.charts import VALIDATION_LOSS, Axis, Chart, Figure, Series
from whyformer.lab.method.curves import points_of_rows
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import estimate


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    series = []
    for family, numbers_of_heads in ((SPLIT, HEADS), (FIXED, (*FIXED_HEADS, MIDDLE))):
        found = [(h, best(results, h, family)) for h in sorted(numbers_of_heads)]
        points = [(float(h), estimate(losses)) for h, losses in found if losses is not None]
        if len(points) > 1:
            series.append(Series(NAMES[family], points))
    increase = Axis(Bilingual("increase of the loss, nats", "손실의 증가 (nat)"))
    return [
        Chart(
            "heads",
            Bilingual("Loss after training, by number of heads", "헤드 수에 따른 학습 뒤의 손실"),
            Axis(Bilingual("number of heads h", "헤드 수 h"), log=True),
            VALIDATION_LOSS,
            series,
            Bilingual("All models have the same number of weights. The learning rate of each "
                      "point is the best of three.",
                      "모든 모델의 가중치 수가 같습니다. 점마다 학습률 3개 가운데 가장 좋은 "
                      "것을 썼습니다."),
        ),
        Chart(
            "alone",
            Bilingual("Removing one head", "헤드를 하나만 뺄 때"),
            Axis(
                Bilingual("heads of both layers, by increase of the loss",
                          "두 층의 모든 헤드 (손실의 증가가 작은 것부터)")
            ),
            increase,
            [Series(NAMES[f"{h} heads"], sorted_points(results, h)) for h in pruned(results)],
            Bilingual("The head is removed after training, and the model is not trained "
                      "further. The horizontal axis is the share of all heads.",
                      "학습을 마친 뒤 헤드를 빼고, 더 학습하지 않았습니다. 가로축은 전체 헤드에 "
                      "대한 비율입니다."),
        ),
        Chart(
            "pruning",
            Bilingual("Removing more and more heads", "헤드를 점점 더 많이 뺄 때"),
            Axis(Bilingual("share of heads removed", "뺀 헤드의 비율")),
            increase,
            [
                Series(NAMES[f"{h} heads"], [(share, rise(results, h, share)) for share in SHARES])
                for h in pruned(results)
            ],
            Bilingual("The order of removal is computed on training text: the head with the "
                      "smallest increase is removed first.",
                      "빼는 순서는 학습 글에서 정했습니다. 손실이 가장 조금 느는 헤드부터 "
                      "뺍니다."),
        ),
    ]  # fmt: skip


def sorted_points(results: Results, heads: int) -> list:
    """Return the rise of the loss without each head, in ascending order, at the head's place."""
    rows = [sorted(row) for row in best(results, heads, number="alone") or []]
    return list(points_of_rows(((place + 0.5) / (2 * heads) for place in count()), rows))


NAMES = {
    SPLIT: alike("d_k = d_model / h"),
    FIXED: Bilingual("d_k = 16, narrower feed-forward layer", "d_k = 16, 피드포워드 층을 줄임"),
    **{
        f"{h} heads": Bilingual(f"{h} heads per layer", f"층마다 헤드 {h}개")
        for h in HEADS
        if h > 1
    },
}
