"""Why sines and cosines? Exact properties of position codes, and their use by trained models."""

import math

import torch
from torch import Tensor, nn

from whyformer.blocks import positions as schemes
from whyformer.blocks.embeddings import TokenEmbedding
from whyformer.blocks.initialization import INITIALIZATIONS, xavier
from whyformer.blocks.multihead import MultiHeadAttention
from whyformer.foundation.randomness import seed_everything
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.exercises import Exercises, Task, accuracies, exercise_loss
from whyformer.lab.method.experiment import Mode, Numbers, Settings
from whyformer.lab.method.learning import learn
from whyformer.models.build import build_model
from whyformer.models.encoder import Encoder
from whyformer.models.gpt import GPT, GPTSettings

WIDTHS = (64, 128, 512)
SHIFTS = (1, 7, 100, 1000)
FAR = 2000
"""Largest offset at which the similarity is measured."""
LAGS = sorted({round(1.13**i) for i in range(63)} | {1, 10, 100, 1000})
DRAWN_POSITIONS = 32

SYMBOLS, LAG, TRAINED = 16, 3, 32
"""The number of symbols (and of answers), the distance to the copied symbol, and the length of the
rows in training."""
LENGTHS = (32, 64, 128)
BLOCK = 4
TASKS, MASKS = ("copy", "modulo"), ("causal", "encoder")
SCHEMES = ("none", "sinusoidal", "rotary", "learned", "alibi", "relative")
CODES = ("sinusoidal", "sine", "random", "binary", "line")

LONGEST = 10000.0
"""Base of the wavelengths of the measured sinusoids, as in the paper."""
LANGUAGE_RATES = (2e-3, 6e-3, 2e-2)
LANGUAGE_LENGTH, LANGUAGE_BLOCK = 64, 8
STEPS, WARMUP, RATE = 600, 20, 3e-3


def measure_algebra(settings: Settings, seed: int) -> Numbers:
    """Measure the properties of sinusoids of one width in float64: shift, norm, similarity and
    distances."""
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
    """Return the largest error of PE(p + k) = R(k) PE(p), where R rotates each pair of dimensions.

    Args: rate: the angle per position of each pair.
    """
    sine, cosine = table[:positions].unflatten(1, (-1, 2)).unbind(-1)
    turn = rate * shift
    turned = torch.stack(
        [sine * turn.cos() + cosine * turn.sin(), cosine * turn.cos() - sine * turn.sin()], -1
    )
    return (turned.flatten(1) - table[shift : shift + positions]).abs().max().item()


def measure_margin(settings: Settings, seed: int) -> Numbers:
    """Return the smallest distance between two codes if only the first frequencies are kept."""
    n, pairs = settings["positions"], settings["pairs"]
    code = schemes.sinusoids(torch.arange(n), 64, longest=LONGEST)[:, : 2 * pairs]
    squared = code.square().sum(1)
    between = squared[:, None] + squared - 2 * code @ code.T
    nearest = between.fill_diagonal_(math.inf).min().clamp(min=0).sqrt()
    return {"nearest": nearest.item()}


def code_of(name: str, d_model: int, length: int, seed: int) -> Tensor:
    """Return the codes of the positions 0 … length-1, in float64."""
    position = torch.arange(length)
    if name == "random":
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(length, d_model, generator=generator, dtype=torch.float64)
    if name == "binary":
        return ((position[:, None] >> torch.arange(16)) & 1).double()
    if name == "line":
        return torch.stack([position.double(), torch.ones(length, dtype=torch.float64)], 1)
    scheme = schemes.POSITIONS[name](d_model, d_model, 1, causal=False, max_length=length)
    assert isinstance(scheme, schemes.Table)
    return scheme.make(length)


