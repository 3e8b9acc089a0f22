"""What do BERT's 15 % and 80/10/10 do? Counted, then by training with three recipes and probing.

The probe: a word of the text is named from the state of one of its letters. The letters are all
visible, as they are wherever a trained model is used; the right answer can be read off the
neighbours, never off the letter alone. So it asks of a visible token's state what a tagger would.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

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
from whyformer.data.corruption import RATE, mask_tokens
from whyformer.foundation.errors import DivergedError
from whyformer.foundation.randomness import seed_everything
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.bilingual import Said
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
    paired,
    proportion,
)
from whyformer.lab.method.verdict import Test, above, within
from whyformer.models.bert import BERT, BERTSettings
from whyformer.models.build import build_model
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.text.symbols import MASK, PAD, SYMBOLS
from whyformer.training.loop import TrainingSettings, fit, start
from whyformer.training.loss import Loss, fused_cross_entropy
from whyformer.training.schedules import Schedule

FIRST = len(SYMBOLS)
RECIPES = {"80-10-10": (0.8, 0.1), "100-0-0": (1.0, 0.0), "0-0-100": (0.0, 1.0)}
"""Of the chosen tokens: hidden behind MASK, and replaced by a random one; the rest stay. The names
give, as Devlin et al. do in Table 8, the shares of MASK, of the same token, and of a random one."""
CAUSAL = {"causal": 1.0, "causal-15": RATE}
"""Share of the positions whose loss a left-to-right model learns from."""
RATES = (1e-3, 3e-3, 1e-2)
LENGTH, ROWS, WARMUP, BLOCK = 64, 32, 20, 10
LEVEL = 0.5
"""Nats below the entropy of single characters; until then updates are counted."""
ALIKE = math.log(1.25)
NAMED_WORDS, SHORTEST_WORD = 50, 3
TUNED_EVERY = 40
BERTS = "80-10-10"
SHORT = {"80-10-10": "berts", "100-0-0": "mask", "0-0-100": "random", "none": "none",
         "causal": "causal", "causal-15": "causal_some"}  # fmt: skip
"""How the numbers of an arm are called in the cards."""
SOME = 1.0
"""Fewer points of error, in percent, are called no difference."""


@dataclass(frozen=True)
class Masked:
    """Rows with some characters hidden; PAD in the labels wherever there is nothing to restore."""

    ids: Int[Tensor, "batch length"]
    labels: Int[Tensor, "batch length"]

    @property
    def tokens(self) -> int:
        """Characters to restore."""
        return max(1, int((self.labels != PAD).sum()))

    def to(self, device: torch.device | str) -> "Masked":
        """Return the rows on ``device``."""
        return replace(self, ids=self.ids.to(device), labels=self.labels.to(device))


@dataclass(frozen=True)
class Corrupted:
    """A `BatchSource`: batch ``index`` is windows of the text, chosen and hidden by (seed, index).

    Args: task: a recipe of `RECIPES`, or one of `CAUSAL`, where the label is the next character.
    """

    seed: int
    task: str

    def count(self, epoch: int) -> int:
        """Return a number that no run reaches: there are no epochs."""
        return 1 << 40

    def batch(self, epoch: int, index: int) -> Masked:
        """Return one batch."""
        rng = np.random.default_rng([self.seed, index])
        text = characters()
        starts = rng.integers(len(text) - LENGTH - 1, size=ROWS)
        rows = text[starts[:, None] + np.arange(LENGTH + 1)]
        if self.task in RECIPES:
            shares = RECIPES[self.task]
            read, labels = mask_tokens(rows[:, :-1], rng, vocabulary(), shares=shares)
        else:
            read, labels = rows[:, :-1], rows[:, 1:].copy()
            labels[rng.random(labels.shape) >= CAUSAL[self.task]] = PAD
        return Masked(torch.from_numpy(read), torch.from_numpy(labels))


def vocabulary() -> int:
    """Return the number of ids: the symbols, and the characters of the text."""
    return FIRST + lm.text().vocabulary


@cache
def characters() -> np.ndarray:
    """Return the training text as ids."""
    return (lm.text().train + FIRST).numpy()


def measure_shares(settings: Settings, seed: int) -> Numbers:
    """Hide the whole training text once; count what became of its characters."""
    ids = characters()[None]
    rng = np.random.default_rng(seed)
    read, labels = mask_tokens(ids, rng, vocabulary(), shares=RECIPES[settings["recipe"]])
    chosen = labels != PAD
    return {
        "tokens": ids.size,
        "chosen": int(chosen.sum()),
        "hidden": int((chosen & (read == MASK)).sum()),
        "same": int((chosen & (read == ids)).sum()),
        "touched": int((~chosen & (read != ids)).sum()),
        "vocabulary": lm.text().vocabulary,
        "unigram": lm.text().unigram_entropy,
    }


def measure_masked(settings: Settings, seed: int) -> Numbers:
    """Train a small BERT with one recipe; then probe its frozen states, and fine-tune it."""
    model = fresh(BERT, seed)
    curve = learn(model, settings, seed)
    if curve is None:
        return {"curve": [], "updates": math.nan, "probe": 100.0, "copied": 0.0, "tuned": [100.0]}
    assert isinstance(model, BERT)
    learned = examples(lm.text().train, settings["windows"], seed)
    judged = examples(lm.text().dev, settings["windows"] // 2, seed)
    return {
        "curve": curve,
        "updates": updates_to_level(curve),
        "probe": 100 * probe_error(model, learned, judged),
        "copied": 100 * copied(model, judged),
        "tuned": fine_tuned(model, learned, judged, settings["tuning"], seed),  # changes the model
    }


def measure_causal(settings: Settings, seed: int) -> Numbers:
    """Train a left-to-right model of the same shape, with the loss at all positions or at some."""
    curve = learn(fresh(GPT, seed), settings, seed)
    return {"curve": curve or [], "updates": updates_to_level(curve or [])}


def fresh(kind: type[BERT] | type[GPT], seed: int) -> nn.Module:
    """Return a model of two layers with the starting weights of a seed.

    Rotary positions: with sinusoids this small a model stays at the characters' frequencies for
    longer than the whole run.
    """
    settings = BERTSettings if kind is BERT else GPTSettings
    shape = settings(
        layers=2, d_model=64, heads=4, d_ff=256, dropout=0.0, wiring=Wiring.PRE_NORM,
        positions=Position.ROTARY, initialization=Initialization.XAVIER,
        activation=Activation.GELU,
    )  # fmt: skip
    seed_everything(seed)
    return build_model(shape, (vocabulary(), vocabulary()), shared=True)


def learn(model: nn.Module, settings: Settings, seed: int) -> list[float] | None:
    """Train; return the mean loss of each ten updates, or None when the run broke down."""
    if settings["task"] == "none":
        return []
    training = TrainingSettings(
        updates=settings["steps"], learning_rate=settings["rate"], warmup=WARMUP,
        schedule=Schedule.TRAPEZOID, label_smoothing=0.0,
    )  # fmt: skip
    batches = Corrupted(seed, settings["task"])
    losses: list[float] = []
    try:
        for report in fit(
            start(model, training), batches, training, d_model=64, loss_of=restoring_loss
        ):
            losses.append(report.nll)
    except DivergedError:
        return None
    return np.array(losses[: len(losses) // BLOCK * BLOCK]).reshape(-1, BLOCK).mean(1).tolist()


def restoring_loss(model: nn.Module, batch: Masked, smoothing: float) -> Loss:
    """Sum of the loss over the positions that have a label."""
    chosen = batch.labels != PAD
    labels = batch.labels[chosen]
    if isinstance(model, BERT):
        features = model.masked.features(model(batch.ids)[chosen])
        return fused_cross_entropy(features, model.masked.table(), labels, smoothing)
    assert isinstance(model, GPT)
    features = model.features(batch.ids)[chosen]
    return fused_cross_entropy(features, model.projection.weight, labels, smoothing)


def updates_to_level(curve: Sequence[float]) -> float:
    """Return when the loss first lies `LEVEL` below the unigram entropy; NaN when it never does."""
    aim = lm.text().unigram_entropy - LEVEL
    for block, loss in enumerate(curve):
        if loss <= aim:
            before = curve[block - 1] if block else loss
            share = (before - aim) / (before - loss) if before > loss else 1.0
            return BLOCK * (block + share - 0.5)
    return math.nan


@dataclass(frozen=True)
class Examples:
    """Visible windows, and for each letter the word it belongs to; -1 where none is asked for."""

    ids: Int[Tensor, "windows length"]
    words: Int[Tensor, "windows length"]


def examples(text: Tensor, windows: int, seed: int) -> Examples:
    """Return windows at random places of a text; words that a window cuts are not asked for."""
    words, begins, ends = spans(text)
    generator = torch.Generator().manual_seed(seed)
    starts = torch.randint(len(text) - LENGTH, (windows, 1), generator=generator)
    places = starts + torch.arange(LENGTH)
    whole = (begins[places] >= starts) & (ends[places] <= starts + LENGTH)
    return Examples(text[places] + FIRST, torch.where(whole, words[places], -1))


def spans(text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return for each character its word's number among `common_words`, begin and end; else -1."""
    numbers = {word: number for number, word in enumerate(common_words())}
    words, begins, ends = (torch.full((len(text),), -1) for _ in range(3))
    for match in re.finditer("[A-Za-z]+", spelled(text)):
        if match.group() in numbers:
            here = slice(*match.span())
            words[here], (begins[here], ends[here]) = numbers[match.group()], match.span()
    return words, begins, ends


