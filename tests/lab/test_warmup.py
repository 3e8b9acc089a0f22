"""Warm-up: the laws at the start, who is warmed, and what each claim says of made-up results."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from made_up_results import check_card, check_names
from whyformer.blocks.initialization import Initialization
from whyformer.foundation.bilingual import Language
from whyformer.lab.experiments.warmup import EXPERIMENT, claims, effects, experiment, figures
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.experiment import Cell, Mode, Results
from whyformer.lab.method.statistics import log_slope
from whyformer.lab.method.verdict import Verdict
from whyformer.training.loop import fit, start
from whyformer.training.settings import TrainingSettings

pytestmark = pytest.mark.usefixtures("unchecked")
SEEDS, FLOOR = 5, 3.24
CLAIMS = {claim.name: claim for claim in EXPERIMENT.claims}
Change = Callable[[dict[str, Any]], dict[str, Any]]

# --- the laws, on the toolkit's modules


def at_start(**changes: Any) -> dict[str, Any]:
    usual = {"view": experiment.BOTH, "wiring": str(experiment.POST), "layers": 2, "d_model": 128}
    return {**usual, **changes}


@pytest.mark.parametrize("view", [experiment.BOTH, experiment.CAUSAL])
@pytest.mark.parametrize(("wiring", "power"), [(experiment.POST, 0.0), (experiment.PRE, -0.5)])
def test_the_last_gradient_follows_its_power_of_the_depth(view, wiring, power):
    torch.manual_seed(0)
    depths = (2, 8, 24)
    rms = [
        experiment.measure_start(at_start(view=view, wiring=wiring, layers=n), 0)["rms"]
        for n in depths
    ]
    assert log_slope(depths, [rms]).value == pytest.approx(power, abs=0.1)


def test_the_gradient_of_one_position_is_the_product_of_two_norms():
    settings = at_start(view=experiment.CAUSAL, d_model=32)
    model = lm.fresh_model(experiment.shape(experiment.ARMS["post"], 2, 32), 0)
    batch = lm.Windows(lm.text().train, experiment.LENGTH, 8, 0).batch(0, 0)
    losses = F.cross_entropy(
        model(batch.target).flatten(0, 1), batch.labels.flatten(), reduction="none"
    )
    weight = model.layers[-1].feedforward.contract.weight
    norms = torch.stack(
        [torch.autograd.grad(one, weight, retain_graph=True)[0].norm() for one in losses]
    )
    found = experiment.measure_start(settings, 0)
    assert found["rms"] == pytest.approx(norms.square().mean().sqrt().item(), rel=1e-4)
    assert found["median"] == pytest.approx(norms.median().item(), rel=1e-4)
    whole = torch.autograd.grad(losses.mean(), weight)[0].norm().item()
    assert found["W_2"][-1] == pytest.approx(whole, rel=1e-4)


def test_queries_die_where_positions_become_alike():
    torch.manual_seed(0)
    post, pre = (
        experiment.measure_start(at_start(wiring=x, layers=12), 0)
        for x in (experiment.POST, experiment.PRE)
    )
    assert post["W_Q"][-1] < 0.01 * post["W_Q"][0]
    assert 0.5 < post["W_2"][-1] / post["W_2"][0] < 2
    assert len(post["diversity"]) == 12
    assert post["diversity"][-1] < 0.1 * pre["diversity"][-1]


def test_a_step_moves_a_deeper_post_norm_farther_and_a_light_branch_less():
    def moved(arm: str, layers: int) -> float:
        return experiment.measure_step(
            {"arm": arm, "layers": layers, "rate": experiment.TINY_STEP}, 0
        )["change"]

    assert moved("post", 8) > 2.5 * moved("post", 2)
    assert moved("small", 8) < 0.7 * moved("post", 8)


def test_the_light_arms_change_the_branch_and_nothing_else():
    arms = experiment.ARMS
    assert (arms["small"].wiring, arms["alpha"].wiring) == ("post-norm", "deepnorm")
    post, small = (lm.fresh_model(experiment.shape(arms[a]), 0) for a in ("post", "small"))
    beta = (8 * experiment.TRAINED_DEPTH) ** -0.25
    for name, p in post.named_parameters():
        if ".layers" not in f".{name}" or p.ndim != 2:
            continue
        light = re.search(r"project_(value|output)|feedforward", name)
        ratio = (dict(small.named_parameters())[name].std() / p.std()).item()
        assert ratio == pytest.approx(beta if light else 1.0, rel=0.05)
    alpha = lm.fresh_model(experiment.shape(arms["alpha"]), 0)
    for one, other in zip(post.parameters(), alpha.parameters(), strict=True):
        assert torch.equal(one, other)
    assert arms["alpha"].initialization is Initialization.XAVIER


def warmed(arm: str) -> set[str]:
    model = lm.fresh_model(experiment.shape(experiment.ARMS[arm]), 0)
    pattern = experiment.ARMS[arm].warmed
    assert pattern is not None
    return {name for name, _ in model.named_parameters() if re.search(pattern, name)}


def test_places_are_what_their_names_say():
    everything = warmed("post-all")
    assert warmed("top") | warmed("bottom") == everything
    assert not warmed("top") & warmed("bottom")
    assert {n for n in warmed("top") if n.startswith("layers.")} == {
        n for n in everything if n[:9] in ("layers.3.", "layers.4.", "layers.5.")
    }
    assert "embedding.weight" in warmed("bottom")
    assert "projection.weight" in warmed("top")
    assert warmed("qk") | warmed("all-but-qk") == everything
    assert not warmed("qk") & warmed("all-but-qk")
    assert (
        len(warmed("qk")) == len(warmed("vo")) == len(warmed("ffn")) == 4 * experiment.TRAINED_DEPTH
    )


@pytest.mark.parametrize("arm", ["top", "post-all"])
def test_only_the_chosen_parameters_warm_up(arm):
    settings = TrainingSettings(
        updates=100, learning_rate=1e-2, warmup=10, schedule="trapezoid", label_smoothing=0
    )
    state = start(lm.fresh_model(experiment.shape(experiment.ARMS[arm]), 0), settings)
    names = {p: name for name, p in state.model.named_parameters()}
    experiment.warm_only(state, experiment.ARMS[arm].warmed or "")
    windows = lm.Windows(lm.text().train, 8, 2, 0)
    next(fit(state, windows, settings, d_model=64, loss_of=lm.window_loss))
    rates = {
        names[p]: group["lr"] for group in state.optimizer.param_groups for p in group["params"]
    }
    assert rates.keys() == set(names.values())
    for name, rate in rates.items():
        assert rate == pytest.approx(1e-3 if name in warmed(arm) else 1e-2)


# --- the verdicts


LOSSES = {
    "post": (2.6, 2.5, FLOOR, FLOOR, FLOOR),
    "post-all": (2.7, 2.5, 2.6, FLOOR, FLOOR),
    "pre": (2.5, 2.3, 2.2, 2.4, FLOOR),
    "pre-all": (2.6, 2.3, 2.2, 2.19, 2.9),
    "deepnorm": (2.5, 2.2, 2.0, 2.4, FLOOR),
    "small": (2.05,) * 5,
    "alpha": (2.1,) * 5,
    "clip": (FLOOR,) * 5,
    "top": (2.8,) * 5,
    "bottom": (3.1,) * 5,
}
"""At each of the five rates of Adam."""
UNDER_SGD = {"post": FLOOR, "post-all": 2.9, "clip": 2.6, "pre": 2.3, "top": 2.95, "bottom": 3.2}
POWERS = {"post": 1.2, "pre": 0.8, "small": 0.7, "alpha": 0.8, "deepnorm": 0.5}


def usual(part: str, s: dict[str, Any]) -> dict[str, Any]:
    """Return numbers as the theory and the first trainings have them."""
    if part == "start":
        n = s["layers"]
        rms = n**-0.5 if s["wiring"] == experiment.PRE else 1.0
        grows = [1 + place / n for place in range(n)]
        dies = [10.0 ** (-3 * place / n) for place in range(n)]
        matrices = {m: dies if m in ("W_Q", "W_K") else grows for m in experiment.MATRICES}
        return {"rms": rms, "median": rms, "diversity": dies, **matrices}
    if part == "sensitivity":
        return {"change": 0.01 * s["layers"] ** POWERS[s["arm"]]}
    if s["optimizer"] == "sgd":
        return losing(UNDER_SGD[s["arm"]])
    return losing(
        LOSSES.get(s["arm"], (2.9,) * 5)[experiment.RATES[experiment.ADAM].index(s["rate"])]
    )


def losing(loss: Any) -> dict[str, Any]:
    if isinstance(loss, tuple):
        failed: Any = tuple(int(one >= FLOOR) for one in loss)
    else:
        failed = int(loss >= FLOOR)
    return {"loss": loss, "judged": loss, "failed": failed, "unigram": FLOOR}


def made_up(
    change: dict[str, Change] | None = None, mode: Mode = Mode.FULL, seeds: int = SEEDS
) -> Results:
    """Return results with the usual numbers, other where ``change`` of a part says so."""
    cells = []
    for part in EXPERIMENT.parts:
        other = (change or {}).get(part.name, lambda s: {})
        for settings in part.conditions(mode):
            for seed in range(seeds):
                whole = {**usual(part.name, dict(settings)), **other(dict(settings))}
                numbers = {
                    name: value[seed] if isinstance(value, tuple) else value
                    for name, value in whole.items()
                }
                cells.append(Cell(part.name, settings, seed, numbers))
    return Results(mode, cells)


def verdict(claim: str, change: dict[str, Change] | None = None) -> Verdict:
    return CLAIMS[claim].judge(made_up(change)).verdict


def rms(
    power: float, wirings: tuple[str, ...] = (experiment.POST, experiment.PRE)
) -> dict[str, Change]:
    def of(s: dict[str, Any]) -> dict[str, Any]:
        value = s["layers"] ** power
        return {"rms": value, "median": value} if s["wiring"] in wirings else {}

    return {"start": of}


def matrices(last: Any, chosen: tuple[str, ...] = tuple(experiment.MATRICES)) -> dict[str, Change]:
    def of(s: dict[str, Any]) -> dict[str, Any]:
        rows = [[1.0] * (s["layers"] - 1) + [one] for one in (last if last else [])]
        return dict.fromkeys(chosen, tuple(rows) if len(rows) > 1 else rows[0])

    return {"start": of}


def losses(of: Callable[[dict], Any], optimizer: str = "adam") -> dict[str, Change]:
    """Return other losses wherever the function gives one."""

    def change(s: dict[str, Any]) -> dict[str, Any]:
        loss = of(s) if s["optimizer"] == optimizer else None
        return {} if loss is None else losing(loss)

    return {"training": change}


def adam(**changed: Any) -> dict[str, Change]:
    """Return other losses of some arms at every rate of Adam."""
    return losses(lambda s: changed.get(s["arm"].replace("-", "_")))


def under(adam_: dict[str, Any], sgd: dict[str, Any]) -> dict[str, Change]:
    """Return other losses of some arms at the rates that decide."""

    def change(s: dict[str, Any]) -> dict[str, Any]:
        loss = (sgd if s["optimizer"] == "sgd" else adam_).get(s["arm"])
        return {} if loss is None else losing(loss)

    return {"training": change}


def powers(**changed: float) -> dict[str, Change]:
    return {
        "sensitivity": lambda s: (
            {"change": s["layers"] ** changed[s["arm"]]} if s["arm"] in changed else {}
        )
    }


def wavering(s: dict[str, Any]) -> Any:
    """Return losses of which some seeds have more good rates with warm-up, and some fewer."""
    if s["rate"] not in (1e-3, 3e-3):
        return 2.0
    flips = (2.5, 2.5, 2.0, 2.0, 2.5) if s["arm"].endswith("-all") else (2.0, 2.0, 2.5, 2.5, 2.0)
    return flips if s["rate"] == 1e-3 else (2.5, 2.0, 2.5, 2.0, 2.5)


S, C, N, R, O = (
    Verdict.SUPPORTED,
    Verdict.CONDITIONAL,
    Verdict.NOT_SUPPORTED,
    Verdict.REFUTED,
    Verdict.INCONCLUSIVE,
)
UNSURE = (2.0, 3.2, 2.4, 3.0, 2.6)
TOP = {"clip": 2.6, "top": 2.6, "bottom": FLOOR}
"""The mechanism as it would have to look."""
WORDS = [
    ("start", S, None),
    ("start", C, rms(0.2, (experiment.POST,))),
    ("start", N, rms(-0.25)),
    ("start", R, rms(1.0)),
    ("start", O, {"start": lambda s: {"rms": math.nan, "median": math.nan}}),
    ("growth", S, matrices([2.0])),
    ("growth", C, None),
    ("growth", N, matrices([1.0])),
    ("growth", R, matrices([0.1])),
    ("growth", O, matrices([0.5, 2.0, 1.0, 3.0, 0.7])),
    ("needed", S, adam(post=FLOOR, post_all=2.5, pre=2.2)),
    ("needed", C, None),
    ("needed", N, adam(post=2.5, post_all=2.5, pre=2.2)),
    ("needed", R, adam(post=2.5, post_all=FLOOR, pre=2.2)),
    ("needed", O, adam(post=(FLOOR, 2.0, FLOOR, 2.0, FLOOR))),
    ("range", S, losses(lambda s: 2.5 if s["arm"].endswith("-all") else None)),
    ("range", C, losses(lambda s: 2.5 if s["arm"] == "post-all" else
                        (2.2 if s["arm"].startswith("pre") else None))),
    ("range", N, losses(lambda s: 2.5)),
    ("range", R, losses(lambda s: 2.5 if s["arm"] in ("post", "pre") else None)),
    ("range", O, losses(wavering)),
    ("superfluous", S, None),
    ("superfluous", N, adam(pre=2.27, pre_all=2.2)),
    ("superfluous", R, adam(pre=2.5, pre_all=2.2)),
    ("superfluous", O, adam(pre=2.3, pre_all=(2.1, 2.4, 2.3, 2.2, 2.35))),
    ("size", S, under({"clip": 2.6}, {"clip": 2.6})),
    ("size", C, None),
    ("size", N, under({"clip": FLOOR}, {"clip": FLOOR})),
    ("size", R, under({"clip": 4.0}, {"clip": 4.0})),
    ("size", O, under({"clip": UNSURE}, {"clip": UNSURE})),
    ("mechanism", S, under(TOP, TOP)),
    ("mechanism", C, None),
    ("mechanism", N, under({"clip": FLOOR}, {"top": FLOOR})),
    ("mechanism", R, under({"bottom": 2.0}, {"clip": 4.0})),
    ("mechanism", O, under({**TOP, "top": UNSURE}, TOP)),
    ("branch", S, None),
    ("branch", C, adam(alpha=2.65)),
    ("branch", N, adam(alpha=2.65, small=2.65, deepnorm=2.65)),
    ("branch", R, adam(alpha=3.0, small=3.0, deepnorm=3.0)),
    ("branch", O, adam(alpha=UNSURE)),
    ("sensitivity", S, None),
    ("sensitivity", C, powers(pre=1.15)),
    ("sensitivity", N, powers(post=0.8, pre=0.8, small=0.8, alpha=0.8, deepnorm=0.8)),
    ("sensitivity", R, powers(post=-0.5)),
    ("sensitivity", O, {"sensitivity": lambda s: {"change": math.nan}}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "word", "change"), WORDS, ids=[f"{claim}-{word}" for claim, word, _ in WORDS]
)
def test_every_claim_can_get_every_word(claim, word, change):
    assert verdict(claim, change) is word


@pytest.mark.parametrize("claim", CLAIMS)
def test_no_word_is_out_of_reach(claim):
    reached = {word for name, word, _ in WORDS if name == claim}
    single = len(CLAIMS[claim].tests(made_up())) == 1
    assert reached == set(Verdict) - ({C} if single else set())


def test_an_effect_that_is_switched_off_is_not_supported():
    same = losses(lambda s: 2.5)
    assert verdict("needed", same) is N
    assert verdict("range", same) is N
    assert verdict("sensitivity", powers(**dict.fromkeys(POWERS, 1.0))) is N
    nothing = under({"clip": FLOOR, "top": FLOOR}, {"clip": FLOOR, "top": FLOOR})
    assert verdict("size", nothing) is N
    assert verdict("mechanism", nothing) is N
    assert verdict("growth", matrices([1.0])) is N


def test_rescue_is_a_share_of_what_warm_up_regains_and_of_no_less_than_a_fifth_of_a_nat():
    results = made_up(adam(clip=2.92))
    assert effects.rescue(results, "post-all").value == pytest.approx(1)
    assert effects.rescue(results, "post").value == 0
    assert effects.rescue(results, "clip").value == pytest.approx((FLOOR - 2.92) / (FLOOR - 2.6))
    useless = made_up(adam(post_all=FLOOR, clip=3.14))
    assert effects.rescue(useless, "clip").value == pytest.approx(0.5)


def test_a_run_that_breaks_down_counts_as_one_that_learned_nothing(monkeypatch):
    monkeypatch.setattr(experiment, "STEPS", 1)
    monkeypatch.setattr(lm, "train", lambda *a, **k: lm.Trained(k["state"].model, math.nan, []))
    found = experiment.measure_training({"arm": "top", "optimizer": "sgd", "rate": 0.1}, 0)
    assert found["failed"] == 1
    assert found["judged"] == lm.text().unigram_entropy


def test_what_a_quick_run_leaves_out_stays_open():
    judged = EXPERIMENT.judge(made_up(mode=Mode.QUICK))
    assert judged["range"].verdict is O
    assert judged["mechanism"].open == judged["size"].open == ("adam", "sgd")
    assert (judged["needed"].holds, judged["needed"].open) == (("rate 0.003",), ("best rate",))
    assert (judged["branch"].holds, judged["branch"].open) == (("small",), ("alpha", "deepnorm"))


@pytest.mark.parametrize("mode", Mode)
def test_charts_and_numbers_come_from_results_alone(mode):
    results = made_up(mode=mode, seeds=2)
    names = [chart.name for chart in EXPERIMENT.charts(results)]
    assert len(set(names)) == len(names) == (5 if mode is Mode.QUICK else 7)
    assert EXPERIMENT.numbers(results).keys() == EXPERIMENT.numbers(made_up(seeds=2)).keys()


def test_every_circumstance_has_a_name_in_both_languages():
    check_names(EXPERIMENT, made_up(), figures.NAMES)


@pytest.mark.parametrize("language", Language)
def test_the_card_quotes_only_what_was_measured(language):
    check_card(EXPERIMENT, made_up(seeds=2), language)


def test_the_mechanism_is_asked_only_where_warm_up_rescues():
    both = made_up(under(TOP, TOP))
    assert list(claims.mechanism_tests(both)) == ["adam", "sgd"]
    one = made_up(under(TOP, {**TOP, "post-all": FLOOR}))
    assert list(claims.mechanism_tests(one)) == list(claims.size_tests(one)) == ["adam"]
    assert EXPERIMENT.judge(one)["mechanism"].verdict is S
