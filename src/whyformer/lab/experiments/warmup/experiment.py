"""Why warm-up? Gradients at the start, trainings with and without, and interventions on causes."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from whyformer.blocks.embeddings import TokenEmbedding, Tying
from whyformer.blocks.initialization import INITIALIZATIONS, Initialization
from whyformer.blocks.residual import Wiring
from whyformer.lab.instruments.probes import watch
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.bilingual import Said, alike
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
from whyformer.lab.method.statistics import (
    NOT_MEASURED,
    Estimate,
    estimate,
    exactly,
    log_slope,
    paired,
)
from whyformer.lab.method.verdict import Test, above, below, within
from whyformer.models.encoder import Encoder
from whyformer.models.gpt import GPTSettings, deepnorm_decoder_constants
from whyformer.training.loop import TrainingSettings, TrainingState, fit, start
from whyformer.training.loss import fused_cross_entropy
from whyformer.training.optimizers import OptimizerKind
from whyformer.training.schedules import Schedule

POST, PRE, DEEP, BARE = Wiring.POST_NORM, Wiring.PRE_NORM, Wiring.DEEPNORM, Wiring.NO_NORM
XAVIER = Initialization.XAVIER
BOTH, CAUSAL = "both ways", "causal"
"""An encoder on random tokens, as the theorem has it; and the model that is trained, on text."""
DEPTHS, DRAWN_DEPTH = (2, 4, 6, 8, 12, 16, 24), 12
WIDTHS = (32, 64, 128, 256)
START_WIDTH, TRAINED_DEPTH = 128, 6
LOWER = "|".join(map(str, range(TRAINED_DEPTH // 2)))
UPPER = "|".join(map(str, range(TRAINED_DEPTH // 2, TRAINED_DEPTH)))
"""The layers of each half, as a pattern for parameter names."""
MATRICES = {
    "W_2": "feedforward.contract",
    "W_1": "feedforward.expand",
    "W_O": "self_attention.project_output",
    "W_V": "self_attention.project_value",
    "W_Q": "self_attention.project_query",
    "W_K": "self_attention.project_key",
}
LENGTH, STEPS, WARMUP = 32, 200, 67
ADAM, SGD = OptimizerKind.ADAM, OptimizerKind.SGD
RATES = {ADAM: (3e-4, 1e-3, 3e-3, 1e-2, 3e-2), SGD: (0.01, 0.03, 0.1)}
JUDGED = {ADAM: 3e-3, SGD: 0.1}
"""The rate at which Post-LN fails without warm-up."""
CLIP = {ADAM: 0.1, SGD: 0.25}
RESCUE = 0.5
"""Who rescues must regain this share of what warm-up of everything regains."""
LEAST_GAIN = 0.2
"""Nats that the share is of where warm-up itself regains less."""
TINY_STEP = 1e-4
"""A rate at which the output's change still grows in proportion to the step."""


@dataclass(frozen=True)
class Arm:
    """One way to train. Args: warmed: which parameters warm up, by their names; None: none do."""

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
"""Trained at every rate."""
INTERVENTIONS = ("small", "alpha", "clip", "radam", "top", "bottom", "all-but-qk", "qk", "ffn",
                 "vo")  # fmt: skip
SGD_ARMS = ("post", "post-all", "clip", "pre")
LIGHT = ("small", "alpha", "deepnorm")
"""Whose residual branch weighs less."""
STEPPED = ("post", "pre", *LIGHT)


def shape(arm: Arm, layers: int = TRAINED_DEPTH, d_model: int = 64) -> GPTSettings:
    """Return the reference model with an arm's choices; untied, so that top and bottom are apart."""
    return lm.reference(
        layers=layers, d_model=d_model, wiring=arm.wiring, initialization=arm.initialization,
        tying=Tying.NONE,
    )  # fmt: skip


def reader(settings: GPTSettings, vocabulary: int) -> Encoder:
    """Return the toolkit's encoder with the same choices: every position sees every other."""
    alpha, beta = deepnorm_decoder_constants(settings.layers)  # an encoder alone has the same
    embedding = TokenEmbedding(vocabulary, settings.d_model, 0.0)
    encoder = Encoder(settings.parts(bias=True, depth_scale=alpha), settings.layers, embedding)
    INITIALIZATIONS[settings.initialization](encoder, beta)
    return encoder


