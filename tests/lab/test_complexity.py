"""Question 3: the laws at small sizes, and what each claim says of made-up results."""

import math
import re
from collections.abc import Callable, Iterable
from functools import cache

import pytest

from whyformer.foundation.bilingual import Language
from whyformer.lab.experiments.complexity import EXPERIMENT, claims, effects, experiment, figures
from whyformer.lab.method.charts import Chart, HeatMap, Table
from whyformer.lab.method.experiment import Cell, Mode, Results
from whyformer.lab.method.verdict import Verdict
from whyformer.lab.pages.cards import facts_of, read_card, typed_numbers, unknown_placeholders

SEEDS = 2
PARTS = {
    "counts": ("counts",),
    "dominance": ("block",),
    "depth": ("depth",),
    "sequential": ("depth", "decoding"),
    "recurrence": ("depth", "twins"),
    "paths": ("path",),
    "exponents": ("time",),
    "shorter": ("time",),
}
"""The parts of the experiment that decide each claim."""
Change = Callable[[dict, int, dict], dict]
"""From settings, seed and ideal numbers to other numbers."""


# --- the laws, on the toolkit's modules


@pytest.mark.parametrize("kind", experiment.COUNTED)
@pytest.mark.parametrize(("n", "d"), [(8, 4), (13, 8)])
def test_operations_are_the_table_times_a_constant(kind, n, d):
    found = experiment.measure_counts({"kind": kind, "n": n, "d": d}, 0)
    assert found["mixing"] == claims.CONSTANTS[kind] * effects.table_entry(kind, n, d)
    attends = kind in ("attention", "restricted")
    assert found["projections"] == (4 * n * d * d if attends else 0)


@pytest.mark.parametrize("ratio", [1, 2, 6])
def test_a_whole_layer_is_its_formula(ratio):
    d = 16
    n = ratio * d
    found = experiment.measure_block({"d": d, "ratio": ratio}, 0)
    assert found == {
        "mixing": 2 * n * n * d,
        "projections": 4 * n * d * d,
        "rest": 12 * n * d * d,
    }
    assert (found["mixing"] == found["projections"]) is (ratio == 2)
    assert (found["mixing"] == found["rest"]) is (ratio == 6)


@pytest.mark.parametrize("kind", [*experiment.CONSTANT[:3], "gpt"])
def test_the_chain_is_constant(kind):
    assert (
        len({experiment.measure_depth({"kind": kind, "n": n}, 0)["depth"] for n in (8, 13, 24)})
        == 1
    )


@pytest.mark.parametrize("kind", [*experiment.CELLS, "loop", "rnn model"])
def test_the_chain_grows_by_the_same_number_with_each_position(kind):
    a, b, d = (experiment.measure_depth({"kind": kind, "n": n}, 0)["depth"] for n in (8, 12, 20))
    assert d - b == 2 * (b - a) >= 8


def test_the_chain_of_a_scan_grows_with_the_logarithm():
    a, b, d = (experiment.measure_depth({"kind": "scan", "n": n}, 0)["depth"] for n in (8, 16, 32))
    assert d - b == b - a < 8
    assert experiment.measure_twins({"n": 37}, 0)["gap"] < 1e-12


@pytest.mark.parametrize("kind", experiment.REACHING)
@pytest.mark.parametrize("n", [9, 27])
def test_the_layers_needed_are_the_formula(kind, n):
    found = experiment.measure_path({"kind": kind, "n": n}, 0)
    assert found["layers"] == effects.layers_needed(kind, n)
    assert found["updates"] == (n if kind == "rnn" else 0)
    assert len(found["reached"]) == (experiment.LAYERS_DRAWN if n == experiment.DRAWN else 0)


def test_layers_needed_by_hand():
    assert [effects.layers_needed("dilated", n) for n in (3, 4, 9, 10, 256)] == [1, 2, 2, 3, 6]
    assert [effects.layers_needed("convolution", n) for n in (16, 64, 256)] == [8, 32, 128]
    assert [effects.layers_needed("restricted", n) for n in (16, 64)] == [3, 9]
    assert effects.layers_needed("attention", 99) == effects.layers_needed("rnn", 99) == 1


