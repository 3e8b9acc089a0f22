"""Cache: equal logits, the law of the operations, and what each claim says of made-up results."""

import pytest
import torch

from made_up_results import check_card, check_names, results_of
from whyformer.foundation.bilingual import Language
from whyformer.lab.experiments.cache import EXPERIMENT, claims, experiment, figures
from whyformer.lab.method.experiment import Mode, Results
from whyformer.lab.method.verdict import Verdict

CLAIMS = {claim.name: claim for claim in EXPERIMENT.claims}
GROWN = 256


@pytest.mark.parametrize("attention", experiment.KV_HEADS)
@pytest.mark.parametrize("positions", experiment.POSITIONS)
def test_logits_do_not_depend_on_the_cache(attention, positions):
    found = experiment.measure_equal({"attention": attention, "positions": positions}, 1)
    assert found["gap"] < 1e-12 < found["size"]


def test_a_wrong_offset_is_found(monkeypatch):
    right = experiment.GPT.features

    def shifted(self, target, documents=None, histories=None):
        x = right(self, target, documents, histories)
        return x if histories is None or histories[0].length > 1 else x + 1e-3

    monkeypatch.setattr(experiment.GPT, "features", shifted)
    found = experiment.measure_equal({"attention": "multi-head", "positions": "rotary"}, 1)
    assert found["gap"] > 1e-6


@pytest.mark.parametrize("cached", [True, False])
def test_the_counted_operations_are_those_of_the_formula(cached):
    for n in (1, 2, 9):
        found = experiment.measure_work({"n": n, "cached": cached}, 0)
        predicted = [claims.predicted_token(k, cached=cached) for k in range(1, n + 1)]
        assert found == {"token": predicted[-1], "total": sum(predicted)}


@pytest.mark.parametrize("attention", experiment.KV_HEADS)
def test_the_memory_is_that_of_the_formula(attention):
    found = experiment.measure_memory({"attention": attention, "n": 20}, 0)
    assert found["bytes"] == claims.predicted_bytes(attention, 20)


def test_both_ways_are_timed():
    found = experiment.measure_time({"n": 3, "repeats": 1}, 0)
    assert found["cached"] > 0 < found["again"]


def made(
    mode: Mode = Mode.FULL, *, gap: float = 1e-15, speedup: float = 2.0, heads: int = 1
) -> Results:
    """Return the results of a laboratory in which everything is as the theory says.

    Args: heads: factor of the bytes of the cache, which should be 1.
    """
    numbers = {
        "equal": lambda s: {"gap": gap, "size": 1.0},
        "work": lambda s: {
            "token": claims.predicted_token(s["n"], cached=s["cached"]),
            "total": sum(
                claims.predicted_token(n, cached=s["cached"]) for n in range(1, s["n"] + 1)
            ),
        },
        "memory": lambda s: {"bytes": heads * claims.predicted_bytes(s["attention"], s["n"])},
        "time": lambda s: {"cached": 1.0, "again": speedup if s["n"] == GROWN else 1.0},
    }
    return results_of(
        EXPERIMENT, lambda part, settings, seed: numbers[part](settings), mode=mode, seeds=5
    )


def test_the_verdicts_of_the_theory():
    found = EXPERIMENT.judge(made())
    for name in ("exact", "law", "saving", "memory"):
        assert found[name].verdict is Verdict.SUPPORTED, name
    assert found["constant"].holds == ("n = 16", "n = 64")
    assert found["faster"].holds == (f"n = {GROWN}",)


@pytest.mark.parametrize(("changed", "name"), [({"gap": 1.0}, "exact"), ({"heads": 8}, "memory")])
def test_a_claim_is_refuted_by_the_contrary(changed, name):
    assert EXPERIMENT.judge(made(**changed))[name].verdict is Verdict.REFUTED


def test_without_a_gain_of_time_no_length_is_faster():
    assert EXPERIMENT.judge(made(speedup=1.0))["faster"].holds == ()


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("mode", Mode)
def test_the_card_has_all_of_its_numbers(language, mode):
    check_card(EXPERIMENT, made(mode), language)


def test_every_circumstance_has_a_name():
    check_names(EXPERIMENT, made(), figures.NAMES)


def test_the_figures_show_the_law():
    drawn = figures.charts(made())
    assert [one.name for one in drawn] == ["token", "seconds", "speedup", "memory"]
    counted, theory, *_ = drawn[0].series
    assert [e.value for _, e in counted.points] == [e.value for _, e in theory.points]
    assert torch.tensor([n for n, _ in counted.points]).tolist() == list(experiment.LENGTHS)
