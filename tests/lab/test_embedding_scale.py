"""√d_model: the law of loudness, the identity, and what each claim says of made-up results."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from made_up_results import check_card, check_names
from whyformer.foundation.bilingual import Language
from whyformer.lab.experiments.embedding_scale import EXPERIMENT, claims, experiment, figures
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.experiment import Cell, Mode, Results
from whyformer.lab.method.verdict import Verdict

pytestmark = pytest.mark.usefixtures("unchecked")
SEEDS = 5
CLAIMS = {claim.name: claim for claim in EXPERIMENT.claims}
Change = Callable[[dict[str, Any]], dict[str, Any]]

# --- the laws, on the toolkit's modules


@pytest.mark.parametrize("scale", [experiment.ONE, experiment.SQRT])
@pytest.mark.parametrize("init", [experiment.SMALL, experiment.UNIT])
@pytest.mark.parametrize("d_model", [64, 256])
def test_loudness_follows_the_formula(scale, init, d_model):
    found = experiment.measure_loudness({"d_model": d_model, "init": init, "scale": scale}, 0)
    assert found["position"] == pytest.approx(math.sqrt(d_model / 2), rel=1e-5)
    assert found["ratio"] == pytest.approx(claims.predicted_ratio(scale, init, d_model), rel=0.05)


def arm(**changes: Any) -> dict[str, Any]:
    usual = {
        "d_model": 64,
        "init": experiment.SMALL,
        "scale": experiment.SQRT,
        "tying": experiment.UNTIED,
    }
    return {**usual, "positions": "sinusoidal", **changes}


def test_two_untied_starts_are_the_same_function():
    ids = lm.text().dev[:64].view(2, 32)
    with torch.no_grad():
        factor, unit = (
            experiment.fresh_model(one, 0)(ids)
            for one in (arm(), arm(scale=experiment.ONE, init=experiment.UNIT))
        )
        tied = experiment.fresh_model(
            arm(scale=experiment.ONE, init=experiment.UNIT, tying=experiment.TIED), 0
        )(ids)
    torch.testing.assert_close(factor, unit, rtol=1e-5, atol=1e-5)
    assert tied.std() > 4 * unit.std()


@pytest.mark.parametrize("init", [experiment.SMALL, experiment.UNIT])
def test_an_untied_output_starts_the_same_whatever_the_embedding_does(init):
    weight = experiment.fresh_model(arm(init=init), 0).projection.weight
    assert weight.std().item() == pytest.approx(1 / 8, rel=0.05)


def test_the_factor_is_a_start_and_a_rate_unless_the_matrix_is_tied():
    assert experiment.measure_identity({"tying": experiment.UNTIED, "steps": 6}, 0)["gap"] < 1e-9
    assert experiment.measure_identity({"tying": experiment.TIED, "steps": 2}, 0)["gap"] > 1e-3


# --- the verdicts


def usual(part: str, s: dict[str, Any]) -> dict[str, Any]:
    """Return numbers in which the factor matters for the sake of the positions alone."""
    if part == "loudness":
        ratio = claims.predicted_ratio(s["scale"], s["init"], s["d_model"])
        return {"ratio": ratio, "token": 1.0, "position": 1.0, "logits": 1.0}
    if part == "identity":
        return {"gap": 1e-13}
    drowned = s["positions"] == "sinusoidal" and s["scale"] == experiment.ONE
    return {"loss": 2.0 + 0.3 * drowned + 0.1 * (s["rate"] != experiment.RATES[1])}


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


def loss(of: Callable[[dict], Any]) -> dict[str, Change]:
    """Return losses that are the same at every rate."""
    return {"training": lambda s: {"loss": of(s)}}


def noisy(s: dict[str, Any]) -> Any:
    """Return losses that agree on nothing where positions are and the factor is not."""
    drowned = s["scale"] == experiment.ONE and s["positions"] == "sinusoidal"
    return (1.5, 2.0, 2.5, 1.9, 2.2) if drowned else 2.0


def ratio(of: Callable[[dict], float]) -> dict[str, Change]:
    return {"loudness": lambda s: {"ratio": of(s)}}


def predicted(s: dict[str, Any]) -> float:
    return claims.predicted_ratio(s["scale"], s["init"], s["d_model"])


def factor_helps(gain: float, alone: float = 0.0) -> dict[str, Change]:
    def of(s: dict[str, Any]) -> float:
        worse = gain if s["positions"] == "sinusoidal" else alone
        return 2.0 + worse * (s["scale"] == experiment.ONE)

    return loss(of)


def unit_is_worse(by: Any, positions: tuple[str, ...] = ("sinusoidal", "none")) -> dict:
    def of(s: dict[str, Any]) -> Any:
        here = (
            s["init"] == experiment.UNIT
            and s["scale"] == experiment.ONE
            and s["positions"] in positions
        )
        if not here:
            return 2.0
        return tuple(2.0 + one for one in by) if isinstance(by, tuple) else 2.0 + by

    return loss(of)


def only_tied(gain: float, otherwise: float) -> dict[str, Change]:
    def of(s: dict[str, Any]) -> float:
        here = gain if s["tying"] == experiment.TIED else otherwise
        return 2.0 + here * (s["scale"] == experiment.ONE and s["positions"] == "sinusoidal")

    return loss(of)


def gaps(tied: Any, untied: Any) -> dict[str, Change]:
    return {"identity": lambda s: {"gap": tied if s["tying"] == experiment.TIED else untied}}


S, C, N, R, O = (
    Verdict.SUPPORTED,
    Verdict.CONDITIONAL,
    Verdict.NOT_SUPPORTED,
    Verdict.REFUTED,
    Verdict.INCONCLUSIVE,
)
WORDS = [
    ("law", S, None),
    ("law", C, ratio(lambda s: predicted(s) * (1.2 if s["init"] == experiment.UNIT else 1))),
    ("law", N, ratio(lambda s: 1.2 * predicted(s))),
    ("law", R, ratio(lambda s: 3 * predicted(s))),
    ("law", O, ratio(lambda s: math.nan)),
    ("comparable", S, ratio(lambda s: 0.1 if s["scale"] == experiment.ONE else 1.4)),
    ("comparable", C, None),
    ("comparable", N, ratio(lambda s: 1.4)),
    ("comparable", R, ratio(lambda s: 30.0)),
    ("comparable", O, ratio(lambda s: math.nan)),
    ("training", S, factor_helps(0.3)),
    ("training", C, only_tied(0.3, 0.0)),
    ("training", N, factor_helps(0.01)),
    ("training", R, factor_helps(-0.3)),
    ("training", O, loss(noisy)),
    ("reason", S, factor_helps(0.3)),
    ("reason", C, only_tied(0.3, 0.0)),
    ("reason", N, factor_helps(0.3, 0.1)),
    ("reason", N, factor_helps(0.0)),
    ("reason", R, factor_helps(0.1, 0.3)),
    ("reason", O, loss(noisy)),
    ("start", S, unit_is_worse(0.0)),
    ("start", C, unit_is_worse(0.04, ("none",))),
    ("start", N, unit_is_worse(0.04)),
    ("start", R, unit_is_worse(0.4)),
    ("start", O, unit_is_worse((-0.1, 0.0, 0.1, 0.05, 0.0))),
    ("identity", S, gaps(1e-13, 1e-13)),
    ("identity", C, gaps(1.0, 1e-13)),
    ("identity", N, gaps(1e-6, 1e-6)),
    ("identity", R, gaps(1.0, 1.0)),
    ("identity", O, gaps((0.0, 0.0, 1e-8, 0.0, 0.0), 1e-13)),
]


@pytest.mark.parametrize(
    ("claim", "word", "change"), WORDS, ids=[f"{claim}-{word}" for claim, word, _ in WORDS]
)
def test_every_claim_can_get_every_word(claim, word, change):
    assert verdict(claim, change) is word


@pytest.mark.parametrize("claim", CLAIMS)
def test_no_word_is_out_of_reach(claim):
    assert {word for name, word, _ in WORDS if name == claim} == set(Verdict)


def test_the_same_arm_twice_is_no_gain():
    same = loss(lambda s: 2.0)
    assert verdict("training", same) is N
    assert verdict("reason", same) is N


def test_each_arm_is_judged_at_its_own_best_rate():
    def of(s: dict[str, Any]) -> float:
        best = experiment.RATES[0] if s["scale"] == experiment.ONE else experiment.RATES[2]
        return 2.0 + (s["rate"] != best)

    assert (
        claims.gain(
            made_up(loss(of)), tying=experiment.TIED, init=experiment.SMALL, positions="none"
        ).value
        == 0
    )


def test_what_a_quick_run_leaves_out_stays_open():
    judged = EXPERIMENT.judge(made_up(mode=Mode.QUICK))
    assert judged["start"].verdict is O
    assert judged["reason"].verdict is S


@pytest.mark.parametrize("mode", Mode)
def test_charts_and_numbers_come_from_results_alone(mode):
    results = made_up(mode=mode, seeds=2)
    names = [chart.name for chart in EXPERIMENT.charts(results)]
    assert len(set(names)) == len(names) == (3 if mode is Mode.QUICK else 5)
    assert EXPERIMENT.numbers(results).keys() == EXPERIMENT.numbers(made_up(seeds=2)).keys()


def test_every_circumstance_has_a_name_in_both_languages():
    check_names(EXPERIMENT, made_up(), figures.NAMES)


@pytest.mark.parametrize("language", Language)
def test_the_card_quotes_only_what_was_measured(language):
    check_card(EXPERIMENT, made_up(seeds=2), language)