@pytest.mark.parametrize(("kind", "cached"), [("gpt", True), ("gpt", False), ("rnn model", True)])
def test_generating_n_tokens_takes_n_calls(kind, cached):
    assert experiment.measure_decoding({"kind": kind, "cached": cached, "n": 5}, 0)["calls"] == 5


def test_keeping_nothing_finds_the_same_tokens_by_more_work():
    from whyformer.foundation.randomness import seed_everything

    work = []
    for cached in (True, False):
        seed_everything(0)
        where = {"kind": "gpt", "cached": cached, "n": 6}
        work.append(experiment.measure_decoding(where, 0)["operations"])
    assert work[1] > 2 * work[0]


@pytest.mark.parametrize("kind", [*experiment.JUDGED_TIMES, "rnn loop", "loop", "scan"])
def test_everything_that_is_timed_runs(kind):
    where = {"kind": kind, "n": 40, "d": 8, "seconds": 0.0}
    assert experiment.measure_time(where, 0)["milliseconds"] > 0


def test_where_curves_cross():
    lengths = [16, 32, 64]
    assert effects._crossing(lengths, [0.5, 0.5, 2]) == pytest.approx(math.sqrt(32 * 64))
    assert effects._crossing(lengths, [0.5, 0.5, 0.5]) == 64
    assert effects._crossing(lengths, [2, 2, 2]) == 16


# --- the verdicts, on made-up results


def ideal(part: str, s: dict) -> dict:
    """Return what Table 1 would have measured; times cross where operations do."""
    kind, n, d = s.get("kind"), s.get("n", 0), s.get("d", 0)
    if part == "counts":
        return {
            "mixing": claims.CONSTANTS[kind] * effects.table_entry(kind, n, d),
            "projections": 0,
        }
    if part == "block":
        n = d * s["ratio"]
        return {"mixing": 2 * n * n * d, "projections": 4 * n * d * d, "rest": 12 * n * d * d}
    if part == "depth":
        slopes = {"rnn": 3, "gru": 10, "lstm": 8, "loop": 2, "rnn model": 30}
        return {"depth": 5 + (4 * math.log2(n) if kind == "scan" else slopes.get(kind, 0) * n)}
    if part == "twins":
        return {"gap": 1e-16}
    if part == "path":
        reached = [[1] * n] * experiment.LAYERS_DRAWN if n == experiment.DRAWN else []
        updates = n if kind == "rnn" else 0
        return {"layers": effects.layers_needed(kind, n), "updates": updates, "reached": reached}
    if part == "decoding":
        return {"calls": n, "operations": n if s["cached"] else n * n}
    return {"milliseconds": 1e-6 * (n * n * d if kind in claims.TWINS else n * d * d)}


@cache
def grid(mode: Mode, part: str) -> tuple[tuple[dict, int, dict], ...]:
    return tuple(
        (dict(settings), seed, ideal(part, dict(settings)))
        for settings in EXPERIMENT.part(part).conditions(mode)
        for seed in range(SEEDS)
    )


def made(mode: Mode = Mode.FULL, parts: Iterable[str] = (), **changes: Change) -> Results:
    """Return ideal results with some parts changed. Args: parts: to be filled; none is all."""
    cells = []
    for part in parts or [part.name for part in EXPERIMENT.parts]:
        change = changes.get(part, lambda s, seed, x: x)
        cells += [Cell(part, s, seed, change(s, seed, dict(x))) for s, seed, x in grid(mode, part)]
    return Results(mode, cells)


def verdict(name: str, **changes: Change) -> Verdict:
    (claim,) = (claim for claim in EXPERIMENT.claims if claim.name == name)
    return claim.judge(made(parts=PARTS[name], **changes)).verdict


