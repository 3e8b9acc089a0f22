"""Question 10: the masks' law, the probe's honesty, and what each claim says of made-up results."""

import math
import re
from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch

from made_up_results import results_of
from whyformer.data.corruption import mask_tokens
from whyformer.foundation.bilingual import Language
from whyformer.lab.experiments.masking import EXPERIMENT, claims, data, experiment, figures
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.experiment import Mode, Results
from whyformer.lab.method.learning import fresh_small_model
from whyformer.lab.method.verdict import Verdict
from whyformer.lab.pages.cards import facts_of, placeholders, read_card, unknown_placeholders
from whyformer.models.bert import BERT, BERTSettings
from whyformer.models.gpt import GPT
from whyformer.text.symbols import MASK, PAD

SEEDS = 5
CLAIMS = {claim.name: claim for claim in EXPERIMENT.claims}
Change = Callable[[Mapping, int, dict], dict]
"""From settings, seed and ideal numbers to other numbers."""


# --- the laws


def expected_shares(recipe: str, vocabulary: float) -> tuple[float, float]:
    """Return the expected shares of selected characters that become MASK and that do not change.

    A random character equals the original one with probability 1/vocabulary.
    """
    hidden, drawn = data.RECIPES[recipe]
    return hidden, 1 - hidden - drawn + drawn / vocabulary


@pytest.mark.parametrize("recipe", list(data.RECIPES))
def test_the_masks_follow_their_law(recipe):
    ids = data.characters()[None]
    rng = np.random.default_rng(0)
    read, labels = mask_tokens(ids, rng, data.vocabulary(), shares=data.RECIPES[recipe])
    chosen = labels != PAD
    hidden, same = expected_shares(recipe, lm.text().vocabulary)

    def margin(share: float, of: int) -> float:
        return 5 * math.sqrt(share * (1 - share) / of) + 1e-9

    assert chosen.mean() == pytest.approx(0.15, abs=margin(0.15, ids.size))
    count = int(chosen.sum())
    assert (read == MASK)[chosen].mean() == pytest.approx(hidden, abs=margin(hidden, count))
    assert (read == ids)[chosen].mean() == pytest.approx(same, abs=margin(same, count))
    assert (read == ids)[~chosen].all()


@pytest.mark.parametrize("task", [*data.RECIPES, *data.CAUSAL])
def test_batches_hide_or_shift_what_they_ask_for(task):
    source = data.Corrupted(3, task)
    batch, same, other = source.batch(0, 7), source.batch(1, 7), source.batch(0, 8)
    assert torch.equal(batch.ids, same.ids)
    assert torch.equal(batch.labels, same.labels)
    assert not torch.equal(batch.ids, other.ids)
    asked = batch.labels != PAD
    assert batch.tokens == int(asked.sum())
    if task in data.CAUSAL:
        assert asked.double().mean().item() == pytest.approx(data.CAUSAL[task], abs=0.04)
        inner = asked[:, :-1]
        assert torch.equal(batch.labels[:, :-1][inner], batch.ids[:, 1:][inner])
    else:
        assert asked.double().mean().item() == pytest.approx(0.15, abs=0.04)
        assert ((batch.ids == MASK) <= asked).all()


def test_both_kinds_read_the_same_text():
    masked, causal = data.Corrupted(0, "80-10-10"), data.Corrupted(0, "causal-15")
    a, b = masked.batch(0, 0), causal.batch(0, 0)
    kept = a.labels == PAD
    assert torch.equal(a.ids[kept], b.ids[kept])


def test_the_models_have_one_shape():
    bert, gpt = (fresh_small_model(kind, data.vocabulary(), 0) for kind in (BERT, GPT))

    def layers(model: torch.nn.Module) -> list[tuple[int, ...]]:
        return [tuple(p.shape) for n, p in model.named_parameters() if "layers." in n]

    assert layers(bert) == layers(gpt)


