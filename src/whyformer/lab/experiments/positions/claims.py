"""The claims, and the measured effects that decide them."""

from collections.abc import Callable, Mapping, Sequence

from whyformer.lab.experiments.positions.experiment import (
    CODES,
    LAGS,
    MASKS,
    SCHEMES,
    SYMBOLS,
    TASKS,
    WIDTHS,
)
from whyformer.lab.method.arms import is_trained, tuned
from whyformer.lab.method.bilingual import Bilingual
from whyformer.lab.method.experiment import Claim, Results
from whyformer.lab.method.statistics import NOT_MEASURED, Estimate, estimate, exactly, paired
from whyformer.lab.method.verdict import Test, above, below, near

LEARNED_ENOUGH = 0.9
"""If the accuracy within the trained length is lower than this, longer inputs are not evaluated."""


def algebra(results: Results, number: str, d_model: int) -> Estimate:
    """Return a number of part `algebra`, which measures the sinusoids."""
    return estimate(results.values("algebra", number, d_model=d_model))


def shift_error(results: Results, code: str, d_model: int = 64, where: str = "inside") -> Estimate:
    """Return the share of the variance of the codes that the best linear shift does not explain."""
    return estimate(results.values("shift", where, code=code, d_model=d_model))


def accuracy(results: Results, number: str, task: str, mask: str, positions: str) -> Estimate:
    """Return an accuracy of the trained models, averaged over seeds."""
    where = {"task": task, "mask": mask, "positions": positions}
    if not is_trained(results, "tasks", **where):
        return NOT_MEASURED
    return estimate(results.values("tasks", number, **where))


def drop(results: Results, task: str, mask: str, positions: str) -> Estimate:
    """Return the accuracy within the trained length minus the accuracy beyond this length.

    Returns: NOT_MEASURED if the accuracy within this length is below `LEARNED_ENOUGH`.
    """
    where = {"task": task, "mask": mask, "positions": positions}
    inside = results.values("tasks", "inside", **where)
    if sum(inside) / len(inside) < LEARNED_ENOUGH:
        return NOT_MEASURED
    return paired(results.values("tasks", "outside", **where), inside)


def language(results: Results, positions: str, number: str = "loss") -> list | None:
    """Return a number of the character model at its best learning rate, one value per seed; None if
    the model was not trained."""
    return tuned(results, "language", number, by="loss", positions=positions)


def learned_gap(results: Results) -> Estimate:
    """Return the loss with learned positions minus the loss with sinusoids, paired by seed."""
    return paired(language(results, "sinusoidal"), language(results, "learned"))


def both_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `both`."""
    return {
        f"d = {d}": [
            below(algebra(results, "rotation", d), 1e-9, contrary=1e-3, name="sine and cosine"),
            above(shift_error(results, "sine", d), 0.05, contrary=1e-9, name="sines alone"),
        ]
        for d in results.levels("shift", "d_model", code="sine")
    }


def only_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `only`. A single other code with an exact linear shift refutes the claim."""
    return {
        "d = 64": [
            above(shift_error(results, code), 0.05, contrary=1e-9, name=code)
            for code in ("sine", "random", "binary", "line")
        ]
    }


def unique_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `unique`."""
    return {
        f"d = {d}": [above(algebra(results, "nearest", d), 1.0, contrary=1e-3)]
        for d in results.levels("algebra", "d_model")
    }


def decay_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `decay`."""
    return {
        f"d = {d}": [below(algebra(results, "rises", d), 0.0, contrary=0.5)]
        for d in results.levels("algebra", "d_model")
    }


def survival_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `survival`."""

    def kept(number: str, d_k: int) -> Estimate:
        return estimate(results.values("projection", number, d_k=d_k))

    return {
        f"d_k = {d_k}": [
            above(kept("least_kept", d_k), 0.5, contrary=0.05, name="least kept"),
            below(kept("most_kept", d_k), 2.0, contrary=20.0, name="most kept"),
        ]
        for d_k in results.levels("projection", "d_k")
    }


def given_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `given`."""
    return {
        f"d_k = {d_k}": [
            above(
                estimate(results.values("projection", "offset_share", d_k=d_k)), 0.5, contrary=0.1
            )
        ]
        for d_k in results.levels("projection", "d_k")
    }


