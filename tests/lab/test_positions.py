"""Question 2: the laws of the codes, and what each claim says of made-up results."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from made_up_results import check_card, check_names
from whyformer.foundation.bilingual import Language
from whyformer.lab.experiments.positions import EXPERIMENT, experiment, figures
from whyformer.lab.method.experiment import Cell, Mode, Results
from whyformer.lab.method.statistics import NOT_MEASURED
from whyformer.lab.method.verdict import Answer, Verdict, above

pytestmark = pytest.mark.usefixtures("unchecked")
SEEDS = 5
CLAIMS = {claim.name: claim for claim in EXPERIMENT.claims}
Change = Callable[[dict[str, Any]], dict[str, Any]]
"""From the settings of a condition to the numbers that are other than usual there."""

# --- the laws, on the toolkit's modules


@pytest.mark.parametrize("d_model", [64, 128])
def test_the_sinusoids_obey_their_identities(d_model):
    found = experiment.measure_algebra({"d_model": d_model, "positions": 2100}, 0)
    assert found["rotation"] < 1e-9
    assert found["norm"] < 1e-9
    assert found["toeplitz"] < 1e-9
    assert found["longest_wavelength"] == pytest.approx(2 * math.pi * 10000 ** (1 - 2 / d_model))
    assert found["nearest"] == pytest.approx(found["neighbours"], rel=1e-9)
    assert found["nearest"] > 1


def test_similarity_rises_again():
    found = experiment.measure_algebra({"d_model": 64, "positions": 2100}, 0)
    assert found["first_rise"] == 6
    assert 0.4 < found["rises"] < 0.5
    assert found["similarity"][0] == pytest.approx(
        sum(math.cos(10000 ** (-i / 32)) for i in range(32)) / 32
    )


def test_one_frequency_is_unique_but_hardly():
    one = experiment.measure_margin({"pairs": 1, "positions": 1000}, 0)["nearest"]
    assert one == pytest.approx(2 * abs(math.sin(355)), rel=1e-6)  # 710 is nearly 113 · 2π
    assert experiment.measure_margin({"pairs": 8, "positions": 1000}, 0)["nearest"] > 1


@pytest.mark.parametrize(
    ("code", "low", "high"),
    [("sinusoidal", 0, 1e-20), ("line", 0, 1e-20), ("sine", 0.2, 0.3), ("random", 0.9, 0.97),
     ("binary", 0.4, 0.7)],
)  # fmt: skip
def test_which_codes_a_linear_map_shifts(code, low, high):
    found = experiment.measure_shift({"code": code, "d_model": 64, "shift": 7}, 0)
    assert low <= found["inside"] <= high
    assert (found["nearest"] < 0.01) is (code == "line")


def test_distances_survive_a_random_map_and_offsets_explain_little():
    torch.manual_seed(0)
    found = experiment.measure_projection({"d_k": 512, "d_model": 512, "positions": 200}, 0)
    assert 0.8 < found["least_kept"] < 1 < found["most_kept"] < 1.25
    assert found["offset_share"] < 0.5


@pytest.mark.parametrize("positions", ["none", "sinusoidal"])
@pytest.mark.parametrize("mask", experiment.MASKS)
def test_only_an_encoder_without_positions_is_blind_to_order(mask, positions):
    change = experiment.measure_order({"mask": mask, "positions": positions}, 0)["change"]
    assert (change < 1e-10) is (mask == "encoder" and positions == "none")


def test_learned_positions_start_as_loud_as_sinusoids():
    for mask in experiment.MASKS:
        model = experiment.task_model(mask, "learned", 0)
        (vectors,) = [v for name, v in model.named_parameters() if name.endswith("vectors")]
        assert vectors.square().mean().item() == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("positions", experiment.SCHEMES)
def test_both_masks_have_models_of_one_size(positions):
    sizes = {
        sum(v.numel() for v in experiment.task_model(mask, positions, 0).parameters())
        for mask in experiment.MASKS
    }
    assert len(sizes) == 1


@pytest.mark.parametrize("mask", experiment.MASKS)
def test_a_task_is_measured_by_position(mask):
    found = experiment.measure_tasks(
        {"task": "copy", "mask": mask, "positions": "none", "steps": 2}, 0
    )
    assert len(found["by_position"]) == experiment.LENGTHS[-1] // experiment.BLOCK
    assert all(0 <= found[name] <= 1 for name in ("inside", "outside", "far"))


# --- the verdicts

USUAL: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "algebra": lambda s: {
        "rotation": 1e-12, "norm": 1e-13, "toeplitz": 1e-12, "nearest": 1.5, "neighbours": 1.5,
        "longest_wavelength": 5e4, "first_rise": 6, "rises": 0.48,
        "similarity": [0.5] * len(experiment.LAGS),
        "codes": [[0.0] * 64] * experiment.DRAWN_POSITIONS,
    },
    "margin": lambda s: {"nearest": 0.1 * s["pairs"]},
    "shift": lambda s: {
        "inside": {"sinusoidal": 1e-27, "line": 1e-30}.get(s["code"], 0.3), "outside": 0.5,
        "nearest": 0.2, "norm_spread": 0.0,
    },
    "projection": lambda s: {"least_kept": 0.7, "most_kept": 1.3, "offset_share": 0.3},
    "order": lambda s: {"change": 1e-15 if s["mask"] == "encoder" else 2.0},
    "tasks": lambda s: {
        "inside": _inside(s), "outside": 0.2, "far": 0.1, "average": [1.0, 0.5, 0.3],
        "by_position": [1.0] * 32,
    },
    "language": lambda s: {"loss": 1.8, "beyond": 2.5, "by_position": [2.0] * 32},
}  # fmt: skip


def _inside(settings: dict[str, Any]) -> float:
    if settings["positions"] != "none":
        return 1.0
    return 1 / 16 if settings["mask"] == "encoder" else 0.2


def made_up(
    change: dict[str, Change] | None = None, mode: Mode = Mode.FULL, seeds: int = SEEDS
) -> Results:
    """Return results with the usual numbers, other where ``change`` of a part says so."""
    cells = []
    for part in EXPERIMENT.parts:
        other = (change or {}).get(part.name, lambda s: {})
        for settings in part.conditions(mode):
            for seed in range(seeds if part.seeds[mode] > 1 else 1):
                usual = {**USUAL[part.name](dict(settings)), **other(dict(settings))}
                numbers = {
                    name: value[seed] if isinstance(value, tuple) else value
                    for name, value in usual.items()
                }
                cells.append(Cell(part.name, settings, seed, numbers))
    return Results(mode, cells)


def verdict(claim: str, change: dict[str, Change] | None = None) -> Verdict:
    return CLAIMS[claim].judge(made_up(change)).verdict


def everywhere(part: str, **numbers: Any) -> dict[str, Change]:
    return {part: lambda s: numbers}


def where(part: str, condition: Callable[[dict], bool], **numbers: Any) -> dict[str, Change]:
    return {part: lambda s: numbers if condition(s) else {}}


def beyond(
    positions: str, accuracy: Callable[[dict], Any], loss: float, **more: Any
) -> dict[str, Change]:
    """Return a change of what one scheme reaches beyond the trained length."""

    def tasks(s: dict) -> dict:
        return {"outside": accuracy(s), "far": accuracy(s), **more}

    return {
        "tasks": lambda s: tasks(s) if s["positions"] == positions else {},
        **where(
            "language",
            lambda s: s["positions"] == positions,
            beyond=loss,
            by_position=[loss] * 32,
        ),
    }


WIDE = (-1.0, 0.0, 0.5, 1.0, 2.0)
"""Five seeds that agree on nothing."""


def learned(gap: Any) -> dict[str, Change]:
    losses = tuple(1.8 + g for g in gap) if isinstance(gap, tuple) else 1.8 + gap
    return where("language", lambda s: s["positions"] == "learned", loss=losses)


def causal_none(inside: Any) -> dict[str, Change]:
    return where(
        "tasks",
        lambda s: (s["task"], s["mask"], s["positions"]) == ("modulo", "causal", "none"),
        inside=inside,
    )


def sine(inside: Any, width: int | None = None) -> dict[str, Change]:
    return where(
        "shift", lambda s: s["code"] == "sine" and width in (None, s["d_model"]), inside=inside
    )


BLIND = {
    **causal_none(1 / 16 + 0.02),
    **where("order", lambda s: s["mask"] == "causal", change=1e-6),
}
BACKWARDS = {
    **causal_none(1 / 16 - 0.01),
    **where("order", lambda s: s["mask"] == "causal", change=1e-15),
}

S, C, N, R, O = (
    Verdict.SUPPORTED,
    Verdict.CONDITIONAL,
    Verdict.NOT_SUPPORTED,
    Verdict.REFUTED,
    Verdict.INCONCLUSIVE,
)
WORDS = [
    ("both", S, None),
    ("both", C, sine(0.01, 64)),
    ("both", N, sine(0.01)),
    ("both", R, sine(1e-20)),
    ("both", O, sine(WIDE)),
    ("unique", S, None),
    ("unique", C, where("algebra", lambda s: s["d_model"] == 64, nearest=0.5)),
    ("unique", N, everywhere("algebra", nearest=0.5)),
    ("unique", R, everywhere("algebra", nearest=0.0)),
    ("unique", O, everywhere("algebra", nearest=math.nan)),
    ("survival", S, None),
    ("survival", C, where("projection", lambda s: s["d_k"] == 16, least_kept=0.3)),
    ("survival", N, everywhere("projection", least_kept=0.3)),
    ("survival", R, everywhere("projection", least_kept=0.0)),
    ("survival", O, everywhere("projection", most_kept=(1.0, 1.5, 2.0, 2.5, 3.0))),
    ("given", S, everywhere("projection", offset_share=0.8)),
    ("given", C, where("projection", lambda s: s["d_k"] == 16, offset_share=0.8)),
    ("given", N, None),
    ("given", R, everywhere("projection", offset_share=0.01)),
    ("given", O, everywhere("projection", offset_share=(0.2, 0.4, 0.6, 0.7, 0.8))),
    *(
        (claim, word, beyond(scheme, accuracy, loss, **more))
        for claim, scheme in (("extrapolation", "sinusoidal"), ("offsets", "rotary"))
        for word, accuracy, loss, more in (
            (S, lambda s: 0.99, 1.8, {}),
            (C, lambda s: 0.99 if s["task"] == "copy" else 0.2, 2.5, {}),
            (N, lambda s: 0.8, 2.0, {}),
            (R, lambda s: 0.2, 2.5, {}),
            (O, lambda s: (0.9, 1.0, 0.95, 0.9, 1.0), 2.5, {}),
            (O, lambda s: 0.2, 2.5, {"inside": 0.5}),
        )
    ),
    ("order", S, None),
    ("order", C, causal_none(1 / 16 + 0.02)),
    ("order", N, BLIND),
    ("order", R, BACKWARDS),
    ("order", O, causal_none((0.05, 0.1, 0.2, 0.05, 0.2))),
    ("learned", S, None),
    ("learned", N, learned(0.04)),
    ("learned", R, learned(0.2)),
    ("learned", O, learned((-0.1, 0.0, 0.1, 0.05, 0.0))),
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


def test_an_effect_that_is_switched_off_is_not_supported():
    same_code = sine(1e-27)  # the sines as good as the pair
    assert verdict("both", same_code) is R
    same_mask = {
        "order": lambda s: {"change": 1e-15},
        "tasks": lambda s: {"inside": 1 / 16} if s["positions"] == "none" else {},
    }
    assert verdict("order", same_mask) in (N, R)
    assert verdict("given", everywhere("projection", offset_share=0.0)) is R


def test_what_a_quick_run_leaves_out_stays_open():
    quick = made_up(mode=Mode.QUICK)
    judged = EXPERIMENT.judge(quick)
    assert judged["learned"].verdict is O
    assert judged["extrapolation"].verdict is R
    assert above(NOT_MEASURED, 0.0).answer() is Answer.OPEN


@pytest.mark.parametrize("mode", Mode)
def test_charts_and_numbers_come_from_results_alone(mode):
    results = made_up(mode=mode, seeds=2)
    names = [chart.name for chart in EXPERIMENT.charts(results)]
    assert len(set(names)) == len(names) >= 8
    assert ("language" in names) is (mode is Mode.FULL)
    assert EXPERIMENT.numbers(results).keys() == EXPERIMENT.numbers(made_up(seeds=2)).keys()


def test_every_circumstance_has_a_name_in_both_languages():
    check_names(EXPERIMENT, made_up(), figures.NAMES)


@pytest.mark.parametrize("language", Language)
def test_the_card_quotes_only_what_was_measured(language):
    check_card(EXPERIMENT, made_up(seeds=2), language)
