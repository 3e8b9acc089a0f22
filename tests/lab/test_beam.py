"""Question 9: beam search against enumeration, the made-up language, and what each claim says."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import pytest
import torch

from made_up_results import results_of
from whyformer.decoding.scoring import token_log_probabilities
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.bilingual import Language
from whyformer.lab.experiments.beam import EXPERIMENT, claims, experiment, figures
from whyformer.lab.method.experiment import Mode, Results
from whyformer.lab.method.verdict import Verdict
from whyformer.lab.pages.cards import facts_of, placeholders, read_card, unknown_placeholders
from whyformer.text.symbols import BOS, EOS, PAD

SEEDS = 5
CLAIMS = {claim.name: claim for claim in EXPERIMENT.claims}
Change = Callable[[Mapping, int, dict], dict]
"""From settings, seed and ideal numbers to other numbers."""


# --- the laws


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("alpha", experiment.ALPHAS)
def test_a_beam_of_all_answers_misses_none(alpha):
    regrets = experiment.regrets_of(3, alpha)
    assert regrets[-1].abs().max() < experiment.ROUNDING  # never better than the best, never worse
    assert regrets.min() > -experiment.ROUNDING
    assert (regrets[0] > experiment.ROUNDING).any()  # or the test would hold of any search


@pytest.mark.usefixtures("unchecked")
def test_the_list_of_all_answers_holds_what_the_search_returns():
    model = experiment.random_model(5)
    source = torch.tensor([[experiment.FIRST, experiment.FIRST + 1, experiment.FIRST + 2]])
    asked = SearchSettings(
        beam=experiment.ENOUGH, nbest=30, length_penalty=0.0, max_length=experiment.LIMIT
    )
    with torch.inference_mode():
        (kept,) = search(model, source, None, asked)
        for one in kept:
            target = torch.tensor([[BOS, *one.tokens, EOS]])
            real = torch.ones_like(target, dtype=torch.bool)
            (values,) = token_log_probabilities([model], source, None, target, real)
            total = values[: len(one.tokens) + one.finished].sum().item()
            assert total == pytest.approx(one.log_probability, abs=1e-5)
    assert kept[0].score == pytest.approx(
        experiment.best_scores(model, source, 0.0).item(), abs=1e-5
    )


def test_the_renderings_are_a_distribution_that_misleads_the_greedy():
    chances = experiment.translation_probabilities()
    assert len(chances) == len(experiment.TRANSLATIONS)
    assert chances.sum() == pytest.approx(1)
    first_words: dict[int, float] = {}
    for (first, _), chance in zip(experiment.TRANSLATIONS, chances, strict=True):
        first_words[first] = first_words.get(first, 0) + chance
    assert max(first_words, key=lambda word: first_words[word]) == 2  # the likeliest first word
    assert experiment.TRANSLATIONS[int(chances.argmax())][0] == 0  # begins no likeliest rendering


def test_a_target_renders_its_source_two_words_a_symbol():
    sources, targets = experiment.sentences(np.random.default_rng(0), 200, 0.0)
    for source, target in zip(sources, targets, strict=True):
        assert experiment.SHORTEST <= len(source) <= experiment.LONGEST
        for place, symbol in enumerate(source):
            base = experiment.FIRST + (symbol - experiment.FIRST) * experiment.WORDS_PER_SYMBOL
            pair = tuple(word - base for word in target[2 * place : 2 * place + 2])
            assert pair in experiment.TRANSLATIONS
        assert len(target) == 2 * len(source)


def test_fragments_are_as_frequent_as_said_and_stop_anywhere():
    sources, targets = experiment.sentences(np.random.default_rng(0), 4000, experiment.FRAGMENTS)
    shares = [len(t) / (2 * len(s)) for s, t in zip(sources, targets, strict=True)]
    cut = [share for share in shares if share < 1]
    assert len(cut) / len(shares) == pytest.approx(experiment.FRAGMENTS, abs=0.02)
    assert np.mean(cut) == pytest.approx(0.46, abs=0.05)  # (2n - 1) / 4n
    assert 0 in cut


def test_how_often_the_most_probable_answer_is_none():
    # 0.1/2n against 0.9 · 0.35ⁿ: from five symbols on, of three to ten
    assert claims.expected_empty() == 6 / 8


def test_batches_are_drawn_by_seed_and_index():
    source = experiment.Sentences(1, 0.1, rows=4)
    one, same, other = source.batch(0, 3), source.batch(5, 3), source.batch(0, 4)
    assert torch.equal(one.source, same.source)
    assert torch.equal(one.labels, same.labels)
    assert one.source.shape != other.source.shape or not torch.equal(one.source, other.source)
    assert one.tokens == int((one.labels != PAD).sum())
    assert (one.target[:, 0] == BOS).all()


@pytest.mark.usefixtures("unchecked")
def test_a_measurement_has_a_number_for_every_width(monkeypatch):
    monkeypatch.setattr(experiment, "WIDTHS", (1, 4))
    monkeypatch.setattr(experiment, "LONGEST", 3)
    numbers = experiment.measure_search({"data": "fragments", "steps": 2, "sentences": 2}, 0)
    for alpha in experiment.ALPHAS:
        for name in ("bleu", "length", "empty", "log_probability"):
            assert len(numbers[f"{alpha}/{name}"]) == len(experiment.WIDTHS)
        assert len(numbers[f"{alpha}/fall"]) == len(experiment.WIDTHS) - 1


# --- the claims, on made-up results


def ideal(part: str, settings: Mapping, seed: int) -> dict:
    """Return numbers that support every claim, with a little spread over seeds."""
    numbers: dict[str, list[float]] = {}
    for alpha in experiment.ALPHAS:
        if part == "exact":
            widths = experiment.COUNTED_WIDTHS
            numbers[f"{alpha}/regret"] = [1.0 * (w < 27) + 1e-7 * seed for w in widths]
            numbers[f"{alpha}/missed"] = [0.5 / w for w in widths]
            numbers[f"{alpha}/fall"] = [0.0] * (len(widths) - 1)
            continue
        steps = range(len(experiment.WIDTHS))
        little = 0.01 * seed
        numbers[f"{alpha}/bleu"] = [10 + 2 * k + 3 * (alpha > 0) + little for k in steps]
        numbers[f"{alpha}/length"] = [1 - 0.05 * k + little for k in steps]
        numbers[f"{alpha}/empty"] = [0.01 * k for k in steps]
        numbers[f"{alpha}/log_probability"] = [-9 + k + little for k in steps]
        numbers[f"{alpha}/fall"] = [0.01] * (len(experiment.WIDTHS) - 1)
    return numbers


def made(mode: Mode = Mode.FULL, change: Change = lambda s, seed, n: n) -> Results:
    def numbers(part: str, settings: Mapping, seed: int) -> dict:
        return change(settings, seed, ideal(part, settings, seed))

    return results_of(EXPERIMENT, numbers, mode=mode, seeds=SEEDS)


def verdict(name: str, change: Change) -> Verdict:
    return CLAIMS[name].judge(made(change=change)).verdict


def by_data(name: str, row: Callable[[str, float, int], list[float] | None]) -> Change:
    """Return a change of one number's row over the widths. Args: row: of data, α and seed."""

    def change(settings: Mapping, seed: int, numbers: dict) -> dict:
        if "data" not in settings:
            return numbers
        rows = {alpha: row(settings["data"], alpha, seed) for alpha in experiment.ALPHAS}
        return numbers | {f"{a}/{name}": r for a, r in rows.items() if r is not None}

    return change


