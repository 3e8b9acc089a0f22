"""Question 1: the laws behind 1/√d_k, and what each claim says of made-up results."""

import math
from collections.abc import Callable, Mapping

import pytest
import torch

from made_up_scaling import Change, ideal, made
from whyformer.blocks.scaling import SCALINGS
from whyformer.foundation.bilingual import Language
from whyformer.lab.experiments.scaling import EXPERIMENT, experiment, figures
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.arms import best_rate
from whyformer.lab.method.charts import Chart
from whyformer.lab.method.experiment import Mode
from whyformer.lab.method.verdict import Verdict
from whyformer.lab.pages.cards import facts_of, placeholders, read_card, unknown_placeholders

CLAIMS = {claim.name: claim for claim in EXPERIMENT.claims}


# --- the laws


@pytest.fixture(scope="module")
def drawn() -> dict[int, dict]:
    where = {"n": 64, "law": "normal", "rows": 600}
    return {d: dict(experiment.measure_scores({**where, "d_k": d}, 0)) for d in (16, 64, 256)}


@pytest.mark.parametrize(
    ("scale", "power"), [("none", 0.5), ("inverse-sqrt", 0), ("inverse", -0.5)]
)
def test_the_deviation_of_scores_follows_its_power_of_the_width(drawn, scale, power):
    for d, numbers in drawn.items():
        assert numbers[f"{scale}/std"] == pytest.approx(d**power, rel=0.05)


def test_components_of_one_size_give_the_same_law():
    where = {"n": 64, "law": "rademacher", "rows": 600, "d_k": 64}
    assert experiment.measure_scores(where, 0)["none/std"] == pytest.approx(8, rel=0.05)


def test_the_length_of_the_sequence_changes_no_deviation():
    where = {"law": "normal", "rows": 600, "d_k": 64}
    few, many = (experiment.measure_scores({**where, "n": n}, 0)["none/std"] for n in (16, 128))
    assert few == pytest.approx(many, rel=0.05)


def test_only_the_root_keeps_softmax_and_gradient_the_same(drawn):
    for name in ("largest", "jacobian_median", "gradient_median", "gradient_rms"):
        kept = [numbers[f"inverse-sqrt/{name}"] for numbers in drawn.values()]
        assert max(kept) / min(kept) < 1.15, name
    largest = [numbers["none/largest"] for numbers in drawn.values()]
    assert largest == sorted(largest)
    assert largest[-1] > 0.85


def test_dividing_by_the_width_makes_all_weights_alike(drawn):
    # log n - H ~ 1/(2 d_k), as a share of log n
    deficit = 1 - drawn[64]["inverse/entropy"]
    assert deficit == pytest.approx(1 / (2 * 64) / math.log(64), rel=0.2)


def test_the_mean_square_grows_where_the_median_falls():
    where = {"n": 64, "law": "normal", "rows": 1000, "d_k": 1024}
    numbers = experiment.measure_scores(where, 0)
    assert numbers["none/gradient_rms"] > 10 * numbers["inverse-sqrt/gradient_rms"]
    assert numbers["none/gradient_median"] < 0.3 * numbers["inverse-sqrt/gradient_median"]


def test_the_norm_of_the_jacobian_is_its_formula():
    p = torch.randn(7, dtype=torch.float64).softmax(0)
    jacobian = torch.diag(p) - p[:, None] * p[None]
    second, third = (p**2).sum(), (p**3).sum()
    torch.testing.assert_close(jacobian.norm() ** 2, second - 2 * third + second**2)


@pytest.mark.parametrize("scale", list(experiment.DRAWN))
def test_the_blocks_divide_by_what_they_say(scale):
    q = k = torch.ones(1, 1, 1, 16)
    scaled, other, factor = SCALINGS[scale](16, 1)(q, k)
    divisor = {"none": 1, "inverse-sqrt": 4, "inverse": 16}[scale]
    assert (scaled * other).sum().item() * factor == pytest.approx(16 / divisor)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.usefixtures("unchecked")
def test_a_smaller_start_and_a_slower_rate_are_the_factor(optimizer, monkeypatch):
    short = lm.Windows
    monkeypatch.setattr(lm, "Windows", lambda ids, n, rows, seed: short(ids, 8, 2, seed))
    exact = experiment.measure_identity({"optimizer": optimizer, "rate_too": True}, 0)["gap"]
    start_only = experiment.measure_identity({"optimizer": optimizer, "rate_too": False}, 0)["gap"]
    assert exact < 1e-9
    assert start_only > 1e-3


def test_folding_makes_only_the_queries_smaller():
    shape = lm.reference(layers=2, d_model=64)
    model, folded = lm.fresh_model(shape, 0), lm.fresh_model(shape, 0)
    experiment.fold_into_queries(folded)
    for (name, a), b in zip(model.named_parameters(), folded.parameters(), strict=True):
        factor = shape.head_width**-0.5 if "project_query" in name else 1.0
        torch.testing.assert_close(a * factor, b)


