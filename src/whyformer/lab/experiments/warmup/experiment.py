"""Why warm-up? Initial gradients, training with and without warm-up, and tests of possible
causes."""

import math
import re
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from whyformer.blocks.embeddings import TokenEmbedding, Tying
from whyformer.blocks.initialization import INITIALIZATIONS, Initialization
from whyformer.blocks.residual import Wiring
from whyformer.lab.instruments.probes import watch
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.arms import is_trained
from whyformer.lab.method.experiment import Mode, Numbers, Results, Settings
from whyformer.lab.method.learning import learn
from whyformer.lab.method.statistics import Estimate, estimate
from whyformer.models.encoder import Encoder
from whyformer.models.gpt import GPTSettings, deepnorm_decoder_constants
from whyformer.training.loop import start
from whyformer.training.loss import fused_cross_entropy
from whyformer.training.settings import TrainingSettings
from whyformer.training.state import TrainingState

POST, PRE, DEEP, BARE = "post-norm", "pre-norm", "deepnorm", "no-norm"
XAVIER = Initialization.XAVIER
BOTH, CAUSAL = "both ways", "causal"
"""Names of two models: an encoder that reads random tokens, as in the theorem; and the GPT that is
trained, which reads text."""
DEPTHS, DRAWN_DEPTH = (2, 4, 6, 8, 12, 16, 24), 12
WIDTHS = (32, 64, 128, 256)
START_WIDTH, TRAINED_DEPTH = 128, 6
LOWER = "|".join(map(str, range(TRAINED_DEPTH // 2)))
UPPER = "|".join(map(str, range(TRAINED_DEPTH // 2, TRAINED_DEPTH)))
"""Patterns for the names of the parameters in the lower half and in the upper half of the
layers."""
MATRICES = {
    "W_2": "feedforward.contract",
    "W_1": "feedforward.expand",
    "W_O": "self_attention.project_output",
    "W_V": "self_attention.project_value",
    "W_Q": "self_attention.project_query",
    "W_K": "self_attention.project_key",
}
LENGTH, STEPS, WARMUP = 32, 200, 67
ADAM, SGD = "adam", "sgd"
RATES = {ADAM: (3e-4, 1e-3, 3e-3, 1e-2, 3e-2), SGD: (0.01, 0.03, 0.1)}
JUDGED = {ADAM: 3e-3, SGD: 0.1}
"""The learning rate of each optimizer at which Post-LN fails without warm-up."""
CLIP = {ADAM: 0.1, SGD: 0.25}
TINY_STEP = 1e-4
"""A learning rate so small that the change of the output is proportional to the step."""


@dataclass(frozen=True)
class Arm:
    """An arm: one way to train the model.

    Args: warmed: pattern for the names of the parameters that have warm-up; None means that no
        parameter has warm-up.
    """

    wiring: Wiring = POST
    initialization: Initialization = XAVIER
    warmed: str | None = None
    clipped: bool = False
    rectified: bool = False


ARMS = {
    "post": Arm(),
    "post-all": Arm(warmed="."),
    "pre": Arm(PRE),
    "pre-all": Arm(PRE, warmed="."),
    "deepnorm": Arm(DEEP, Initialization.DEEPNORM),
    "small": Arm(initialization=Initialization.DEEPNORM),
    "alpha": Arm(DEEP),
    "clip": Arm(clipped=True),
    "radam": Arm(rectified=True),
    "top": Arm(warmed=rf"^layers\.({UPPER})\.|^final_norm|^projection"),
    "bottom": Arm(warmed=rf"^layers\.({LOWER})\.|^embedding"),
    "all-but-qk": Arm(warmed=r"^(?!.*project_(query|key))"),
    "qk": Arm(warmed=r"project_(query|key)"),
    "ffn": Arm(warmed=r"\.feedforward\."),
    "vo": Arm(warmed=r"project_(value|output)"),
}
TABLED = ("post", "post-all", "pre", "pre-all", "deepnorm")
"""The arms that are trained at every learning rate."""
INTERVENTIONS = ("small", "alpha", "clip", "radam", "top", "bottom", "all-but-qk", "qk", "ffn",
                 "vo")  # fmt: skip
SGD_ARMS = ("post", "post-all", "clip", "pre")
LIGHT = ("small", "alpha", "deepnorm")
"""The arms with a smaller residual branch."""
STEPPED = ("post", "pre", *LIGHT)


def shape(arm: Arm, layers: int = TRAINED_DEPTH, d_model: int = 64) -> GPTSettings:
    """Return the reference model with the settings of an arm.

    The embeddings are not tied, so that the upper and the lower half of the layers share no
    parameters.
    """
    return lm.reference(
        layers=layers, d_model=d_model, wiring=arm.wiring, initialization=arm.initialization,
        tying=Tying.NONE,
    )  # fmt: skip


def reader(settings: GPTSettings, vocabulary: int) -> Encoder:
    """Return an encoder with the same settings: every position attends to every position."""
    # These constants are also valid for a single encoder.
    alpha, beta = deepnorm_decoder_constants(settings.layers)
    embedding = TokenEmbedding(vocabulary, settings.d_model, 0.0)
    encoder = Encoder(settings.parts(depth_scale=alpha), settings.layers, embedding)
    INITIALIZATIONS[settings.initialization](encoder, beta)
    return encoder


def measure_start(settings: Settings, seed: int) -> Numbers:
    """Measure the initial gradient of the last W_2 at each position, and of every matrix.

    For the loss at one position, the gradient of the last W_2 has rank one, δ hᵀ, and the norm
    |h| · |δ|. No later layer mixes positions, so one backward pass gives the norms of all
    positions.
    """
    wiring, rows, vocabulary = settings["wiring"], 8, lm.text().vocabulary
    arm = Arm(wiring, Initialization.DEEPNORM if wiring is DEEP else XAVIER)
    chosen = shape(arm, settings["layers"], settings["d_model"])
    if settings["view"] == CAUSAL:
        batch = lm.Windows(lm.text().train, LENGTH, rows, seed).batch(0, 0)
        model = lm.fresh_model(chosen, seed)
        features, table = model.features, model.projection.weight
    else:
        batch = lm.Window(*(torch.randint(vocabulary, (rows, LENGTH)) for _ in range(2)))
        model = encoder = reader(chosen, vocabulary)
        features = partial(encoder, real=None)
        table = torch.randn(vocabulary, chosen.d_model) * chosen.d_model**-0.5
    kept: dict[str, Tensor] = {}

    def keep(module: nn.Module, inputs: tuple[Tensor], out: Tensor) -> None:
        out.retain_grad()
        kept["h"], kept["out"] = inputs[0].detach(), out

    layers = list(model.layers)
    last = layers[-1].get_submodule(MATRICES["W_2"])
    with watch(model) as seen, last.register_forward_hook(keep):
        x = features(batch.target).flatten(0, 1)
        loss = fused_cross_entropy(x, table, batch.labels.flatten(), 0.0).smoothed / batch.tokens
        loss.backward()
    delta = kept["out"].grad
    assert delta is not None
    norms = kept["h"].norm(dim=-1) * delta.norm(dim=-1) * batch.tokens
    found: dict[str, float | list[float]] = {
        "rms": norms.square().mean().sqrt().item(),
        "median": norms.median().item(),
        "diversity": list(seen.diversities().values()),
    }
    for name, path in MATRICES.items():
        weights = [layer.get_parameter(f"{path}.weight") for layer in layers]
        found[name] = [w.grad.norm().item() for w in weights if w.grad is not None]
    return found


def measure_step(settings: Settings, seed: int) -> Numbers:
    """Take one step of Adam without warm-up; measure the relative change of the features of the dev
    text."""
    arm, rate = ARMS[settings["arm"]], settings["rate"]
    model = lm.fresh_model(shape(arm, settings["layers"]), seed)
    unseen = next(lm.dev_windows(LENGTH, count=16, rows=16)).target
    with torch.no_grad():
        before = model.features(unseen)
    learn(
        model, lm.Windows(lm.text().train, LENGTH, 16, seed), updates=1, learning_rate=rate,
        warmup=0, schedule="constant", d_model=64, loss_of=lm.window_loss,
    )  # fmt: skip
    with torch.no_grad():
        change = (model.features(unseen) - before).norm() / before.norm()
    return {"change": change.item()}


def measure_training(settings: Settings, seed: int) -> Numbers:
    """Train a character model of six layers in one arm.

    Returns: `judged`: the lower one of the loss and the unigram entropy; the unigram entropy if
        the run diverged.
    """
    arm, optimizer = ARMS[settings["arm"]], settings["optimizer"]
    chosen = shape(arm)
    state = start(
        lm.fresh_model(chosen, seed),
        TrainingSettings(optimizer="radam" if arm.rectified else optimizer, betas=(0.9, 0.98)),
    )
    if arm.warmed is not None:
        warm_only(state, arm.warmed)
    trained = lm.train(
        chosen, seed, steps=STEPS, learning_rate=settings["rate"], length=LENGTH, state=state,
        warmup=0 if arm.warmed is None else WARMUP,
        clip=CLIP[optimizer] if arm.clipped else 0.0,
    )  # fmt: skip
    floor = lm.text().unigram_entropy
    judged = min(trained.loss, floor) if math.isfinite(trained.loss) else floor
    return {
        "loss": trained.loss, "judged": judged, "failed": int(trained.failed), "unigram": floor,
    }  # fmt: skip


def warm_only(state: TrainingState, pattern: str) -> None:
    """Apply warm-up only to the parameters whose names match. All other parameters have the full
    learning rate."""
    named = dict(state.model.named_parameters())
    warm = [p for name, p in named.items() if re.search(pattern, name)]
    cold = [p for name, p in named.items() if not re.search(pattern, name)]
    state.optimizer.param_groups[0]["params"] = warm
    if cold:
        state.optimizer.add_param_group({"params": cold, "ratio": 1.0, "warmup": 0})


def start_conditions(mode: Mode) -> list[Settings]:
    """Return every depth at one width, and every width at one depth.

    Full mode adds DeepNorm and a model without normalization.
    """
    wirings = (POST, PRE) if mode is Mode.QUICK else (POST, PRE, DEEP, BARE)
    depths = [
        {"view": view, "wiring": wiring, "layers": layers, "d_model": START_WIDTH}
        for view in (BOTH, CAUSAL)
        for wiring in wirings
        for layers in DEPTHS
    ]
    widths = [
        {"view": BOTH, "wiring": wiring, "layers": TRAINED_DEPTH, "d_model": d}
        for wiring in (POST, PRE)
        for d in WIDTHS
        if d != START_WIDTH
    ]
    return [*depths, *widths]


def step_conditions(mode: Mode) -> list[Settings]:
    """Return a tiny step at every depth, and at the trained depth also a step of the learning rate
    at which training fails."""
    depths = (2, 6, 16) if mode is Mode.QUICK else DEPTHS
    tiny = [{"arm": a, "layers": n, "rate": TINY_STEP} for a in STEPPED for n in depths]
    whole = [{"arm": a, "layers": TRAINED_DEPTH, "rate": JUDGED[ADAM]} for a in STEPPED]
    return [*tiny, *whole]


def training_conditions(mode: Mode) -> list[Settings]:
    """Return the arms of all tables. Quick mode has four arms with Adam, at the learning rate at
    which training fails."""
    if mode is Mode.QUICK:
        arms = ("post", "post-all", "pre", "small")
        return [{"arm": a, "optimizer": ADAM, "rate": JUDGED[ADAM]} for a in arms]
    grid = [(a, ADAM, r) for a in TABLED for r in RATES[ADAM]]
    causes = [(a, ADAM, JUDGED[ADAM]) for a in INTERVENTIONS]
    sgd = [(a, SGD, r) for a in SGD_ARMS for r in RATES[SGD]]
    places = [(a, SGD, JUDGED[SGD]) for a in ("top", "bottom")]
    return [{"arm": a, "optimizer": o, "rate": r} for a, o, r in (*grid, *causes, *sgd, *places)]


def trained(
    results: Results, number: str, arm: str, optimizer: str = ADAM, rate: float | None = None
) -> list[float] | None:
    """Return a number of an arm, one value per seed; None if this mode does not train the arm.

    Args: rate: learning rate; the default is the rate at which Post-LN fails without warm-up.
    """
    where = {"arm": arm, "optimizer": optimizer}
    where |= {"rate": JUDGED[optimizer] if rate is None else rate}
    found = is_trained(results, "training", **where)
    return results.values("training", number, **where) if found else None


def loss(results: Results, arm: str, optimizer: str = ADAM) -> Estimate:
    """Return the loss of an arm at the learning rate at which Post-LN fails without warm-up."""
    return estimate(trained(results, "judged", arm, optimizer))