def measure_shift(settings: Settings, seed: int) -> Numbers:
    """Fit a linear map from each code to the code ``shift`` positions later; test the map on later
    positions.

    Errors are shares of the variance of the codes. The fit uses many more positions than
    dimensions, because otherwise a linear map exists for every kind of code.
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
    """Project the codes with newly initialized W_Q and W_K; measure how much of the distances and
    the offsets the projections preserve.

    ``offset_share`` is the share of the variance of the scores that the offset explains.
    """
    d, n = settings["d_model"], settings["positions"]
    attention = MultiHeadAttention(d, 1, settings["d_k"])
    xavier(attention, 1.0)
    attention.double()
    code = schemes.sinusoids(torch.arange(n), d, longest=LONGEST)
    with torch.no_grad():
        queries, keys = attention.project_query(code), attention.project_key(code)
        norm_factor = attention.project_key.weight.norm() / d**0.5
        kept = torch.pdist(keys) / torch.pdist(code) / norm_factor
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
    """An encoder with an output matrix, which predicts an answer at every position."""

    def __init__(self, settings: GPTSettings, symbols: int) -> None:
        super().__init__()
        embedding = TokenEmbedding(symbols, settings.d_model, settings.dropout)
        self.encoder = Encoder(settings.parts(), settings.layers, embedding)
        self.projection = nn.Linear(settings.d_model, symbols, bias=False)
        nn.init.normal_(self.projection.weight, std=settings.embedding_deviation)
        INITIALIZATIONS[settings.initialization](self.encoder.layers, 1.0)

    def features(self, target: Tensor) -> Tensor:
        """Return a vector for each token, computed from all tokens."""
        return self.encoder(target, None)


def task_model(mask: str, positions: str, seed: int) -> GPT | Reader:
    """Return a new model of two layers. Each position attends to all positions, or only to itself
    and earlier positions."""
    settings = lm.reference(
        layers=2, d_model=64, positions=positions, tying="none", max_length=max(LENGTHS)
    )
    seed_everything(seed)
    if mask == "encoder":
        model = Reader(settings, SYMBOLS)
    else:
        model = build_model(settings, (SYMBOLS, SYMBOLS), shared=True)
        assert isinstance(model, GPT)
    match_variance(model)
    return model


@torch.no_grad()
def match_variance(model: nn.Module) -> None:
    """Initialize learned positions with the variance of the sinusoids, which is 1/2."""
    for module in model.modules():
        if isinstance(module, schemes.LearnedPositions):
            module.vectors.normal_(std=0.5**0.5)


def exercises(task: Task, length: int, rows: int, seed: int) -> Exercises:
    """Return rows of one task; the first symbols have no symbol to copy."""
    return Exercises(task, SYMBOLS, length, rows, seed, LAG if task == "copy" else 0)


def measure_tasks(settings: Settings, seed: int) -> Numbers:
    """Train with rows of one length; measure the accuracy at each position within and beyond this
    length."""
    task = settings["task"]
    model = task_model(settings["mask"], settings["positions"], seed)
    learn(
        model, exercises(task, TRAINED, 16, seed), updates=settings["steps"], learning_rate=RATE,
        warmup=WARMUP, d_model=64, loss_of=exercise_loss,
    )  # fmt: skip
    by_length = {
        n: accuracies(model, exercises(task, n, 256, seed=999).batch(0, 1 << 20)) for n in LENGTHS
    }
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
    """Return how much the outputs of a new model change when its input tokens are shuffled. The
    order of the outputs is ignored.

    The computation uses float64.
    """
    model = task_model(settings["mask"], settings["positions"], seed).double().eval()
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(SYMBOLS, (8, TRAINED), generator=generator)
    shuffle = torch.randperm(TRAINED, generator=generator)
    moved = model.features(tokens)[:, shuffle] - model.features(tokens[:, shuffle])
    return {"change": moved.abs().max().item()}


def measure_language(settings: Settings, seed: int) -> Numbers:
    """Train a character model of two layers; return its loss within and beyond the length in
    training."""
    shape = lm.reference(layers=2, positions=settings["positions"])
    model = lm.fresh_model(shape, seed)
    match_variance(model)
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
    """Return one condition for each of three widths."""
    return [{"d_model": d, "positions": 5000} for d in WIDTHS]


def margin_conditions(mode: Mode) -> list[Settings]:
    """Return numbers of frequencies, from one to all of d_model = 64."""
    return [{"pairs": pairs, "positions": 5000} for pairs in (1, 2, 4, 6, 8, 16, 32)]


def shift_conditions(mode: Mode) -> list[Settings]:
    """Return every code. Quick mode has only the smallest width, because larger widths take
    seconds."""
    widths = WIDTHS[:1] if mode is Mode.QUICK else WIDTHS
    return [{"code": code, "d_model": d, "shift": 7} for d in widths for code in CODES]


def projection_conditions(mode: Mode) -> list[Settings]:
    """Return heads of three widths."""
    return [{"d_k": d_k, "d_model": 512, "positions": 512} for d_k in (16, 64, 512)]


def order_conditions(mode: Mode) -> list[Settings]:
    """Return each mask with and without positions."""
    return [{"mask": m, "positions": p} for m in MASKS for p in ("none", "sinusoidal")]


def task_conditions(mode: Mode) -> list[Settings]:
    """Return both tasks with both masks. Quick mode has only the position schemes that the claims
    need."""
    quick = mode is Mode.QUICK
    return [
        {"task": task, "mask": mask, "positions": scheme, "steps": 200 if quick else STEPS}
        for task in TASKS
        for mask in MASKS
        for scheme in (SCHEMES[: 3 if mask == "causal" else 2] if quick else SCHEMES)
    ]


def language_conditions(mode: Mode) -> list[Settings]:
    """Return the two compared position schemes at every learning rate, and the other schemes at one
    learning rate. Quick mode has no conditions."""
    if mode is Mode.QUICK:
        return []
    compared: list[Settings] = [
        {"positions": p, "rate": rate} for p in ("sinusoidal", "learned") for rate in LANGUAGE_RATES
    ]
    return compared + [
        {"positions": p, "rate": LANGUAGE_RATES[1]} for p in ("none", "rotary", "alibi")
    ]