# --- the claims, on made-up results


def times(number: str, factor: Callable[[Mapping, int], float]) -> Change:
    """Return a change that multiplies one number where it is."""

    def change(settings: Mapping, seed: int, numbers: dict) -> dict:
        if number in numbers:
            numbers = {**numbers, number: numbers[number] * factor(settings, seed)}
        return numbers

    return change


def losses(of: Mapping[tuple, float], spread: float = 0.0) -> Change:
    """Return a change that gives arms, by (arm, heads, optimizer), another distance to 1/√d_k."""

    def change(settings: Mapping, seed: int, numbers: dict) -> dict:
        if "loss" not in numbers:
            return numbers
        where = (settings["arm"], settings["heads"], settings["optimizer"])
        gap = of.get(where)
        if gap is None:
            return numbers
        base = ideal("training", {**settings, "arm": "inverse-sqrt"}, seed)["loss"]
        return {"loss": base + gap + spread * (seed - 2)}

    return change


def verdict(name: str, change: Change = lambda s, seed, n: n, mode: Mode = Mode.FULL) -> Verdict:
    return CLAIMS[name].judge(made(mode, change)).verdict


def medians(factor: Callable[[Mapping, int], float]) -> Change:
    """Return a change of the ratio of the median Jacobians at every width, from its ideal 1."""
    return times("none/jacobian_median", lambda s, seed: math.exp(s["d_k"] / 100) * factor(s, seed))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda s, seed, n: n, Verdict.SUPPORTED),
        (times("none/std", lambda s, _: 2 if s["law"] == "normal" else 1), Verdict.CONDITIONAL),
        (times("none/std", lambda s, _: 1.1), Verdict.NOT_SUPPORTED),
        (times("none/std", lambda s, _: 2), Verdict.REFUTED),
        (times("none/std", lambda s, _: math.nan), Verdict.INCONCLUSIVE),
    ],
)
def test_variance(change, expected):
    assert verdict("variance", change) is expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (medians(lambda s, seed: 0.05), Verdict.SUPPORTED),
        (lambda s, seed, n: n, Verdict.CONDITIONAL),  # at wide heads only
        (medians(lambda s, seed: 0.3), Verdict.NOT_SUPPORTED),
        (medians(lambda s, seed: 2.0), Verdict.REFUTED),
        (medians(lambda s, seed: 0.05 * (1 + seed)), Verdict.INCONCLUSIVE),
        (medians(lambda s, seed: 1.0), Verdict.NOT_SUPPORTED),  # the factor changes nothing
    ],
)
def test_saturation(change, expected):
    assert verdict("saturation", change) is expected


def gradients(rms: tuple[float, float], median: tuple[float, float]) -> Change:
    """Return a change that gives the gradients at every width these ratios, at even and at odd
    seeds."""

    def change(settings: Mapping, seed: int, numbers: dict) -> dict:
        if "none/gradient_rms" not in numbers:
            return numbers
        ratios = {"rms": rms[seed % 2], "median": median[seed % 2]}
        return numbers | {
            f"none/gradient_{kind}": numbers[f"inverse-sqrt/gradient_{kind}"] * ratio
            for kind, ratio in ratios.items()
        }

    return change


@pytest.mark.parametrize(
    ("median", "expected"),
    [
        ((0.2, 0.2), Verdict.SUPPORTED),
        (None, Verdict.CONDITIONAL),
        ((1.0, 1.0), Verdict.NOT_SUPPORTED),  # the same arm twice
        ((3, 3), Verdict.REFUTED),
        ((0.8, 1.5), Verdict.INCONCLUSIVE),
    ],
)
def test_vanishing(median, expected):
    change = gradients((20, 20), median) if median else lambda s, seed, n: n
    assert verdict("vanishing", change) is expected


@pytest.mark.parametrize(
    ("rms", "median", "expected"),
    [
        ((20, 20), (3, 3), Verdict.SUPPORTED),
        (None, None, Verdict.CONDITIONAL),
        ((1.0, 1.0), (1.0, 1.0), Verdict.NOT_SUPPORTED),  # the same arm twice
        ((0.2, 0.2), (0.2, 0.3), Verdict.REFUTED),
        ((20, 20), (0.2, 0.3), Verdict.REFUTED),  # only the mean square grows
        ((0.8, 1.5), (0.8, 1.5), Verdict.INCONCLUSIVE),
    ],
)
def test_explosion(rms, median, expected):
    change = gradients(rms, median) if rms else lambda s, seed, n: n
    assert verdict("explosion", change) is expected


ONE, EIGHT = ("none", 1, "adam"), ("none", 8, "adam")


