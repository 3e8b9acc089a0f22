"""Queries, keys and values: symmetric scores, the formula, and what each claim says of made-up
results."""

import pytest
import torch

from made_up_results import check_card, check_names, results_of
from whyformer.blocks.multihead import MultiHeadAttention
from whyformer.foundation.bilingual import Language
from whyformer.lab.experiments.qkv import EXPERIMENT, claims, experiment, figures
from whyformer.lab.experiments.qkv.experiment import ALL, KEYS, SEPARATE, VALUES
from whyformer.lab.method.charts import Chart
from whyformer.lab.method.experiment import Mode, Results
from whyformer.lab.method.verdict import Verdict


def start(arm: str, d_k: int, n: int = 64) -> dict:
    return dict(experiment.measure_start({"arm": arm, "d_k": d_k, "n": n}, 1))


@pytest.mark.parametrize("d_k", [8, 64])
@pytest.mark.parametrize("arm", [SEPARATE, KEYS])
def test_the_weight_of_a_token_on_itself_is_that_of_the_formula(arm, d_k):
    assert start(arm, d_k)["self"] == pytest.approx(claims.predicted_self(arm, d_k), abs=0.02)


def test_the_formula_falls_with_the_number_of_tokens():
    found = [claims.predicted_self(KEYS, 64, n) for n in (2, 16, 64, 256, 4096)]
    assert found == sorted(found, reverse=True)
    assert claims.predicted_self(KEYS, 256, 1) == 1


def test_scores_are_symmetric_only_if_queries_are_keys():
    assert start(KEYS, 16)["asymmetry"] < 1e-12
    assert start(SEPARATE, 16)["asymmetry"] > 1


@pytest.mark.parametrize(
    ("arm", "matrices"), [(SEPARATE, 4), (KEYS, 3), (VALUES, 3), (ALL, 2), ("q=k, wider", 3)]
)
def test_an_arm_has_as_many_matrices_as_it_says(arm, matrices):
    layer = MultiHeadAttention(8, 2, 4)
    experiment.tie(layer, arm)
    assert len(list(layer.parameters())) == matrices


@pytest.mark.parametrize("arm", experiment.WIDER)
def test_wider_arms_have_as_many_weights_within_a_percent(arm):
    def count(one: str) -> int:
        model = experiment.Looker(experiment.shape(one, 64, 2, 4))
        experiment.tie(model, one)
        return experiment.count_parameters(model)

    assert count(arm) == pytest.approx(count(SEPARATE), rel=0.01)
    assert count(experiment.WIDER[arm]) < 0.97 * count(SEPARATE)


def test_every_token_of_a_circle_names_the_payload_of_the_next():
    circle = experiment.Circles(64, 3).batch(0, 5)
    for symbols, payloads, labels, wanted in zip(
        circle.target.tolist(), circle.payloads.tolist(), circle.labels.tolist(),
        circle.wanted.tolist(), strict=True,
    ):  # fmt: skip
        assert sorted(symbols) == [0, 1, 2]
        places = [symbols.index((one + 1) % 3) for one in symbols]
        assert wanted == places
        assert labels == [payloads[place] for place in places]


def test_symmetric_scores_serve_at_most_two_of_three():
    torch.manual_seed(0)
    wanted = torch.tensor([[1, 2, 0]])
    for _ in range(200):
        scores = 3 * torch.randn(1, 1, 3, 3)
        assert experiment.turned((scores + scores.mT).softmax(-1), wanted) <= 2 / 3
    clear = torch.eye(3)[[1, 2, 0]][None, None]
    assert experiment.turned(clear.softmax(-1), wanted) == 1
    assert experiment.turned(clear.mT.softmax(-1), wanted) == 0


