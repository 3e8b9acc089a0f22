"""Why sines and cosines? What the codes can do exactly, and what trained models make of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from whyformer.blocks import positions as schemes
from whyformer.blocks.embeddings import TokenEmbedding
from whyformer.blocks.initialization import INITIALIZATIONS, xavier
from whyformer.blocks.multihead import MultiHeadAttention
from whyformer.foundation.randomness import seed_everything
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.bilingual import Said, alike
from whyformer.lab.method.charts import Axis, Chart, Figure, HeatMap, Look, Series, Table
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
from whyformer.lab.method.verdict import Test, above, below, within
from whyformer.models.build import build_model
from whyformer.models.encoder import Encoder
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.training.loop import TrainingSettings, fit, start
from whyformer.training.loss import Loss, fused_cross_entropy
from whyformer.training.schedules import Schedule

WIDTHS = (64, 128, 512)
SHIFTS = (1, 7, 100, 1000)
FAR = 2000
"""Offsets up to which similarity is followed."""
LAGS = sorted({round(1.13**i) for i in range(63)} | {1, 10, 100, 1000})
DRAWN_POSITIONS = 32

SYMBOLS, LAG, TRAINED = 16, 3, 32
"""Symbols and answers of both tasks; how far back is copied; the length trained at."""
LENGTHS = (32, 64, 128)
BLOCK = 4
TASKS, MASKS = ("copy", "modulo"), ("causal", "encoder")
SCHEMES = ("none", "sinusoidal", "rotary", "learned", "alibi", "relative")
CODES = ("sinusoidal", "sine", "random", "binary", "line")
LEARNED_ENOUGH = 0.9
"""Below this accuracy inside the trained length nothing can be said about beyond it."""

LONGEST = 10000.0
"""Base of the wavelengths of the sinusoids that are looked at; the paper's."""
LANGUAGE_RATES = (2e-3, 6e-3, 2e-2)
LANGUAGE_LENGTH, LANGUAGE_BLOCK = 64, 8
STEPS, WARMUP, RATE = 600, 20, 3e-3


def measure_algebra(settings: Settings, seed: int) -> Numbers:
    """Look at the sinusoids of one width: shift, norm, similarity, distances. In float64."""
    d, n = settings["d_model"], settings["positions"]
    table = schemes.sinusoids(torch.arange(n + max(SHIFTS)), d, longest=LONGEST)
    rate = LONGEST ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)
    code, lag = table[:n], torch.arange(n, dtype=torch.float64)
    formula = (rate * lag[:, None]).cos().sum(1)

    toeplitz, nearest = 0.0, math.inf
    for first in range(0, n, 1000):
        rows = torch.arange(first, min(first + 1000, n))
        gram = code[rows] @ code.T
        apart = (rows[:, None] - torch.arange(n)).abs()
        toeplitz = max(toeplitz, (gram - formula[apart]).abs().max().item())
        squared = code[rows].square().sum(1)[:, None] + code.square().sum(1) - 2 * gram
        nearest = min(nearest, squared[apart > 0].min().item())

    similarity = table[: FAR + 1] @ table[0] / (d / 2)
    rises = (similarity[1:] > similarity[:-1]).double()
    return {
        "rotation": max(rotation_error(table, rate, k, n) for k in SHIFTS),
        "norm": (code.square().sum(1) - d / 2).abs().max().item(),
        "toeplitz": toeplitz,
        "nearest": max(nearest, 0.0) ** 0.5,
        "neighbours": (table[1] - table[0]).norm().item(),
        "longest_wavelength": (2 * math.pi / rate[-1]).item(),
        "first_rise": 1 + int(rises.argmax()) if rises.any() else FAR + 1,
        "rises": rises.mean().item(),
        "similarity": similarity[LAGS].tolist(),
        "codes": table[:DRAWN_POSITIONS, :64].tolist(),
    }


def rotation_error(table: Tensor, rate: Tensor, shift: int, positions: int) -> float:
    """Return the largest error of PE(p + k) = R(k) PE(p), R turning each pair by its own angle."""
    sine, cosine = table[:positions].unflatten(1, (-1, 2)).unbind(-1)
    turn = rate * shift
    turned = torch.stack(
        [sine * turn.cos() + cosine * turn.sin(), cosine * turn.cos() - sine * turn.sin()], -1
    )
    return (turned.flatten(1) - table[shift : shift + positions]).abs().max().item()


