"""The bottleneck of sequence to sequence: one vector for a source of any length, or attention.

An encoder-decoder LSTM copies rows of random symbols, or writes them in reverse. Reversing is also
Sutskever's trick: to copy a source that is read in reverse order is the same task.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from whyformer.blocks.additive_attention import RecurrentAttention
from whyformer.data.batch import Batch
from whyformer.data.synthetic import Task, synthetic_pairs
from whyformer.foundation.errors import DivergedError
from whyformer.foundation.randomness import seed_everything
from whyformer.lab.method.bilingual import Said
from whyformer.lab.method.charts import Axis, Chart, Figure, Look, Series, Table
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
from whyformer.models.build import build_model
from whyformer.models.rnn import RecurrentModel, RecurrentSettings
from whyformer.text.symbols import BOS, EOS, SYMBOLS
from whyformer.training.loop import TrainingSettings, fit, start
from whyformer.training.schedules import Schedule

KINDS = 8
"""Different symbols."""
VOCABULARY = len(SYMBOLS) + KINDS
SHORTEST = 5
LONGEST = {Mode.QUICK: 30, Mode.FULL: 50}
STEPS = {Mode.QUICK: 400, Mode.FULL: 800}
RATES = (3e-3, 1e-2)
ROWS = 32
WIDTHS = {RecurrentAttention.NONE: 72, RecurrentAttention.GENERAL: 64}
"""Without attention wider, so that it does not have fewer parameters."""
TWICE_AS_WIDE = 144
ONE_WAY, TWO_WAY = "one-way", "two-way"
WATCHED = 20
"""Length at which accuracy is also given position by position."""


@dataclass(frozen=True)
class Rows:
    """A `BatchSource` of copying; rows of a batch are equally long, so nothing is padded.

    Args: task: copy, or reverse: the source is read in reverse order.
    """

    task: Task
    longest: int
    seed: int

    def count(self, epoch: int) -> int:
        """Return a number that no run reaches: there are no epochs."""
        return 1 << 40

    def batch(self, epoch: int, index: int) -> Batch:
        """Return one batch, its length drawn evenly."""
        number = self.seed * 1_000_003 + index
        length = int(np.random.default_rng(number).integers(SHORTEST, self.longest + 1))
        return self.of(length, number, ROWS)

    def of(self, length: int, number: int, rows: int) -> Batch:
        """Return rows of one length. Args: number: seed of what is drawn."""
        pairs = synthetic_pairs(
            Task.copy, rows, seed=number, symbols=KINDS, shortest=length, longest=length
        )
        return batch_of(torch.tensor([symbols(pair.target) for pair in pairs]), self.task)


def symbols(text: str) -> list[int]:
    """Return the ids of a row.

    >>> symbols("s0 s3")
    [5, 8]
    """
    return [len(SYMBOLS) + int(name[1:]) for name in text.split()]


def batch_of(answer: torch.Tensor, task: Task) -> Batch:
    """Return what a model reads to write ``answer``, (rows, length)."""
    source = answer.flip(1) if task is Task.reverse else answer
    begin, end = torch.full((len(answer), 1), BOS), torch.full((len(answer), 1), EOS)
    return Batch(
        source=torch.cat([source, end], 1),
        source_real=None,
        target=torch.cat([begin, answer], 1),
        labels=torch.cat([answer, end], 1),
        tokens=answer.numel() + len(answer),
        indices=np.arange(len(answer)),
    )


def measure_lengths(settings: Settings, seed: int) -> Numbers:
    """Train on all lengths, then judge each: right symbols, and rows right from first to last.

    By teacher forcing; greedy search writes a row exactly if and only if each of its symbols is the
    likeliest after the right ones before it, so the share of exact rows is that of greedy search.
    """
    task, longest = Task(settings["task"]), settings["longest"]
    model = fresh_model(settings, seed)
    parameters = sum(p.numel() for p in model.parameters())
    training = TrainingSettings(
        updates=settings["steps"], learning_rate=settings["rate"], warmup=50,
        schedule=Schedule.TRAPEZOID, label_smoothing=0.0, clip=1.0,
    )  # fmt: skip
    lengths = range(SHORTEST, longest + 1, 5)
    try:
        state = start(model, training)
        for _ in fit(state, Rows(task, longest, seed), training, d_model=settings["width"]):
            pass
    except DivergedError:
        nothing = [0.0] * len(lengths)
        return {"symbols": nothing, "exact": nothing, "places": [0.0] * WATCHED,
                "parameters": parameters, "mean": 0.0, "error": 1.0}  # fmt: skip
    right = {length: answers(model, task, length, seed) for length in {*lengths, WATCHED}}
    by_length = [right[length][:, :-1].mean().item() for length in lengths]
    return {
        "symbols": by_length,
        "exact": [right[length].prod(1).mean().item() for length in lengths],
        "places": right[WATCHED][:, :-1].mean(0).tolist(),
        "parameters": parameters,
        "mean": float(np.mean(by_length)),
        "error": 1 - float(np.mean(by_length)),
    }


@torch.no_grad()
def answers(model: RecurrentModel, task: Task, length: int, seed: int) -> torch.Tensor:
    """Return 1 where a symbol (or, last, the end) of a fresh row is right."""
    model.eval()
    fresh = Rows(task, length, seed).of(length, -1 - seed, 256)
    logits = model(fresh.source, None, fresh.target)
    return (logits.argmax(-1) == fresh.labels).double()


def fresh_model(settings: Settings, seed: int) -> RecurrentModel:
    """Return an encoder and a decoder of one LSTM layer each, with fresh weights."""
    seed_everything(seed)
    shape = RecurrentSettings(
        encoder_layers=1, decoder_layers=1, d_model=settings["width"], dropout=0.0,
        bidirectional=settings["encoder"] == TWO_WAY, attention=settings["attention"],
        input_feeding=False,
    )  # fmt: skip
    model = build_model(shape, (VOCABULARY, VOCABULARY), shared=True)
    assert isinstance(model, RecurrentModel)
    return model


def measure_distances(settings: Settings, seed: int) -> Numbers:
    """Count steps from where a symbol is read to where it is to be written, on a real batch."""
    length = settings["length"]
    row = torch.arange(length)[None]  # every symbol another, so that each can be found
    batch = batch_of(row + VOCABULARY, Task(settings["task"]))
    read = {int(symbol): place for place, symbol in enumerate(batch.source[0])}
    first = batch.source.shape[1]
    steps = [
        first + place - read[int(symbol)] for place, symbol in enumerate(batch.labels[0, :length])
    ]
    return {"mean": float(np.mean(steps)), "shortest": min(steps), "longest": max(steps)}


def length_conditions(mode: Mode) -> list[Settings]:
    """With and without attention; reversal also without attention and one-way, as it was meant.

    Quick takes one rate. In full also a vector twice as wide.
    """
    rates = RATES if mode is Mode.FULL else RATES[:1]
    none, general = RecurrentAttention.NONE, RecurrentAttention.GENERAL
    arms = [
        *((TWO_WAY, none, WIDTHS[none]), (TWO_WAY, general, WIDTHS[general])),
        (ONE_WAY, none, WIDTHS[none]),
    ]
    whole = [(*arm, task) for arm in arms for task in (Task.copy, Task.reverse)]
    if mode is Mode.FULL:
        whole.append((TWO_WAY, none, TWICE_AS_WIDE, Task.copy))
    return [
        {
            "encoder": encoder, "attention": str(attention), "width": width, "task": str(task),
            "rate": rate, "longest": LONGEST[mode], "steps": STEPS[mode],
        }
        for encoder, attention, width, task in whole
        for rate in rates
    ]  # fmt: skip


def distance_conditions(mode: Mode) -> list[Settings]:
    """Both orders, at every judged length."""
    return [
        {"task": str(task), "length": length}
        for task in (Task.copy, Task.reverse)
        for length in range(SHORTEST, LONGEST[mode] + 1, 5)
    ]


def arm(attention: str, task: str, encoder: str = TWO_WAY, width: int | None = None) -> Settings:
    """Return the settings that name an arm."""
    chosen = WIDTHS[RecurrentAttention(attention)] if width is None else width
    return {"attention": attention, "task": task, "encoder": encoder, "width": chosen}


def tuned(results: Results, number: str, where: Settings) -> list:
    """Return a number of an arm at its best rate, seed by seed."""
    rate = results.best("lengths", "error", "rate", **where)
    return results.values("lengths", number, rate=rate, **where)


def at_end(results: Results, where: Settings, end: int, number: str = "symbols") -> Estimate:
    """Return the accuracy at the shortest (0) or the longest (-1) sources."""
    return estimate([row[end] for row in tuned(results, number, where)])


def drop(results: Results, attention: str, task: str) -> Estimate:
    """Return how much of the accuracy is lost from the shortest to the longest sources."""
    rows = tuned(results, "symbols", arm(attention, task))
    return estimate([row[0] - row[-1] for row in rows])


def gain(results: Results, task: str) -> Estimate:
    """Return how much better attention is at the longest sources, paired by seed."""
    none, general = (tuned(results, "symbols", arm(a, task)) for a in ("none", "general"))
    return paired([row[-1] for row in none], [row[-1] for row in general])


def turned(results: Results, encoder: str) -> Estimate:
    """Return what reversing the source adds without attention, over all lengths."""
    kept, reverse = (
        tuned(results, "mean", arm("none", task, encoder)) for task in ("copy", "reverse")
    )
    return paired(kept, reverse)


def turned_at(results: Results, encoder: str) -> tuple[list[float], list[float]]:
    """Return what reversing adds in the first and in the last quarter of a row, seed by seed."""
    kept, reverse = (
        np.array(tuned(results, "places", arm("none", task, encoder)))
        for task in ("copy", "reverse")
    )
    added, quarter = reverse - kept, WATCHED // 4
    return added[:, :quarter].mean(1).tolist(), added[:, -quarter:].mean(1).tolist()


def wider(results: Results) -> Estimate:
    """Return what a vector twice as wide adds at the longest sources; not measured in quick."""
    if TWICE_AS_WIDE not in results.levels("lengths", "width"):
        return NOT_MEASURED
    narrow, wide = (
        tuned(results, "symbols", arm("none", "copy", width=width))
        for width in (None, TWICE_AS_WIDE)
    )
    return paired([row[-1] for row in narrow], [row[-1] for row in wide])


def distance_ratio(results: Results, number: str) -> Estimate:
    """Return a distance with the source reversed over that in order, the same at each length."""
    lengths = results.levels("distances", "length")
    ratios = [
        results.values("distances", number, task="reverse", length=n)[0]
        / results.values("distances", number, task="copy", length=n)[0]
        for n in lengths
    ]
    return exactly(max(ratios, key=lambda ratio: abs(ratio - 1)))


def falls_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `falls`."""
    return {
        task: [above(drop(results, "none", task), 0.3, contrary=0.05)]
        for task in ("copy", "reverse")
    }


