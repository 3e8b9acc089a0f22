"""The outlook of a run: clear curves are named, noise is not."""

import numpy as np
import pytest

from whyformer.training.outlook import Kind, is_perfect, outlook, outlook_of

STEPS = np.arange(50, 1001, 50)
CURVES = {
    Kind.FLAT: 1 + 20 / STEPS,
    Kind.FALLS: 0.5 + 2 / STEPS**0.3,
    Kind.OVERFITS: 1 + 20 / STEPS + np.maximum(0, STEPS - 500) / 2000,
}


@pytest.mark.parametrize("kind", CURVES)
def test_a_clear_curve_is_recognised(kind: Kind) -> None:
    noise = np.random.default_rng(1).normal(0, 0.0005, len(STEPS))
    found = outlook(STEPS.tolist(), (CURVES[kind] + noise).tolist())
    assert found is not None
    assert found.kind is kind
    assert found.low <= found.gain <= found.high


def test_the_gain_is_that_of_the_law() -> None:
    found = outlook(STEPS.tolist(), CURVES[Kind.FALLS].tolist())
    at_the_end, later = (0.5 + 2 / step**0.3 for step in (1000, 2000))
    assert found is not None
    assert found.gain == pytest.approx(1 - later / at_the_end, rel=0.05)


def test_noise_is_seldom_taken_for_a_result() -> None:
    generator = np.random.default_rng(1)
    kinds = [
        found.kind
        for _ in range(200)
        if (found := outlook(STEPS.tolist(), (2 + generator.normal(0, 0.2, len(STEPS))).tolist()))
    ]
    assert kinds.count(Kind.OVERFITS) + kinds.count(Kind.FALLS) <= 10


@pytest.mark.parametrize("losses", [[], [1.0] * 5, [float("nan")] * 20])
def test_nothing_is_said_without_a_curve(losses: list[float]) -> None:
    assert outlook(range(1, len(losses) + 1), losses) is None


def test_lines_of_updates_are_not_validations() -> None:
    lines = [{"step": int(step), "loss": 9.0} for step in STEPS]
    assert outlook_of(lines) is None
    curve = CURVES[Kind.FALLS]
    lines += [
        {"step": int(step), "validation": {"loss": float(one)}}
        for step, one in zip(STEPS, curve, strict=True)
    ]
    found = outlook_of(lines)
    assert found is not None
    assert found.kind is Kind.FALLS


def test_the_gain_of_a_metric_follows_from_its_relation_to_the_loss() -> None:
    curve = CURVES[Kind.FALLS]
    lines = [
        {"step": int(step), "validation": {"loss": float(one), "bleu": 50 - 10 * float(one)}}
        for step, one in zip(STEPS, curve, strict=True)
    ]
    found = outlook_of(lines, "bleu")
    assert found is not None
    assert found.metric_gain == pytest.approx(10 * found.gain * curve[-1])
    assert f"bleu would change by about {found.metric_gain:+.1f}" in found.described()
    unrelated = [
        line | {"validation": line["validation"] | {"bleu": float(number % 2)}}
        for number, line in enumerate(lines)
    ]
    other = outlook_of(unrelated, "bleu")
    assert other is not None
    assert other.metric_gain is None


def test_only_a_score_at_its_limit_is_perfect() -> None:
    assert is_perfect("accuracy", np.float64(99.0), higher=True)
    assert is_perfect("per", 1.0, higher=False)
    assert not is_perfect("chrf", 98.9, higher=True)
    assert not is_perfect("perplexity", 1.0, higher=False)
    assert not is_perfect("accuracy", None, higher=True)
