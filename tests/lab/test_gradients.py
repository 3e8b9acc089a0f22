"""Question 5: the laws along time and depth, and what each claim says of made-up results."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from whyformer.foundation.bilingual import Language
from whyformer.lab.experiments.gradients import EXPERIMENT, claims, effects, experiment, figures
from whyformer.lab.method.charts import Chart
from whyformer.lab.method.experiment import Cell, Mode, Results
from whyformer.lab.method.statistics import slope
from whyformer.lab.method.verdict import Verdict
from whyformer.lab.pages.cards import facts_of, read_card, typed_numbers, unknown_placeholders

pytestmark = pytest.mark.usefixtures("unchecked")
SEEDS = 5
CLAIMS = {claim.name: claim for claim in EXPERIMENT.claims}
Change = Callable[[Mapping[str, Any], int], dict[str, Any]]
"""From settings and seed to the numbers that are other than usual there."""

SUPPORTED, CONDITIONAL = Verdict.SUPPORTED, Verdict.CONDITIONAL
NOT_SUPPORTED, REFUTED, OPEN = Verdict.NOT_SUPPORTED, Verdict.REFUTED, Verdict.INCONCLUSIVE

# --- the laws, on the toolkit's modules


def measured_factor(model: str, seeds: int = 1) -> float:
    curves = [experiment.measure_lags({"model": model}, seed)["log_norm"] for seed in range(seeds)]
    return math.exp(slope(range(1, experiment.LENGTH), [curve[1:] for curve in curves]).value)


@pytest.mark.parametrize("model", ["rnn-uniform", "rnn-xavier", "rnn-orthogonal"])
def test_a_tanh_rnn_keeps_what_mean_field_theory_says(model):
    assert measured_factor(model, 3) == pytest.approx(claims.PREDICTED[model], rel=0.05)


def test_theory_in_its_limits():
    assert effects.predicted_tanh_factor(1 / 3, 0.0) == pytest.approx(
        3**-0.5
    )  # tanh is the identity at 0
    assert effects.predicted_tanh_factor(1.0, 1.0) < effects.predicted_tanh_factor(1.0, 0.1) < 1
    assert effects.predicted_tanh_factor(1.0, 1e6) < 0.05  # saturated
    assert effects.predicted_skip_diversity(0) == pytest.approx((1 + 1 / 64) ** -0.5)
    assert 0.97 < effects.predicted_chrono_factor() < 1 - 1 / experiment.LENGTH


def test_attention_keeps_the_gradient_at_any_lag():
    for model in ("attention-pre-norm", "attention-post-norm", "attention-no-skip"):
        assert measured_factor(model) == pytest.approx(1, abs=0.02), model


def test_only_the_forget_gate_decides_what_an_lstm_keeps():
    shut, one, long = (
        measured_factor(f"lstm-{start}") for start in ("uniform", "forget-1", "forget-long")
    )
    assert 0.5 < shut < 0.65
    assert 1 / (1 + math.exp(-1)) < one < 0.85
    assert 0.98 < long < 1.03
    assert measured_factor("lstm-chrono") == pytest.approx(
        claims.PREDICTED["lstm-chrono"], abs=0.005
    )


def test_skips_along_depth_do_not_carry_gradients_back_in_time():
    assert measured_factor("rnn-4-skip") < measured_factor("rnn-4") < 0.7


def test_skips_double_what_all_tokens_share():
    rows = [
        experiment.measure_depth({"stack": "attention-skip"}, seed)["diversity"]
        for seed in range(3)
    ]
    kept = np.exp(np.log(rows).mean(0))
    for layers in (1, 2, 3, 4):
        assert kept[layers - 1] == pytest.approx(effects.predicted_skip_diversity(layers), rel=0.05)


def test_without_skips_tokens_become_one_and_the_norm_does_not_say_so():
    lost = experiment.measure_depth({"stack": "no-skip"}, 0)
    kept = experiment.measure_depth({"stack": "pre-norm"}, 0)
    assert lost["diversity"][7] < 1e-6
    assert kept["diversity"][7] > 0.1
    assert lost["gradient_ratio"] > 0.1
    assert lost["gradient_diversity"] < 1e-9 < 0.1 < kept["gradient_diversity"]


def test_one_attention_leaves_what_uneven_weights_leave():
    # Var(mean) is 1/n, what differs (e - 1)/n: the scores of a fresh attention are normal.
    rows = [
        experiment.measure_depth({"stack": "attention-only"}, seed)["diversity"]
        for seed in range(3)
    ]
    assert np.mean(rows, 0)[0] == pytest.approx(math.sqrt(1 - 1 / math.e), rel=0.08)


@pytest.mark.parametrize("model", ["lstm-skip", "gpt-no-skip"])
def test_every_kind_of_model_learns_by_the_same_loop(model, monkeypatch):
    monkeypatch.setattr(experiment, "STEPS", 2)
    error = experiment.measure_reach({"model": model, "lag": 2, "rate": 1e-3}, 0)["error"]
    assert 0.5 < error < 1


def test_copying_and_recalling_are_measured(monkeypatch):
    monkeypatch.setattr(experiment, "STEPS", 2)
    settings = {"wiring": "post-norm", "layers": 1, "rate": 1e-3}
    assert 0.5 < experiment.measure_copy(settings, 0)["error"] < 1
    assert experiment.measure_copy(settings, 0) == experiment.measure_copy(settings, 0)
    model = experiment.gpt("no-skip", 1, 0)
    data = experiment.exercises("first", 2, 0)
    assert 0.5 < experiment.learned_error(model, data, 1e-3, 1) < 1


# --- the claims, on made-up results

FACTORS = {
    "rnn-uniform": 0.45, "rnn-xavier": 0.63, "rnn-orthogonal": 0.63, "gru-uniform": 0.6,
    "lstm-uniform": 0.6, "lstm-forget-1": 0.8, "lstm-toolkit": 0.82, "lstm-forget-long": 1.0,
    "lstm-chrono": 0.98, "rnn-4": 0.55, "rnn-4-skip": 0.47, "lstm-4": 0.65, "lstm-4-skip": 0.62,
}  # fmt: skip
AFTER_24 = {"pre-norm": 0.3, "post-norm": 1e-3, "attention-skip": 5e-3}


def line(factor: float) -> dict[str, Any]:
    return {"log_norm": [math.log(factor) * lag for lag in range(experiment.LENGTH)]}


def kept(diversity: float) -> dict[str, Any]:
    return {"diversity": [diversity] * experiment.DEEPEST}


def usual(part: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    if part == "lags":
        return line(FACTORS.get(settings["model"], 1.0))
    if part == "depth":
        last = AFTER_24.get(settings["stack"], 1e-15)
        return {
            "diversity": [
                *np.geomspace(0.9, max(last, 1e-12), experiment.DEEPEST - 1).tolist(),
                last,
            ]
            if last > 1e-10
            else [0.5, 0.01, *[1e-15] * (experiment.DEEPEST - 2)],
            "gradient_ratio": 0.5,
            "gradient_diversity": 1e-14,
        }
    if part == "copy":
        tuning = 0.02 * (settings["rate"] == 1e-3)
        lost = {1: 0.0, 2: 0.2, 4: 0.6, 6: 0.7}[settings["layers"]]
        return {"error": tuning + (lost if settings["wiring"] == "no-skip" else 0.0)}
    return {"error": 0.0 if part == "first" else 0.3}


def made(change: Change = lambda s, seed: {}, mode: Mode = Mode.FULL) -> Results:
    cells = [
        Cell(part.name, s, seed, {**usual(part.name, s), **change({**s, "part": part.name}, seed)})
        for part in EXPERIMENT.parts
        for s in part.conditions(mode)
        for seed in range(SEEDS)
    ]
    return Results(mode, cells)


def factors(**by_model: float | Callable[[int], float]) -> Change:
    """Return a change that gives models, by their names, other factors along time."""

    def change(s: Mapping[str, Any], seed: int) -> dict[str, Any]:
        found = by_model.get(s.get("model", "").replace("-", "_")) if s["part"] == "lags" else None
        if found is None:
            return {}
        return line(found(seed) if callable(found) else found)

    return change


def errors(of: Mapping[int, float | Callable[[int], float]]) -> Change:
    """Return a change that gives stacks without skips, by their layers, other errors."""

    def change(s: Mapping[str, Any], seed: int) -> dict[str, Any]:
        if s["part"] != "copy":
            return {}
        found = of.get(s["layers"], 0.0) if s["wiring"] == "no-skip" else 0.0
        return {"error": found(seed) if callable(found) else found}

    return change


def stacks(number: str, **by_stack: float | Callable[[int], float]) -> Change:
    """Return a change that gives stacks another number at every layer."""

    def change(s: Mapping[str, Any], seed: int) -> dict[str, Any]:
        found = by_stack.get(s.get("stack", "").replace("-", "_"))
        if found is None:
            return {}
        value = found(seed) if callable(found) else found
        return kept(value) if number == "diversity" else {number: value}

    return change


def verdict(name: str, change: Change = lambda s, seed: {}, mode: Mode = Mode.FULL) -> Verdict:
    return CLAIMS[name].judge(made(change, mode)).verdict


def spread(low: float, high: float) -> Callable[[int], float]:
    return lambda seed: low + (high - low) * (seed % 2)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (factors(), SUPPORTED),
        (factors(attention_post_norm=0.9), CONDITIONAL),
        (factors(attention_pre_norm=1.04, attention_post_norm=0.95), NOT_SUPPORTED),
        (factors(attention_pre_norm=0.5, attention_post_norm=0.5), REFUTED),
        (factors(attention_pre_norm=spread(0.9, 1.1)), OPEN),
        (factors(rnn_uniform=1.0), REFUTED),  # both the same: nothing was removed
        (factors(attention_pre_norm=0.45, attention_post_norm=0.45), REFUTED),
    ],
)
def test_time(change, expected):
    assert verdict("time", change) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1.0, 1.0, 0.97), SUPPORTED),
        ((0.6, 0.8, 0.97), CONDITIONAL),
        ((0.92, 0.93, 0.94), NOT_SUPPORTED),
        ((0.6, 0.8, 0.82), REFUTED),
        ((spread(0.8, 1.0), 0.8, 0.8), OPEN),
    ],
)
def test_lstm(values, expected):
    uniform, one, toolkit = values
    change = factors(lstm_uniform=uniform, lstm_forget_1=one, lstm_toolkit=toolkit)
    assert verdict("lstm", change) is expected


@pytest.mark.parametrize(
    ("long", "chrono", "expected"),
    [
        (1.0, 0.98, SUPPORTED),
        (1.0, 0.8, CONDITIONAL),
        (0.92, 0.92, NOT_SUPPORTED),
        (0.6, 0.6, REFUTED),  # the gate changes nothing
        (spread(0.8, 1.0), 0.98, OPEN),
    ],
)
def test_gate(long, chrono, expected):
    assert verdict("gate", factors(lstm_forget_long=long, lstm_chrono=chrono)) is expected


@pytest.mark.parametrize(
    ("rnn", "lstm", "expected"),
    [
        (0.7, 0.7, SUPPORTED),
        (0.7, 0.6, CONDITIONAL),
        (0.55, 0.65, NOT_SUPPORTED),  # the skips change nothing
        (0.47, 0.62, REFUTED),
        (spread(0.5, 0.6), spread(0.6, 0.7), OPEN),
    ],
)
def test_along_time(rnn, lstm, expected):
    assert verdict("along_time", factors(rnn_4_skip=rnn, lstm_4_skip=lstm)) is expected


@pytest.mark.parametrize(
    ("without", "expected"),
    [
        (1e-9, SUPPORTED),
        (1e-3, NOT_SUPPORTED),
        (0.5, REFUTED),  # as different as with the skips
        (spread(1e-9, 0.01), OPEN),
    ],
)
def test_collapse(without, expected):
    # One circumstance: it cannot be supported under conditions.
    assert verdict("collapse", stacks("diversity", no_skip=without)) is expected


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        ({1: 0.4, 2: 0.5, 4: 0.6, 6: 0.6}, SUPPORTED),
        ({1: 0.0, 2: 0.2, 4: 0.6, 6: 0.6}, CONDITIONAL),
        ({1: 0.2, 2: 0.2, 4: 0.2, 6: 0.2}, NOT_SUPPORTED),
        ({}, REFUTED),  # the same arm twice
        ({1: 0.0, 2: spread(0.2, 0.5), 4: 0.2, 6: 0.2}, OPEN),
    ],
)
def test_need(lost, expected):
    assert verdict("need", errors(lost)) is expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ((0.3, 0.3, 0.3), SUPPORTED),
        ((0.3, 1e-3, 5e-3), CONDITIONAL),
        ((0.05, 0.05, 0.05), NOT_SUPPORTED),
        ((1e-3, 1e-3, 1e-3), REFUTED),
        ((spread(0.05, 0.5), 1e-3, 1e-3), OPEN),
    ],
)
def test_enough(after, expected):
    pre, post, alone = after
    change = stacks("diversity", pre_norm=pre, post_norm=post, attention_skip=alone)
    assert verdict("enough", change) is expected


@pytest.mark.parametrize(
    ("whole", "causal", "expected"),
    [
        (1e-6, 1e-6, SUPPORTED),
        (1e-6, 0.5, CONDITIONAL),
        (0.01, 0.01, NOT_SUPPORTED),
        (0.5, 0.5, REFUTED),
        (spread(1e-6, 1), 0.5, OPEN),
        (1.0, 1.0, REFUTED),  # the gradient comes through as it went in
    ],
)
def test_total(whole, causal, expected):
    change = stacks("gradient_ratio", no_skip=whole, no_skip_causal=causal)
    assert verdict("total", change) is expected


def test_each_wiring_is_judged_at_its_better_rate():
    results = made()
    assert effects.accuracies(results, "pre-norm", 4) == [1.0] * SEEDS
    assert effects.accuracy_drop(results, 4).value == pytest.approx(0.6)
    assert effects.reached(results, "lstm", 8).value == pytest.approx(0.7)
    assert not effects.reached(made(mode=Mode.QUICK), "lstm", 8).seeds


# --- what is shown


@pytest.mark.parametrize("mode", list(Mode))
def test_numbers_fill_the_cards_in_both_modes(mode):
    facts = facts_of(EXPERIMENT, made(mode=mode))
    for language in Language:
        card = read_card("gradients", language)
        assert card is not None
        assert unknown_placeholders(card, EXPERIMENT, facts) == []
        assert typed_numbers(card) == []
    missing = {name for name, number in facts.numbers.items() if not number.seeds}
    assert bool(missing) is (mode is Mode.QUICK)


def test_charts_and_names():
    for mode in Mode:
        results = made(mode=mode)
        charts = figures.charts(results)
        names = [chart.name for chart in charts]
        assert names[:5] == ["lags", "factors", "diversity", "total", "copy"]
        assert ("reach" in names) is (mode is Mode.FULL)
        lags = charts[0]
        assert isinstance(lags, Chart)
        assert all(series.points[0][1].value == 1 for series in lags.series)
        for claim in EXPERIMENT.claims:
            assert set(claim.tests(results)) <= set(figures.NAMES)