def times(number: str, factor: Callable[[dict, int], float]) -> Change:
    return lambda s, seed, x: x | {number: x[number] * factor(s, seed)}


def put(number: str, value: Callable[[dict, int], float]) -> Change:
    return lambda s, seed, x: x | {number: value(s, seed)}


def linear_or_flat(s: dict, seed: int) -> float:
    return float(s["n"] if seed else 5)


def time_as(power: Callable[[dict, int], float]) -> Change:
    return put("milliseconds", lambda s, seed: 1e-6 * s["n"] ** power(s, seed))


ATTENTION = claims.TWINS
CASES: dict[str, dict[Verdict, dict[str, Change]]] = {
    "counts": {
        Verdict.SUPPORTED: {},
        Verdict.CONDITIONAL: {"counts": times("mixing", lambda s, _: 1.1 if s["kind"] == "rnn"
                                              else 1)},
        Verdict.NOT_SUPPORTED: {"counts": times("mixing", lambda s, _: 1 + 0.3
                                                / claims.CONSTANTS[s["kind"]])},
        Verdict.REFUTED: {"counts": times("mixing", lambda *_: 4)},
        Verdict.INCONCLUSIVE: {"counts": times("mixing", lambda s, _: 1.1 if s["n"] == 16
                                               else 0.9)},
    },
    "dominance": {
        Verdict.SUPPORTED: {"block": times("mixing", lambda *_: 100)},
        Verdict.CONDITIONAL: {},
        Verdict.NOT_SUPPORTED: {"block": lambda s, _, x: x | {"mixing": x["rest"] * 2 / 3}},
        Verdict.REFUTED: {"block": put("mixing", lambda *_: 1)},
        Verdict.INCONCLUSIVE: {"block": put("mixing", lambda *_: math.nan)},
    },
    "depth": {
        Verdict.SUPPORTED: {},
        Verdict.CONDITIONAL: {"depth": put("depth", lambda s, _: 5.0 + s["n"])},
        Verdict.NOT_SUPPORTED: {"depth": put("depth", lambda s, _: 5.0 + s["n"] * (
            0.5 if s["kind"] in experiment.CELLS else 0.3))},
        Verdict.REFUTED: {"depth": put("depth", lambda s, _: 5.0 + s["n"] * (
            0.05 if s["kind"] in experiment.CELLS else 1))},
        Verdict.INCONCLUSIVE: {"depth": put("depth", lambda s, seed: 5.0 + s["n"] * (
            (0.01, 2)[seed] if s["kind"] in experiment.CELLS else seed))},
    },
    "sequential": {
        Verdict.SUPPORTED: {"decoding": put("calls", lambda *_: 5)},
        Verdict.CONDITIONAL: {},
        Verdict.NOT_SUPPORTED: {"depth": put("depth", lambda s, _: s["n"] ** 0.2),
                                "decoding": put("calls", lambda s, _: s["n"] ** 0.2)},
        Verdict.REFUTED: {"depth": put("depth", lambda s, _: s["n"])},
        Verdict.INCONCLUSIVE: {"depth": put("depth", linear_or_flat),
                               "decoding": put("calls", linear_or_flat)},
    },
    "recurrence": {
        Verdict.SUPPORTED: {"twins": put("gap", lambda *_: 0.1)},
        Verdict.CONDITIONAL: {},
        Verdict.NOT_SUPPORTED: {"depth": put("depth", lambda s, _: s["n"] ** 0.65)},
        Verdict.REFUTED: {"depth": put("depth", lambda s, _: s["n"] ** 0.2)},
        Verdict.INCONCLUSIVE: {"depth": put("depth", linear_or_flat)},
    },
    "paths": {
        Verdict.SUPPORTED: {},
        Verdict.CONDITIONAL: {"path": times("layers", lambda s, _: 2 if s["kind"] == "rnn" else 1)},
        Verdict.NOT_SUPPORTED: {"path": times("layers", lambda *_: 1.2)},
        Verdict.REFUTED: {"path": times("layers", lambda *_: 2)},
        Verdict.INCONCLUSIVE: {"path": put("layers", lambda *_: math.nan)},
    },
    "exponents": {
        Verdict.SUPPORTED: {},
        Verdict.CONDITIONAL: {"time": time_as(lambda *_: 1)},
        Verdict.NOT_SUPPORTED: {"time": time_as(lambda s, _: 2.6 if s["kind"] in ATTENTION
                                                else 1.3)},
        Verdict.REFUTED: {"time": time_as(lambda s, _: 1 if s["kind"] in ATTENTION else 2)},
        Verdict.INCONCLUSIVE: {"time": time_as(lambda s, seed: 1.0 + seed)},
    },
    "shorter": {
        Verdict.SUPPORTED: {},
        Verdict.CONDITIONAL: {"time": times("milliseconds", lambda s, _: 0.1 if s["kind"] == "rnn"
                                            and s["d"] == 64 else 1)},
        Verdict.NOT_SUPPORTED: {"time": put("milliseconds", lambda s, _: s["n"] * s["d"] ** 2)},
        Verdict.REFUTED: {"time": times("milliseconds", lambda s, _: 0.1 if s["kind"] == "rnn"
                                        else 1)},
        Verdict.INCONCLUSIVE: {"time": times("milliseconds", lambda s, seed: 0.1 if seed
                                             and s["kind"] == "rnn" else 1)},
    },
}  # fmt: skip