def order_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `order`."""

    def change(mask: str) -> Estimate:
        return estimate(results.values("order", "change", mask=mask, positions="none"))

    chance = 1 / SYMBOLS
    encoder = accuracy(results, "inside", "modulo", "encoder", "none")
    causal = accuracy(results, "inside", "modulo", "causal", "none")
    return {
        "fresh": [
            below(change("encoder"), 1e-9, contrary=1e-3, name="encoder"),
            above(change("causal"), 1e-3, contrary=1e-9, name="causal"),
        ],
        "trained": [
            near(encoder, chance, 0.02, margin=0.1, name="encoder"),
            above(causal, chance + 0.05, contrary=chance, name="causal"),
        ],
    }


def extrapolation(positions: str) -> Callable[[Results], Mapping[str, Sequence[Test]]]:
    """Return the tests of the claims `extrapolation` and `offsets`."""

    def tests(results: Results) -> Mapping[str, Sequence[Test]]:
        return {
            f"{task}, {mask}": [below(drop(results, task, mask, positions), 0.05, contrary=0.5)]
            for task in TASKS
            for mask in results.levels("tasks", "mask", task=task, positions=positions)
        }

    return tests


def learned_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `learned`."""
    return {"language": [near(learned_gap(results), 0.0, 0.02)]}


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found: dict[str, Estimate] = {}
    for d in WIDTHS:
        for name in ("nearest", "longest_wavelength", "first_rise"):
            found[f"{name}_{d}"] = algebra(results, name, d)
        found[f"rises_{d}"] = algebra(results, "rises", d).percent
    for name in ("rotation", "norm", "toeplitz"):
        found[name] = algebra(results, name, 512)
    kept = results.values("algebra", "similarity", d_model=512)[0]
    for lag in (1, 10, 100, 1000):
        found[f"similarity_{lag}"] = exactly(kept[LAGS.index(lag)])
    for pairs in (1, 32):
        found[f"nearest_of_{pairs}"] = estimate(results.values("margin", "nearest", pairs=pairs))
    for code in CODES:
        found[f"shift_{code}"] = shift_error(results, code)
        found[f"shift_outside_{code}"] = shift_error(results, code, where="outside")
        found[f"margin_{code}"] = estimate(
            results.values("shift", "nearest", code=code, d_model=64)
        )
    for d_k in (16, 64, 512):
        for name in ("least_kept", "most_kept"):
            found[f"{name}_{d_k}"] = estimate(results.values("projection", name, d_k=d_k))
        share = estimate(results.values("projection", "offset_share", d_k=d_k))
        found[f"offset_share_{d_k}"] = share.percent
    for mask in MASKS:
        found[f"shuffled_{mask}"] = estimate(
            results.values("order", "change", mask=mask, positions="none")
        )
    for task in TASKS:
        for mask in MASKS:
            for scheme in SCHEMES:
                for where in ("inside", "outside", "far"):
                    found[f"{task}_{mask}_{scheme}_{where}"] = accuracy(
                        results, where, task, mask, scheme
                    )
    found["learned_gap"] = learned_gap(results)
    for scheme in ("sinusoidal", "learned", "none", "rotary", "alibi"):
        found[f"language_{scheme}"] = estimate(language(results, scheme))
        found[f"language_{scheme}_beyond"] = estimate(language(results, scheme, "beyond"))
    return found


