"""Why multiply embeddings by √d_model? Norms at initialization, and losses after training."""

import torch

from whyformer.blocks.embeddings import EmbeddingScale, Tying
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.experiment import Mode, Numbers, Settings
from whyformer.models.gpt import GPT

ONE, SQRT = EmbeddingScale.ONE, EmbeddingScale.SQRT_D_MODEL
TIED, UNTIED = Tying.DECODER, Tying.NONE
SMALL, UNIT = "small", "unit"
"""Names of two initializations of embeddings: N(0, 1/d_model) and N(0, 1)."""
WIDTHS = (64, 128, 256, 512)
TRAINED_WIDTH, JUDGED_WIDTH = 64, 512
RATES = (2e-3, 6e-3, 2e-2)
STEPS, WARMUP = 300, 20


def deviation(init: str, d_model: int) -> float:
    """Return the standard deviation of the initial embeddings."""
    return d_model**-0.5 if init == SMALL else 1.0


def fresh_model(settings: Settings, seed: int, *, layers: int = 2) -> GPT:
    """Return a model with the given initialization of the embedding.

    In every arm, an untied output matrix is initialized from N(0, 1/d_model), so that untied arms
    differ only in their input. A tied output matrix is the embedding itself.
    """
    d, init = settings["d_model"], settings["init"]
    shape = lm.reference(
        layers=layers, d_model=d, embedding_scale=settings["scale"], tying=settings["tying"],
        embedding_deviation=deviation(init, d), positions=settings["positions"],
    )  # fmt: skip
    model = lm.fresh_model(shape, seed)
    if settings["tying"] == UNTIED:
        with torch.no_grad():
            model.projection.weight.mul_(deviation(SMALL, d) / deviation(init, d))
    return model


@torch.no_grad()
def measure_loudness(settings: Settings, seed: int) -> Numbers:
    """Measure the norms of token and position vectors in the input of the first layer, and the
    standard deviation of the logits."""
    tying, positions = {"tying": TIED}, {"positions": "sinusoidal"}
    model = fresh_model({**settings, **tying, **positions}, seed, layers=1).eval()
    ids = next(lm.dev_windows(64, count=8)).target
    where = model.positions.embed(ids.shape[1], 0, model.embedding.weight)
    assert where is not None
    tokens = model.embedding(ids, model.positions) - where
    token, position = tokens.norm(dim=-1).mean(), where.norm(dim=-1).mean()
    return {
        "token": token.item(),
        "position": position.item(),
        "ratio": (token / position).item(),
        "logits": model(ids).std().item(),
    }


def measure_training(settings: Settings, seed: int) -> Numbers:
    """Train a character model of two layers with one initialization of the embeddings."""
    model = fresh_model(settings, seed)
    trained = lm.train(
        model.settings, seed, steps=settings["steps"], warmup=WARMUP,
        learning_rate=settings["rate"], model=model,
    )  # fmt: skip
    return {"loss": trained.loss}


def measure_identity(settings: Settings, seed: int) -> Numbers:
    """Train a model with the factor and a twin without it; compare their losses.

    In the twin, the initial embedding and its learning rate are multiplied by √d. With Adam, whose
    steps do not depend on the size of the gradient, both trainings are equal. d is a power of 4, so
    that the factor is exact.
    """

    def make(twin: bool) -> lm.Twin:
        arm = {"d_model": 64, "init": SMALL, "positions": "sinusoidal", "tying": settings["tying"]}
        model = fresh_model({**arm, "scale": ONE if twin else SQRT}, seed)
        faster = arm["d_model"] ** 0.5 if twin else 1.0
        with torch.no_grad():
            model.embedding.weight.mul_(faster)
        return model, lambda name: name == "embedding.weight", faster

    return {"gap": lm.twin_gap(make, 3e-3, settings["steps"], seed)}


def loudness_conditions(mode: Mode) -> list[Settings]:
    """Return all combinations of width, initialization and factor."""
    return [
        {"d_model": d, "init": init, "scale": scale}
        for init in (SMALL, UNIT)
        for scale in (ONE, SQRT)
        for d in WIDTHS
    ]


def training_conditions(mode: Mode) -> list[Settings]:
    """Return all arms; quick mode has one learning rate, one initialization and few updates."""
    quick = mode is Mode.QUICK
    return [
        {
            "positions": positions, "tying": tying, "init": init, "scale": scale,
            "rate": rate, "d_model": TRAINED_WIDTH, "steps": 120 if quick else STEPS,
        }
        for positions in ("sinusoidal", "none")
        for tying in (TIED, UNTIED)
        for init in ((SMALL,) if quick else (SMALL, UNIT))
        for scale in (ONE, SQRT)
        for rate in (RATES[1:2] if quick else RATES)
    ]  # fmt: skip


def identity_conditions(mode: Mode) -> list[Settings]:
    """Return two conditions: a tied and an untied output matrix."""
    return [{"tying": tying, "steps": 30} for tying in (UNTIED, TIED)]