def flat_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `flat`."""
    return {
        task: [
            below(drop(results, "general", task), 0.05, contrary=0.2, name="drop"),
            above(gain(results, task), 0.3, contrary=0.0, name="gain"),
        ]
        for task in ("copy", "reverse")
    }


def wider_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `wider`."""
    return {"copy": [above(wider(results), 0.1, contrary=0.0)]}


def nearer_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `nearer`."""
    return {
        number: [below(distance_ratio(results, number), 0.9, contrary=1.1)]
        for number in ("mean", "longest")
    }


def helps_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `helps`."""
    return {
        encoder: [above(turned(results, encoder), 0.02, contrary=-0.02)]
        for encoder in (ONE_WAY, TWO_WAY)
    }


def beginning_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `beginning`."""
    first, last = turned_at(results, ONE_WAY)
    return {ONE_WAY: [above(paired(last, first), 0.05, contrary=-0.05)]}


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found: dict[str, Estimate] = {}
    for attention in ("none", "general"):
        for task in ("copy", "reverse"):
            where = arm(attention, task)
            found[f"drop_{attention}_{task}"] = drop(results, attention, task)
            for end, name in ((0, "shortest"), (-1, "longest")):
                found[f"{name}_{attention}_{task}"] = at_end(results, where, end)
                found[f"exact_{name}_{attention}_{task}"] = at_end(results, where, end, "exact")
        sizes = results.values("lengths", "parameters", rate=RATES[0], **arm(attention, "copy"))
        found[f"parameters_{attention}"] = exactly(sizes[0])
    for task in ("copy", "reverse"):
        found[f"gain_{task}"] = gain(results, task)
    for encoder in (ONE_WAY, TWO_WAY):
        found[f"turned_{encoder.replace('-', '_')}"] = turned(results, encoder)
    first, last = turned_at(results, ONE_WAY)
    found["turned_first"], found["turned_last"] = estimate(first), estimate(last)
    found["wider"] = wider(results)
    for number in ("mean", "shortest", "longest"):
        found[f"distance_{number}"] = distance_ratio(results, number)
    longest = max(results.levels("distances", "length"))
    found["length"] = exactly(longest)
    for task in ("copy", "reverse"):
        for number in ("mean", "shortest", "longest"):
            (steps,) = results.values("distances", number, task=task, length=longest)
            found[f"steps_{number}_{task}"] = exactly(steps)
    return found


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    length = Axis(Said("symbols in the source", "원문의 기호 수"))
    right = Axis(Said("share of right symbols", "기호 정답률"))
    lengths = results.levels("distances", "length")

    def over_lengths(number: str, where: Settings) -> list[tuple[float, Estimate]]:
        rows = tuned(results, number, where)
        return [(n, estimate([row[i] for row in rows])) for i, n in enumerate(lengths)]

    def shown(number: str) -> list[Series]:
        return [
            Series(
                Said(
                    f"{NAMES[attention].en}, {NAMES[task].en}",
                    f"{NAMES[attention].ko}, {NAMES[task].ko}",
                ),
                over_lengths(number, arm(attention, task)),
            )
            for attention in ("none", "general")
            for task in ("copy", "reverse")
        ]

    symbols_right = shown("symbols")
    if TWICE_AS_WIDE in results.levels("lengths", "width"):
        wide = arm("none", "copy", width=TWICE_AS_WIDE)
        symbols_right.append(
            Series(
                Said("no attention, copy, twice as wide", "어텐션 없음, 복사, 너비 두 배"),
                over_lengths("symbols", wide),
            )
        )
    mean_right = float(np.mean(tuned(results, "mean", arm("general", "copy"))))
    compound = Series(
        Said("theory: each symbol right on its own", "이론: 기호마다 따로 맞을 때"),
        [(n, exactly(mean_right**n)) for n in lengths],
        Look.THEORY,
    )
    return [
        Chart(
            "symbols",
            Said("Right symbols by the length of the source", "원문 길이에 따른 기호 정답률"),
            length,
            right,
            symbols_right,
            Said(
                "One vector has to hold the whole source: the longer, the less of it. Attention "
                "looks each symbol up and falls little.",
                "벡터 하나에 원문 전체를 담아야 하므로, 길수록 담기는 몫이 줄어듭니다. 어텐션은 "
                "기호를 하나씩 찾아보므로 조금만 떨어집니다.",
            ),
        ),
        Chart(
            "exact",
            Said("Rows without any mistake", "한 군데도 틀리지 않은 줄"),
            length,
            Axis(Said("share of exact rows", "완전히 맞은 줄의 비율")),
            [*shown("exact"), compound],
            Said(
                "This falls with length even where no symbol becomes harder: n symbols are all "
                "right with probability pⁿ.",
                "기호 하나하나가 더 어려워지지 않아도 이 값은 길이에 따라 떨어집니다. n개가 모두 맞을 "
                "확률은 pⁿ이기 때문입니다.",
            ),
        ),
        Chart(
            "places",
            Said(
                f"Where reversing helps: rows of {WATCHED}, no attention, one-way encoder",
                f"뒤집기가 돕는 곳: 길이 {WATCHED}, 어텐션 없음, 단방향 인코더",
            ),
            Axis(Said("place in the target", "출력에서의 위치")),
            right,
            [
                Series(
                    NAMES[task],
                    [
                        (place + 1, estimate([row[place] for row in rows]))
                        for place in range(WATCHED)
                    ],
                )
                for task in ("copy", "reverse")
                for rows in [tuned(results, "places", arm("none", task, ONE_WAY))]
            ],
            Said(
                "With the source reversed the first symbols to be written are the last that were "
                "read.",
                "원문을 뒤집으면 가장 먼저 써야 할 기호가 가장 나중에 읽은 기호가 됩니다.",
            ),
        ),
        distance_table(results),
    ]


def distance_table(results: Results) -> Table:
    """List the distances of both orders."""
    longest = max(results.levels("distances", "length"))
    return Table(
        "distances",
        Said(
            f"Steps from reading a symbol to writing it, {longest} symbols",
            f"기호를 읽고 나서 쓸 때까지의 걸음 수, 기호 {longest}개",
        ),
        [
            Said("source", "원문"),
            Said("shortest", "최소"),
            Said("mean", "평균"),
            Said("longest", "최대"),
        ],
        [
            [
                NAMES[task],
                *(
                    exactly(results.values("distances", number, task=task, length=longest)[0])
                    for number in ("shortest", "mean", "longest")
                ),
            ]
            for task in ("copy", "reverse")
        ],
        Said(
            "Reversing makes the first symbols near and the last ones far; the mean stays.",
            "뒤집으면 처음 기호는 가까워지고 마지막 기호는 멀어집니다. 평균은 그대로입니다.",
        ),
    )


NAMES = {
    "none": Said("no attention", "어텐션 없음"),
    "general": Said("attention", "어텐션 있음"),
    "copy": Said("copy", "복사"),
    "reverse": Said("reverse (source reversed)", "뒤집기 (원문을 거꾸로)"),
    ONE_WAY: Said("encoder reads one way", "단방향 인코더"),
    TWO_WAY: Said("encoder reads both ways", "양방향 인코더"),
    "mean": Said("mean distance", "평균 거리"),
    "longest": Said("longest distance", "최대 거리"),
    "drop": Said("what attention loses with length", "길이에 따라 어텐션이 잃는 정확도"),
    "gain": Said("attention over one vector", "벡터 하나보다 나은 정도"),
}

EXPERIMENT = Experiment(
    name="bottleneck",
    question=Said(
        "Is one vector for the whole source a bottleneck, and does attention remove it?",
        "원문 전체를 벡터 하나에 담는 것이 병목인가요, 어텐션이 그것을 없애나요?",
    ),
    keywords=(
        "bottleneck",
        "context vector",
        "fixed-length",
        "reverse",
        "reversing",
        "병목",
        "컨텍스트 벡터",
        "문맥 벡터",
        "고정 길이",
        "뒤집",
        "긴 문장",
        "long sentences",
        "one vector",
        "벡터 하나",
    ),
    mentions=(
        "seq2seq",
        "encoder",
        "decoder",
        "length",
        "sutskever",
        "bahdanau",
        "인코더",
        "디코더",
        "source",
    ),
    parts=(
        Part("lengths", measure_lengths, length_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
        Part("distances", measure_distances, distance_conditions, {Mode.QUICK: 1, Mode.FULL: 1}),
    ),
    claims=(
        Claim(
            "falls",
            Said(
                "Without attention quality falls with the length of the source.",
                "어텐션이 없으면 원문이 길수록 품질이 떨어진다.",
            ),
            Said(
                "The share of right symbols is lower at the longest sources than at sources of 5 "
                "by more than 0.3.",
                "가장 긴 원문의 기호 정답률이 길이 5일 때보다 0.3 넘게 낮다.",
            ),
            Said(
                "Drop above 0.3; below 0.05 refutes. Two-way encoder, each arm at its best rate; "
                "asked of copying and of reversing.",
                "하락이 0.3 초과, 0.05 미만이면 반박. 양방향 인코더, 각자 가장 좋은 학습률. 복사와 "
                "뒤집기에 각각 묻는다.",
            ),
            falls_tests,
        ),
        Claim(
            "flat",
            Said(
                "Attention removes the bottleneck.",
                "어텐션이 병목을 없앤다.",
            ),
            Said(
                "With attention the share of right symbols hardly depends on the length, and at the "
                "longest sources it is higher than without by more than 0.3.",
                "어텐션이 있으면 기호 정답률이 길이에 거의 의존하지 않고, 가장 긴 원문에서 어텐션이 "
                "없을 때보다 0.3 넘게 높다.",
            ),
            Said(
                "Drop from the shortest to the longest below 0.05 (above 0.2 refutes), and paired "
                "gain at the longest above 0.3.",
                "최단에서 최장까지의 하락이 0.05 미만(0.2 초과면 반박)이고, 최장에서 짝지은 이득이 0.3 "
                "초과.",
            ),
            flat_tests,
        ),
        Claim(
            "wider",
            Said(
                "The vector is just too small: a wider one holds longer sources.",
                "벡터가 작을 뿐이다. 넓히면 더 긴 원문도 담는다.",
            ),
            Said(
                "Without attention a model twice as wide gets more symbols right at the longest "
                "sources, by more than 0.1.",
                "어텐션 없이 너비를 두 배로 하면 가장 긴 원문의 기호 정답률이 0.1 넘게 오른다.",
            ),
            Said(
                "Paired gain above 0.1; below 0 refutes.",
                "짝지은 이득이 0.1 초과, 0 미만이면 반박.",
            ),
            wider_tests,
        ),
        Claim(
            "nearer",
            Said(
                "Reversing the source brings source and target closer together.",
                "원문을 뒤집으면 원문과 출력이 서로 가까워진다.",
            ),
            Said(
                "The mean and the longest distance between a symbol's place in the source and its "
                "place in the target shrink by a tenth.",
                "기호가 원문에 있는 자리와 출력에 놓일 자리 사이의 평균 거리와 최대 거리가 10% 이상 줄어든다.",
            ),
            Said(
                "Ratio reversed / in order below 0.9, above 1.1 refutes; asked of the mean and of "
                "the longest, counted on the rows themselves.",
                "뒤집은 것 / 그대로의 비가 0.9 미만, 1.1 초과면 반박. 실제 줄에서 센 평균과 최대에 각각 "
                "묻는다.",
            ),
            nearer_tests,
        ),
        Claim(
            "helps",
            Said(
                "Reversing the source helps.",
                "원문을 뒤집으면 도움이 된다.",
            ),
            Said(
                "Without attention more symbols are right, over all lengths, when the source is "
                "read in reverse.",
                "어텐션이 없을 때, 원문을 거꾸로 읽으면 전체 길이에 걸쳐 기호 정답률이 더 높다.",
            ),
            Said(
                "Paired gain in the mean over all lengths above 0.02, below -0.02 refutes; asked of "
                "an encoder that reads one way and of one that reads both ways.",
                "모든 길이의 평균에서 짝지은 이득이 0.02 초과, -0.02 미만이면 반박. 단방향 인코더와 양방향 "
                "인코더에 각각 묻는다.",
            ),
            helps_tests,
        ),
        Claim(
            "beginning",
            Said(
                "Reversing helps where the distances became short.",
                "뒤집기는 거리가 짧아진 곳에서 돕는다.",
            ),
            Said(
                "What reversing adds is more in the first quarter of the target than in the last.",
                "뒤집기로 얻는 것이 출력의 첫 4분의 1에서 마지막 4분의 1에서보다 크다.",
            ),
            Said(
                "Paired difference of the two gains above 0.05, below -0.05 refutes; rows of 20, "
                "one-way encoder, no attention.",
                "두 이득의 짝지은 차이가 0.05 초과, -0.05 미만이면 반박. 길이 20, 단방향 인코더, 어텐션 "
                "없음.",
            ),
            beginning_tests,
        ),
    ),
    numbers=numbers,
    charts=charts,
    names=NAMES,
)
