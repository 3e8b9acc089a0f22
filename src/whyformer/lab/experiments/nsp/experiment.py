"""Does next-sentence prediction help? Two formats of input by two losses, each changed alone.

BERT and RoBERTa differ in both at once. Here the loss on pairs is taken on rows of its own, so that
it can be added to any input: an arm is what the hidden-token loss reads (pairs, or full rows) and
whether the next-sentence loss is there.
"""

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from whyformer.blocks.feedforward import Activation
from whyformer.blocks.initialization import Initialization
from whyformer.blocks.positions import Position
from whyformer.blocks.residual import Wiring
from whyformer.data.catalog import topics
from whyformer.data.documents import Documents, build_documents
from whyformer.data.pretraining_rows import Fill, PretrainingBatch, PretrainingRows
from whyformer.foundation.errors import DivergedError
from whyformer.foundation.randomness import seed_everything
from whyformer.lab.method.bilingual import Said
from whyformer.lab.method.charts import Axis, Chart, Figure, Series, Table
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
from whyformer.lab.method.verdict import Test, above
from whyformer.models.bert import BERT, BERTSettings
from whyformer.models.build import build_model
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.text.symbols import BOS, EOS, PAD
from whyformer.text.tokenizer import Tokenizer, train_tokenizer
from whyformer.training.loop import TrainingSettings, fit, start
from whyformer.training.loss import Loss, fused_cross_entropy
from whyformer.training.schedules import Schedule

PIECES, ROW, BUDGET, WIDTH = 1000, 96, 2048, 64
WARMUP, BLOCK = 20, 25
LINES, HELD_OUT_EVERY, FEWEST_HELD_OUT = 8, 6, 4
"""Every sixth block of eight lines is held out; a topic is asked for that has four such blocks."""
PASSAGES = 60
RATES = (1e-3, 3e-3, 1e-2)
SOME_POINTS = 1.0
"""Fewer points of error, in percent, are called no difference."""
SOME_NATS = 0.01
"""A loss that is lower by less is called no better."""

FORMATS, LOSSES = ("pairs", "full"), ("with", "without")
DESIGN = [f"{form}, {loss}" for form in FORMATS for loss in LOSSES]
"""The four arms: format, and with or without the next-sentence loss."""
PUBLISHED, LEFT_TO_RIGHT = "published", "left to right"


@dataclass(frozen=True)
class Text:
    """The topics in pieces, every line only where it stands first: topics repeat each other.

    Args:
        train: a document a topic.
        held_out: a document a block of lines.
        asked: for each topic that the probe asks for, its document and its blocks.
    """

    tokenizer: Tokenizer
    train: Documents
    held_out: Documents
    asked: tuple[tuple[int, tuple[int, ...]], ...]
    directory: tempfile.TemporaryDirectory


@cache
def text() -> Text:
    """Return the text, cut into pieces once a process."""
    seen: set[str] = set()
    kept: list[list[str]] = []
    blocks: list[list[str]] = []
    of_topic: list[list[int]] = []
    for topic in topics():
        stripped = dict.fromkeys(line.strip() for line in topic.split("\n") if line.strip())
        lines = [line for line in stripped if line not in seen]
        seen.update(lines)
        cut = [lines[at : at + LINES] for at in range(0, len(lines), LINES)]
        out = [
            place % HELD_OUT_EVERY == HELD_OUT_EVERY // 2 and len(block) == LINES
            for place, block in enumerate(cut)
        ]
        rest = [line for block, held in zip(cut, out, strict=True) if not held for line in block]
        if not rest:
            continue
        kept.append(rest)
        held = [block for block, here in zip(cut, out, strict=True) if here]
        of_topic.append(list(range(len(blocks), len(blocks) + len(held))))
        blocks += held
    lines = ["\n", *(line for document in kept for line in document)]
    tokenizer = train_tokenizer("bpe", lines, vocabulary=PIECES)
    directory = tempfile.TemporaryDirectory()
    train, held_out = (
        build_documents(documents, tokenizer, Path(directory.name) / name, key=name)
        for name, documents in (("train", kept), ("held-out", blocks))
    )
    asked = [
        (topic, tuple(b for b in mine if len(held_out.document(b)) > ROW - 2))
        for topic, mine in enumerate(of_topic)
    ]
    return Text(
        tokenizer,
        train,
        held_out,
        tuple(one for one in asked if len(one[1]) >= FEWEST_HELD_OUT),
        directory,
    )


