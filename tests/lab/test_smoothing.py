"""Label smoothing: its optimum, calibration by hand, and verdicts on made-up results."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from made_up_results import check_card, check_names
from whyformer.foundation.bilingual import Language
from whyformer.lab.experiments.smoothing import EXPERIMENT, claims, experiment, figures
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.experiment import Cell, Mode, Results
from whyformer.lab.method.verdict import Verdict
from whyformer.training.loss import cross_entropy

pytestmark = pytest.mark.usefixtures("unchecked")
SEEDS = 5
CLAIMS = {claim.name: claim for claim in EXPERIMENT.claims}
Change = Callable[[dict[str, Any]], dict[str, Any]]

# --- the laws


def fitted(epsilon: float, classes: int, seed: int) -> dict[str, float]:
    """Fit a table of logits, one row per context; compare the softmax of the table with (1-ε) q +
    ε/V."""
    contexts, draws = 6, 24
    generator = torch.Generator().manual_seed(seed)
    # Context c has up to 2^c different labels.
    labels = torch.stack(
        [torch.randint(2**c, (draws,), generator=generator) for c in range(contexts)]
    )
    rows = torch.eye(contexts, dtype=torch.float64).repeat_interleave(draws, 0)
    table = torch.zeros(classes, contexts, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [table], max_iter=1_000, tolerance_grad=1e-13, tolerance_change=0,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> float:
        optimizer.zero_grad()
        loss = cross_entropy(rows, table, labels.flatten(), epsilon).smoothed / len(rows)
        loss.backward()
        return loss.item()

    optimizer.step(closure)
    found = table.detach().log_softmax(0)
    q = F.one_hot(labels, classes).double().mean(1).T
    wanted = (1 - epsilon) * q + epsilon / classes
    odds = (found[0, 0] - found[1:, 0]).max().item()
    return {
        "gap": (found.exp() - wanted).abs().max().item(),
        "odds": odds,
        "odds_gap": abs(odds - experiment.log_odds_bound(epsilon, classes)),
    }


@pytest.mark.parametrize("epsilon", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_optimum_is_the_smoothed_distribution(epsilon, seed):
    found = fitted(epsilon, 103, seed)
    assert found["gap"] < 1e-6
    assert found["odds_gap"] < 1e-6


def test_the_bound_by_hand():
    # Two classes, ε = 0.5: (0.75, 0.25).
    assert experiment.log_odds_bound(0.5, 2) == pytest.approx(math.log(3))
    found = fitted(0.5, 64, 0)
    assert found["odds"] == pytest.approx(math.log((0.5 + 0.5 / 64) / (0.5 / 64)))


def test_the_calibration_error_by_hand():
    # Two guesses at 0.9 of which one is right, two at 0.5 of which both are: (0.4 + 0.5) / 2.
    confidence = torch.tensor([0.9, 0.9, 0.5, 0.5])
    right = torch.tensor([True, False, True, True])
    assert experiment.calibration_error(confidence, right) == pytest.approx(0.45)
    places, shares = experiment.reliability(confidence, right)
    assert [round(p, 3) for p in places if math.isfinite(p)] == [0.5, 0.9]
    assert [share for share in shares if math.isfinite(share)] == [1.0, 0.5]


def test_a_model_that_is_right_as_often_as_it_is_sure_is_calibrated():
    generator = torch.Generator().manual_seed(0)
    confidence = torch.rand(200_000, generator=generator)
    right = torch.rand(200_000, generator=generator) < confidence
    assert experiment.calibration_error(confidence, right) < 0.01
    assert experiment.calibration_error(confidence.sqrt(), right) > 0.1


def test_every_confidence_has_a_bin():
    assert experiment.binned(torch.tensor([1e-9, 1 / experiment.BINS, 1.0])).tolist() == [
        0,
        0,
        experiment.BINS - 1,
    ]


def test_a_fresh_model_is_judged_without_smoothing(monkeypatch):
    monkeypatch.setattr(experiment, "DEV_WINDOWS", 4)
    model = lm.fresh_model(lm.reference(layers=1, d_model=16, heads=2), 0)
    found = experiment.judged(model, 0.1)
    assert found["nll"] == pytest.approx(lm.dev_loss(model, experiment.LENGTH, 4), rel=1e-6)
    assert found["beyond"] == 0
    assert 0 <= found["accuracy"] < 0.2


# --- the verdicts


def usual(part: str, c: dict[str, Any]) -> dict[str, Any]:
    """Return numbers in which smoothing costs with plenty of text and helps with little."""
    smooth, scarce = c["epsilon"], c["text"] == experiment.SCARCE
    return {
        "nll": (2.8 - 2 * smooth if scarce else 1.9 + 0.6 * smooth)
        + 0.1 * (c["rate"] != experiment.QUICK_RATES[c["text"]]),
        "accuracy": 0.3 + 0.1 * smooth * scarce,
        "confidence": 0.5,
        "error": 0.15 - 0.5 * smooth if scarce else 0.02 + 0.4 * smooth,
        "beyond": 0.1,
        "places": [math.nan, 0.5, 0.9],
        "shares": [math.nan, 0.4, 0.8],
    }


def made_up(
    change: dict[str, Change] | None = None, mode: Mode = Mode.FULL, seeds: int = SEEDS
) -> Results:
    """Return results with the usual numbers, other where ``change`` of a part says so."""
    cells = []
    for part in EXPERIMENT.parts:
        other = (change or {}).get(part.name, lambda c: {})
        for settings in part.conditions(mode):
            for seed in range(seeds):
                whole = {**usual(part.name, dict(settings)), **other(dict(settings))}
                numbers = {n: v[seed] if isinstance(v, tuple) else v for n, v in whole.items()}
                cells.append(Cell(part.name, settings, seed, numbers))
    return Results(mode, cells)


def verdict(claim: str, change: dict[str, Change] | None = None) -> Verdict:
    return CLAIMS[claim].judge(made_up(change)).verdict


def with_(
    number: str, value: Any, texts: tuple[str, ...] = (experiment.PLENTY, experiment.SCARCE)
) -> dict:
    """Return a number that is 1 without smoothing and ``value`` with it, at every rate."""

    def of(c: dict[str, Any]) -> dict[str, Any]:
        if c["text"] not in texts:
            return {}
        return {number: value if c["epsilon"] else 1.0}

    return {"training": of}


UNSURE = (0.9, 1.1, 1.0, 1.3, 0.7)
S, C, N, R, O = (
    Verdict.SUPPORTED,
    Verdict.CONDITIONAL,
    Verdict.NOT_SUPPORTED,
    Verdict.REFUTED,
    Verdict.INCONCLUSIVE,
)
WORDS = [
    ("perplexity", S, with_("nll", 1.1)),
    ("perplexity", C, None),
    ("perplexity", N, with_("nll", 1.0)),
    ("perplexity", R, with_("nll", 0.9)),
    ("perplexity", O, with_("nll", UNSURE)),
    ("price", S, None),
    ("price", C, with_("nll", 1.5, (experiment.PLENTY,))),
    ("price", N, with_("nll", 1.15)),
    ("price", R, with_("nll", 1.5)),
    ("price", O, with_("nll", UNSURE)),
    ("accuracy", S, with_("accuracy", 1.1)),
    ("accuracy", C, None),
    ("accuracy", N, with_("accuracy", 1.0)),
    ("accuracy", R, with_("accuracy", 0.9)),
    ("accuracy", O, with_("accuracy", UNSURE)),
    ("calibration", S, with_("error", 0.9)),
    ("calibration", C, None),
    ("calibration", N, with_("error", 1.0)),
    ("calibration", R, with_("error", 1.1)),
    ("calibration", O, with_("error", UNSURE)),
]


@pytest.mark.parametrize(
    ("claim", "word", "change"), WORDS, ids=[f"{claim}-{word}" for claim, word, _ in WORDS]
)
def test_every_claim_can_get_every_word(claim, word, change):
    assert verdict(claim, change) is word


@pytest.mark.parametrize("claim", CLAIMS)
def test_no_word_is_out_of_reach(claim):
    assert {word for name, word, _ in WORDS if name == claim} == set(Verdict)


def test_an_effect_that_is_switched_off_is_not_supported():
    for claim, number in (
        ("perplexity", "nll"),
        ("accuracy", "accuracy"),
        ("calibration", "error"),
    ):
        assert verdict(claim, with_(number, 1.0)) is N


def test_each_arm_is_judged_at_its_own_best_rate():
    def of(c: dict[str, Any]) -> dict[str, Any]:
        best = experiment.RATES[0] if c["epsilon"] else experiment.RATES[2]
        return {"nll": 2.0 + (c["rate"] != best), "accuracy": 0.5 + (c["rate"] == best)}

    results = made_up({"training": of})
    assert claims.gain(results, "nll", experiment.PLENTY).value == 0
    assert claims.gain(results, "accuracy", experiment.PLENTY).value == 0


def test_accuracy_is_judged_at_the_rate_with_the_highest_accuracy():
    def of(c: dict[str, Any]) -> dict[str, Any]:
        high = c["rate"] == experiment.RATES[3]
        return {
            "accuracy": 0.5 + 0.2 * high * (c["epsilon"] > 0)
        }  # not the rate of the lowest loss

    results = made_up({"training": of})
    assert claims.gain(results, "accuracy", experiment.PLENTY).value == 0
    assert claims.accuracy_gain(results, experiment.PLENTY).value == pytest.approx(0.2)


@pytest.mark.parametrize("mode", Mode)
def test_charts_and_numbers_come_from_results_alone(mode):
    results = made_up(mode=mode, seeds=2)
    names = [chart.name for chart in EXPERIMENT.charts(results)]
    assert names == [
        "nll",
        "accuracy",
        "error",
        "rates",
        "reliability-plenty",
        "reliability-scarce",
    ]
    assert EXPERIMENT.numbers(results).keys() == EXPERIMENT.numbers(made_up(seeds=2)).keys()


def test_every_circumstance_has_a_name_in_both_languages():
    check_names(EXPERIMENT, made_up(), figures.NAMES)


@pytest.mark.parametrize("language", Language)
def test_the_card_quotes_only_what_was_measured(language):
    check_card(EXPERIMENT, made_up(seeds=2), language)