CLAIMS = (
    Claim(
        "both",
        Bilingual(
            "It takes a sine and a cosine of each frequency: together a shift of the position "
            "is a linear map.",
            "주파수마다 사인과 코사인이 둘 다 있어야 한다. 둘이 있으면 위치 이동이 선형 변환이 된다.",
        ),
        Bilingual(
            "PE(p + k) = R(k) PE(p) with a rotation R(k) that does not depend on p; for sines "
            "alone, even the best linear map fails.",
            "p와 무관한 회전 R(k)가 있어 PE(p + k) = R(k) PE(p)이고, 사인만 쓰면 가장 좋은 선형 "
            "변환도 실패한다.",
        ),
        Bilingual(
            "Largest error of the rotation below 1e-9 over 5,000 positions and shifts up to "
            "1,000; the best linear shift of sines alone misses more than 0.05 of the variance.",
            "위치 5,000개와 이동 1,000까지에서 회전의 최대 오차가 1e-9 미만이고, 사인만의 가장 좋은 "
            "선형 이동이 분산의 0.05 넘게 놓친다.",
        ),
        both_tests,
    ),
    Claim(
        "only",
        Bilingual(
            "Only sinusoids are shifted by a linear map; that is why they were chosen.",
            "선형 변환으로 이동하는 것은 사인·코사인뿐이고, 그래서 골랐다.",
        ),
        Bilingual(
            "No other code tried (sines alone, random vectors, a binary counter, (pos, 1)) is "
            "shifted by a linear map.",
            "시험한 다른 인코딩(사인만, 무작위 벡터, 이진수, (pos, 1))는 어느 것도 선형 변환으로 "
            "이동하지 않는다.",
        ),
        Bilingual(
            "The best linear map misses more than 0.05 of the variance of every one of them; "
            "refuted when it misses less than 1e-9 of one.",
            "모든 인코딩에서 가장 좋은 선형 변환이 분산의 0.05 넘게 놓친다. 하나라도 1e-9보다 적게 "
            "놓치면 반박된다.",
        ),
        only_tests,
    ),
    Claim(
        "unique",
        Bilingual("Every position gets a value of its own.", "위치마다 고유한 값을 갖는다."),
        Bilingual(
            "No two of the first 5,000 positions have codes nearer than 1.",
            "처음 5,000개 위치 가운데 어느 둘의 인코딩도 거리 1보다 가깝지 않다.",
        ),
        Bilingual(
            "The smallest of all pairwise distances is above 1.",
            "모든 쌍의 거리 중 최솟값이 1보다 크다.",
        ),
        unique_tests,
    ),
    Claim(
        "decay",
        Bilingual(
            "The farther apart two positions, the less alike their codes.",
            "두 위치가 멀수록 인코딩은 덜 닮는다.",
        ),
        Bilingual(
            "PE(p)·PE(p + k) falls with every step of k up to 2,000.",
            "PE(p)·PE(p + k)는 k = 2,000까지 k가 커질 때마다 줄어든다.",
        ),
        Bilingual(
            "No step rises; refuted when more than half of them rise.",
            "오르는 걸음이 하나도 없다. 절반 넘게 오르면 반박된다.",
        ),
        decay_tests,
    ),
    Claim(
        "survival",
        Bilingual(
            "Even through a linear map each position keeps, to some extent, its own value.",
            "선형 변환을 거쳐도 위치는 어느 정도 자기 값을 유지한다.",
        ),
        Bilingual(
            "A fresh W_K changes the distances of 512 codes (d = 512), against each other, by "
            "less than a factor of 2.",
            "갓 초기화한 W_K는 인코딩 512개(d = 512) 사이의 거리를 상대적으로 2배보다 적게 바꾼다.",
        ),
        Bilingual(
            "Smallest and largest ratio of distances, after over before and over the map's "
            "size, between 1/2 and 2.",
            "변환 전후 거리의 비(변환의 크기로 나눈 값)의 최솟값과 최댓값이 1/2과 2 사이.",
        ),
        survival_tests,
    ),
    Claim(
        "given",
        Bilingual(
            "Since shifts are linear, attention sees relative positions from the start.",
            "위치 이동이 선형이므로 어텐션은 처음부터 상대 위치를 본다.",
        ),
        Bilingual(
            "With fresh W_Q and W_K more than half of the variance of the scores of codes is "
            "explained by the offset alone.",
            "갓 초기화한 W_Q와 W_K에서 인코딩끼리의 점수 분산의 절반 넘는 몫이 상대 거리만으로 설명된다.",
        ),
        Bilingual(
            "Explained share above 0.5; refuted below 0.1.",
            "설명되는 비율이 0.5보다 크다. 0.1보다 작으면 반박된다.",
        ),
        given_tests,
    ),
    Claim(
        "extrapolation",
        Bilingual(
            "Sinusoids extrapolate to sequences longer than those of training.",
            "사인·코사인은 학습 때보다 긴 시퀀스로 외삽된다.",
        ),
        Bilingual(
            "A model trained at length 32 is as often right at the positions 32 to 63.",
            "길이 32에서 학습한 모델은 위치 32~63에서도 똑같이 잘 맞힌다.",
        ),
        Bilingual(
            "Accuracy beyond the trained length is within 0.05 of that inside; refuted when "
            "more than 0.5 is lost. Not judged where less than 0.9 is reached inside.",
            "학습 길이 밖의 정답률이 안쪽과 0.05 이내로 같다. 0.5 넘게 잃으면 반박된다. 안쪽에서 0.9에 "
            "못 미치면 판단하지 않는다.",
        ),
        extrapolation("sinusoidal"),
    ),
    Claim(
        "offsets",
        Bilingual(
            "Positions that enter as offsets (rotary) extrapolate.",
            "상대 거리로 들어가는 위치(회전, RoPE)는 외삽된다.",
        ),
        Bilingual(
            "A rotary model trained at length 32 is as often right at the positions 32 to 63.",
            "길이 32에서 학습한 회전 위치 모델은 위치 32~63에서도 똑같이 잘 맞힌다.",
        ),
        Bilingual("The same as for sinusoids.", "사인·코사인과 같은 기준."),
        extrapolation("rotary"),
    ),
    Claim(
        "order",
        Bilingual(
            "Without positions an encoder knows nothing of order, while a causal decoder does.",
            "위치 정보가 없으면 인코더는 순서를 전혀 모르지만 인과 디코더는 안다.",
        ),
        Bilingual(
            "Shuffling an encoder's tokens only shuffles its vectors; a causal mask breaks this "
            "symmetry, and training can use it to tell positions.",
            "인코더의 토큰을 섞으면 벡터의 자리만 섞인다. 인과 마스크는 이 대칭을 깨고, 학습은 이를 "
            "이용해 위치를 알아낼 수 있다.",
        ),
        Bilingual(
            "Before training: the encoder's vectors change by less than 1e-9, the causal "
            "model's by more than 1e-3. Trained on position mod 16: the encoder stays within "
            "0.02 of chance (1/16), the causal model is more than 0.05 above it.",
            "학습 전: 인코더의 벡터는 1e-9보다 적게, 인과 모델의 벡터는 1e-3보다 많이 변한다. 위치 mod "
            "16을 학습한 뒤: 인코더는 우연(1/16)의 0.02 이내, 인과 모델은 우연보다 0.05 넘게 높다.",
        ),
        order_tests,
    ),
    Claim(
        "learned",
        Bilingual(
            "Learned positions give nearly identical results.",
            "학습된 위치를 써도 결과는 거의 같다.",
        ),
        Bilingual(
            "Within the trained length, each at its own best learning rate, the losses of a "
            "language model differ by less than 0.02 nat a character.",
            "학습 길이 안에서, 각자 가장 좋은 학습률에서 언어 모델의 손실 차이는 문자당 0.02 nat보다 작다.",
        ),
        Bilingual(
            "The whole interval of the paired difference lies within ±0.02 nat.",
            "짝지은 차이의 구간 전체가 ±0.02 nat 안에 있다.",
        ),
        learned_tests,
    ),
)