def test_the_probe_asks_for_whole_words_that_are_there():
    words = data.common_words()
    assert len(words) == data.NAMED_WORDS
    assert min(map(len, words)) >= data.SHORTEST_WORD
    found = data.examples(lm.text().dev, 20, 0)
    asked = 0
    for ids, numbers in zip(found.ids, found.words, strict=True):
        line = data.as_text(ids - data.FIRST)
        for match in re.finditer("[A-Za-z]+", line):
            whole = match.start() > 0 and match.end() < len(line)
            here = numbers[slice(*match.span())].tolist()
            assert len(set(here)) == 1
            if here[0] >= 0:
                assert words[here[0]] == match.group()
                asked += 1
            elif whole:
                assert match.group() not in words
    assert asked > 20


def test_a_letter_alone_does_not_name_its_word():
    words = data.common_words()
    letters = "".join(words)
    most = max(letters.count(c) for c in set(letters))
    assert most > 10  # many words share a letter, so that the neighbours must be known


@pytest.mark.parametrize(
    ("curve", "blocks"),
    [([1.0, 0.0, -1.0], 1.5), ([1.0, -1.0], 1.0), ([-1.0], 0.5), ([1.0, 0.5], math.nan)],
)
def test_updates_are_counted_between_blocks(curve, blocks):
    aim = lm.text().unigram_entropy - experiment.LEVEL
    found = experiment.updates_to_level([aim + above for above in curve])
    assert found == pytest.approx(blocks * data.BLOCK, nan_ok=True)


@pytest.mark.usefixtures("unchecked")
def test_a_measurement_has_every_number(monkeypatch):
    monkeypatch.setattr(data, "ROWS", 2)
    monkeypatch.setattr(experiment, "ROWS", 2)
    monkeypatch.setattr(experiment, "TUNED_EVERY", 2)
    size = {"steps": 20, "rate": 1e-3, "windows": 20, "tuning": 2}
    numbers = experiment.measure_masked({"task": "80-10-10", **size}, 0)
    assert len(numbers["curve"]) == 2
    assert len(numbers["tuned"]) == 1
    assert 50 < numbers["probe"] <= 100
    assert math.isnan(numbers["updates"])
    untrained = experiment.measure_masked({"task": "none", **size, "tuning": 0}, 0)
    assert untrained["curve"] == untrained["tuned"] == []
    causal = experiment.measure_causal({"task": "causal-15", "rate": 1e-3, "steps": 10}, 0)
    assert np.isfinite(causal["curve"]).all()


def test_a_state_that_is_the_word_is_read_without_error():
    class Told(BERT):
        """Gives each position its word's own vector."""

        def forward(self, ids, real=None, segments=None):
            return torch.nn.functional.one_hot(ids.remainder(64), 64).float()

    torch.manual_seed(0)
    words = torch.randint(data.NAMED_WORDS, (30, 8))
    told = data.Examples(words, words)
    model = Told(BERTSettings(layers=1, d_model=64, heads=1, d_ff=4), (108, 108))
    assert experiment.probe_error(model, told, told) == 0
    blind = data.Examples(torch.zeros_like(words), words)
    assert experiment.probe_error(model, blind, blind) > 0.8


# --- the claims, on made-up results


def ideal(part: str, settings: Mapping, seed: int) -> dict:
    """Return numbers that support most claims, with a little spread over seeds."""
    task = settings["task"]
    little = 0.01 * seed
    tuning = 0 if settings["rate"] in (3e-3, 0.0) else 1
    updates = {"causal": 80.0, "causal-15": 110.0, "80-10-10": 120.0}.get(task, 180.0)
    numbers = {"curve": [3.5, 3.0, 2.6 + tuning], "updates": updates + 20 * tuning + little}
    if part == "masked":
        worse = {"80-10-10": 0.0, "none": 50.0}.get(task, 5.0)
        numbers |= {"probe": 10.0 + worse + 3 * tuning + little, "copied": 90.0}
        errors = [20.0 + worse, 1.0 + little] if settings["tuning"] else []
        numbers["tuned"] = [error + tuning for error in errors]
    return numbers


def made(mode: Mode = Mode.FULL, change: Change = lambda s, seed, n: n) -> Results:
    def numbers(part: str, settings: Mapping, seed: int) -> dict:
        return change(settings, seed, ideal(part, settings, seed))

    return results_of(EXPERIMENT, numbers, mode=mode, seeds=SEEDS)


def verdict(name: str, change: Change) -> Verdict:
    return CLAIMS[name].judge(made(change=change)).verdict