@pytest.mark.parametrize(
    ("gaps", "spread", "expected"),
    [
        ({ONE: 0.2, EIGHT: 0.1}, 0.0, Verdict.SUPPORTED),
        ({ONE: 0.2, EIGHT: -0.1}, 0.0, Verdict.CONDITIONAL),
        ({ONE: 0.0, EIGHT: 0.0}, 0.0, Verdict.NOT_SUPPORTED),  # the same arm twice
        ({ONE: -0.2, EIGHT: -0.1}, 0.0, Verdict.REFUTED),
        ({ONE: 0.0, EIGHT: 0.0}, 0.1, Verdict.INCONCLUSIVE),
    ],
)
def test_training(gaps, spread, expected):
    assert verdict("training", losses(gaps, spread)) is expected


ADAM, NARROW, SGD = ("inverse", 1, "adam"), ("inverse", 8, "adam"), ("inverse", 1, "sgd")


@pytest.mark.parametrize(
    ("gaps", "spread", "expected"),
    [
        ((0.1, 0.1, 0.1), 0.0, Verdict.SUPPORTED),
        ((-0.1, 0.1, 0.1), 0.0, Verdict.CONDITIONAL),
        ((0.0, 0.0, 0.0), 0.0, Verdict.NOT_SUPPORTED),  # the same arm twice
        ((-0.1, -0.1, -0.1), 0.0, Verdict.REFUTED),
        ((0.0, 0.0, 0.0), 0.1, Verdict.INCONCLUSIVE),
    ],
)
def test_dividing_by_the_width(gaps, spread, expected):
    by_arm = dict(zip((ADAM, NARROW, SGD), gaps, strict=True))
    assert verdict("d_k", losses(by_arm, spread)) is expected


@pytest.mark.parametrize(
    ("adam", "sgd", "expected"),
    [
        (0.0, 0.0, Verdict.SUPPORTED),
        (0.0, 0.1, Verdict.CONDITIONAL),
        (1e-5, 1e-5, Verdict.NOT_SUPPORTED),
        (0.1, 0.1, Verdict.REFUTED),
        (None, None, Verdict.INCONCLUSIVE),
    ],
)
def test_identity(adam, sgd, expected):
    def change(settings: Mapping, seed: int, numbers: dict) -> dict:
        if "rate_too" not in settings:
            return numbers
        gap = {"adam": adam, "sgd": sgd}[settings["optimizer"]]
        return {"gap": 1e-8 * (seed == 4) if gap is None else gap}

    assert verdict("identity", change) is expected


@pytest.mark.parametrize(
    ("power", "expected"),
    [
        (lambda seed: 0.5, Verdict.SUPPORTED),
        (lambda seed: 0.0, Verdict.NOT_SUPPORTED),
        (lambda seed: -0.5, Verdict.REFUTED),
        (lambda seed: 0.1 * (seed - 2), Verdict.INCONCLUSIVE),
    ],
)
def test_length(power, expected):
    # One circumstance: it cannot be supported under conditions.
    change = times("none/std", lambda s, seed: (s["n"] / 64) ** power(seed))
    assert verdict("length", change) is expected


def test_a_run_that_broke_down_is_never_the_best():
    def change(settings: Mapping, seed: int, numbers: dict) -> dict:
        if settings.get("arm") == "none" and settings["rate"] == 3e-3 and seed == 3:
            return {"loss": math.nan}
        return numbers

    results = made(change=change)
    none = {"arm": "none", "heads": 1, "optimizer": "adam"}
    assert best_rate(results, "training", "loss", **none) != 3e-3
    assert CLAIMS["training"].judge(results).verdict is Verdict.SUPPORTED


# --- what is shown


@pytest.mark.parametrize("mode", list(Mode))
def test_numbers_fill_the_cards_in_both_modes(mode):
    facts = facts_of(EXPERIMENT, made(mode))
    for language in Language:
        card = read_card("scaling", language)
        assert card is not None
        assert len(placeholders(card)) > 20
        assert unknown_placeholders(card, EXPERIMENT, facts) == []
    missing = {name for name, number in facts.numbers.items() if not number.seeds}
    assert missing == (set() if mode is Mode.FULL else {
        "gap_none_narrow", "gap_inverse_narrow", "gap_inverse_sgd", "gap_cosine", "gap_folded",
    })  # fmt: skip


def test_charts_show_the_theory_on_the_same_axes():
    charts = {c.name: c for c in figures.charts(made())}
    assert list(charts) == ["gradient", "widths", "score-std", "largest", "rates"]
    chart = charts["score-std"]
    assert isinstance(chart, Chart)
    measured, theory = chart.series[0], chart.series[3]
    for (x, seen), (_, said) in zip(measured.points, theory.points, strict=True):
        assert seen.value == pytest.approx(said.value, rel=0.01), x