def line(slope: float, start: float = 10.0) -> list[float]:
    return [start + slope * place for place in range(len(experiment.WIDTHS))]


@pytest.mark.parametrize(
    ("regret", "expected"),
    [
        (lambda alpha, seed: 1e-7, Verdict.SUPPORTED),
        (lambda alpha, seed: 0.1 if alpha else 1e-7, Verdict.CONDITIONAL),
        (lambda alpha, seed: 1e-3, Verdict.NOT_SUPPORTED),
        (lambda alpha, seed: 0.1, Verdict.REFUTED),
        (lambda alpha, seed: 0.1 * (seed == 0), Verdict.INCONCLUSIVE),
    ],
)
def test_exact(regret, expected):
    def change(settings: Mapping, seed: int, numbers: dict) -> dict:
        if "models" not in settings:
            return numbers
        rows = {f"{a}/regret": [*[1.0] * 8, regret(a, seed)] for a in experiment.ALPHAS}
        return numbers | rows

    assert verdict("exact", change) is expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (lambda data, alpha, seed: None, Verdict.SUPPORTED),
        (lambda data, alpha, seed: line(-1 if data == "fragments" else 1), Verdict.CONDITIONAL),
        (lambda data, alpha, seed: line(0.0), Verdict.NOT_SUPPORTED),  # the width changes nothing
        (lambda data, alpha, seed: line(-1.0), Verdict.REFUTED),
        (lambda data, alpha, seed: line(1.0 * (seed - 2)), Verdict.INCONCLUSIVE),
    ],
)
def test_better(row, expected):
    assert verdict("better", by_data("bleu", row)) is expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (lambda data, alpha, seed: None, Verdict.SUPPORTED),
        (lambda data, alpha, seed: line(-1 if data == "clean" else 1), Verdict.CONDITIONAL),
        (lambda data, alpha, seed: line(0.0), Verdict.NOT_SUPPORTED),  # the width changes nothing
        (lambda data, alpha, seed: line(-1.0), Verdict.REFUTED),
        (lambda data, alpha, seed: line(1.0 * (seed - 2)), Verdict.INCONCLUSIVE),
    ],
)
def test_score(row, expected):
    assert verdict("score", by_data("log_probability", row)) is expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (lambda data, alpha, seed: None, Verdict.SUPPORTED),
        (lambda data, alpha, seed: line(0.0 if data == "clean" else -0.1, 1), Verdict.CONDITIONAL),
        (
            lambda data, alpha, seed: line(0.0, 1),
            Verdict.NOT_SUPPORTED,
        ),  # the width changes nothing
        (lambda data, alpha, seed: line(0.1, 1), Verdict.REFUTED),
        (lambda data, alpha, seed: line(0.1 * (seed - 2), 1), Verdict.INCONCLUSIVE),
    ],
)
def test_length(row, expected):
    assert verdict("length", by_data("length", row)) is expected