def shift(number: str, by: Callable[[str, int], float | None]) -> Change:
    """Return a change of one number against that of its base. Args: by: of task and seed."""
    base = "80-10-10" if number in ("probe", "tuned") else "causal"

    def change(settings: Mapping, seed: int, numbers: dict) -> dict:
        task = settings.get("task")
        amount = None if task in (None, base) else by(str(task), seed)
        if amount is None or number not in numbers:
            return numbers
        part = "masked" if base == "80-10-10" else "causal"
        size = {"rate": settings["rate"] or 3e-3, "tuning": 40}
        start = ideal(part, {"task": base, **size}, seed)[number]
        if number == "updates":
            return numbers | {number: start * math.exp(amount)}
        if number == "tuned":
            return numbers | {number: [error + amount for error in start]}
        return numbers | {number: start + amount}

    return change


@pytest.mark.parametrize(
    ("worse", "expected"),
    [
        (lambda task, seed: 5.0, Verdict.SUPPORTED),
        (lambda task, seed: 5.0 if task == "100-0-0" else -5.0, Verdict.CONDITIONAL),
        (lambda task, seed: 0.0, Verdict.NOT_SUPPORTED),  # the same recipe thrice
        (lambda task, seed: -5.0, Verdict.REFUTED),
        (lambda task, seed: 4.0 * (seed - 2), Verdict.INCONCLUSIVE),
    ],
)
def test_features(worse, expected):
    assert verdict("features", shift("probe", worse)) is expected


@pytest.mark.parametrize(
    ("worse", "expected"),
    [
        (lambda task, seed: 0.1, Verdict.SUPPORTED),
        (lambda task, seed: 0.1 if task == "100-0-0" else 5.0, Verdict.CONDITIONAL),
        (lambda task, seed: 1.5, Verdict.NOT_SUPPORTED),
        (lambda task, seed: 5.0, Verdict.REFUTED),
        (lambda task, seed: 4.0 * (seed - 2), Verdict.INCONCLUSIVE),
    ],
)
def test_tuning(worse, expected):
    assert verdict("tuning", shift("tuned", worse)) is expected


@pytest.mark.parametrize(
    ("delay", "expected"),
    [
        (lambda task, seed: 0.3, Verdict.SUPPORTED),
        (lambda task, seed: 0.3 if task == "causal-15" else -0.3, Verdict.CONDITIONAL),
        (lambda task, seed: 0.0, Verdict.NOT_SUPPORTED),  # the same arm again
        (lambda task, seed: -0.3, Verdict.REFUTED),
        (lambda task, seed: 0.3 * (seed - 2), Verdict.INCONCLUSIVE),
        (lambda task, seed: math.nan, Verdict.INCONCLUSIVE),  # a level that is not reached
    ],
)
def test_signal(delay, expected):
    assert verdict("signal", shift("updates", delay)) is expected


def test_the_judged_error_does_not_choose_the_rate():
    def change(settings: Mapping, seed: int, numbers: dict) -> dict:
        if settings.get("task") == "100-0-0" and settings["rate"] == 1e-2:
            return numbers | {"probe": 1.0}  # the training loss is not the lowest here
        return numbers

    assert claims.gap(made(change=change), "100-0-0", "probe").value == pytest.approx(5)


# --- what is shown


@pytest.mark.parametrize("mode", list(Mode))
def test_numbers_fill_the_cards_in_both_modes(mode):
    facts = facts_of(EXPERIMENT, made(mode))
    for language in Language:
        card = read_card("masking", language)
        assert card is not None
        assert len(placeholders(card)) > 20
        assert unknown_placeholders(card, EXPERIMENT, facts) == []
    missing = {name for name, number in facts.numbers.items() if not number.seeds}
    assert (mode is Mode.FULL) == (not missing)


@pytest.mark.parametrize("mode", list(Mode))
def test_charts_are_drawn_in_both_modes(mode):
    names = [chart.name for chart in figures.charts(made(mode))]
    assert names[:2] == ["updates", "predictions"]
    assert names[2:] == (["tuning", "rates"] if mode is Mode.FULL else [])


def test_every_circumstance_has_a_name():
    for claim in EXPERIMENT.claims:
        assert set(claim.tests(made())) <= set(figures.NAMES)