def measure_start(settings: Settings, seed: int) -> Numbers:
    """Take one gradient at the start; look at the last W_2 a position, and at every matrix.

    Of the loss at one position the last W_2 has a gradient of rank one, δ hᵀ, and its norm is
    |h| · |δ|: nothing mixes positions after it, so one backward pass gives it for all of them.
    """
    wiring, rows, vocabulary = Wiring(settings["wiring"]), 8, lm.text().vocabulary
    arm = Arm(wiring, Initialization.DEEPNORM if wiring is DEEP else XAVIER)
    chosen = shape(arm, settings["layers"], settings["d_model"])
    if settings["view"] == CAUSAL:
        batch = lm.Windows(lm.text().train, LENGTH, rows, seed).batch(0, 0)
        model = lm.fresh_model(chosen, seed)
        features, table = model.features, model.projection.weight
    else:
        batch = lm.Window(*(torch.randint(vocabulary, (rows, LENGTH)) for _ in range(2)))
        model = encoder = reader(chosen, vocabulary)
        features = lambda ids: encoder(ids, None)  # noqa: E731
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
    """Take one step of Adam without warm-up; say how far the features of unseen text moved."""
    arm, rate = ARMS[settings["arm"]], settings["rate"]
    model = lm.fresh_model(shape(arm, settings["layers"]), seed)
    training = TrainingSettings(
        updates=1, learning_rate=rate, schedule=Schedule.CONSTANT, warmup=0, label_smoothing=0,
        betas=(0.9, 0.98),
    )  # fmt: skip
    unseen = next(lm.dev_windows(LENGTH, count=16, rows=16)).target
    with torch.no_grad():
        before = model.features(unseen)
    windows = lm.Windows(lm.text().train, LENGTH, 16, seed)
    for _ in fit(start(model, training), windows, training, d_model=64, loss_of=lm.window_loss):
        pass
    with torch.no_grad():
        change = (model.features(unseen) - before).norm() / before.norm()
    return {"change": change.item()}