def rows_of(
    documents: Documents, form: str, *, seed: int = 0, shuffle: bool = True, share: float = 1.0
) -> PretrainingRows:
    """Return rows of one format. Args: share: of the usual tokens of a batch."""
    (line_end,) = text().tokenizer.encode("\n")
    return PretrainingRows(
        documents,
        row_tokens=ROW,
        budget_tokens=int(BUDGET * share),
        vocabulary=len(text().tokenizer),
        line_end=line_end,
        next_sentence=form == "pairs",
        fill=Fill.FULL,
        seed=seed,
        shuffle=shuffle,
    )


@dataclass(frozen=True)
class TwoLosses:
    """Rows whose hidden tokens are to be restored, and pairs to be judged, if any."""

    hidden: PretrainingBatch
    pairs: PretrainingBatch | None

    @property
    def tokens(self) -> int:
        """Chosen tokens of the first."""
        return self.hidden.tokens

    def to(self, device: torch.device | str) -> "TwoLosses":
        """Return the rows on ``device``."""
        pairs = None if self.pairs is None else self.pairs.to(device)
        return replace(self, hidden=self.hidden.to(device), pairs=pairs)


class ArmRows:
    """The `BatchSource` of an arm: with the next-sentence loss, pairs of their own, half as many.

    As published both losses are taken on the same pairs.
    """

    def __init__(self, arm: str, seed: int) -> None:
        form, _, loss = arm.partition(", ")
        self.same = arm == PUBLISHED
        self.hidden = rows_of(text().train, "pairs" if self.same else form, seed=seed)
        self.pairs = (
            rows_of(text().train, "pairs", seed=seed + 1000, share=0.5) if loss == "with" else None
        )

    def count(self, epoch: int) -> int:
        """Return the number of batches of an epoch of the first rows."""
        return self.hidden.count(epoch)

    def batch(self, epoch: int, index: int) -> TwoLosses:
        """Return one batch."""
        hidden = self.hidden.batch(epoch, index)
        if self.same:
            return TwoLosses(hidden, hidden)
        if self.pairs is None:
            return TwoLosses(hidden, None)
        return TwoLosses(hidden, self.pairs.batch(epoch, index % self.pairs.count(epoch)))


def arm_loss(model: nn.Module, batch: TwoLosses, smoothing: float) -> Loss:
    """Sum of the loss over hidden tokens, and as often the mean loss of the next sentence.

    Paper: Devlin et al. 2018 (arXiv:1810.04805), A.2: the sum of the two mean losses.
    """
    assert isinstance(model, BERT)
    rows, pairs = batch.hidden, batch.pairs
    x = model(rows.ids, rows.real, rows.segments)
    chosen = rows.labels != PAD
    features, labels = model.masked.features(x[chosen]), rows.labels[chosen]
    smoothed, nll = fused_cross_entropy(features, model.masked.table(), labels, smoothing)
    if pairs is not None and pairs.follows is not None:
        seen = x if pairs is rows else model(pairs.ids, pairs.real, pairs.segments)
        answer = model.next_sentence(model.pooled(seen))
        smoothed = smoothed + rows.tokens * F.cross_entropy(answer, pairs.follows)
    return Loss(smoothed, nll)


@dataclass(frozen=True)
class NextTokens:
    """Full rows read from left to right, and the token after each position; PAD: none."""

    ids: Int[Tensor, "batch length"]
    labels: Int[Tensor, "batch length"]

    @property
    def tokens(self) -> int:
        """Labels."""
        return int((self.labels != PAD).sum())

    def to(self, device: torch.device | str) -> "NextTokens":
        """Return the rows on ``device``."""
        return replace(self, ids=self.ids.to(device), labels=self.labels.to(device))


