"""Heads: equal sizes, what pruning removes, and what each claim says of made-up results."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch

from made_up_results import check_card, check_names
from whyformer.foundation.bilingual import Language
from whyformer.lab.experiments.heads import EXPERIMENT, claims, experiment, figures
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.experiment import Cell, Mode, Results
from whyformer.lab.method.verdict import Verdict
from whyformer.models.transformer import count_parameters

pytestmark = pytest.mark.usefixtures("unchecked")
SEEDS = 5
CLAIMS = {claim.name: claim for claim in EXPERIMENT.claims}
Change = Callable[[dict[str, Any]], dict[str, Any]]

# --- the laws, on the toolkit's modules


def test_every_shape_has_as_many_weights():
    shapes = [(n, experiment.SPLIT) for n in experiment.HEADS] + [
        (n, experiment.FIXED) for n in experiment.FIXED_HEADS
    ]
    counts = {count_parameters(lm.fresh_model(experiment.shape(*one), 0)) for one in shapes}
    assert max(counts) / min(counts) - 1 < 2e-3
    assert experiment.shape(experiment.MIDDLE, experiment.SPLIT) == experiment.shape(
        experiment.MIDDLE, experiment.FIXED
    ).model_copy(update={"d_k": None})


def small_model():
    return lm.fresh_model(lm.reference(layers=2, d_model=32, heads=4), 0)


def batch() -> lm.Window:
    return lm.Windows(lm.text().train, 16, 4, 0).batch(0, 0)


def test_a_removed_head_is_one_whose_values_are_zero():
    model = small_model()
    twin = copy.deepcopy(model)
    values = twin.layers[1].self_attention.project_value
    with torch.no_grad():
        values.weight[2 * 8 : 3 * 8] = 0
        values.bias[2 * 8 : 3 * 8] = 0
    before = [p.clone() for p in model.parameters()]
    whole = experiment.loss_without(model, [], batch())
    without = experiment.loss_without(model, [(1, 2)], batch())
    assert without == pytest.approx(experiment.loss_without(twin, [], batch()), rel=1e-6)
    assert without != whole
    for one, old in zip(model.parameters(), before, strict=True):
        assert torch.equal(one, old)


def test_without_all_heads_attention_adds_nothing():
    model = small_model()
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for layer in twin.layers:
            layer.self_attention.project_output.weight.zero_()
    everywhere = [(layer, head) for layer in range(2) for head in range(4)]
    wanted = experiment.loss_without(twin, [], batch())
    assert experiment.loss_without(model, everywhere, batch()) == pytest.approx(wanted, rel=1e-6)


def test_the_probe_of_one_cell(monkeypatch):
    monkeypatch.setattr(experiment, "STEPS", 1)
    monkeypatch.setattr(experiment, "WIDTH", 32)
    monkeypatch.setattr(experiment, "PROBED", 2)
    found = experiment.measure({"family": experiment.SPLIT, "heads": 2, "rate": 1e-3}, 0)
    assert len(found["alone"]) == 4
    assert len(found["rise"]) == len(experiment.SHARES)
    assert found["rise"][0] == 0


# --- the verdicts


def usual(s: dict[str, Any]) -> dict[str, Any]:
    """Return numbers of a U with a narrow right side, and of models that miss few heads."""
    worse = {1: 0.15, 2: 0.05, 4: 0.01, 8: 0.0, 16: 0.01, 32: 0.05}
    if s["family"] == experiment.FIXED:
        worse = {1: 0.1, 2: 0.05, 4: 0.02, 16: 0.0}
    few = s["heads"] < 8
    return {
        "loss": 2.0 + worse[s["heads"]] + 0.1 * (s["rate"] != experiment.RATES[1]),
        "parameters": 1000,
        "alone": [0.1 if few else 0.001] * (2 * s["heads"]),
        "rise": [0.0, 0.1, 0.4, 0.6, 0.9] if few else [0.0, 0.01, 0.03, 0.1, 0.7],
    }


def made_up(change: Change | None = None, mode: Mode = Mode.FULL, seeds: int = SEEDS) -> Results:
    """Return results with the usual numbers, other where ``change`` says so."""
    cells = []
    for settings in experiment.conditions(mode):
        for seed in range(seeds):
            whole = {**usual(dict(settings)), **(change(dict(settings)) if change else {})}
            numbers = {n: v[seed] if isinstance(v, tuple) else v for n, v in whole.items()}
            cells.append(Cell("training", settings, seed, numbers))
    return Results(mode, cells)


def verdict(claim: str, change: Change | None = None) -> Verdict:
    return CLAIMS[claim].judge(made_up(change)).verdict


def loss(**of: Any) -> Change:
    """Return losses by name: split_1, fixed_16 …; all others are 2."""

    def change(s: dict[str, Any]) -> dict[str, Any]:
        return {"loss": of.get(f"{s['family']}_{s['heads']}", 2.0)}

    return change


def alone(*shares: float) -> Change:
    """Return heads of which a share is missed, a value a seed or one for all."""

    def rows(heads: int) -> list[list[float]]:
        return [[0.1 if n < int(share * 2 * heads) else 0.0 for n in range(2 * heads)]
                for share in shares]  # fmt: skip

    return lambda s: {"alone": tuple(rows(s["heads"])) if len(shares) > 1 else rows(s["heads"])[0]}


def rise(*halves: float) -> Change:
    rows = [[0.0, 0.0, half, half, half] for half in halves]
    return lambda s: {"rise": tuple(rows) if len(rows) > 1 else rows[0]}


UNSURE = (1.9, 2.1, 2.0, 2.2, 1.8)
S, C, N, R, O = (
    Verdict.SUPPORTED,
    Verdict.CONDITIONAL,
    Verdict.NOT_SUPPORTED,
    Verdict.REFUTED,
    Verdict.INCONCLUSIVE,
)
WORDS = [
    ("several", S, None),
    ("several", C, loss(split_1=2.1)),
    ("several", N, loss()),
    ("several", R, loss(split_1=1.9, fixed_1=1.9)),
    ("several", O, loss(split_1=UNSURE)),
    ("too_many", S, None),
    ("too_many", N, loss()),
    ("too_many", R, loss(split_32=1.9)),
    ("too_many", O, loss(split_32=UNSURE)),
    ("alone", S, alone(1.0)),
    ("alone", C, None),
    ("alone", N, alone(0.4)),
    ("alone", R, alone(0.0)),
    ("alone", O, alone(0.0, 1.0, 0.4, 1.0, 0.0)),
    ("half", S, rise(0.01)),
    ("half", C, None),
    ("half", N, rise(0.1)),
    ("half", R, rise(0.5)),
    ("half", O, rise(0.0, 0.1, 0.0, 0.3, 0.0)),
]


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


def test_the_same_arm_twice_is_no_gain():
    assert verdict("several", loss()) is N
    assert verdict("too_many", loss()) is N
    assert verdict("alone", alone(0.0)) is R


def test_each_arm_is_judged_at_its_own_best_rate():
    def of(s: dict[str, Any]) -> dict[str, Any]:
        best = experiment.RATES[0] if s["heads"] == 1 else experiment.RATES[2]
        return {"loss": 2.0 + (s["rate"] != best)}

    assert claims.worse(made_up(of), 1).value == 0


def test_what_a_quick_run_leaves_out_stays_open():
    judged = EXPERIMENT.judge(made_up(mode=Mode.QUICK))
    assert judged["several"].open == (experiment.FIXED,)
    assert judged["too_many"].verdict is S


@pytest.mark.parametrize("mode", Mode)
def test_charts_and_numbers_come_from_results_alone(mode):
    results = made_up(mode=mode, seeds=2)
    charts = EXPERIMENT.charts(results)
    assert [chart.name for chart in charts] == ["heads", "alone", "pruning"]
    assert len(charts[0].series) == (1 if mode is Mode.QUICK else 2)
    assert EXPERIMENT.numbers(results).keys() == EXPERIMENT.numbers(made_up(seeds=2)).keys()


def test_every_circumstance_has_a_name_in_both_languages():
    check_names(EXPERIMENT, made_up(), figures.NAMES)


@pytest.mark.parametrize("language", Language)
def test_the_card_quotes_only_what_was_measured(language):
    check_card(EXPERIMENT, made_up(seeds=2), language)