def measure_training(settings: Settings, seed: int) -> Numbers:
    """Train a character model of six layers in one arm.

    Returns: `judged`: the loss, or the unigram entropy where the run learned nothing or broke down.
    """
    arm, optimizer = ARMS[settings["arm"]], OptimizerKind(settings["optimizer"])
    chosen = shape(arm)
    state = start(
        lm.fresh_model(chosen, seed),
        TrainingSettings(
            optimizer=OptimizerKind.RADAM if arm.rectified else optimizer, betas=(0.9, 0.98)
        ),
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
    """Let the parameters whose names fit warm up; all others start at the whole rate."""
    named = dict(state.model.named_parameters())
    warm = [p for name, p in named.items() if re.search(pattern, name)]
    cold = [p for name, p in named.items() if not re.search(pattern, name)]
    state.optimizer.param_groups[0]["params"] = warm
    if cold:
        state.optimizer.add_param_group({"params": cold, "ratio": 1.0, "warmup": 0})


def start_conditions(mode: Mode) -> list[Settings]:
    """Every depth at one width, and every width at one depth; full adds DeepNorm and no norm."""
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
    """A tiny step at every depth, and at the trained depth the step of the failing rate."""
    depths = (2, 6, 16) if mode is Mode.QUICK else DEPTHS
    tiny = [{"arm": a, "layers": n, "rate": TINY_STEP} for a in STEPPED for n in depths]
    whole = [{"arm": a, "layers": TRAINED_DEPTH, "rate": JUDGED[ADAM]} for a in STEPPED]
    return [*tiny, *whole]


def training_conditions(mode: Mode) -> list[Settings]:
    """All arms of all tables; quick has four at the rate that decides, without SGD."""
    if mode is Mode.QUICK:
        arms = ("post", "post-all", "pre", "small")
        return [{"arm": a, "optimizer": ADAM.value, "rate": JUDGED[ADAM]} for a in arms]
    grid = [(a, ADAM, r) for a in TABLED for r in RATES[ADAM]]
    causes = [(a, ADAM, JUDGED[ADAM]) for a in INTERVENTIONS]
    sgd = [(a, SGD, r) for a in SGD_ARMS for r in RATES[SGD]]
    places = [(a, SGD, JUDGED[SGD]) for a in ("top", "bottom")]
    return [
        {"arm": a, "optimizer": o.value, "rate": r} for a, o, r in (*grid, *causes, *sgd, *places)
    ]


def depth_slope(results: Results, wiring: str, view: str = BOTH, kind: str = "rms") -> Estimate:
    """Return the exponent of the last W_2's gradient at one position over the depth."""
    where = {"wiring": wiring, "view": view, "d_model": START_WIDTH}
    if not results.conditions("start", **where):
        return NOT_MEASURED
    return log_slope(*results.curves("start", kind, "layers", **where))


def width_slope(results: Results, wiring: str) -> Estimate:
    """Return its exponent over the width."""
    where = {"wiring": wiring, "view": BOTH, "layers": TRAINED_DEPTH}
    return log_slope(*results.curves("start", "rms", "d_model", **where))


def growth(results: Results, matrix: str, wiring: str = POST, view: str = BOTH) -> Estimate:
    """Return ln(gradient in the last layer / in the first) of a matrix."""
    where = {"wiring": wiring, "view": view, "d_model": START_WIDTH, "layers": DRAWN_DEPTH}
    return estimate([math.log(v[-1] / v[0]) for v in results.values("start", matrix, **where)])


def left_of_diversity(results: Results, wiring: str) -> Estimate:
    """Return the token diversity after the last of the most layers."""
    where = {"wiring": wiring, "view": BOTH, "d_model": START_WIDTH, "layers": DEPTHS[-1]}
    return estimate([v[-1] for v in results.values("start", "diversity", **where)])


def trained(
    results: Results, number: str, arm: str, optimizer: str = ADAM, rate: float | None = None
) -> list[float] | None:
    """Return a number of an arm, a value a seed; None where this mode does not train it."""
    where = {"arm": arm, "optimizer": optimizer}
    where |= {"rate": JUDGED[OptimizerKind(optimizer)] if rate is None else rate}
    found = results.conditions("training", **where)
    return results.values("training", number, **where) if found else None


def loss(results: Results, arm: str, optimizer: str = ADAM) -> Estimate:
    """Return the loss of an arm at the rate that decides."""
    found = trained(results, "judged", arm, optimizer)
    return NOT_MEASURED if found is None else estimate(found)


def difference(
    results: Results, number: str, a: str, b: str, optimizer: str = ADAM, rate: float | None = None
) -> Estimate:
    """Return the mean of b - a, seed by seed."""
    one, other = (trained(results, number, arm, optimizer, rate) for arm in (a, b))
    return NOT_MEASURED if one is None or other is None else paired(one, other)


def rescue(results: Results, arm: str, optimizer: str = ADAM) -> Estimate:
    """Return what an arm regains of a failed run, as a share of what warm-up of everything regains.

    Where warm-up itself regains less than `LEAST_GAIN`, the share is of that.
    """
    arms = ("post", "post-all", arm)
    nothing, all_, some = (trained(results, "judged", a, optimizer) for a in arms)
    if nothing is None or all_ is None or some is None:
        return NOT_MEASURED
    triples = zip(nothing, all_, some, strict=True)
    return estimate([(n - s) / max(n - w, LEAST_GAIN) for n, w, s in triples])


def tuned(results: Results, arm: str) -> list[float] | None:
    """Return the losses of an arm at its own best rate, where there is a choice of rates."""
    where = {"arm": arm, "optimizer": ADAM.value}
    if len(results.levels("training", "rate", **where)) < 2:
        return None
    best = results.best("training", "judged", "rate", **where)
    return results.values("training", "judged", rate=best, **where)


def usable(results: Results, arm: str) -> list[float] | None:
    """Return for each seed how many rates end within 0.1 nat of its best."""
    where = {"arm": arm, "optimizer": ADAM.value}
    if len(results.levels("training", "rate", **where)) < 2:
        return None
    _, rows = results.curves("training", "judged", "rate", **where)
    return [float(sum(v <= min(row) + 0.1 for v in row)) for row in rows]


def paired_or_nothing(a: list[float] | None, b: list[float] | None) -> Estimate:
    """Return the mean of b - a, where both were measured."""
    return NOT_MEASURED if a is None or b is None else paired(a, b)


def steps(results: Results, arm: str) -> tuple[list[float], list[list[float]]]:
    """Return depths, and for each seed the change after a tiny step."""
    return results.curves("sensitivity", "change", "layers", arm=arm, rate=TINY_STEP)


def steeper(results: Results, arm: str) -> Estimate:
    """Return the exponent of Post-LN's change over that of another arm's."""
    depths, rows = steps(results, "post")
    _, others = steps(results, arm)
    ratios = [
        [a / b for a, b in zip(row, other, strict=True)]
        for row, other in zip(rows, others, strict=True)
    ]
    return log_slope(depths, ratios)


def start_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `start`."""
    return {
        f"{wiring}, {view}": [
            within(depth_slope(results, wiring, view, kind), low, high, name=kind)
            for kind in ("rms", "median")
        ]
        for wiring, low, high in ((POST, -0.1, 0.1), (PRE, -0.6, -0.4))
        for view in (BOTH, CAUSAL)
    }


def growth_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `growth`."""
    least = math.log(1.1)
    return {
        matrix: [replace(above(growth(results, matrix), least), logarithm=True)]
        for matrix in MATRICES
    }


def needed_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `needed`."""
    found = {}
    for rate in results.levels("training", "rate", arm="post", optimizer=ADAM.value):
        saved = difference(results, "failed", "post-all", "post", rate=rate)
        beside = trained(results, "failed", "pre", rate=rate)
        assert beside is not None
        found[f"rate {rate:g}"] = [
            above(saved, 0.5, name="saved", strict=True),
            below(estimate(beside), 0.5, contrary=0.5, name="beside", strict=True),
        ]
    return found


def range_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `range`."""
    return {
        wiring: [
            above(
                paired_or_nothing(usable(results, a), usable(results, f"{a}-all")), 0.5, strict=True
            )
        ]
        for wiring, a in ((str(POST), "post"), (str(PRE), "pre"))
    }


def superfluous_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `superfluous`."""
    gain = paired_or_nothing(tuned(results, "pre-all"), tuned(results, "pre"))
    return {str(PRE): [below(gain, 0.05, contrary=0.1)]}


def size_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `size`."""
    return {str(o): [above(rescue(results, "clip", o), RESCUE, name="clip")] for o in (ADAM, SGD)}


def mechanism_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `mechanism`."""
    return {
        optimizer: [
            *tests,
            above(rescue(results, "top", optimizer), RESCUE, name="top"),
            below(rescue(results, "bottom", optimizer), RESCUE, contrary=1.0, name="bottom"),
        ]
        for optimizer, tests in size_tests(results).items()
        if not regained(results, optimizer) < LEAST_GAIN  # else no part of warm-up can rescue
    }


def regained(results: Results, optimizer: str) -> float:
    """Return the nats that warm-up of everything regains for Post-LN; NaN where not measured."""
    return difference(results, "judged", "post-all", "post", optimizer).value


def branch_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `branch`."""
    return {
        arm: [above(difference(results, "judged", arm, "post-all"), 0.0, contrary=-0.1)]
        for arm in LIGHT
    }


def sensitivity_tests(results: Results) -> Mapping[str, Sequence[Test]]:
    """See the claim `sensitivity`."""
    grows = above(log_slope(*steps(results, "post")), 0.1, name="grows")
    return {
        arm: [grows, above(steeper(results, arm), 0.1, name="steeper")]
        for arm in STEPPED
        if arm != "post"
    }


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found = {
        "slope_post": depth_slope(results, POST),
        "slope_pre": depth_slope(results, PRE),
        "slope_deepnorm": depth_slope(results, DEEP),
        "slope_post_causal": depth_slope(results, POST, CAUSAL),
        "slope_pre_causal": depth_slope(results, PRE, CAUSAL),
        "width_post": width_slope(results, POST),
        "width_pre": width_slope(results, PRE),
        "diversity_post": left_of_diversity(results, POST),
        "diversity_pre": left_of_diversity(results, PRE),
        "best_gain_post": paired_or_nothing(tuned(results, "post-all"), tuned(results, "post")),
        "best_gain_pre": paired_or_nothing(tuned(results, "pre-all"), tuned(results, "pre")),
        "unigram": exactly(results.cells[-1].numbers["unigram"]),
    }
    for matrix in MATRICES:
        found[f"growth_{matrix}"] = growth(results, matrix).map(math.exp)
    for matrix in ("W_2", "W_Q"):
        found[f"growth_pre_{matrix}"] = growth(results, matrix, PRE).map(math.exp)
        found[f"growth_causal_{matrix}"] = growth(results, matrix, view=CAUSAL).map(math.exp)
    for arm in ARMS:
        key = arm.replace("-", "_")
        found[f"loss_{key}"] = loss(results, arm)
        found[f"share_{key}"] = rescue(results, arm)
    for arm in (*SGD_ARMS, "top", "bottom"):
        key = arm.replace("-", "_")
        found[f"sgd_loss_{key}"] = loss(results, arm, SGD)
        found[f"sgd_share_{key}"] = rescue(results, arm, SGD)
    for arm in TABLED:
        key, counted, best = arm.replace("-", "_"), usable(results, arm), tuned(results, arm)
        found[f"usable_{key}"] = NOT_MEASURED if counted is None else estimate(counted)
        found[f"best_{key}"] = NOT_MEASURED if best is None else estimate(best)
    for arm in STEPPED:
        whole = {"arm": arm, "rate": JUDGED[ADAM], "layers": TRAINED_DEPTH}
        found[f"step_slope_{arm}"] = log_slope(*steps(results, arm))
        found[f"step_{arm}"] = estimate(results.values("sensitivity", "change", **whole))
    return found


def charts(results: Results) -> list[Figure]:
    """See `Experiment`."""
    drawn: list[Figure] = [depth_chart(results), layer_chart(results), diversity_chart(results)]
    if len(results.levels("training", "rate", arm="post", optimizer=ADAM.value)) > 1:
        drawn.append(rate_chart(results))
    drawn.append(
        arm_table(
            results,
            ADAM,
            "interventions",
            Said("Adam at the rate at which Post-LN fails", "Post-LN이 실패하는 학습률의 Adam"),
            ("post", "post-all", "pre", "pre-all", "clip", "radam", "top", "bottom", "all-but-qk",
             "qk", "ffn", "vo", "alpha", "small", "deepnorm"),
        )
    )  # fmt: skip
    if results.conditions("training", optimizer=SGD.value):
        drawn.append(
            arm_table(
                results,
                SGD,
                "sgd",
                Said("SGD at the rate at which Post-LN fails", "Post-LN이 실패하는 학습률의 SGD"),
                (*SGD_ARMS, "top", "bottom"),
            )
        )
    drawn.append(step_chart(results))
    return drawn


def depth_chart(results: Results) -> Chart:
    """Draw the last W_2's gradient over the depth, beside the two laws."""
    where = {"view": BOTH, "d_model": START_WIDTH}
    wirings = results.levels("start", "wiring", **where)
    measured = [
        Series(
            NAMES[wiring],
            [
                (n, estimate(results.values("start", "rms", wiring=wiring, layers=n, **where)))
                for n in DEPTHS
            ],
        )
        for wiring in wirings
        if wiring != BARE
    ]
    theory = [
        Series(
            Said(f"theory: L^{power:g}", f"이론: L^{power:g}"),
            [(n, exactly(series.points[0][1].value * (n / DEPTHS[0]) ** power)) for n in DEPTHS],
            Look.THEORY,
        )
        for series, power in zip(measured[:2], (0.0, -0.5), strict=True)
    ]
    return Chart(
        "depth",
        Said("Gradient of the last W_2 at the start", "시작할 때 마지막 W_2의 기울기"),
        Axis(Said("layers", "층 수"), log=True),
        Axis(Said("norm, loss at one position", "노름 (한 위치의 손실)"), log=True),
        [*measured, *theory],
        Said(
            "Post-LN keeps it whatever the depth; Pre-LN lets it fall like one over the root.",
            "Post-LN은 깊이와 무관하게 유지하고, Pre-LN은 깊이의 제곱근에 반비례해 줄어듭니다.",
        ),
    )


def layer_chart(results: Results) -> Chart:
    """Draw the gradient of each matrix of Post-LN over the layers."""
    where = {"view": BOTH, "wiring": POST, "d_model": START_WIDTH, "layers": DRAWN_DEPTH}
    series = []
    for matrix in MATRICES:
        rows = results.values("start", matrix, **where)
        points = [(float(n + 1), estimate([row[n] for row in rows])) for n in range(DRAWN_DEPTH)]
        series.append(Series(alike(matrix), points))
    return Chart(
        "layers",
        Said("Post-LN at the start, layer by layer", "시작할 때의 Post-LN, 층별로"),
        Axis(Said("layer, from the input", "입력에서부터 센 층")),
        Axis(Said("norm of the gradient", "기울기의 노름"), log=True),
        series,
        Said(
            "The matrices of values and of the feed-forward network stay level; those of queries "
            "and keys die towards the output, where all positions have become alike.",
            "값과 피드포워드의 행렬은 고르게 유지되고, 질의와 키의 행렬은 모든 위치가 비슷해진 출력 "
            "쪽으로 갈수록 기울기가 사라집니다.",
        ),
    )


def diversity_chart(results: Results) -> Chart:
    """Draw how different the positions still are after each layer."""
    where = {"view": BOTH, "d_model": START_WIDTH, "layers": DEPTHS[-1]}
    series = []
    for wiring in results.levels("start", "wiring", **where):
        rows = results.values("start", "diversity", wiring=wiring, **where)
        points = [(float(n + 1), estimate([row[n] for row in rows])) for n in range(DEPTHS[-1])]
        series.append(Series(NAMES[wiring], points))
    return Chart(
        "diversity",
        Said("How different the positions stay", "위치들이 얼마나 다르게 남는지"),
        Axis(Said("layer, from the input", "입력에서부터 센 층")),
        Axis(Said("token diversity", "토큰 다양성"), log=True),
        series,
        Said(
            "Where it nears zero, attention can no longer tell positions apart.",
            "0에 가까워지면 어텐션이 위치를 구별하지 못합니다.",
        ),
    )


def rate_chart(results: Results) -> Chart:
    """Draw the loss over the learning rate."""
    series = []
    for arm in TABLED:
        rates, rows = results.curves("training", "judged", "rate", arm=arm, optimizer=ADAM.value)
        columns = zip(*rows, strict=True)
        points = [(r, estimate(c)) for r, c in zip(rates, columns, strict=True)]
        series.append(Series(NAMES[arm], points))
    return Chart(
        "rates",
        Said("After training, at every learning rate", "학습 뒤, 학습률마다"),
        Axis(Said("peak learning rate, Adam", "최고 학습률 (Adam)"), log=True),
        Axis(Said("validation loss, nats a character", "검증 손실 (문자당 nat)")),
        series,
        Said(
            "Six layers. A run that learned nothing is drawn at the entropy of the characters.",
            "여섯 층. 아무것도 배우지 못한 학습은 문자 엔트로피의 높이에 그렸습니다.",
        ),
    )


def arm_table(
    results: Results, optimizer: OptimizerKind, name: str, title: Said, arms: Sequence[str]
) -> Table:
    """Tabulate loss and rescue of the arms that were trained."""
    there = [arm for arm in arms if trained(results, "judged", arm, optimizer) is not None]
    return Table(
        name,
        title,
        [
            Said("Arm", "방식"),
            Said("validation loss", "검증 손실"),
            Said("share of warm-up's rescue", "워밍업 대비 회복한 몫"),
        ],
        [
            [NAMES[arm], loss(results, arm, optimizer),
             None if arm == "post" else rescue(results, arm, optimizer)]
            for arm in there
        ],
        Said(
            "The share is 0 where nothing was regained and 1 where as much as by warm-up of all "
            "parameters, or 0.2 nat where that regains less.",
            "전혀 회복하지 못하면 0, 모든 파라미터의 워밍업만큼 회복하면 1입니다. 워밍업이 회복한 양이 "
            "0.2 nat보다 작으면 0.2 nat에 대한 몫입니다.",
        ),
    )  # fmt: skip


def step_chart(results: Results) -> Chart:
    """Draw how far a tiny step moves the output, over the depth."""
    series = []
    for arm in STEPPED:
        depths, rows = steps(results, arm)
        columns = zip(*rows, strict=True)
        points = [(n, estimate(c)) for n, c in zip(depths, columns, strict=True)]
        series.append(Series(NAMES[arm], points))
    return Chart(
        "step",
        Said(
            "What one small step of Adam does to the output", "Adam의 작은 한 걸음이 출력에 하는 일"
        ),
        Axis(Said("layers", "층 수"), log=True),
        Axis(Said("relative change of the output", "출력의 상대적 변화"), log=True),
        series,
        Said(
            "The same step of every weight; the deeper Post-LN is, the more of the output it moves.",
            "가중치마다 같은 걸음인데, Post-LN은 깊을수록 출력이 더 크게 움직입니다.",
        ),
    )


NAMES = {
    str(POST): alike("Post-LN"),
    str(PRE): alike("Pre-LN"),
    str(DEEP): alike("DeepNorm"),
    str(BARE): Said("no normalisation", "정규화 없음"),
    f"{POST}, {BOTH}": Said("Post-LN, encoder", "Post-LN, 인코더"),
    f"{POST}, {CAUSAL}": Said("Post-LN, causal", "Post-LN, 인과적"),
    f"{PRE}, {BOTH}": Said("Pre-LN, encoder", "Pre-LN, 인코더"),
    f"{PRE}, {CAUSAL}": Said("Pre-LN, causal", "Pre-LN, 인과적"),
    "rms": Said("root mean square", "제곱평균제곱근"),
    "median": Said("typical position (median)", "보통 위치 (중앙값)"),
    **{matrix: alike(matrix) for matrix in MATRICES},
    **{f"rate {r:g}": Said(f"learning rate {r:g}", f"학습률 {r:g}") for r in RATES[ADAM]},
    "saved": Said("runs that warm-up saves", "워밍업이 살린 학습의 비율"),
    "beside": Said("failed runs of Pre-LN", "실패한 Pre-LN 학습의 비율"),
    "post": Said("Post-LN, no warm-up", "Post-LN, 워밍업 없음"),
    "post-all": Said("Post-LN, warm-up", "Post-LN, 워밍업"),
    "pre": Said("Pre-LN, no warm-up", "Pre-LN, 워밍업 없음"),
    "pre-all": Said("Pre-LN, warm-up", "Pre-LN, 워밍업"),
    "deepnorm": Said("DeepNorm: both, no warm-up", "DeepNorm: 둘 다, 워밍업 없음"),
    "small": Said("Post-LN, residual branch starts smaller", "Post-LN, 잔차 가지의 초깃값만 작게"),
    "alpha": Said("Post-LN, stream weighted by α", "Post-LN, 스트림에 α만 곱함"),
    "clip": Said("gradient clipping", "기울기 클리핑"),
    "radam": alike("RAdam"),
    "top": Said("warm-up of the upper half only", "위쪽 절반만 워밍업"),
    "bottom": Said("warm-up of the lower half only", "아래쪽 절반만 워밍업"),
    "all-but-qk": Said("warm-up of all but W_Q, W_K", "W_Q, W_K만 빼고 워밍업"),
    "qk": Said("warm-up of W_Q, W_K only", "W_Q, W_K만 워밍업"),
    "ffn": Said("warm-up of W_1, W_2 only", "W_1, W_2만 워밍업"),
    "vo": Said("warm-up of W_V, W_O only", "W_V, W_O만 워밍업"),
    "grows": Said("exponent of Post-LN", "Post-LN의 지수"),
    "steeper": Said("exponent above the other's", "상대보다 큰 지수의 차이"),
    "adam": alike("Adam"),
    "sgd": alike("SGD"),
}

EXPERIMENT = Experiment(
    name="warmup",
    question=Said(
        "Why does Post-LN need warm-up, and what does it warm up?",
        "Post-LN에는 왜 워밍업이 필요하고, 무엇을 데우는 걸까요?",
    ),
    keywords=(
        "warmup",
        "warm-up",
        "warm",
        "post-ln",
        "pre-ln",
        "postln",
        "preln",
        "post-norm",
        "pre-norm",
        "워밍업",
        "웜업",
        "layernorm where",
        "layer norm where",
        "normalization where",
        "레이어놈 어디",
        "정규화 어디",
        "노말라이제이션 위치",
        "정규화 위치",
    ),
    mentions=(
        "layernorm",
        "layer norm",
        "normalization",
        "normalisation",
        "deepnorm",
        "learning rate",
        "schedule",
        "clip",
        "clipping",
        "층 정규화",
        "레이어 노말라이제이션",
        "노말라이제이션",
        "레이어놈",
        "레이어 놈",
        "정규화",
        "학습률",
        "스케줄",
        "클리핑",
    ),
    parts=(
        Part("start", measure_start, start_conditions, {Mode.QUICK: 5, Mode.FULL: 20}),
        Part("sensitivity", measure_step, step_conditions, {Mode.QUICK: 3, Mode.FULL: 20}),
        Part("training", measure_training, training_conditions, {Mode.QUICK: 2, Mode.FULL: 5}),
    ),
    claims=(
        Claim(
            "start",
            Said(
                "In Post-LN the gradients near the output are large at the start, in Pre-LN they "
                "are not.",
                "시작할 때 Post-LN은 출력 쪽 기울기가 크고 Pre-LN은 그렇지 않다.",
            ),
            Said(
                "At the start the gradient of the last W_2 does not depend on the depth L in "
                "Post-LN and falls like L^-1/2 in Pre-LN.",
                "시작할 때 마지막 W_2의 기울기는 Post-LN에서는 깊이 L과 무관하고 Pre-LN에서는 "
                "L^-1/2로 줄어든다.",
            ),
            Said(
                "Exponent over L from 2 to 24: 0 ± 0.1 and -0.5 ± 0.1, the whole interval, root "
                "mean square and median over positions, in an encoder and in a causal model.",
                "L = 2에서 24까지의 지수 구간 전체가 0 ± 0.1, -0.5 ± 0.1 안. 위치에 대한 "
                "제곱평균제곱근과 중앙값, 인코더와 인과적 모델 모두에서.",
            ),
            start_tests,
        ),
        Claim(
            "growth",
            Said(
                "In Post-LN the gradients grow towards the output.",
                "Post-LN에서는 출력에 가까울수록 기울기가 커진다.",
            ),
            Said(
                "At the start of a Post-LN of 12 layers a matrix has a larger gradient in the last "
                "layer than in the first.",
                "12층 Post-LN의 시작 시점에 한 행렬의 기울기는 첫 층보다 마지막 층에서 더 크다.",
            ),
            Said(
                "Each matrix on its own: the ratio last/first is above 1.1; below 1/1.1 is the "
                "contrary.",
                "행렬마다 따로: 마지막/첫 층의 비가 1.1보다 크다. 1/1.1보다 작으면 반대이다.",
            ),
            growth_tests,
        ),
        Claim(
            "needed",
            Said("Post-LN needs warm-up.", "Post-LN에는 워밍업이 필요하다."),
            Said(
                "At a learning rate Post-LN fails without warm-up and not with it, while Pre-LN "
                "does not fail without.",
                "어떤 학습률에서 Post-LN은 워밍업이 없으면 실패하고 있으면 실패하지 않으며, Pre-LN은 "
                "없어도 실패하지 않는다.",
            ),
            Said(
                "Each rate on its own: warm-up saves more than half of the seeds, and less than "
                "half of the seeds of Pre-LN fail without it; failed: within 0.05 nat of the "
                "entropy of the characters, or broken down.",
                "학습률마다 따로: 워밍업이 시드의 절반 넘게 살리고, Pre-LN은 워밍업 없이 실패하는 시드가 "
                "절반 미만이다. 실패: 손실이 문자 엔트로피에서 0.05 nat 이내이거나 학습이 깨진 것.",
            ),
            needed_tests,
        ),
        Claim(
            "range",
            Said(
                "Warm-up makes training tolerant of the learning rate.",
                "워밍업은 학습률에 덜 민감하게 만든다.",
            ),
            Said(
                "With warm-up more of the learning rates of the grid end within 0.1 nat of the "
                "best.",
                "워밍업이 있으면 최선에서 0.1 nat 이내에 드는 학습률이 격자에서 더 많다.",
            ),
            Said(
                "Each wiring on its own: more than half a grid step wider (a step is a factor of "
                "about three).",
                "배치 방식마다 따로: 격자 반 칸 넘게 넓어진다 (한 칸은 약 세 배).",
            ),
            range_tests,
        ),
        Claim(
            "superfluous",
            Said("Pre-LN makes warm-up superfluous.", "Pre-LN이면 워밍업은 필요 없다."),
            Said(
                "At its best rate Pre-LN with warm-up is no better than without.",
                "가장 좋은 학습률에서 Pre-LN은 워밍업이 있어도 나아지지 않는다.",
            ),
            Said(
                "The paired gain is below 0.05 nat; above 0.1 is the contrary.",
                "짝지은 이득이 0.05 nat 미만. 0.1을 넘으면 반대이다.",
            ),
            superfluous_tests,
        ),
        Claim(
            "size",
            Said(
                "Post-LN fails without warm-up because its gradients are too large.",
                "워밍업이 없으면 Post-LN이 실패하는 것은 기울기가 너무 커서이다.",
            ),
            Said(
                "Where Post-LN fails, clipping the gradients rescues it.",
                "Post-LN이 실패하는 곳에서 기울기를 자르면 살아난다.",
            ),
            Said(
                "Each optimizer on its own: clipping regains more than half of what warm-up of "
                "all parameters regains, and more than 0.1 nat.",
                "옵티마이저마다 따로: 클리핑이 전체 워밍업이 회복하는 양의 절반, 그리고 0.1 nat를 "
                "넘게 회복한다.",
            ),
            size_tests,
        ),
        Claim(
            "mechanism",
            Said(
                "It fails because the gradients near the output are large.",
                "출력 근처의 기울기가 커서 실패한다.",
            ),
            Said(
                "Clipping rescues, warm-up of the upper half alone rescues, and of the lower half "
                "alone does not.",
                "클리핑이 살리고, 위쪽 절반에만 워밍업을 적용해도 살아나며, 아래쪽 절반에만 적용하면 "
                "살아나지 않는다.",
            ),
            Said(
                "Each optimizer under which warm-up regains at least 0.2 nat, on its own: the "
                "shares of that rescue are above 1/2 for clipping and the upper half, and below "
                "1/2 for the lower half.",
                "워밍업이 0.2 nat 이상 회복하는 옵티마이저마다 따로: 그 회복량에 대한 몫이 클리핑과 "
                "위쪽 절반은 1/2 초과, 아래쪽 절반은 1/2 미만.",
            ),
            mechanism_tests,
        ),
        Claim(
            "branch",
            Said(
                "What warm-up tames is the weight of the residual branch.",
                "워밍업이 다스리는 것은 잔차 가지의 무게이다.",
            ),
            Said(
                "Under Adam, a Post-LN whose residual branch weighs less does without warm-up at "
                "least as well as the ordinary one with it.",
                "Adam에서 잔차 가지를 가볍게 한 Post-LN은 워밍업 없이도, 워밍업을 한 보통의 Post-LN만큼 "
                "또는 그보다 잘 배운다.",
            ),
            Said(
                "Smaller start, α, and both (DeepNorm), each on its own: the paired difference of "
                "losses (Post-LN with warm-up - this arm without) lies above 0; below -0.1 is the "
                "contrary.",
                "작은 초깃값, α, 둘 다(DeepNorm) 각각: 짝지은 손실 차이(워밍업한 Post-LN - 워밍업 없는 이 "
                "방식)가 0보다 위. -0.1 아래면 반대이다.",
            ),
            branch_tests,
        ),
        Claim(
            "sensitivity",
            Said(
                "Post-LN amplifies every update, and more so with every layer.",
                "Post-LN은 갱신을 증폭하고, 층이 많을수록 더하다.",
            ),
            Said(
                "The relative change of the output after one small step of Adam grows with the "
                "depth of Post-LN, and more steeply than in the gentler arms.",
                "Adam의 작은 한 걸음 뒤 출력의 상대적 변화는 Post-LN의 깊이에 따라 커지고, 온건한 "
                "방식들보다 더 가파르게 커진다.",
            ),
            Said(
                "Each other arm on its own: Post-LN's exponent over the depth is above 0.1 and "
                "exceeds the other's by more than 0.1.",
                "다른 방식마다 따로: Post-LN의 깊이에 대한 지수가 0.1보다 크고, 상대의 지수보다 0.1 "
                "넘게 크다.",
            ),
            sensitivity_tests,
        ),
    ),
    numbers=numbers,
    charts=charts,
    names=NAMES,
)