def measure_margin(settings: Settings, seed: int) -> Numbers:
    """Return how near the two nearest codes are when only the first few frequencies are kept."""
    n, pairs = settings["positions"], settings["pairs"]
    code = schemes.sinusoids(torch.arange(n), 64, longest=LONGEST)[:, : 2 * pairs]
    squared = code.square().sum(1)
    between = squared[:, None] + squared - 2 * code @ code.T
    nearest = between.fill_diagonal_(math.inf).min().clamp(min=0).sqrt()
    return {"nearest": nearest.item()}


def code_of(name: str, d_model: int, length: int, seed: int) -> Tensor:
    """Return codes of the positions 0 … length-1, in float64."""
    position = torch.arange(length)
    if name == "random":
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(length, d_model, generator=generator, dtype=torch.float64)
    if name == "binary":
        return ((position[:, None] >> torch.arange(16)) & 1).double()
    if name == "line":
        return torch.stack([position.double(), torch.ones(length, dtype=torch.float64)], 1)
    scheme = schemes.POSITIONS[schemes.Position(name)](
        d_model, d_model, 1, causal=False, max_length=length
    )
    assert isinstance(scheme, schemes.Table)
    return scheme.make(length)


def measure_shift(settings: Settings, seed: int) -> Numbers:
    """Fit the best linear map from every code to the one ``shift`` later; judge it farther on.

    Errors are shares of the codes' variance. Many more positions than dimensions are fitted: with
    fewer any code can be shifted.
    """
    d, shift = settings["d_model"], settings["shift"]
    fitted, held_out = 16 * d, 1000
    code = code_of(settings["code"], d, fitted + held_out + shift, seed)
    here, there = code[:-shift], code[shift:]
    found = torch.linalg.lstsq(here[:fitted], there[:fitted], driver="gelsd").solution
    error = (here @ found - there).square().sum(1)
    variance = (there - there[:fitted].mean(0)).square().sum(1)
    apart = torch.pdist(code[:1000])
    return {
        "inside": (error[:fitted].sum() / variance[:fitted].sum()).item(),
        "outside": (error[fitted:].sum() / variance[fitted:].sum()).item(),
        "nearest": (apart.min() / apart.mean()).item(),
        "norm_spread": (code[:1000].norm(dim=1).std() / code[:1000].norm(dim=1).mean()).item(),
    }


def measure_projection(settings: Settings, seed: int) -> Numbers:
    """Send the codes through fresh W_Q and W_K; what is left of distances, what of offsets?"""
    d, n = settings["d_model"], settings["positions"]
    attention = MultiHeadAttention(d, 1, settings["d_k"])
    xavier(attention, 1.0)
    attention.double()
    code = schemes.sinusoids(torch.arange(n), d, longest=LONGEST)
    with torch.no_grad():
        queries, keys = attention.project_query(code), attention.project_key(code)
        loudness = attention.project_key.weight.norm() / d**0.5
        kept = torch.pdist(keys) / torch.pdist(code) / loudness
        scores = queries @ keys.T
    offset = (torch.arange(n)[:, None] - torch.arange(n) + n - 1).flatten()
    count = torch.bincount(offset).double()
    by_offset = torch.bincount(offset, weights=(scores - scores.mean()).flatten()) / count
    explained = (count * by_offset.square()).sum() / (scores - scores.mean()).square().sum()
    return {
        "least_kept": kept.min().item(),
        "most_kept": kept.max().item(),
        "offset_share": explained.item(),
    }


class Reader(nn.Module):
    """An encoder with a matrix that reads an answer off every position."""

    def __init__(self, settings: GPTSettings, symbols: int) -> None:
        super().__init__()
        embedding = TokenEmbedding(symbols, settings.d_model, settings.dropout)
        self.encoder = Encoder(settings.parts(bias=True), settings.layers, embedding)
        self.projection = nn.Linear(settings.d_model, symbols, bias=False)
        nn.init.normal_(self.projection.weight, std=settings.embedding_deviation)
        INITIALIZATIONS[settings.initialization](self.encoder.layers, 1.0)

    def features(self, target: Tensor) -> Tensor:
        """Return a vector for each token, which has seen all of them."""
        return self.encoder(target, None)


def task_model(mask: str, positions: str, seed: int) -> GPT | Reader:
    """Return a fresh model of two layers that sees all positions, or the earlier ones only."""
    settings = lm.reference(
        layers=2, d_model=64, positions=positions, tying="none", max_length=max(LENGTHS)
    )
    seed_everything(seed)
    if mask == "encoder":
        model = Reader(settings, SYMBOLS)
    else:
        model = build_model(settings, (SYMBOLS, SYMBOLS), shared=True)
        assert isinstance(model, GPT)
    match_loudness(model)
    return model