class CausalRows:
    """The `BatchSource` of the left-to-right arm: the same full rows with nothing hidden."""

    def __init__(self, seed: int) -> None:
        self.rows = rows_of(text().train, "full", seed=seed)

    def count(self, epoch: int) -> int:
        """Return the number of batches of an epoch."""
        return self.rows.count(epoch)

    def batch(self, epoch: int, index: int) -> NextTokens:
        """Return one batch."""
        found = self.rows.batch(epoch, index)
        whole = torch.where(found.labels == PAD, found.ids, found.labels)
        return NextTokens(whole[:, :-1], whole[:, 1:])


def causal_loss(model: nn.Module, batch: NextTokens, smoothing: float) -> Loss:
    """Sum of the loss over every token but the first of a row."""
    assert isinstance(model, GPT)
    real = batch.labels != PAD
    features = model.features(batch.ids)[real]
    return fused_cross_entropy(features, model.projection.weight, batch.labels[real], smoothing)


def measure_arm(settings: Settings, seed: int) -> Numbers:
    """Train one arm; judge hidden tokens, next sentences, and what its vectors know of topics."""
    arm = settings["arm"]
    causal = arm == LEFT_TO_RIGHT
    training = TrainingSettings(
        updates=settings["steps"], learning_rate=settings["rate"], warmup=WARMUP,
        schedule=Schedule.TRAPEZOID, label_smoothing=0.0,
    )  # fmt: skip
    model = fresh(GPT if causal else BERT, seed)
    losses: list[float] = []
    try:
        for report in fit(
            start(model, training),
            CausalRows(seed) if causal else ArmRows(arm, seed),
            training,
            d_model=WIDTH,
            loss_of=causal_loss if causal else arm_loss,
        ):
            losses.append(report.nll)
    except DivergedError:
        return dict.fromkeys(
            ("full_loss", "pairs_loss", "next_error", "mean_error", "first_error"), math.nan
        ) | {"curve": []}
    whole = np.array(losses[: len(losses) // BLOCK * BLOCK]).reshape(-1, BLOCK).mean(1)
    numbers: dict[str, float | list[float]] = {"curve": whole.tolist()}
    if isinstance(model, BERT):
        numbers["full_loss"], _ = scores(model, "full")
        numbers["pairs_loss"], numbers["next_error"] = scores(model, "pairs")
        numbers["first_error"] = topic_error(model, "first", seed)
    numbers["mean_error"] = topic_error(model, "mean", seed)
    return numbers


def measure_untrained(settings: Settings, seed: int) -> Numbers:
    """Probe starting weights: what the probe learns without any training before it."""
    model = fresh(BERT, seed)
    errors = {f"{kind}_error": topic_error(model, kind, seed) for kind in ("mean", "first")}
    return errors | {"topics": len(text().asked)}


def fresh(kind: type[BERT] | type[GPT], seed: int) -> BERT | GPT:
    """Return a model of two layers with the starting weights of a seed."""
    settings = BERTSettings if kind is BERT else GPTSettings
    shape = settings(
        layers=2, d_model=WIDTH, heads=4, d_ff=4 * WIDTH, dropout=0.0, wiring=Wiring.PRE_NORM,
        positions=Position.ROTARY, initialization=Initialization.XAVIER,
        activation=Activation.GELU,
    )  # fmt: skip
    seed_everything(seed)
    size = len(text().tokenizer)
    model = build_model(shape, (size, size), shared=True)
    assert isinstance(model, BERT | GPT)
    return model


@torch.no_grad()
def scores(model: BERT, form: str) -> tuple[float, float]:
    """Return the loss of hidden tokens of held-out rows in nats, and the next-sentence error.

    The error in percent, the mean of both classes: 50 is guessing, however many pairs follow.
    """
    model.eval()
    rows = rows_of(text().held_out, form, shuffle=False)
    total, tokens = 0.0, 0
    wrong: list[Tensor] = []
    follows: list[Tensor] = []
    for index in range(rows.count(0)):
        batch = rows.batch(0, index)
        x = model(batch.ids, batch.real, batch.segments)
        chosen = batch.labels != PAD
        logits = model.masked(x[chosen])
        total += F.cross_entropy(logits, batch.labels[chosen], reduction="sum").item()
        tokens += int(chosen.sum())
        if batch.follows is not None:
            says = model.next_sentence(model.pooled(x)).argmax(-1)
            wrong.append((says != batch.follows).double())
            follows.append(batch.follows)
    if not follows:
        return total / tokens, math.nan
    errors, truth = torch.cat(wrong), torch.cat(follows)
    both = [errors[truth == answer].mean().item() for answer in (0, 1)]
    return total / tokens, 100 * sum(both) / 2


def topic_error(model: BERT | GPT, kind: str, seed: int) -> float:
    """Return how often, in percent, a linear map of a passage's vector names its topic wrongly.

    Args: kind: mean of all states, or first: the state of the row's first token.
    """
    generator = np.random.default_rng(seed)
    asked = text().asked
    held_out = text().held_out
    learned = [[text().train.document(topic)] for topic, _ in asked]
    judged = [[held_out.document(block) for block in blocks] for _, blocks in asked]
    x, y = vectors(model, kind, *passages(learned, generator))
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    probe = nn.Linear(WIDTH, len(asked))
    nn.init.zeros_(probe.weight)
    nn.init.zeros_(probe.bias)
    optimizer = torch.optim.LBFGS(probe.parameters(), max_iter=60, line_search_fn="strong_wolfe")
    x = (x - mean) / deviation

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(probe(x), y) + 1e-3 * probe.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)  # pyright: ignore[reportArgumentType]
    x, y = vectors(model, kind, *passages(judged, generator))
    with torch.no_grad():
        return 100 * (probe((x - mean) / deviation).argmax(-1) != y).double().mean().item()


def passages(
    documents: Sequence[Sequence[np.ndarray]], generator: np.random.Generator
) -> tuple[Int[Tensor, "passages length"], Int[Tensor, "passages"]]:
    """Return rows of one stretch from every topic, equally many, and the topics' numbers."""
    room = ROW - 2
    rows: list[list[int]] = []
    for mine in documents:
        for number in range(PASSAGES):
            ids = mine[number % len(mine)][:-1]
            at = int(generator.integers(len(ids) - room + 1))
            rows.append([BOS, *ids[at : at + room].tolist(), EOS])
    return torch.tensor(rows), torch.arange(len(documents)).repeat_interleave(PASSAGES)


@torch.no_grad()
def vectors(
    model: BERT | GPT, kind: str, ids: Int[Tensor, "passages length"], topics: Tensor
) -> tuple[Float[Tensor, "passages d_model"], Tensor]:
    """Return one vector a passage, and the topics again."""
    model.eval()
    found: list[Tensor] = []
    for some in ids.split(120):
        states = model(some) if isinstance(model, BERT) else model.features(some)
        found.append(states.mean(1) if kind == "mean" else states[:, 0])
    return torch.cat(found), topics


def arm_conditions(mode: Mode) -> list[Settings]:
    """The four arms; in full also BERT as published and a left-to-right model, and three rates."""
    if mode is Mode.QUICK:
        return [{"arm": arm, "rate": 3e-3, "steps": 120} for arm in DESIGN]
    arms = [*DESIGN, PUBLISHED, LEFT_TO_RIGHT]
    return [{"arm": arm, "rate": rate, "steps": 400} for arm in arms for rate in RATES]


def tuned(results: Results, arm: str, number: str) -> list[float]:
    """Return a number of an arm at its own best learning rate for it, a value a seed."""
    best = results.best("arms", number, "rate", arm=arm)
    return results.values("arms", number, arm=arm, rate=best)


def gain(results: Results, worse: str, better: str, number: str) -> Estimate:
    """Return how much lower a number is in the second arm, paired by seed."""
    known = results.levels("arms", "arm")
    if worse not in known or better not in known:
        return NOT_MEASURED
    return paired(tuned(results, better, number), tuned(results, worse, number))


def helping_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `helping`."""
    return {
        f"{form}, {kind}": [
            above(gain(results, f"{form}, without", f"{form}, with", f"{kind}_error"), SOME_POINTS)
        ]
        for form in FORMATS
        for kind in ("mean", "first")
    }


def dropping_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `dropping`."""
    return {
        form: [above(gain(results, f"{form}, with", f"{form}, without", "full_loss"), SOME_NATS)]
        for form in FORMATS
    }


def format_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `format`."""
    return {
        f"{loss}, judged on {judged}": [
            above(gain(results, f"pairs, {loss}", f"full, {loss}", f"{judged}_loss"), SOME_NATS)
        ]
        for loss in LOSSES
        for judged in FORMATS
    }


def direction_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `direction`."""
    return {"topics": [above(gain_of_direction(results), SOME_POINTS)]}


def gain_of_direction(results: Results) -> Estimate:
    """Return what seeing both directions gains in the topics' error; neither arm has pairs."""
    return gain(results, LEFT_TO_RIGHT, "full, without", "mean_error")


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    topics = results.values("untrained", "topics")[0]
    found = {
        "topics": exactly(topics),
        "guessing": exactly(100 * (1 - 1 / topics)),
        "both_at_once": gain(results, "pairs, with", "full, without", "full_loss"),
        "published_loss": gain(results, "published", "pairs, without", "full_loss"),
        "published_both": gain(results, "published", "full, without", "full_loss"),
        "direction": gain_of_direction(results),
    }
    for kind in ("mean", "first"):
        error = results.values("untrained", f"{kind}_error")
        found[f"untrained_{kind}"] = estimate(error)
    for arm, name in SHORT.items():
        for number in ("full_loss", "next_error", "mean_error", "first_error"):
            if arm == LEFT_TO_RIGHT and number != "mean_error":
                continue
            found[f"{name}_{number}"] = described(results, arm, number)
    for form in FORMATS:
        with_, without = f"{form}, with", f"{form}, without"
        found[f"{form}_dropping"] = gain(results, with_, without, "full_loss")
        for kind in ("mean", "first"):
            found[f"{form}_helping_{kind}"] = gain(results, without, with_, f"{kind}_error")
    for loss in LOSSES:
        for judged in FORMATS:
            found[f"format_{loss}_{judged}"] = gain(
                results, f"pairs, {loss}", f"full, {loss}", f"{judged}_loss"
            )
    return found


def described(results: Results, arm: str, number: str) -> Estimate:
    """Return a number of an arm; the next-sentence error at the rate that suits hidden tokens."""
    if arm not in results.levels("arms", "arm"):
        return NOT_MEASURED
    if number != "next_error":
        return estimate(tuned(results, arm, number))
    best = results.best("arms", "full_loss", "rate", arm=arm)
    return estimate(results.values("arms", number, arm=arm, rate=best))


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    drawn: list[Figure] = [
        design_table(
            results,
            "hidden-tokens",
            "full_loss",
            Said(
                "Loss of hidden tokens in the four arms, nats", "네 조건의 가려진 토큰 손실 (nat)"
            ),
            Said(
                "Held-out text in full rows, each arm at its best rate. BERT stands at the upper "
                "left, RoBERTa at the lower right: they differ in a row and in a column.",
                "남겨 둔 글을 꽉 채운 행으로 읽은 결과이며, 조건마다 가장 좋은 학습률을 썼습니다. BERT는 왼쪽 "
                "위, RoBERTa는 오른쪽 아래입니다. 둘은 행도 열도 다릅니다.",
            ),
        ),
        design_table(
            results,
            "topics",
            "mean_error",
            Said("Topics named wrongly by a linear probe, %", "선형 프로브가 틀린 주제 (%)"),
            Said(
                "From the mean of a passage's vectors.",
                "글 한 토막의 벡터를 평균한 값으로 맞힙니다.",
            ),
        ),
        Chart(
            "learning",
            Said("Hidden tokens while training", "학습 중 가려진 토큰의 손실"),
            Axis(Said("updates", "갱신 횟수")),
            Axis(Said("training loss, nats a hidden token", "학습 손실 (가려진 토큰당 nat)")),
            [Series(NAMES[arm], learning(results, arm)) for arm in results.levels("arms", "arm")],
            Said(
                "At each arm's best rate. The left-to-right model predicts every token from those "
                "before it, another task: compare when it bends down, not where it ends.",
                "조건마다 가장 좋은 학습률에서 그렸습니다. 왼쪽에서 오른쪽으로 읽는 모델은 모든 토큰을 앞의 "
                "토큰만 보고 예측하는 다른 과제이므로 어디서 끝나는지는 비교하지 않습니다.",
            ),
        ),
    ]
    rates = results.levels("arms", "rate")
    if len(rates) > 1:
        drawn.append(
            Chart(
                "rates",
                Said("Hidden tokens at every learning rate", "학습률마다 본 가려진 토큰의 손실"),
                Axis(Said("peak learning rate", "최고 학습률"), log=True),
                Axis(Said("loss on held-out text, nats", "남겨 둔 글의 손실 (nat)")),
                [
                    Series(
                        NAMES[arm],
                        [
                            (r, estimate(results.values("arms", "full_loss", arm=arm, rate=r)))
                            for r in rates
                        ],
                    )
                    for arm in (*DESIGN, PUBLISHED)
                ],
                Said(
                    "Compare each arm at its own lowest point.",
                    "조건마다 자신의 가장 낮은 점에서 비교합니다.",
                ),
            )
        )
    return drawn


def design_table(results: Results, name: str, number: str, title: Said, caption: Said) -> Table:
    """Return a number of the four arms, and what leaving the next-sentence loss out gains."""
    columns = [
        Said("input", "입력"),
        Said("with NSP", "NSP 있음"),
        Said("without NSP", "NSP 없음"),
        Said("gain by leaving it out", "NSP를 뺀 이득"),
    ]
    rows = [
        [
            NAMES[form],
            *(estimate(tuned(results, f"{form}, {loss}", number)) for loss in LOSSES),
            gain(results, f"{form}, with", f"{form}, without", number),
        ]
        for form in FORMATS
    ]
    return Table(name, title, columns, rows, caption)


def learning(results: Results, arm: str) -> list[tuple[float, Estimate]]:
    """Return the training loss of an arm over the updates, at its best rate."""
    judged = "mean_error" if arm == LEFT_TO_RIGHT else "full_loss"
    best = results.best("arms", judged, "rate", arm=arm)
    rows = [row for row in results.values("arms", "curve", arm=arm, rate=best) if row]
    return [
        (BLOCK * (place + 1), estimate(list(column)))
        for place, column in enumerate(zip(*rows, strict=True))
    ]


SHORT = {
    "pairs, with": "pairs_with", "pairs, without": "pairs_without", "full, with": "full_with",
    "full, without": "full_without", PUBLISHED: "published", LEFT_TO_RIGHT: "left_to_right",
}  # fmt: skip
"""How the numbers of an arm are called in the cards."""
PAIRS, FULL = Said("pairs", "문장 쌍"), Said("full rows", "꽉 채운 행")
NAMES = {
    "pairs": PAIRS,
    "full": FULL,
    "pairs, with": Said("pairs, with NSP", "문장 쌍, NSP 있음"),
    "pairs, without": Said("pairs, without NSP", "문장 쌍, NSP 없음"),
    "full, with": Said("full rows, with NSP", "꽉 채운 행, NSP 있음"),
    "full, without": Said("full rows, without NSP", "꽉 채운 행, NSP 없음"),
    PUBLISHED: Said("as published: both losses on the same pairs", "논문대로: 같은 쌍에 두 손실"),
    LEFT_TO_RIGHT: Said("left to right, full rows", "왼쪽에서 오른쪽, 꽉 채운 행"),
    "pairs, mean": Said("pairs, mean vector", "문장 쌍, 평균 벡터"),
    "pairs, first": Said("pairs, first token's vector", "문장 쌍, 첫 토큰의 벡터"),
    "full, mean": Said("full rows, mean vector", "꽉 채운 행, 평균 벡터"),
    "full, first": Said("full rows, first token's vector", "꽉 채운 행, 첫 토큰의 벡터"),
    "with, judged on pairs": Said("with NSP, judged on pairs", "NSP 있음, 문장 쌍으로 평가"),
    "with, judged on full": Said("with NSP, judged on full rows", "NSP 있음, 꽉 채운 행으로 평가"),
    "without, judged on pairs": Said("without NSP, judged on pairs", "NSP 없음, 문장 쌍으로 평가"),
    "without, judged on full": Said(
        "without NSP, judged on full rows", "NSP 없음, 꽉 채운 행으로 평가"
    ),
    "topics": Said("topics", "주제"),
}

EXPERIMENT = Experiment(
    name="nsp",
    question=Said(
        "Does next-sentence prediction help BERT?",
        "다음 문장 예측(NSP)은 BERT에 도움이 되나요?",
    ),
    keywords=(
        "nsp",
        "next sentence",
        "다음 문장",
        "문장 예측",
        "문장 쌍",
        "roberta nsp",
    ),
    mentions=(
        "sentence",
        "bert",
        "roberta",
        "pair",
        "pairs",
        "bidirectional",
        "로버타",
        "버트",
        "양방향",
    ),
    parts=(
        Part("arms", measure_arm, arm_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
        Part("untrained", measure_untrained, lambda mode: [{}], {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    claims=(
        Claim(
            "helping",
            Said(
                "Next-sentence prediction teaches what a text is about (BERT).",
                "다음 문장 예측을 하면 글의 내용을 더 잘 안다 (BERT).",
            ),
            Said(
                "With the format of the input kept, a linear probe names the topic of a passage "
                "better after training with the next-sentence loss.",
                "입력 형식을 그대로 두었을 때, 다음 문장 손실을 더해 학습한 모델에서 선형 프로브가 글의 "
                "주제를 더 잘 맞힌다.",
            ),
            Said(
                "The interval of the paired difference of errors (without - with) lies above 1 "
                "point: for both formats, for the mean vector and for the first token's.",
                "짝지은 오류 차이(없음 - 있음)의 구간이 1포인트보다 위에 있다: 두 형식 모두에서, 평균 "
                "벡터와 첫 토큰의 벡터 모두에 대해.",
            ),
            helping_tests,
        ),
        Claim(
            "dropping",
            Said(
                "Without next-sentence prediction the language model becomes better (RoBERTa).",
                "다음 문장 예측을 빼면 언어 모델이 더 좋아진다 (RoBERTa).",
            ),
            Said(
                "With the format of the input kept, hidden tokens of held-out text are restored "
                "better without the next-sentence loss.",
                "입력 형식을 그대로 두었을 때, 다음 문장 손실이 없으면 남겨 둔 글의 가려진 토큰을 더 잘 "
                "맞힌다.",
            ),
            Said(
                "The interval of the paired difference of losses (with - without) lies above 0.01 "
                "nats, for both formats.",
                "짝지은 손실 차이(있음 - 없음)의 구간이 두 형식 모두에서 0.01 nat보다 위에 있다.",
            ),
            dropping_tests,
        ),
        Claim(
            "format",
            Said(
                "Full rows are a better input than pairs of sentences.",
                "문장 쌍보다 꽉 채운 행이 더 좋은 입력이다.",
            ),
            Said(
                "With the losses kept, training on full rows restores hidden tokens better than "
                "training on pairs, on whichever of the two it is judged.",
                "손실을 그대로 두었을 때, 어느 형식으로 평가하든 꽉 채운 행으로 학습한 쪽이 문장 쌍으로 "
                "학습한 쪽보다 가려진 토큰을 더 잘 맞힌다.",
            ),
            Said(
                "The interval of the paired difference of losses (pairs - full rows) lies above "
                "0.01 nats, with and without the next-sentence loss, judged on pairs and on full "
                "rows.",
                "짝지은 손실 차이(문장 쌍 - 꽉 채운 행)의 구간이 0.01 nat보다 위에 있다: 다음 문장 손실이 "
                "있을 때와 없을 때, 문장 쌍으로 평가할 때와 꽉 채운 행으로 평가할 때 모두.",
            ),
            format_tests,
        ),
        Claim(
            "direction",
            Said(
                "Seeing both directions is what makes BERT better than a left-to-right model.",
                "BERT가 왼쪽에서 오른쪽으로 읽는 모델보다 나은 것은 양방향을 보기 때문이다.",
            ),
            Said(
                "Without next-sentence prediction in either, on the same rows, a linear probe of "
                "the mean vector names topics better after training in both directions.",
                "둘 다 다음 문장 예측 없이 같은 행으로 학습했을 때, 양방향 모델의 평균 벡터에서 선형 "
                "프로브가 주제를 더 잘 맞힌다.",
            ),
            Said(
                "The interval of the paired difference of errors (left to right - both) lies above "
                "1 point.",
                "짝지은 오류 차이(왼쪽에서 오른쪽 - 양방향)의 구간이 1포인트보다 위에 있다.",
            ),
            direction_tests,
        ),
    ),
    numbers=numbers,
    charts=charts,
    names=NAMES,
    revision=2,
)
