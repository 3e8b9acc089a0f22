"""Question 11: the four arms differ in one thing at a time; what each claim says of results."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch

from made_up_results import check_names, results_of
from whyformer.foundation.bilingual import Language
from whyformer.lab.experiments.nsp import EXPERIMENT, claims, data, experiment, figures
from whyformer.lab.method.arms import best_rate, last
from whyformer.lab.method.charts import Table
from whyformer.lab.method.experiment import Mode, Results
from whyformer.lab.method.statistics import Estimate
from whyformer.lab.method.verdict import Verdict
from whyformer.lab.pages.cards import facts_of, placeholders, read_card, unknown_placeholders
from whyformer.models.bert import BERT
from whyformer.models.gpt import GPT
from whyformer.text.symbols import BOS, EOS, FIRST_BYTE, MASK, PAD

SEEDS = 5
CLAIMS = {claim.name: claim for claim in EXPERIMENT.claims}
Change = Callable[[Mapping, int, dict], dict]
"""From settings, seed and ideal numbers to other numbers."""


# --- the design


def test_no_held_out_line_is_learned_from():
    text = data.text()

    def lines(documents) -> set[str]:
        return {
            line
            for number in range(len(documents))
            for line in text.tokenizer.decode(documents.document(number).tolist()).split("\n")
        }

    learned, held_out = lines(text.train), lines(text.held_out)
    assert len(held_out) > 300
    assert not learned & held_out
    assert len(text.held_out.ids) < 0.25 * len(text.train.ids)


def test_the_probe_asks_for_topics_with_enough_held_out_text():
    text = data.text()
    assert len(text.asked) > 5
    for topic, blocks in text.asked:
        assert len(blocks) >= data.FEWEST_HELD_OUT
        assert len(text.train.document(topic)) > data.ROW
        assert all(len(text.held_out.document(block)) >= data.ROW - 1 for block in blocks)


@pytest.mark.parametrize("arm", experiment.DESIGN)
def test_an_arm_is_a_format_and_a_loss(arm):
    form, _, loss = arm.partition(", ")
    batch = data.ArmRows(arm, 0).batch(0, 0)
    other = data.ArmRows(f"{form}, {'without' if loss == 'with' else 'with'}", 0).batch(0, 0)
    assert torch.equal(batch.hidden.ids, other.hidden.ids)  # the loss changes no input
    assert torch.equal(batch.hidden.labels, other.hidden.labels)
    assert (batch.hidden.follows is not None) == (form == "pairs")
    assert bool(batch.hidden.segments.any()) == (form == "pairs")
    assert (batch.pairs is not None) == (loss == "with")
    if batch.pairs is not None:
        assert batch.pairs is not batch.hidden
        assert batch.pairs.follows is not None


def test_formats_offer_about_as_many_tokens():
    found = []
    for form in experiment.FORMATS:
        rows = data.ArmRows(f"{form}, without", 0)
        found.append(np.mean([rows.batch(0, index).tokens for index in range(10)]))
    assert found[0] == pytest.approx(found[1], rel=0.15)


def test_the_pairs_of_the_loss_are_the_same_for_both_formats():
    pairs = [data.ArmRows(f"{form}, with", 0).batch(0, 1).pairs for form in experiment.FORMATS]
    assert pairs[0] is not None
    assert pairs[1] is not None
    assert torch.equal(pairs[0].ids, pairs[1].ids)


def test_as_published_both_losses_are_of_the_same_pairs():
    batch = data.ArmRows(data.PUBLISHED, 0).batch(0, 0)
    assert batch.pairs is batch.hidden
    assert batch.hidden.follows is not None


def test_left_to_right_reads_the_same_rows_with_nothing_hidden():
    causal = data.CausalRows(0).batch(0, 0)
    hidden = data.ArmRows("full, without", 0).batch(0, 0).hidden
    assert not (causal.ids == MASK).any()
    kept = hidden.labels[:, :-1] == PAD
    assert torch.equal(causal.ids[kept], hidden.ids[:, :-1][kept])
    assert torch.equal(causal.ids[:, 1:], causal.labels[:, :-1])


def test_passages_are_of_their_topics_and_equally_many():
    documents = [[np.arange(300) + FIRST_BYTE], [np.arange(300) + 1000, np.arange(200) + 2000]]
    ids, topics = experiment.passages(documents, np.random.default_rng(0))
    assert ids.shape == (2 * experiment.PASSAGES, data.ROW)
    assert (ids[:, 0] == BOS).all()
    assert (ids[:, -1] == EOS).all()
    assert ((ids[:, 1:-1] >= 1000).all(1) == topics.bool()).all()
    assert topics.bincount().tolist() == [experiment.PASSAGES] * 2
    assert (ids[:, 2:-1] - ids[:, 1:-2] == 1).all()  # one stretch


@pytest.mark.usefixtures("unchecked")
def test_guessing_next_sentences_is_half_wrong():
    model = experiment.fresh(BERT, 0)
    assert isinstance(model, BERT)
    with torch.no_grad():
        model.next_sentence.weight.zero_()
        model.next_sentence.bias[:] = torch.tensor([0.0, 1.0])  # always: it follows
    loss, error = experiment.scores(model, "pairs")
    assert error == 50
    assert loss == pytest.approx(math.log(len(data.text().tokenizer)), rel=0.05)
    assert math.isnan(experiment.scores(model, "full")[1])


@pytest.mark.usefixtures("unchecked")
def test_losses_reach_what_they_train():
    model = experiment.fresh(BERT, 0)
    assert isinstance(model, BERT)
    for arm, reached in (("full, without", False), ("full, with", True)):
        model.zero_grad()
        batch = data.ArmRows(arm, 0).batch(0, 0)
        loss = experiment.arm_loss(model, batch, 0.0)
        (loss.smoothed / batch.tokens).backward()
        assert (model.pooler.weight.grad is not None) is reached
        extra = (loss.smoothed - loss.nll).item() / batch.tokens
        assert extra == pytest.approx(math.log(2) if reached else 0, abs=0.2)


@pytest.mark.usefixtures("unchecked")
def test_a_measurement_has_every_number(monkeypatch):
    monkeypatch.setattr(data, "BUDGET", 2 * data.ROW)
    monkeypatch.setattr(experiment, "PASSAGES", 4)
    monkeypatch.setattr(experiment, "scores", lambda model, form: (1.0, 2.0))
    size = {"rate": 1e-3, "steps": experiment.BLOCK}
    for arm in ("pairs, with", data.LEFT_TO_RIGHT):
        numbers = experiment.measure_arm({"arm": arm, **size}, 0)
        assert len(numbers["curve"]) == 1
        assert 0 < numbers["mean_error"] <= 100
        assert ("full_loss" in numbers) == (arm != data.LEFT_TO_RIGHT)
    assert set(experiment.measure_untrained({}, 0)) == {"mean_error", "first_error", "topics"}


def test_the_models_have_one_shape():
    def layers(model: torch.nn.Module) -> list[tuple[int, ...]]:
        return [tuple(p.shape) for n, p in model.named_parameters() if "layers." in n]

    assert layers(experiment.fresh(BERT, 0)) == layers(experiment.fresh(GPT, 0))


# --- the claims, on made-up results


def ideal(part: str, settings: Mapping, seed: int) -> dict:
    """Return numbers that support every claim, with a little spread over seeds."""
    little = 0.001 * seed
    if part == "untrained":
        return {"mean_error": 60.0 + little, "first_error": 60.0 + little, "topics": 20}
    arm, worse = settings["arm"], 0 if settings["rate"] == 3e-3 else 1
    with_ = arm.endswith("with") or arm == data.PUBLISHED
    loss = 4.0 + 0.2 * with_ - 0.1 * arm.startswith("full") + little + worse
    error = 50.0 - 5 * with_ + 5 * (arm == data.LEFT_TO_RIGHT) + little + worse
    numbers = {"curve": [6.0, 5.0 + worse], "mean_error": error}
    if arm != data.LEFT_TO_RIGHT:
        numbers |= {"full_loss": loss, "pairs_loss": loss, "first_error": error, "next_error": 30.0}
    return numbers


def made(mode: Mode = Mode.FULL, change: Change = lambda s, seed, n: n) -> Results:
    def numbers(part: str, settings: Mapping, seed: int) -> dict:
        return change(settings, seed, ideal(part, settings, seed))

    return results_of(EXPERIMENT, numbers, mode=mode, seeds=SEEDS)


def verdict(name: str, change: Change) -> Verdict:
    return CLAIMS[name].judge(made(change=change)).verdict


def more(arms: Callable[[str], bool], by: Callable[[str, str, int], float]) -> Change:
    """Return a change that sets all arms alike, then adds to some.

    Args: by: of arm, number and seed.
    """

    def change(settings: Mapping, seed: int, numbers: dict) -> dict:
        if "arm" not in settings:
            return numbers
        alike = ideal("arms", {**settings, "arm": "pairs, without"}, seed)
        arm = settings["arm"]
        return {
            name: alike[name] + by(arm, name, seed) * arms(arm) if name != "curve" else value
            for name, value in numbers.items()
        }

    return change


def with_loss(arm: str) -> bool:
    return arm in experiment.DESIGN and arm.endswith("with")


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (lambda arm, name, seed: -5.0, Verdict.SUPPORTED),
        (lambda arm, name, seed: -5.0 if name == "first_error" else 5.0, Verdict.CONDITIONAL),
        (lambda arm, name, seed: 0.0, Verdict.NOT_SUPPORTED),  # the same arm twice
        (lambda arm, name, seed: 5.0, Verdict.REFUTED),
        (lambda arm, name, seed: 5.0 * (seed - 2), Verdict.INCONCLUSIVE),
    ],
)
def test_helping(by, expected):
    assert verdict("helping", more(with_loss, by)) is expected


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (lambda arm, name, seed: 0.1, Verdict.SUPPORTED),
        (lambda arm, name, seed: 0.1 if arm.startswith("full") else -0.1, Verdict.CONDITIONAL),
        (lambda arm, name, seed: 0.0, Verdict.NOT_SUPPORTED),  # the same arm twice
        (lambda arm, name, seed: -0.1, Verdict.REFUTED),
        (lambda arm, name, seed: 0.1 * (seed - 2), Verdict.INCONCLUSIVE),
    ],
)
def test_dropping(by, expected):
    assert verdict("dropping", more(with_loss, by)) is expected


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (lambda arm, name, seed: -0.1, Verdict.SUPPORTED),
        (lambda arm, name, seed: -0.1 if name == "full_loss" else 0.1, Verdict.CONDITIONAL),
        (lambda arm, name, seed: 0.0, Verdict.NOT_SUPPORTED),  # the same arm twice
        (lambda arm, name, seed: 0.1, Verdict.REFUTED),
        (lambda arm, name, seed: 0.1 * (seed - 2), Verdict.INCONCLUSIVE),
    ],
)
def test_format(by, expected):
    assert verdict("format", more(lambda arm: arm.startswith("full"), by)) is expected


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (lambda arm, name, seed: 5.0, Verdict.SUPPORTED),
        (lambda arm, name, seed: 0.0, Verdict.NOT_SUPPORTED),  # the same arm twice
        (lambda arm, name, seed: -5.0, Verdict.REFUTED),
        (lambda arm, name, seed: 5.0 * (seed - 2), Verdict.INCONCLUSIVE),
    ],
)
def test_direction(by, expected):
    # One circumstance: it cannot be supported under conditions.
    assert verdict("direction", more(lambda arm: arm == data.LEFT_TO_RIGHT, by)) is expected


def test_what_a_short_run_leaves_out_stays_open():
    judged = EXPERIMENT.judge(made(Mode.QUICK))
    assert judged["direction"].verdict is Verdict.INCONCLUSIVE
    assert judged["dropping"].verdict is Verdict.SUPPORTED


def dropping(results: Results) -> Estimate:
    return claims.gain(results, "full, with", "full, without", "full_loss")


def test_a_run_that_broke_down_is_never_the_best():
    def change(settings: Mapping, seed: int, numbers: dict) -> dict:
        if settings.get("arm") == "full, with" and settings["rate"] == 3e-3 and seed == 1:
            return {name: math.nan if name != "curve" else [] for name in numbers}
        return numbers

    results = made(change=change)
    assert best_rate(results, "arms", "curve", pick=last, arm="full, with") != 3e-3
    assert dropping(results).value == pytest.approx(1.2)


def test_the_judged_text_does_not_choose_the_rate():
    def change(settings: Mapping, seed: int, numbers: dict) -> dict:
        better = settings.get("rate") == 1e-2 and settings["arm"] == "full, with"
        return numbers | {"full_loss": 0.0} if better else numbers

    assert dropping(made(change=change)).value == pytest.approx(0.2)


def test_without_a_probe_that_training_improves_nothing_is_judged():
    def change(settings: Mapping, seed: int, numbers: dict) -> dict:
        return numbers if "arm" in settings else numbers | {"mean_error": 50.0, "first_error": 50.0}

    judged = EXPERIMENT.judge(made(change=change))
    assert judged["helping"].verdict is Verdict.INCONCLUSIVE
    assert judged["direction"].verdict is Verdict.INCONCLUSIVE
    assert judged["dropping"].verdict is Verdict.SUPPORTED


# --- what is shown


@pytest.mark.parametrize("mode", list(Mode))
def test_numbers_fill_the_cards_in_both_modes(mode):
    facts = facts_of(EXPERIMENT, made(mode))
    for language in Language:
        card = read_card("nsp", language)
        assert card is not None
        assert len(placeholders(card)) > 20
        assert unknown_placeholders(card, EXPERIMENT, facts) == []
    missing = {name for name, number in facts.numbers.items() if not number.seeds}
    assert (mode is Mode.FULL) == (not missing)


@pytest.mark.parametrize("mode", list(Mode))
def test_the_tables_hold_the_design(mode):
    drawn = figures.charts(made(mode))
    names = [figure.name for figure in drawn]
    assert (
        names == ["hidden-tokens", "topics", "learning", "rates"][: 4 if mode is Mode.FULL else 3]
    )
    table = drawn[0]
    assert isinstance(table, Table)
    assert [len(row) for row in table.rows] == [4, 4]


def test_every_circumstance_and_arm_has_a_name():
    check_names(EXPERIMENT, made(), figures.NAMES)
    assert {*experiment.DESIGN, data.PUBLISHED, data.LEFT_TO_RIGHT} <= set(figures.NAMES)