@torch.no_grad()
def match_loudness(model: nn.Module) -> None:
    """Start learned positions with the variance of the sinusoids, 1/2, so that only form differs."""
    for module in model.modules():
        if isinstance(module, schemes.LearnedPositions):
            module.vectors.normal_(std=0.5**0.5)


@dataclass(frozen=True)
class Exercise:
    """Rows of random symbols and the answer at each position, -1 where there is none."""

    target: Tensor
    labels: Tensor

    @property
    def tokens(self) -> int:
        """Answers in the batch."""
        return int((self.labels >= 0).sum())

    def to(self, device: torch.device | str) -> "Exercise":
        """Return the exercise on ``device``."""
        return replace(self, target=self.target.to(device), labels=self.labels.to(device))


@dataclass(frozen=True)
class Exercises:
    """A `BatchSource` of one task; batch ``index`` is drawn by (seed, index)."""

    task: str
    length: int
    rows: int
    seed: int

    def count(self, epoch: int) -> int:
        """Return a number that no run reaches: there are no epochs."""
        return 1 << 40

    def batch(self, epoch: int, index: int) -> Exercise:
        """Return one batch."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + index)
        symbols = torch.randint(SYMBOLS, (self.rows, self.length), generator=generator)
        if self.task == "copy":
            labels = symbols.roll(LAG, 1)
            labels[:, :LAG] = -1
        else:
            labels = (torch.arange(self.length) % SYMBOLS).expand_as(symbols).clone()
        return Exercise(symbols, labels)


def exercise_loss(model: nn.Module, batch: Exercise, smoothing: float) -> Loss:
    """Sum of the loss over all positions that have an answer."""
    assert isinstance(model, GPT | Reader)
    features, labels = model.features(batch.target).flatten(0, 1), batch.labels.flatten()
    real = (labels >= 0).nonzero().squeeze(1)
    return fused_cross_entropy(features[real], model.projection.weight, labels[real], smoothing)


@torch.no_grad()
def accuracies(model: GPT | Reader, task: str, length: int) -> Tensor:
    """Return the share of right answers at each position of 256 fresh rows; NaN: none is asked."""
    model.eval()
    test = Exercises(task, length, 256, seed=999).batch(0, 1 << 20)
    answers = model.projection(model.features(test.target)).argmax(-1)
    right = (answers == test.labels).double().mean(0)
    return torch.where(test.labels[0] >= 0, right, math.nan)


def measure_tasks(settings: Settings, seed: int) -> Numbers:
    """Train at one length; count right answers by position at that length and beyond."""
    task = settings["task"]
    model = task_model(settings["mask"], settings["positions"], seed)
    training = TrainingSettings(
        updates=settings["steps"], learning_rate=RATE, warmup=WARMUP, label_smoothing=0.0,
        schedule=Schedule.TRAPEZOID,
    )  # fmt: skip
    source = Exercises(task, TRAINED, 16, seed)
    state = start(model, training)
    for _ in fit(state, source, training, d_model=64, loss_of=exercise_loss):
        pass
    by_length = {n: accuracies(model, task, n) for n in LENGTHS}
    longest = by_length[LENGTHS[-1]]
    return {
        "inside": by_length[TRAINED].nanmean().item(),
        "outside": by_length[2 * TRAINED][TRAINED:].mean().item(),
        "far": longest[2 * TRAINED :].mean().item(),
        "average": [by_length[n].nanmean().item() for n in LENGTHS],
        "by_position": [block.nanmean().item() for block in longest.split(BLOCK)],
    }


@torch.no_grad()
def measure_order(settings: Settings, seed: int) -> Numbers:
    """Shuffle the tokens; do the vectors of a fresh model only change places? In float64."""
    model = task_model(settings["mask"], settings["positions"], seed).double().eval()
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(SYMBOLS, (8, TRAINED), generator=generator)
    shuffle = torch.randperm(TRAINED, generator=generator)
    moved = model.features(tokens)[:, shuffle] - model.features(tokens[:, shuffle])
    return {"change": moved.abs().max().item()}


def measure_language(settings: Settings, seed: int) -> Numbers:
    """Train a character model of two layers; return its loss inside and beyond the length."""
    shape = lm.reference(layers=2, positions=settings["positions"])
    model = lm.fresh_model(shape, seed)
    match_loudness(model)
    trained = lm.train(
        shape, seed, steps=STEPS, warmup=WARMUP, learning_rate=settings["rate"],
        length=LANGUAGE_LENGTH, model=model,
    )  # fmt: skip
    longest = lm.dev_losses(trained.model, 4 * LANGUAGE_LENGTH)
    return {
        "loss": trained.loss,
        "beyond": longest[LANGUAGE_LENGTH : 2 * LANGUAGE_LENGTH].mean().item(),
        "by_position": [block.mean().item() for block in longest.split(LANGUAGE_BLOCK)],
    }


def algebra_conditions(mode: Mode) -> list[Settings]:
    """Return three widths."""
    return [{"d_model": d, "positions": 5000} for d in WIDTHS]


def margin_conditions(mode: Mode) -> list[Settings]:
    """Return one frequency up to all of d_model = 64."""
    return [{"pairs": pairs, "positions": 5000} for pairs in (1, 2, 4, 6, 8, 16, 32)]


def shift_conditions(mode: Mode) -> list[Settings]:
    """Return every code; the wide ones take seconds each."""
    widths = WIDTHS[:1] if mode is Mode.QUICK else WIDTHS
    return [{"code": code, "d_model": d, "shift": 7} for d in widths for code in CODES]


def projection_conditions(mode: Mode) -> list[Settings]:
    """Return heads of three widths."""
    return [{"d_k": d_k, "d_model": 512, "positions": 512} for d_k in (16, 64, 512)]


def order_conditions(mode: Mode) -> list[Settings]:
    """Return both masks, with and without positions."""
    return [{"mask": m, "positions": p} for m in MASKS for p in ("none", "sinusoidal")]


def task_conditions(mode: Mode) -> list[Settings]:
    """Return both tasks under both masks; quick leaves out what no claim needs."""
    quick = mode is Mode.QUICK
    return [
        {"task": task, "mask": mask, "positions": scheme, "steps": 200 if quick else STEPS}
        for task in TASKS
        for mask in MASKS
        for scheme in (SCHEMES[: 3 if mask == "causal" else 2] if quick else SCHEMES)
    ]


def language_conditions(mode: Mode) -> list[Settings]:
    """Return the two that are compared, at each rate, and the others at one; quick has none."""
    if mode is Mode.QUICK:
        return []
    compared: list[Settings] = [
        {"positions": p, "rate": rate} for p in ("sinusoidal", "learned") for rate in LANGUAGE_RATES
    ]
    return compared + [
        {"positions": p, "rate": LANGUAGE_RATES[1]} for p in ("none", "rotary", "alibi")
    ]


def algebra(results: Results, number: str, d_model: int) -> Estimate:
    """Return a number of the sinusoids' part."""
    return estimate(results.values("algebra", number, d_model=d_model))