def test_a_short_training_measures_every_number(monkeypatch):
    monkeypatch.setattr(experiment, "CYCLE_STEPS", 60)
    arm = {"arm": SEPARATE, "shape": experiment.ONE_HEAD, "rate": 4e-3}
    found = experiment.measure_circle(arm, 0)
    assert found["right"] > 0.9 < found["turned"]
    found = experiment.measure_language({"arm": "q=k, wider", "rate": 3e-3, "steps": 2}, 0)
    assert 2 < found["loss"] < 6
    assert 0.2 < found["itself"][0] < 0.6


def made(
    mode: Mode = Mode.FULL,
    *,
    share: float | None = None,
    turned: float = 2 / 3,
    right: float = 0.65,
    keys: float = 0.15,
    values: float = 0.03,
) -> Results:
    """Return the results of a laboratory in which everything is as the theory says.

    Args:
        share: weight of a token on itself with W_Q = W_K.
        turned, right: numbers of the circle with W_Q = W_K and one head.
        keys, values: the loss that W_Q = W_K and W_K = W_V add.
    """

    def numbers(part: str, settings, seed: int) -> dict:
        arm, noise = settings["arm"], 1e-3 * seed
        if part == "start":
            theory = claims.predicted_self(arm, settings["d_k"], settings["n"])
            itself = theory if share is None or arm == SEPARATE else share
            return {"self": itself, "score": 1.0, "asymmetry": 0.0}
        if part == "circle":
            shared = arm.startswith(KEYS)
            one = shared and settings["shape"] == experiment.ONE_HEAD
            return {
                "right": right + noise if one else 1.0,
                "turned": turned if shared else 1.0,
                "curve": [1.0, 0.1],
            }
        added = keys if KEYS in arm else values if VALUES in arm else 0.0
        away = abs(settings["rate"] - experiment.RATES[1])
        return {"loss": 2 + added + away + noise, "itself": [0.1, 0.2]}

    return results_of(EXPERIMENT, numbers, mode=mode, seeds=6)


def test_the_verdicts_of_the_theory():
    found = EXPERIMENT.judge(made())
    assert found["law"].verdict is found["language"].verdict is Verdict.SUPPORTED
    assert found["itself"].holds == ("d_k = 64", "d_k = 256")
    assert found["itself"].verdict is Verdict.CONDITIONAL
    assert found["direction"].holds == ("attention", experiment.ONE_HEAD)
    assert found["direction"].fails == (experiment.MORE_HEADS,)
    assert found["room"].verdict is Verdict.REFUTED


@pytest.mark.parametrize(
    ("changed", "name", "verdict"),
    [
        ({"share": 0.01}, "law", Verdict.CONDITIONAL),
        ({"share": 0.01}, "itself", Verdict.REFUTED),
        ({"keys": -0.15}, "language", Verdict.REFUTED),
        ({"keys": 0.0}, "language", Verdict.NOT_SUPPORTED),
        ({"values": 0.2}, "room", Verdict.SUPPORTED),
        ({"keys": 0.0, "values": 0.2}, "room", Verdict.INCONCLUSIVE),
    ],
)
def test_a_claim_fails_by_the_contrary(changed, name, verdict):
    assert EXPERIMENT.judge(made(**changed))[name].verdict is verdict


def test_a_head_that_serves_all_three_refutes_the_direction():
    found = EXPERIMENT.judge(made(turned=1.0, right=1.0))["direction"]
    assert set(found.fails) == {"attention", experiment.ONE_HEAD, experiment.MORE_HEADS}


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("mode", Mode)
def test_the_card_has_all_of_its_numbers(language, mode):
    check_card(EXPERIMENT, made(mode), language)


def test_every_circumstance_has_a_name():
    check_names(EXPERIMENT, made(), figures.NAMES)


@pytest.mark.parametrize("mode", Mode)
def test_the_figures_show_the_law(mode):
    drawn = figures.charts(made(mode))
    names = ["self", "circle", "language", *(["rates"] if mode is Mode.FULL else [])]
    assert [one.name for one in drawn] == names
    assert isinstance(drawn[0], Chart)
    measured, theory, *_ = drawn[0].series
    assert [e.value for _, e in measured.points] == pytest.approx(
        [e.value for _, e in theory.points]
    )