@pytest.mark.parametrize("word", Verdict)
@pytest.mark.parametrize("claim", CASES)
def test_every_claim_can_earn_every_word(claim, word):
    assert verdict(claim, **CASES[claim][word]) is word


def test_every_claim_is_tested():
    assert set(CASES) == set(PARTS) == {claim.name for claim in EXPERIMENT.claims}


def test_the_same_arm_twice_is_never_support():
    def alike(s: dict, _: int, x: dict) -> dict:
        return x | {"milliseconds": 1e-6 * s["n"] * s["d"] ** 2}

    assert verdict("shorter", time=alike) is Verdict.NOT_SUPPORTED
    assert verdict("exponents", time=alike) is Verdict.CONDITIONAL
    assert verdict("depth", depth=put("depth", lambda s, _: 3 * s["n"])) is not Verdict.SUPPORTED


# --- pages


@pytest.mark.parametrize("mode", Mode)
def test_numbers_and_figures_come_from_any_mode(mode):
    results = made(mode)
    numbers = EXPERIMENT.numbers(results)
    assert numbers["counts_meet_rest"].value == 6
    assert numbers["counts_meet_projections"].value == 2
    assert numbers["counts_meet_rnn"].value == 1
    assert numbers["exponent_attention"].value == pytest.approx(2)
    assert numbers["crossing_fused_256"].value == pytest.approx(1)
    drawn = EXPERIMENT.charts(results)
    assert {type(one) for one in drawn} == {Chart, HeatMap, Table}
    assert len({one.name for one in drawn}) == len(drawn)
    for table in drawn:
        if isinstance(table, Table):
            assert {len(row) for row in table.rows} == {len(table.columns)}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("language", Language)
def test_the_card_quotes_only_what_is_measured(language):
    card = read_card("complexity", language)
    assert card is not None
    assert unknown_placeholders(card, EXPERIMENT, facts_of(EXPERIMENT, made())) == []
    assert typed_numbers(card) == []
    for claim in EXPERIMENT.claims:
        assert any(f"{{verdict:{claim.name}}}" in body for body in card.bodies)


def test_every_circumstance_and_arm_has_a_name():
    results = made()
    for claim in EXPERIMENT.claims:
        assert set(claim.tests(results)) <= set(figures.NAMES)
    assert set(results.levels("time", "kind")) <= set(figures.NAMES)
    assert all(re.search("[가-힣]|[A-Za-z0-9]", said.ko) for said in figures.NAMES.values())