def shift_error(results: Results, code: str, d_model: int = 64, where: str = "inside") -> Estimate:
    """Return the share of variance that the best linear shift misses."""
    return estimate(results.values("shift", where, code=code, d_model=d_model))


def accuracy(results: Results, number: str, task: str, mask: str, positions: str) -> Estimate:
    """Return a mean accuracy of the trained models."""
    if not results.conditions("tasks", task=task, mask=mask, positions=positions):
        return NOT_MEASURED
    return estimate(results.values("tasks", number, task=task, mask=mask, positions=positions))


def drop(results: Results, task: str, mask: str, positions: str) -> Estimate:
    """Return the accuracy lost beyond the trained length; unknown where there is none to lose."""
    where = {"task": task, "mask": mask, "positions": positions}
    inside = results.values("tasks", "inside", **where)
    if sum(inside) / len(inside) < LEARNED_ENOUGH:
        return NOT_MEASURED
    return paired(results.values("tasks", "outside", **where), inside)


def tuned(results: Results, positions: str, number: str = "loss") -> list[Any]:
    """Return the numbers of an arm at its own best learning rate, a value a seed."""
    best = results.best("language", "loss", "rate", positions=positions)
    return results.values("language", number, positions=positions, rate=best)


def language(results: Results, positions: str, number: str) -> Estimate:
    """Return a loss of the character model, where this mode has it."""
    if not results.conditions("language", positions=positions):
        return NOT_MEASURED
    return estimate(tuned(results, positions, number))