@cache
def common_words() -> tuple[str, ...]:
    """Return the commonest words of the training text, but the shortest."""
    found = re.findall(f"[A-Za-z]{{{SHORTEST_WORD},}}", spelled(lm.text().train))
    return tuple(word for word, _ in Counter(found).most_common(NAMED_WORDS))


def spelled(text: Tensor) -> str:
    """Return a text from its characters' numbers."""
    alphabet = sorted(set("\n".join(topics())))
    return "".join(alphabet[number] for number in text.tolist())


def probe_error(model: BERT, learned: Examples, judged: Examples) -> float:
    """Return the share of letters whose word a linear map of the frozen states names wrongly."""
    x, y = states(model, learned)
    mean, deviation = x.mean(0), x.std(0) + 1e-6
    probe = nn.Linear(x.shape[1], NAMED_WORDS)
    nn.init.zeros_(probe.weight)
    nn.init.zeros_(probe.bias)
    optimizer = torch.optim.LBFGS(probe.parameters(), max_iter=60, line_search_fn="strong_wolfe")
    x = (x - mean) / deviation

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(probe(x), y) + 1e-4 * probe.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)  # pyright: ignore[reportArgumentType]
    x, y = states(model, judged)
    with torch.no_grad():
        return (probe((x - mean) / deviation).argmax(-1) != y).double().mean().item()


