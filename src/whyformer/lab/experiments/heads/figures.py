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
from whyformer.lab.method.bilingual import Bilingual
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
    shares = [
        Series(NAMES[f"{heads} heads"], [(share, rise(results, heads, share)) for share in SHARES])
        for heads in pruned(results)
    ]
    alone = [
        Series(
            NAMES[f"{heads} heads"],
            points_of_rows(
                ((place + 0.5) / (2 * heads) for place in count()), sorted_rows(results, heads)
            ),
        )
        for heads in pruned(results)
    ]
    return [
        Chart(
            "heads",
            Bilingual(
                "Loss after training, over the number of heads", "헤드 수에 따른 학습 뒤의 손실"
            ),
            Axis(Bilingual("heads, h", "헤드 수 h"), log=True),
            VALIDATION_LOSS,
            series,
            Bilingual(
                "Each point at its own best learning rate; all models have as many weights.",
                "점마다 자신의 가장 좋은 학습률입니다. 가중치의 수는 모두 같습니다.",
            ),
        ),
        Chart(
            "alone",
            Bilingual("What each head costs when it alone goes", "헤드를 하나만 뺄 때의 손해"),
            Axis(Bilingual("heads, from least missed to most", "헤드 (손해가 작은 것부터)")),
            Axis(Bilingual("rise of the loss, nats", "손실의 증가 (nat)")),
            alone,
            Bilingual(
                "Removed after training, without training on. The axis counts a share of all heads "
                "of both layers.",
                "학습을 마친 뒤 더 학습하지 않고 뺐습니다. 가로축은 두 층의 모든 헤드에 대한 비율입니다.",
            ),
        ),
        Chart(
            "pruning",
            Bilingual("Removing one head after another", "헤드를 하나씩 계속 빼면"),
            Axis(Bilingual("share of heads removed", "뺀 헤드의 비율")),
            Axis(Bilingual("rise of the loss, nats", "손실의 증가 (nat)")),
            shares,
            Bilingual(
                "Least missed first, as judged on text that was learned from.",
                "학습한 글에서 손해가 작았던 헤드부터 뺐습니다.",
            ),
        ),
    ]


def sorted_rows(results: Results, heads: int) -> list[list[float]]:
    """Return, for each seed, the rise of the loss without each head, in ascending order."""
    return [sorted(row) for row in best(results, heads, number="alone") or []]


NAMES = {
    SPLIT: Bilingual("d_k = d_model / h", "d_k = d_model / h"),
    FIXED: Bilingual("d_k = 16, narrower feed-forward", "d_k = 16, 피드포워드를 줄임"),
    "one head": Bilingual("one head - eight", "헤드 하나 - 여덟"),
    "most heads": Bilingual("thirty-two heads - eight", "헤드 서른둘 - 여덟"),
    **{f"{h} heads": Bilingual(f"{h} heads a layer", f"층마다 헤드 {h}개") for h in HEADS if h > 1},
}
