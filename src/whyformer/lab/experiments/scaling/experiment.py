"""Why 1/√d_k? Random scores at initialization, and trained models with tuned learning rates."""

import math

import torch
from torch import Tensor

from whyformer.blocks.attention import attention
from whyformer.blocks.scaling import SCALINGS
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.experiment import Mode, Numbers, Settings
from whyformer.models.gpt import GPT

NONE, SQRT, LINEAR = "none", "inverse-sqrt", "inverse"
DRAWN = (NONE, SQRT, LINEAR)
WIDTHS = (4, 16, 64, 256, 512, 1024, 4096)
JUDGED_WIDTH, KEYS = 512, 64
RATES = {"adam": (1e-3, 3e-3, 1e-2, 3e-2), "sgd": (0.03, 0.1, 0.3, 1.0)}
ARMS = ("inverse-sqrt", "none", "inverse", "cosine", "folded")
STEPS, WARMUP = 200, 20


def measure_scores(settings: Settings, seed: int) -> Numbers:
    """Draw queries and keys of variance 1; measure scores, softmax, Jacobian and gradient.

    The computation uses float64, because the formula of the Jacobian is not exact enough in
    float32.
    """
    d_k, n, law = settings["d_k"], settings["n"], settings["law"]
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        if law == "normal":
            return torch.randn(shape, generator=generator, dtype=torch.float64)
        return torch.randint(2, shape, generator=generator).double() * 2 - 1

    found: dict[str, list[Tensor]] = {}
    queries = 8
    for _ in range(settings["rows"] // (queries * 25)):
        queried, keys = draw(25, 1, queries, d_k), draw(25, 1, n, d_k)
        g = torch.randn(25, 1, queries, n, generator=generator, dtype=torch.float64)
        for scale in DRAWN:
            q = queried.clone().requires_grad_()
            scaled, k, factor = SCALINGS[scale](d_k, 1)(q, keys)
            _, p, scores = attention(scaled, k, k, scale=factor)
            (gradient,) = torch.autograd.grad((p * g).sum(), q)
            p, scores = p.detach(), scores.detach()
            second, third = p.square().sum(-1), p.pow(3).sum(-1)
            rows = {
                "score": scores,
                "entropy": torch.special.entr(p).sum(-1) / math.log(n),
                "largest": p.amax(-1),
                "jacobian": (second - 2 * third + second.square()).clamp(min=0).sqrt(),
                "gradient": gradient.norm(dim=-1),
            }
            for name, value in rows.items():
                found.setdefault(f"{scale}/{name}", []).append(value.flatten())
    whole = {name: torch.cat(values) for name, values in found.items()}
    numbers: dict[str, float] = {}
    for scale in DRAWN:
        numbers[f"{scale}/std"] = whole[f"{scale}/score"].std().item()
        for name in ("entropy", "largest"):
            numbers[f"{scale}/{name}"] = whole[f"{scale}/{name}"].mean().item()
        for name in ("jacobian", "gradient"):
            values = whole[f"{scale}/{name}"]
            numbers[f"{scale}/{name}_median"] = values.median().item()
            numbers[f"{scale}/{name}_rms"] = values.square().mean().sqrt().item()
    return numbers


def measure_training(settings: Settings, seed: int) -> Numbers:
    """Train a character model of two layers with one kind of scaling."""
    arm = settings["arm"]
    model_settings = lm.reference(
        layers=2, d_model=128, heads=settings["heads"],
        score_scale="none" if arm == "folded" else arm,
    )  # fmt: skip
    model = lm.fresh_model(model_settings, seed)
    if arm == "folded":
        fold_into_queries(model)
    trained = lm.train(
        model_settings, seed, steps=STEPS, warmup=WARMUP, learning_rate=settings["rate"],
        optimizer=settings["optimizer"], model=model,
    )  # fmt: skip
    return {"loss": trained.loss}


def measure_identity(settings: Settings, seed: int) -> Numbers:
    """Train a scaled model and an unscaled twin; return the largest difference of their losses.

    The twin starts with W_Q/√d_k. The losses are equal only if the learning rate of the twin's W_Q
    is also multiplied by a factor: 1/√d_k with Adam, whose steps do not depend on the size of the
    gradient, and 1/d_k with SGD. d_k is a power of 4, so that the factors are exact.
    """
    adam = settings["optimizer"] == "adam"

    def make(twin: bool) -> lm.Twin:
        shape = lm.reference(layers=2, d_model=64, score_scale="none" if twin else "inverse-sqrt")
        model, slower = lm.fresh_model(shape, seed), 1.0
        if twin:
            fold_into_queries(model)
            if settings["rate_too"]:
                slower = shape.head_width ** (-0.5 if adam else -1.0)
        return model, is_query, slower

    rate = 3e-3 if adam else 0.1
    return {"gap": lm.twin_gap(make, rate, 30, seed, optimizer=settings["optimizer"])}


def is_query(name: str) -> bool:
    """Return whether a parameter belongs to W_Q."""
    return "project_query" in name


@torch.no_grad()
def fold_into_queries(model: GPT) -> None:
    """Divide W_Q by √d_k, so that unscaled scores have the variance of scaled scores."""
    for name, parameter in model.named_parameters():
        if is_query(name):
            parameter.mul_(model.settings.head_width**-0.5)


def score_conditions(mode: Mode) -> list[Settings]:
    """Return every width with 64 keys, and the width 64 with other numbers of keys."""
    rows = 600 if mode is Mode.QUICK else 2000
    widths = [{"d_k": d, "n": KEYS, "law": law} for law in ("normal", "rademacher") for d in WIDTHS]
    lengths = [{"d_k": 64, "n": n, "law": "normal"} for n in (16, 256)]
    return [{**one, "rows": rows} for one in (*widths, *lengths)]


def training_conditions(mode: Mode) -> list[Settings]:
    """Return all arms at the same learning rates. Quick mode has three arms, each at its best known
    learning rate."""
    if mode is Mode.QUICK:
        best = {"inverse-sqrt": 3e-3, "none": 1e-3, "inverse": 1e-2}
        return [
            {"arm": arm, "heads": 1, "optimizer": "adam", "rate": rate}
            for arm, rate in best.items()
        ]
    adam = [
        {"arm": arm, "heads": heads, "optimizer": "adam", "rate": rate}
        for heads in (1, 8)
        for arm in (ARMS if heads == 1 else ARMS[:3])
        for rate in RATES["adam"]
    ]
    sgd = [
        {"arm": arm, "heads": 1, "optimizer": "sgd", "rate": rate}
        for arm in ("inverse-sqrt", "inverse")
        for rate in RATES["sgd"]
    ]
    return [*adam, *sgd]


def identity_conditions(mode: Mode) -> list[Settings]:
    """Return both optimizers, with and without a smaller learning rate of W_Q."""
    return [{"optimizer": o, "rate_too": t} for o in ("adam", "sgd") for t in (True, False)]