@torch.no_grad()
def states(
    model: BERT, examples: Examples
) -> tuple[Float[Tensor, "letters d_model"], Int[Tensor, "letters"]]:
    """Return the last layer's vectors of the letters that are asked for, and their words."""
    model.eval()
    asked = examples.words >= 0
    return model(examples.ids)[asked], examples.words[asked]


@torch.no_grad()
def copied(model: BERT, examples: Examples) -> float:
    """Return the share of visible letters that the model's own head says again."""
    asked = examples.words >= 0
    says = model.masked(model.eval()(examples.ids)[asked]).argmax(-1)
    return (says == examples.ids[asked]).double().mean().item()


def fine_tuned(
    model: BERT, learned: Examples, judged: Examples, updates: int, seed: int
) -> list[float]:
    """Let all weights learn the words; return the error in percent after each 40 updates."""
    head = nn.Linear(model.settings.d_model, NAMED_WORDS)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    optimizer = torch.optim.Adam([*model.parameters(), *head.parameters()], lr=3e-3)
    generator = torch.Generator().manual_seed(seed)
    errors: list[float] = []
    for update in range(1, updates + 1):
        model.train()
        rows = torch.randint(len(learned.ids), (ROWS,), generator=generator)
        ids, words = learned.ids[rows], learned.words[rows]
        loss = F.cross_entropy(head(model(ids))[words >= 0], words[words >= 0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if update % TUNED_EVERY == 0:
            x, y = states(model, judged)
            with torch.no_grad():
                errors.append(100 * (head(x).argmax(-1) != y).double().mean().item())
    return errors


def share_conditions(mode: Mode) -> list[Settings]:
    """The three recipes."""
    return [{"recipe": recipe} for recipe in RECIPES]


def masked_conditions(mode: Mode) -> list[Settings]:
    """The recipes and no training at all; quick has two recipes, one rate and no fine-tuning."""
    if mode is Mode.QUICK:
        size = {"steps": 200, "windows": 400, "tuning": 0}
        return [{"task": task, "rate": 3e-3, **size} for task in ("80-10-10", "100-0-0")]
    size = {"steps": 400, "windows": 600, "tuning": 4 * TUNED_EVERY}
    return [
        *({"task": task, "rate": rate, **size} for task in RECIPES for rate in RATES),
        {"task": "none", "rate": 0.0, **size},
    ]


def causal_conditions(mode: Mode) -> list[Settings]:
    """The loss at every position, and at 15 % of them."""
    quick = mode is Mode.QUICK
    return [
        {"task": task, "rate": rate, "steps": 160 if quick else 400}
        for task in CAUSAL
        for rate in ((3e-3,) if quick else RATES)
    ]


BEST_BY = {"copied": "probe"}
"""Which number is the best rate's, where it is another one."""


def tuned(results: Results, task: str, number: str, by: str = "") -> list[float]:
    """Return a number of an arm at its own best learning rate, a value a seed.

    Args: by: the number that is least at the best rate; without it, this one itself.
    """
    part = "causal" if task in CAUSAL else "masked"

    def values(rate: float, number: str = number) -> list[float]:
        found = results.values(part, number, task=task, rate=rate)
        return [(one or [math.nan])[-1] if isinstance(one, list) else one for one in found]

    def worth(rate: float) -> float:
        mean = float(np.mean(values(rate, by or number)))
        return mean if math.isfinite(mean) else math.inf

    return values(min(results.levels(part, "rate", task=task), key=worth))


def recipes(results: Results) -> list[str]:
    """Return the recipes that were trained with."""
    return [task for task in results.levels("masked", "task") if task in RECIPES]


def others(results: Results) -> list[str]:
    """Return the recipes that BERT's is compared with."""
    return [task for task in recipes(results) if task != BERTS]


def gap(results: Results, task: str, number: str) -> Estimate:
    """Return how much larger another recipe's number is than that of BERT's, paired by seed."""
    if not measured(results, task, number):
        return NOT_MEASURED
    return paired(tuned(results, BERTS, number), tuned(results, task, number))


def measured(results: Results, task: str, number: str) -> bool:
    """Whether this mode trains this arm and measures this number of it."""
    if task in CAUSAL:
        return True
    trained = task in results.levels("masked", "task")
    return trained and (number != "tuned" or any(results.levels("masked", "tuning")))


def delay(results: Results, task: str) -> Estimate:
    """Return the logarithm of how many times as many updates as the causal model a task needs."""
    pairs = zip(tuned(results, "causal", "updates"), tuned(results, task, "updates"), strict=True)
    return estimate([math.log(b / a) for a, b in pairs])


def thrift(results: Results, task: str) -> Estimate:
    """Return the logarithm of how many times as many predictions a task needs."""
    less = math.log(CAUSAL.get(task, RATE))
    return delay(results, task).map(lambda value: value + less)


def counted(results: Results, recipe: str, number: str, of: str) -> Estimate:
    """Return a share of characters over all seeds, with its exact binomial interval."""
    count, total = (sum(results.values("shares", name, recipe=recipe)) for name in (number, of))
    return proportion(count, total)


def expected_shares(recipe: str, vocabulary: float) -> tuple[float, float]:
    """Return the shares of chosen characters that are hidden, and that the model reads as they are.

    A random character is the right one once in so many as there are.
    """
    hidden, drawn = RECIPES[recipe]
    return hidden, 1 - hidden - drawn + drawn / vocabulary


def of_the_text(results: Results, number: str) -> float:
    """Return a number of the text that was measured on; another Python has other topics."""
    return results.values("shares", number, recipe=BERTS)[0]


def share_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `shares`."""

    def near(effect: Estimate, value: float, margin: float, name: str) -> Test:
        return within(effect, value - margin, value + margin, name=name)

    return {
        recipe: [
            near(counted(results, recipe, "chosen", "tokens"), RATE, 0.002, "chosen"),
            near(counted(results, recipe, "hidden", "chosen"), expected[0], 0.005, "hidden"),
            near(counted(results, recipe, "same", "chosen"), expected[1], 0.005, "same"),
            near(counted(results, recipe, "touched", "tokens"), 0.0, 0.0001, "others touched"),
        ]
        for recipe in results.levels("shares", "recipe")
        for expected in [expected_shares(recipe, of_the_text(results, "vocabulary"))]
    }


def hidden_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `hidden`."""
    effect = counted(results, BERTS, "hidden", "tokens")
    return {BERTS: [within(effect, RATE - 0.005, RATE + 0.005)]}


def feature_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `features`."""
    return {task: [above(gap(results, task, "probe"), SOME)] for task in others(results)}


def tuning_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `tuning`."""
    return {
        task: [within(gap(results, task, "tuned"), -SOME, SOME, margin=SOME)]
        for task in others(results)
    }


def signal_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `signal`."""
    tasks = ["causal-15", *recipes(results)]
    return {task: [replace(above(delay(results, task), 0.0), logarithm=True)] for task in tasks}


def prediction_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `predictions`."""
    tasks = ["causal-15", *recipes(results)]
    return {
        task: [replace(within(thrift(results, task), -ALIKE, ALIKE), logarithm=True)]
        for task in tasks
    }


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""

    def percent(effect: Estimate) -> Estimate:
        return effect.map(lambda share: 100 * share)

    found = {
        "chosen": percent(counted(results, BERTS, "chosen", "tokens")),
        "hidden": percent(counted(results, BERTS, "hidden", "chosen")),
        "same": percent(counted(results, BERTS, "same", "chosen")),
        "same_expected": exactly(
            100 * expected_shares(BERTS, of_the_text(results, "vocabulary"))[1]
        ),
        "hidden_of_all": percent(counted(results, BERTS, "hidden", "tokens")),
        "characters": exactly(results.values("shares", "tokens", recipe=BERTS)[0]),
        "unigram": exactly(of_the_text(results, "unigram")),
    }
    for task, name in SHORT.items():
        wanted = ("updates",) if task in CAUSAL else ("probe", "copied", "tuned", "updates")
        for number in wanted:
            found[f"{number}_{name}"] = (
                estimate(tuned(results, task, number, by=BEST_BY.get(number, "")))
                if measured(results, task, number)
                else NOT_MEASURED
            )
        if task in RECIPES and task != BERTS:
            for number in ("probe", "tuned"):
                found[f"{number}_gap_{name}"] = gap(results, task, number)
        if task not in ("causal", "none"):
            known = measured(results, task, "updates")
            found[f"delay_{name}"] = delay(results, task).map(math.exp) if known else NOT_MEASURED
            found[f"thrift_{name}"] = thrift(results, task).map(math.exp) if known else NOT_MEASURED
    return found


def charts(results: Results) -> list[Chart]:
    """See `Experiment`."""
    tasks = [*CAUSAL, *recipes(results)]

    def curve(task: str, unit: float) -> list[tuple[float, Estimate]]:
        part = "causal" if task in CAUSAL else "masked"
        rate = results.best(part, "updates", "rate", task=task)
        rows = [row for row in results.values(part, "curve", task=task, rate=rate) if row]
        return [
            (unit * BLOCK * (block + 1), estimate(list(column)))
            for block, column in enumerate(zip(*rows, strict=True))
        ]

    loss = Axis(Said("training loss, nats a prediction", "학습 손실 (예측당 nat)"))
    per_update = {task: CAUSAL.get(task, RATE) * ROWS * LENGTH / 1000 for task in tasks}
    aim = exactly(of_the_text(results, "unigram") - LEVEL)
    drawn: list[Chart] = []
    for name, title, axis, units in (
        (
            "updates",
            Said("Loss against updates", "갱신 횟수에 따른 손실"),
            Axis(Said("updates", "갱신 횟수")),
            dict.fromkeys(tasks, 1.0),
        ),
        (
            "predictions",
            Said("Loss against predictions", "예측한 수에 따른 손실"),
            Axis(Said("thousands of predicted characters", "예측한 문자 수 (천)"), log=True),
            per_update,
        ),
    ):
        series = [Series(NAMES[task], curve(task, units[task])) for task in tasks]
        end = max(x for one in series for x, _ in one.points)
        begin = min(x for one in series for x, _ in one.points)
        level = Series(
            Said("half a nat below the characters' entropy", "문자 엔트로피보다 0.5 nat 아래"),
            [(begin, aim), (end, aim)],
            Look.THEORY,
        )
        drawn.append(
            Chart(
                name,
                title,
                axis,
                loss,
                [*series, level],
                Said(
                    "The tasks differ, so compare when a curve bends down, not where it ends.",
                    "과제가 서로 다르므로 어디서 끝나는지가 아니라 언제 내려가기 시작하는지를 "
                    "비교합니다.",
                ),
            )
        )
    if measured(results, BERTS, "tuned"):
        drawn.append(tuning_chart(results))
    rates = results.levels("masked", "rate", task=BERTS)
    if len(rates) > 1:
        drawn.append(
            Chart(
                "rates",
                Said("The probe, at every learning rate", "학습률마다 본 프로브의 오류"),
                Axis(
                    Said("peak learning rate of the training", "사전 학습의 최고 학습률"), log=True
                ),
                Axis(Said("letters whose word is named wrongly, %", "단어를 틀린 글자의 비율 (%)")),
                [
                    Series(
                        NAMES[task],
                        [
                            (r, estimate(results.values("masked", "probe", task=task, rate=r)))
                            for r in rates
                        ],
                    )
                    for task in recipes(results)
                ],
                Said(
                    "A linear map of frozen states. Compare each recipe at its own lowest point.",
                    "가중치를 고정한 상태 벡터에 선형 프로브를 붙였습니다. 방식마다 자신의 가장 낮은 "
                    "점에서 비교합니다.",
                ),
            )
        )
    return drawn


def tuning_chart(results: Results) -> Chart:
    """Return the errors while all weights learn, after pre-training at the middle rate."""
    series: list[Series] = []
    for task in results.levels("masked", "task"):
        rates = results.levels("masked", "rate", task=task)
        rows = results.values("masked", "tuned", task=task, rate=rates[len(rates) // 2])
        points = [
            (TUNED_EVERY * (place + 1), estimate(list(column)))
            for place, column in enumerate(zip(*rows, strict=True))
        ]
        series.append(Series(NAMES[task], points))
    return Chart(
        "tuning",
        Said("Fine-tuning after each recipe", "방식마다 미세 조정한 결과"),
        Axis(Said("updates of all weights", "모든 가중치의 갱신 횟수")),
        Axis(Said("letters whose word is named wrongly, %", "단어를 틀린 글자의 비율 (%)")),
        series,
        Said(
            "Pre-trained at the middle rate. The recipes come together as all weights learn.",
            "가운데 학습률로 사전 학습한 모델입니다. 모든 가중치를 학습하면 차이가 줄어듭니다.",
        ),
    )


NAMES = {
    "80-10-10": Said("80 % mask, 10 % same, 10 % random", "마스크 80 %, 그대로 10 %, 무작위 10 %"),
    "100-0-0": Said("always the mask", "언제나 마스크"),
    "0-0-100": Said("always a random token", "언제나 무작위 토큰"),
    "none": Said("no pre-training", "사전 학습 없음"),
    "causal": Said("left to right, loss at every position", "왼쪽에서 오른쪽, 모든 위치의 손실"),
    "causal-15": Said("left to right, loss at 15 %", "왼쪽에서 오른쪽, 15 % 위치의 손실"),
    "chosen": Said("chosen, of all", "전체 중 고른 비율"),
    "hidden": Said("hidden, of the chosen", "고른 것 중 마스크로 가린 비율"),
    "same": Said("read as they are, of the chosen", "고른 것 중 그대로 읽는 비율"),
    "others touched": Said("touched without being chosen", "고르지 않았는데 바뀐 비율"),
}

EXPERIMENT = Experiment(
    name="masking",
    question=Said(
        "Why 15 %, and why 80/10/10? (BERT's masks)",
        "왜 15 %이고 왜 80/10/10인가요? (BERT의 마스크)",
    ),
    keywords=(
        "masked",
        "masking",
        "mlm",
        "80/10/10",
        "80-10-10",
        "cloze",
        "마스크",
        "마스킹",
        "가리",
        "linear probe",
        "선형 프로브",
        "선형 탐침",
        "가려",
        "bert mask",
        "mask bert",
        "masks bert",
        "masked tokens",
        "bert masks",
        "15 %",
    ),
    mentions=(
        "bert",
        "15",
        "probe",
        "fine-tuning",
        "pre-training",
        "사전 학습",
        "사전학습",
        "미세 조정",
        "프로브",
        "탐침",
        "버트",
        "mask",
    ),
    parts=(
        Part("shares", measure_shares, share_conditions, {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("masked", measure_masked, masked_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
        Part("causal", measure_causal, causal_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    claims=(
        Claim(
            "shares",
            Said(
                "BERT chooses 15 % of the tokens: 80 % become [MASK], 10 % a random one, 10 % stay.",
                "BERT는 토큰의 15 %를 골라 80 %는 [MASK]로, 10 %는 무작위 토큰으로 바꾸고 10 %는 "
                "그대로 둔다.",
            ),
            Said(
                "So does this toolkit, for this and two other recipes; a random token is the right "
                "one as often as chance has it.",
                "이 도구도 이 방식과 다른 두 방식에서 그렇게 한다. 무작위 토큰이 우연히 원래 토큰과 같은 "
                "경우까지 이론대로 나온다.",
            ),
            Said(
                "Exact binomial intervals within 0.2 points of 15 % and within 0.5 points of the "
                "expected shares; no other token touched.",
                "정확한 이항 구간이 15 %에서 0.2포인트, 예상 비율에서 0.5포인트 이내. 다른 토큰은 그대로.",
            ),
            share_tests,
        ),
        Claim(
            "hidden",
            Said(
                "BERT hides 15 % of the tokens behind [MASK].",
                "BERT는 토큰의 15 %를 [MASK]로 가린다.",
            ),
            Said(
                "Of all tokens of the text 15 % are read as [MASK].",
                "글의 모든 토큰 가운데 15 %가 [MASK]로 읽힌다.",
            ),
            Said(
                "The exact binomial interval of the share lies within 0.5 points of 15 %.",
                "비율의 정확한 이항 구간이 15 %에서 0.5포인트 이내.",
            ),
            hidden_tests,
        ),
        Claim(
            "features",
            Said(
                "80/10/10 is needed, for [MASK] never occurs where the model is used.",
                "모델을 쓸 때는 [MASK]가 나오지 않으므로 80/10/10이 필요하다.",
            ),
            Said(
                "Frozen states of visible letters name the word better after 80/10/10 than after "
                "another recipe, each at its own best learning rate.",
                "가중치를 고정했을 때, 보이는 글자의 상태 벡터로 단어를 알아맞히는 선형 프로브는 다른 "
                "방식보다 80/10/10으로 학습한 모델에서 더 정확하다. 학습률은 각자 가장 좋은 값이다.",
            ),
            Said(
                "The interval of the paired difference of errors (the other - 80/10/10) lies above "
                "1 point.",
                "짝지은 오류 차이(다른 방식 - 80/10/10)의 구간이 1포인트보다 위에 있다.",
            ),
            feature_tests,
        ),
        Claim(
            "tuning",
            Said(
                "After fine-tuning the recipe hardly matters.",
                "미세 조정을 하고 나면 방식은 거의 상관없다.",
            ),
            Said(
                "When all weights have learned the same task, the errors of the recipes differ by "
                "less than 1 point.",
                "모든 가중치가 같은 과제를 배우고 나면 방식에 따른 오류의 차이는 1포인트 미만이다.",
            ),
            Said(
                "The interval of the paired difference lies between -1 and 1 points.",
                "짝지은 차이의 구간이 -1포인트와 1포인트 사이에 있다.",
            ),
            tuning_tests,
        ),
        Claim(
            "signal",
            Said(
                "A masked model learns more slowly, for it predicts only 15 % of the tokens.",
                "마스크 모델은 토큰의 15 %만 예측하므로 더 느리게 배운다.",
            ),
            Said(
                "With the loss at 15 % of the positions (masked, or left to right) a model needs "
                "more updates than left to right with the loss at every position, until it is half "
                "a nat below the entropy of single characters.",
                "손실을 15 % 위치에서만 재면 (마스크든, 왼쪽에서 오른쪽이든) 모든 위치에서 잴 때보다 "
                "단일 문자의 엔트로피보다 0.5 nat 아래로 내려가는 데 갱신이 더 많이 필요하다.",
            ),
            Said(
                "The interval of the paired ratio of updates lies above 1.",
                "짝지은 갱신 횟수 비의 구간이 1보다 위에 있다.",
            ),
            signal_tests,
        ),
        Claim(
            "predictions",
            Said(
                "With 15 % of the predictions learning takes 1/0.15, nearly seven times as long.",
                "예측이 15 %뿐이면 배우는 데 1/0.15, 거의 일곱 배가 걸린다.",
            ),
            Said(
                "What counts is the number of predictions: the tasks need equally many of them to "
                "the same level.",
                "중요한 것은 예측의 수이다. 같은 수준에 이르기까지 필요한 예측의 수는 과제가 달라도 같다.",
            ),
            Said(
                "The interval of the ratio of predictions lies between 1/1.25 and 1.25.",
                "예측 수의 비의 구간이 1/1.25과 1.25 사이에 있다.",
            ),
            prediction_tests,
        ),
    ),
    numbers=numbers,
    charts=charts,
    names=NAMES,
    revision=2,
)