@pytest.mark.parametrize(
    ("gain", "expected"),
    [
        (lambda data, seed: 2.0, Verdict.SUPPORTED),
        (lambda data, seed: 2.0 if data == "fragments" else 0.0, Verdict.CONDITIONAL),
        (lambda data, seed: 0.0, Verdict.NOT_SUPPORTED),  # the same α twice
        (lambda data, seed: -2.0, Verdict.REFUTED),
        (lambda data, seed: 1.0 * (seed - 2), Verdict.INCONCLUSIVE),
    ],
)
def test_penalty(gain, expected):
    change = by_data("bleu", lambda data, alpha, seed: line(0, 10 + gain(data, seed) * (alpha > 0)))
    assert verdict("penalty", change) is expected


def test_falls_are_means_over_widths_and_penalties():
    assert claims.falls(made(), "exact").value == 0
    assert claims.falls(made(), "search", data="clean").value == pytest.approx(0.01)


# --- what is shown


@pytest.mark.parametrize("mode", list(Mode))
def test_numbers_fill_the_cards_in_both_modes(mode):
    facts = facts_of(EXPERIMENT, made(mode))
    for language in Language:
        card = read_card("beam", language)
        assert card is not None
        assert len(placeholders(card)) > 20
        assert unknown_placeholders(card, EXPERIMENT, facts) == []
    assert all(number.seeds for number in facts.numbers.values())


def test_charts_have_a_point_for_every_width():
    charts = figures.charts(made())
    assert [chart.name for chart in charts] == [
        *(f"bleu-{data}" for data in experiment.DATA), "log-probability", "length", "empty",
        "missed",
    ]  # fmt: skip
    for series in charts[0].series:
        assert [x for x, _ in series.points] == list(experiment.WIDTHS)
    assert all(math.isfinite(e.value) for c in charts for s in c.series for _, e in s.points)


def test_every_circumstance_has_a_name():
    for claim in EXPERIMENT.claims:
        assert set(claim.tests(made())) <= set(figures.NAMES)