def learned_gap(results: Results) -> Estimate:
    """Return how much worse learned positions are than sinusoids, paired by seed."""
    if not results.conditions("language", positions="learned"):
        return NOT_MEASURED
    return paired(tuned(results, "sinusoidal"), tuned(results, "learned"))


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
    """See the claim `only`: one other code that can do it is enough against it."""
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
            within(encoder, chance - 0.02, chance + 0.02, margin=0.1, name="encoder"),
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
    return {"language": [within(learned_gap(results), -0.02, 0.02)]}


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found: dict[str, Estimate] = {}
    for d in WIDTHS:
        for name in ("nearest", "longest_wavelength", "first_rise"):
            found[f"{name}_{d}"] = algebra(results, name, d)
        found[f"rises_{d}"] = algebra(results, "rises", d).map(lambda share: 100 * share)
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
        found[f"offset_share_{d_k}"] = share.map(lambda share: 100 * share)
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
        found[f"language_{scheme}"] = language(results, scheme, "loss")
        found[f"language_{scheme}_beyond"] = language(results, scheme, "beyond")
    return found


def similarity_chart(results: Results) -> Chart:
    """Return similarity against distance, with the formula."""

    def formula(d: int, lag: int) -> float:
        return sum(math.cos(lag * LONGEST ** (-2 * i / d)) for i in range(d // 2)) / (d / 2)

    series: list[Series] = []
    for d in (64, 512):
        row = results.values("algebra", "similarity", d_model=d)[0]
        points = [(lag, exactly(value)) for lag, value in zip(LAGS, row, strict=True)]
        theory = [(lag, exactly(formula(d, lag))) for lag in LAGS]
        series.append(Series(alike(f"d = {d}"), points))
        series.append(Series(alike(f"Σ cos(w_i k), d = {d}"), theory, Look.THEORY))
    return Chart(
        "similarity",
        Said("How alike two codes are", "두 인코딩은 얼마나 닮았나"),
        Axis(Said("distance k of the positions", "위치 사이의 거리 k"), log=True),
        Axis(Said("PE(p)·PE(p+k), 1 for the same position", "PE(p)·PE(p+k), 같은 위치면 1")),
        series,
        Said(
            "Falls at first, then goes up and down: it is a measure of nearness only nearby.",
            "처음에는 줄다가 곧 오르내립니다. 가까운 곳에서만 거리의 척도가 됩니다.",
        ),
    )


def code_table(results: Results) -> Table:
    """Return what each code can do, side by side."""
    return Table(
        "codes-compared",
        Said("What the codes can do", "인코딩마다 되는 일"),
        [
            Said("code of a position", "위치 인코딩"),
            Said("variance missed by a linear shift", "선형 이동이 놓친 분산"),
            Said("the same on positions not fitted", "맞출 때 쓰지 않은 위치에서"),
            Said("nearest distance over mean distance", "최소 거리 / 평균 거리"),
        ],
        [
            [
                NAMES[code],
                shift_error(results, code),
                shift_error(results, code, where="outside"),
                estimate(results.values("shift", "nearest", code=code, d_model=64)),
            ]
            for code in CODES
        ],
        Said(
            "Two codes shift exactly. Of these two only sine and cosine keep their distances in "
            "proportion; (pos, 1) grows without bound.",
            "정확히 이동하는 인코딩은 둘입니다. 그중 사인·코사인만 거리의 균형을 지키고, (pos, 1)은 끝없이 "
            "커집니다.",
        ),
    )


def margin_chart(results: Results) -> Chart:
    """Return the nearest distance against the number of frequencies."""
    return Chart(
        "margin",
        Said("Distance of the two nearest codes", "가장 가까운 두 인코딩의 거리"),
        Axis(
            Said("frequencies kept, the fastest first", "남긴 주파수의 수 (빠른 것부터)"), log=True
        ),
        Axis(Said("smallest distance among the positions", "위치들 사이 최소 거리"), log=True),
        [
            Series(
                alike("d = 64"),
                [
                    (pairs, estimate(results.values("margin", "nearest", pairs=pairs)))
                    for pairs in results.levels("margin", "pairs")
                ],
            )
        ],
        Said(
            "One frequency is already unique, but hardly; many frequencies buy the margin.",
            "주파수 하나로도 인코딩은 서로 다르지만 겨우 다릅니다. 여유는 주파수 여럿에서 나옵니다.",
        ),
    )


def task_chart(results: Results, task: str, mask: str) -> Chart:
    """Return accuracy against position."""

    def points(scheme: str) -> list[tuple[float, Estimate]]:
        rows = results.values("tasks", "by_position", task=task, mask=mask, positions=scheme)
        middles = [BLOCK * number + (BLOCK - 1) / 2 for number in range(len(rows[0]))]
        return [(x, estimate(column)) for x, *column in zip(middles, *rows, strict=True)]

    name = NAMES[f"{task}, {mask}"]
    return Chart(
        f"{task}-{mask}",
        Said(f"Right answers by position: {name.en}", f"위치별 정답률: {name.ko}"),
        Axis(Said("position", "위치")),
        Axis(Said("share of right answers", "정답률")),
        [
            *(
                Series(NAMES[scheme], points(scheme))
                for scheme in results.levels("tasks", "positions", task=task, mask=mask)
            ),
            Series(Said("trained up to here", "여기까지 학습"), [(TRAINED, exactly(1))], Look.MARK),
        ],
        Said(
            "What is right of the vertical line was never seen in training.",
            "세로선의 오른쪽은 학습에서 본 적이 없는 위치입니다.",
        ),
    )


def language_chart(results: Results) -> Chart:
    """Return the loss against position, in windows longer than those trained on."""

    def points(scheme: str) -> list[tuple[float, Estimate]]:
        rows = tuned(results, scheme, "by_position")
        middles = [LANGUAGE_BLOCK * (number + 0.5) for number in range(len(rows[0]))]
        return [(x, estimate(column)) for x, *column in zip(middles, *rows, strict=True)]

    return Chart(
        "language",
        Said("Characters: loss by position", "문자 언어 모델: 위치별 손실"),
        Axis(Said("position", "위치")),
        Axis(Said("validation loss, nats a character", "검증 손실 (문자당 nat)")),
        [
            *(
                Series(NAMES[scheme], points(scheme))
                for scheme in results.levels("language", "positions")
            ),
            Series(
                Said("trained up to here", "여기까지 학습"),
                [(LANGUAGE_LENGTH, exactly(1))],
                Look.MARK,
            ),
        ],
        Said(
            "Learned vectors beyond the line were never trained; sinusoids are computed there, but "
            "the model has not met them.",
            "세로선 너머에서 학습된 위치 벡터는 한 번도 학습되지 않았고, 사인파는 계산은 되지만 모델이 "
            "만난 적이 없습니다.",
        ),
    )


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    codes = results.values("algebra", "codes", d_model=64)[0]
    drawn: list[Figure] = [
        HeatMap(
            "codes",
            Said("The code of each position", "위치마다의 인코딩"),
            [alike(str(position)) for position in range(len(codes))],
            [str(dimension) for dimension in range(len(codes[0]))],
            codes,
            Said(
                "A row is a position, a column a dimension (d = 64), sine and cosine in turn: fast "
                "waves at the left, nearly constant ones at the right.",
                "행은 위치, 열은 차원(d = 64)이고 사인과 코사인이 번갈아 놓입니다. 왼쪽은 빠른 파동, "
                "오른쪽은 거의 변하지 않는 파동입니다.",
            ),
        ),
        similarity_chart(results),
        margin_chart(results),
        code_table(results),
        *(task_chart(results, task, mask) for task in TASKS for mask in MASKS),
    ]
    if results.conditions("language"):
        drawn.append(language_chart(results))
    return drawn


NAMES = {
    "none": Said("no positions", "위치 정보 없음"),
    "sinusoidal": Said("sinusoids", "사인·코사인"),
    "sine": Said("sines only", "사인만"),
    "learned": Said("learned", "학습된 위치"),
    "rotary": Said("rotary", "회전(RoPE)"),
    "alibi": alike("ALiBi"),
    "relative": Said("relative buckets (T5)", "상대 위치 구간(T5)"),
    "random": Said("random vectors", "무작위 벡터"),
    "binary": Said("binary counter", "이진수"),
    "line": alike("(pos, 1)"),
    "sine and cosine": Said("error of the rotation", "회전의 오차"),
    "sines alone": Said(
        "missed by the best map of sines alone", "사인만일 때 최선의 변환이 놓친 분산"
    ),
    "least kept": Said("smallest ratio of distances", "거리 비의 최솟값"),
    "most kept": Said("largest ratio of distances", "거리 비의 최댓값"),
    "encoder": Said("encoder", "인코더"),
    "causal": Said("causal model", "인과 모델"),
    "copy, causal": Said("copy three back, causal", "세 칸 앞 베끼기, 인과 마스크"),
    "copy, encoder": Said("copy three back, encoder", "세 칸 앞 베끼기, 인코더"),
    "modulo, causal": Said("position mod 16, causal", "위치 mod 16, 인과 마스크"),
    "modulo, encoder": Said("position mod 16, encoder", "위치 mod 16, 인코더"),
    "fresh": Said("before training, exactly", "학습 전, 정확한 값"),
    "trained": Said("position mod 16, trained", "위치 mod 16, 학습 후"),
    "language": Said("language model of characters", "문자 언어 모델"),
    **{f"d = {d}": alike(f"d = {d}") for d in WIDTHS},
    **{f"d_k = {d_k}": alike(f"d_k = {d_k}") for d_k in (16, 64, 512)},
}

EXPERIMENT = Experiment(
    name="positions",
    question=Said("Why sines and cosines?", "왜 사인과 코사인인가요?"),
    keywords=(
        "position", "positions", "positional", "sin", "cos", "sine", "cosine", "sinusoid",
        "sinusoidal", "order", "rotary", "rope", "alibi", "extrapolate", "위치", "위치 임베딩",
        "위치 부호", "포지셔널", "사인", "코사인", "순서", "주기", "외삽", "로터리",
        "embedding position",
    ),
    mentions=(
        "encoding", "encodings", "인코딩",
    ),
    parts=(
        Part("algebra", measure_algebra, algebra_conditions, {Mode.QUICK: 1, Mode.FULL: 1}),
        Part("margin", measure_margin, margin_conditions, {Mode.QUICK: 1, Mode.FULL: 1}),
        Part("shift", measure_shift, shift_conditions, {Mode.QUICK: 5, Mode.FULL: 5}),
        Part("projection", measure_projection, projection_conditions,
             {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("order", measure_order, order_conditions, {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("tasks", measure_tasks, task_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
        Part("language", measure_language, language_conditions, {Mode.QUICK: 1, Mode.FULL: 5}),
    ),
    claims=(
        Claim(
            "both",
            Said(
                "It takes a sine and a cosine of each frequency: together a shift of the position "
                "is a linear map.",
                "주파수마다 사인과 코사인이 둘 다 있어야 한다. 둘이 있으면 위치 이동이 선형 변환이 된다.",
            ),
            Said(
                "PE(p + k) = R(k) PE(p) with a rotation R(k) that does not depend on p; for sines "
                "alone, even the best linear map fails.",
                "p와 무관한 회전 R(k)가 있어 PE(p + k) = R(k) PE(p)이고, 사인만 쓰면 가장 좋은 선형 "
                "변환도 실패한다.",
            ),
            Said(
                "Largest error of the rotation below 1e-9 over 5,000 positions and shifts up to "
                "1,000; the best linear shift of sines alone misses more than 0.05 of the variance.",
                "위치 5,000개와 이동 1,000까지에서 회전의 최대 오차가 1e-9 미만이고, 사인만의 가장 좋은 "
                "선형 이동이 분산의 0.05 넘게 놓친다.",
            ),
            both_tests,
        ),
        Claim(
            "only",
            Said(
                "Only sinusoids are shifted by a linear map; that is why they were chosen.",
                "선형 변환으로 이동하는 것은 사인·코사인뿐이고, 그래서 골랐다.",
            ),
            Said(
                "No other code tried (sines alone, random vectors, a binary counter, (pos, 1)) is "
                "shifted by a linear map.",
                "시험한 다른 인코딩(사인만, 무작위 벡터, 이진수, (pos, 1))는 어느 것도 선형 변환으로 "
                "이동하지 않는다.",
            ),
            Said(
                "The best linear map misses more than 0.05 of the variance of every one of them; "
                "refuted when it misses less than 1e-9 of one.",
                "모든 인코딩에서 가장 좋은 선형 변환이 분산의 0.05 넘게 놓친다. 하나라도 1e-9보다 적게 "
                "놓치면 반박된다.",
            ),
            only_tests,
        ),
        Claim(
            "unique",
            Said("Every position gets a value of its own.", "위치마다 고유한 값을 갖는다."),
            Said(
                "No two of the first 5,000 positions have codes nearer than 1.",
                "처음 5,000개 위치 가운데 어느 둘의 인코딩도 거리 1보다 가깝지 않다.",
            ),
            Said(
                "The smallest of all pairwise distances is above 1.",
                "모든 쌍의 거리 중 최솟값이 1보다 크다.",
            ),
            unique_tests,
        ),
        Claim(
            "decay",
            Said(
                "The farther apart two positions, the less alike their codes.",
                "두 위치가 멀수록 인코딩은 덜 닮는다.",
            ),
            Said(
                "PE(p)·PE(p + k) falls with every step of k up to 2,000.",
                "PE(p)·PE(p + k)는 k = 2,000까지 k가 커질 때마다 줄어든다.",
            ),
            Said(
                "No step rises; refuted when more than half of them rise.",
                "오르는 걸음이 하나도 없다. 절반 넘게 오르면 반박된다.",
            ),
            decay_tests,
        ),
        Claim(
            "survival",
            Said(
                "Even through a linear map each position keeps, to some extent, its own value.",
                "선형 변환을 거쳐도 위치는 어느 정도 자기 값을 유지한다.",
            ),
            Said(
                "A fresh W_K changes the distances of 512 codes (d = 512), against each other, by "
                "less than a factor of 2.",
                "갓 초기화한 W_K는 인코딩 512개(d = 512) 사이의 거리를 상대적으로 2배보다 적게 바꾼다.",
            ),
            Said(
                "Smallest and largest ratio of distances, after over before and over the map's "
                "size, between 1/2 and 2.",
                "변환 전후 거리의 비(변환의 크기로 나눈 값)의 최솟값과 최댓값이 1/2과 2 사이.",
            ),
            survival_tests,
        ),
        Claim(
            "given",
            Said(
                "Since shifts are linear, attention sees relative positions from the start.",
                "위치 이동이 선형이므로 어텐션은 처음부터 상대 위치를 본다.",
            ),
            Said(
                "With fresh W_Q and W_K more than half of the variance of the scores of codes is "
                "explained by the offset alone.",
                "갓 초기화한 W_Q와 W_K에서 인코딩끼리의 점수 분산의 절반 넘는 몫이 상대 거리만으로 설명된다.",
            ),
            Said(
                "Explained share above 0.5; refuted below 0.1.",
                "설명되는 비율이 0.5보다 크다. 0.1보다 작으면 반박된다.",
            ),
            given_tests,
        ),
        Claim(
            "extrapolation",
            Said(
                "Sinusoids extrapolate to sequences longer than those of training.",
                "사인·코사인은 학습 때보다 긴 시퀀스로 외삽된다.",
            ),
            Said(
                "A model trained at length 32 is as often right at the positions 32 to 63.",
                "길이 32에서 학습한 모델은 위치 32~63에서도 똑같이 잘 맞힌다.",
            ),
            Said(
                "Accuracy beyond the trained length is within 0.05 of that inside; refuted when "
                "more than 0.5 is lost. Not judged where less than 0.9 is reached inside.",
                "학습 길이 밖의 정답률이 안쪽과 0.05 이내로 같다. 0.5 넘게 잃으면 반박된다. 안쪽에서 0.9에 "
                "못 미치면 판단하지 않는다.",
            ),
            extrapolation("sinusoidal"),
        ),
        Claim(
            "offsets",
            Said(
                "Positions that enter as offsets (rotary) extrapolate.",
                "상대 거리로 들어가는 위치(회전, RoPE)는 외삽된다.",
            ),
            Said(
                "A rotary model trained at length 32 is as often right at the positions 32 to 63.",
                "길이 32에서 학습한 회전 위치 모델은 위치 32~63에서도 똑같이 잘 맞힌다.",
            ),
            Said("The same as for sinusoids.", "사인·코사인과 같은 기준."),
            extrapolation("rotary"),
        ),
        Claim(
            "order",
            Said(
                "Without positions an encoder knows nothing of order, while a causal decoder does.",
                "위치 정보가 없으면 인코더는 순서를 전혀 모르지만 인과 디코더는 안다.",
            ),
            Said(
                "Shuffling an encoder's tokens only shuffles its vectors; a causal mask breaks this "
                "symmetry, and training can use it to tell positions.",
                "인코더의 토큰을 섞으면 벡터의 자리만 섞인다. 인과 마스크는 이 대칭을 깨고, 학습은 이를 "
                "이용해 위치를 알아낼 수 있다.",
            ),
            Said(
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
            Said(
                "Learned positions give nearly identical results.",
                "학습된 위치를 써도 결과는 거의 같다.",
            ),
            Said(
                "Within the trained length, each at its own best learning rate, the losses of a "
                "language model differ by less than 0.02 nat a character.",
                "학습 길이 안에서, 각자 가장 좋은 학습률에서 언어 모델의 손실 차이는 문자당 0.02 nat보다 작다.",
            ),
            Said(
                "The whole interval of the paired difference lies within ±0.02 nat.",
                "짝지은 차이의 구간 전체가 ±0.02 nat 안에 있다.",
            ),
            learned_tests,
        ),
    ),
    numbers=numbers,
    charts=charts,
    names=NAMES,
)  # fmt: skip
