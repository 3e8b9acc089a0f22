"""Sequence to sequence: distances, the task, and what each claim says of made-up results."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch

from whyformer.blocks.additive_attention import RecurrentAttention
from whyformer.data.synthetic import Task
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.bilingual import Language
from whyformer.lab.experiments.bottleneck import EXPERIMENT, claims, experiment, figures
from whyformer.lab.method.experiment import Cell, Mode, Results
from whyformer.lab.method.verdict import Verdict
from whyformer.lab.pages.cards import facts_of, read_card, typed_numbers, unknown_placeholders
from whyformer.text.symbols import BOS, EOS
from whyformer.training.loop import fit, start
from whyformer.training.settings import TrainingSettings

pytestmark = pytest.mark.usefixtures("unchecked")
SEEDS = 5
CLAIMS = {claim.name: claim for claim in EXPERIMENT.claims}
SUPPORTED, CONDITIONAL = Verdict.SUPPORTED, Verdict.CONDITIONAL
NOT_SUPPORTED, REFUTED, OPEN = Verdict.NOT_SUPPORTED, Verdict.REFUTED, Verdict.INCONCLUSIVE
Value = float | Callable[[int], float]

# --- the laws


def distances(task: Task, length: int) -> list[int]:
    """Return the number of steps from reading a symbol to writing it, for each symbol."""
    batch = experiment.batch_of(torch.arange(length)[None] + experiment.VOCABULARY, task)
    read = batch.source[0].tolist()
    return [len(read) + n - read.index(symbol) for n, symbol in enumerate(batch.labels[0].tolist())]


@pytest.mark.parametrize("length", [1, 5, 12])
def test_reversing_spreads_the_distances_and_keeps_their_mean(length):
    kept, turned = (distances(task, length)[:length] for task in (Task.copy, Task.reverse))
    assert kept == [length + 1] * length
    assert turned == [2 * i + 2 for i in range(length)]
    assert sum(turned) == sum(kept)


def test_reversing_is_copying_a_source_that_is_read_in_reverse():
    copied, turned = (experiment.Rows(task, 9, 0).batch(0, 3) for task in (Task.copy, Task.reverse))
    assert torch.equal(copied.labels, turned.labels)
    assert torch.equal(copied.source[:, :-1], turned.source[:, :-1].flip(1))
    assert torch.equal(copied.source, copied.labels)
    assert (copied.target[:, 0] == BOS).all()
    assert (copied.source[:, -1] == EOS).all()
    assert copied.tokens == copied.labels.numel()
    assert not torch.equal(experiment.Rows(Task.copy, 9, 1).of(5, 1, 8).source, copied.source)


def test_all_lengths_are_drawn():
    lengths = {experiment.Rows(Task.copy, 8, 0).batch(0, i).source.shape[1] - 1 for i in range(40)}
    assert lengths == {5, 6, 7, 8}


def settings(**changes: Any) -> dict[str, Any]:
    usual = {"encoder": experiment.TWO_WAY, "attention": "general", "width": 64, "task": "copy",
             "rate": 1e-2, "longest": 6, "steps": 40}  # fmt: skip
    return usual | changes


def test_exact_rows_are_those_of_greedy_search():
    # Learned for a moment only: some rows are right and some are not.
    model = experiment.fresh_model(settings(width=32), 0)
    training = TrainingSettings(
        updates=150, learning_rate=2e-2, warmup=5, label_smoothing=0.0, schedule="constant"
    )
    for _ in fit(start(model, training), experiment.Rows(Task.copy, 5, 0), training, d_model=32):
        pass
    right = experiment.answers(model, Task.copy, 5, 0).prod(1)
    fresh = experiment.Rows(Task.copy, 5, 0).of(5, -1, 256)
    with torch.inference_mode():
        found = search(model, fresh.source, None, SearchSettings(beam=1, max_length=20))
    greedy = [
        list(kept[0].tokens) == row[:-1].tolist()
        for kept, row in zip(found, fresh.labels, strict=True)
    ]
    assert right.bool().tolist() == greedy
    assert 0 < sum(greedy) < 256


def test_without_attention_there_are_not_fewer_parameters():
    none, general = (
        sum(
            p.numel()
            for p in experiment.fresh_model(
                settings(attention=attention, width=width), 0
            ).parameters()
        )
        for attention, width in experiment.WIDTHS.items()
    )
    assert 1 <= none / general < 1.1


def test_a_run_measures_every_length():
    found = experiment.measure(settings(longest=12, steps=3), 0)
    assert len(found["symbols"]) == len(found["exact"]) == 2
    assert len(found["places"]) == experiment.WATCHED
    assert found["mean"] == pytest.approx(sum(found["symbols"]) / 2)
    assert found["error"] == pytest.approx(1 - found["mean"])


# --- the claims, on made-up results


def curve(first: float, last: float, lengths: int) -> dict[str, Any]:
    step = (last - first) / (lengths - 1)
    whole = [first + step * i for i in range(lengths)]
    return {"symbols": whole, "exact": [v**4 for v in whole], "mean": (first + last) / 2}


def made(
    arms: Mapping[tuple, tuple[Value, Value]] | None = None,
    places: Callable[[int], tuple[float, float]] = lambda seed: (0.2, 0.0),
    mode: Mode = Mode.FULL,
) -> Results:
    """Return results. Args: arms: first and last accuracy by (attention, task, encoder, width)."""
    usual: dict[tuple, tuple[Value, Value]] = {
        ("none", task, encoder, 72): (
            0.9,
            0.3 if encoder == experiment.TWO_WAY or task == "copy" else 0.5,
        )
        for task in ("copy", "reverse")
        for encoder in (experiment.ONE_WAY, experiment.TWO_WAY)
    }
    usual |= {
        ("general", task, experiment.TWO_WAY, 64): (1.0, 0.99) for task in ("copy", "reverse")
    }
    usual[("none", "copy", experiment.TWO_WAY, experiment.TWICE_AS_WIDE)] = (0.9, 0.5)
    usual |= arms or {}

    def numbers(s: Mapping[str, Any], seed: int) -> dict[str, Any]:
        ends = usual[(s["attention"], s["task"], s["encoder"], s["width"])]
        first, last = (end(seed) if callable(end) else end for end in ends)
        worse = 0.1 * (s["rate"] != experiment.RATES[0])
        found = curve(first - worse, last - worse, len(range(5, s["longest"] + 1, 5)))
        early, late = places(seed) if s["task"] == "reverse" else (0.0, 0.0)
        row = [
            0.5 + early + (late - early) * i / (experiment.WATCHED - 1)
            for i in range(experiment.WATCHED)
        ]
        return {**found, "places": row, "parameters": 80_000, "error": 1 - found["mean"]}

    cells = [
        Cell(part.name, s, seed, numbers(s, seed))
        for part in EXPERIMENT.parts
        for s in part.conditions(mode)
        for seed in range(SEEDS)
    ]
    return Results(mode, cells)


def verdict(name: str, results: Results) -> Verdict:
    return CLAIMS[name].judge(results).verdict


def spread(low: float, high: float) -> Callable[[int], float]:
    return lambda seed: low + (high - low) * (seed % 2)


def arms(attention: str, copy: tuple, reverse: tuple, encoder: str = experiment.TWO_WAY) -> dict:
    width = experiment.WIDTHS[RecurrentAttention(attention)]
    ends = {"copy": copy, "reverse": reverse}
    return {(attention, task, encoder, width): ends[task] for task in ends}


@pytest.mark.parametrize(
    ("copy", "reverse", "expected"),
    [
        ((0.9, 0.3), (0.9, 0.3), SUPPORTED),
        ((0.9, 0.3), (0.9, 0.8), CONDITIONAL),
        ((0.9, 0.8), (0.9, 0.8), NOT_SUPPORTED),
        ((0.9, 0.9), (0.9, 0.9), REFUTED),  # length changes nothing
        ((0.9, spread(0.2, 0.8)), (0.9, 0.3), OPEN),
    ],
)
def test_falls(copy, reverse, expected):
    assert verdict("falls", made(arms("none", copy, reverse))) is expected


@pytest.mark.parametrize(
    ("copy", "reverse", "expected"),
    [
        ((1.0, 0.99), (1.0, 0.97), SUPPORTED),
        ((1.0, 0.99), (1.0, 0.7), CONDITIONAL),
        ((1.0, 0.9), (1.0, 0.9), NOT_SUPPORTED),
        ((1.0, 0.7), (1.0, 0.7), REFUTED),
        ((1.0, spread(0.9, 1.0)), (1.0, 0.99), OPEN),
        ((0.9, 0.3), (0.9, 0.3), REFUTED),  # attention is as if it were not there
    ],
)
def test_flat(copy, reverse, expected):
    assert verdict("flat", made(arms("general", copy, reverse))) is expected


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (0.5, SUPPORTED),
        (0.35, NOT_SUPPORTED),
        (0.2, REFUTED),
        (spread(0.3, 0.6), OPEN),
        (0.3, NOT_SUPPORTED),  # the same arm twice
    ],
)
def test_wider(last, expected):
    # One circumstance: it cannot be supported under conditions.
    wide = {("none", "copy", experiment.TWO_WAY, experiment.TWICE_AS_WIDE): (0.9, last)}
    assert verdict("wider", made(wide)) is expected


def test_a_wider_vector_is_not_measured_in_quick():
    assert verdict("wider", made(mode=Mode.QUICK)) is OPEN


@pytest.mark.parametrize(
    ("one_way", "two_way", "expected"),
    [
        (0.5, 0.5, SUPPORTED),
        (0.5, 0.3, CONDITIONAL),
        (0.3, 0.3, NOT_SUPPORTED),  # the same arm twice
        (0.1, 0.1, REFUTED),
        (spread(0.2, 0.6), 0.3, OPEN),
    ],
)
def test_helps(one_way, two_way, expected):
    changes = arms("none", (0.9, 0.3), (0.9, one_way), experiment.ONE_WAY)
    changes |= arms("none", (0.9, 0.3), (0.9, two_way))
    assert verdict("helps", made(changes)) is expected


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        (lambda seed: (0.2, 0.0), SUPPORTED),
        (lambda seed: (0.03, 0.0), NOT_SUPPORTED),
        (lambda seed: (0.0, 0.2), REFUTED),
        (lambda seed: (0.2 * (seed % 2), 0.0), OPEN),
        (lambda seed: (0.0, 0.0), NOT_SUPPORTED),  # the same arm twice
    ],
)
def test_beginning(places, expected):
    # One circumstance: it cannot be supported under conditions.
    assert verdict("beginning", made(places=places)) is expected


def test_each_arm_is_judged_at_its_best_rate():
    results = made()
    assert claims.drop(results, "none", "copy").value == pytest.approx(0.6)
    found = claims.at_end(results, experiment.arm("none", "copy"), 0)
    assert found == pytest.approx([0.9] * SEEDS)


# --- what is shown


@pytest.mark.parametrize("mode", list(Mode))
def test_numbers_fill_the_cards_in_both_modes(mode):
    facts = facts_of(EXPERIMENT, made(mode=mode))
    for language in Language:
        card = read_card("bottleneck", language)
        assert card is not None
        assert unknown_placeholders(card, EXPERIMENT, facts) == []
        assert typed_numbers(card) == []
    missing = {name for name, number in facts.numbers.items() if not number.seeds}
    assert missing == (set() if mode is Mode.FULL else {"wider"})


def test_charts_and_names():
    for mode in Mode:
        results = made(mode=mode)
        charts = figures.charts(results)
        assert [chart.name for chart in charts] == ["symbols", "exact", "places"]
        for claim in EXPERIMENT.claims:
            assert set(claim.tests(results)) <= set(figures.NAMES)
