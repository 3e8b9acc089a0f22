"""Explanation: the rankings, the known cause, and what each claim says of made-up results."""

import pytest
import torch

from made_up_results import check_card, check_names, results_of
from whyformer.blocks.taps import observe
from whyformer.foundation.bilingual import Language
from whyformer.lab.experiments.explanation import EXPERIMENT, figures, rankings, tasks
from whyformer.lab.method.charts import Chart
from whyformer.lab.method.experiment import Mode, Results
from whyformer.lab.method.verdict import Verdict

BLANK = tasks.symbols_of(tasks.LOOKUP) - 1


@pytest.fixture(scope="module", params=[1, 3])
def seen(request):
    """Return a model of one or three layers after a few updates, rows, and their forward pass."""
    model = tasks.trained(tasks.LOOKUP, request.param, 0, updates=5)
    ids, _ = tasks.new_rows(tasks.LOOKUP, 8, 0)
    return model, ids, rankings.read(model, ids)


def test_a_row_asks_for_the_value_of_the_item_that_is_the_cause():
    rows = tasks.unseen(50, 3)
    batch, causes = rows.batch(0, 0), rows.causes(0)
    pairs = batch.target.gather(1, causes[:, None])[:, 0] - tasks.ANSWERS - tasks.ITEMS
    assert (pairs // tasks.ANSWERS + tasks.ANSWERS == batch.target[:, -1]).all()
    assert (pairs % tasks.ANSWERS == batch.labels[:, -1]).all()
    assert (batch.labels[:, :-1] == -1).all()


@pytest.mark.parametrize("task", [tasks.LOOKUP, tasks.LANGUAGE])
def test_tests_have_no_blanks(task):
    ids, _ = tasks.new_rows(task, 16, 0)
    assert (ids < tasks.symbols_of(task) - 1).all()


def test_one_token_in_ten_of_the_training_is_a_blank_and_never_the_question():
    target = tasks.Lookup(0, rows=500).batch(0, 0).target
    assert 0.08 < (target[:, :-1] == BLANK).double().mean() < 0.12
    assert (target[:, -1] != BLANK).all()


def test_a_forward_pass_gives_the_logits_of_the_model(seen):
    model, ids, forward = seen
    torch.testing.assert_close(forward.logits, model(ids)[:, -1])
    assert len(forward.weights) == len(model.layers)


def test_the_same_weights_give_the_same_logits_and_other_weights_do_not(seen):
    model, _, forward = seen
    weights = forward.weights[-1][:, :, -1].detach()
    torch.testing.assert_close(rankings.reweighted(model, forward, weights), forward.logits)
    other = rankings.reweighted(model, forward, rankings.permuted(weights, 1))
    assert (other - forward.logits).abs().max() > 1e-4


def test_permuted_weights_are_the_same_weights_in_one_order_for_all_heads(seen):
    weights = seen[2].weights[-1][:, :, -1].detach()
    other = rankings.permuted(weights, 1)
    assert torch.equal(weights.sort(-1).values, other.sort(-1).values)
    torch.testing.assert_close(weights.sum(1).sort(-1).values, other.sum(1).sort(-1).values)


def test_the_rollout_of_one_layer_ranks_as_its_weights():
    model = tasks.trained(tasks.LOOKUP, 1, 0, updates=2)
    forward = rankings.read(model, tasks.new_rows(tasks.LOOKUP, 8, 0)[0])
    torch.testing.assert_close(rankings.rollout(forward), rankings.by_layer(forward)[-1] / 2)


def test_the_rollout_is_the_product_of_the_layers():
    layers = [torch.rand(1, 2, 3, 3).softmax(-1) for _ in range(2)]
    forward = rankings.Forward(torch.empty(0), torch.empty(0), layers, torch.empty(0))
    first, second = ((one.mean(1) + torch.eye(3)) / 2 for one in layers)
    torch.testing.assert_close(rankings.rollout(forward), (second @ first)[:, -1, :-1])


def test_the_norms_are_those_of_the_parts_of_the_attention(seen):
    model, ids, forward = seen
    with observe(model, "*.weights") as again:
        model(ids)
    V = rankings.values(model, forward)
    part = again[f"layers.{len(model.layers) - 1}.self_attention.weights"][0][:, :, -1, 4, None]
    joined = (part * V[:, :, 4]).flatten(1)
    W_O = rankings.last_attention(model).project_output.weight
    expected = (joined @ W_O.mT).norm(dim=-1)
    torch.testing.assert_close(rankings.norms(model, forward)[:, 4], expected.detach())


def test_the_gradient_is_the_change_of_the_log_probability(seen):
    model, ids, _ = seen
    _, product = rankings.gradients(model, rankings.read(model, ids), ids)

    def predicted(factor: float) -> torch.Tensor:
        x = rankings.read(model, ids).embedded.detach().clone()
        x[:, 2] += (factor - 1) * model.embedding.weight[ids[:, 2]] * model.embedding.scale
        for layer in model.layers:
            x = layer(x, model.positions, None, None)
        rows = rankings.answer(model, x).log_softmax(-1)
        chosen = model(ids)[:, -1].argmax(-1)
        return rows.gather(1, chosen[:, None])[:, 0]

    with torch.no_grad():
        slope = (predicted(1.01) - predicted(0.99)) / 0.02
    torch.testing.assert_close(product[:, 2], slope.abs(), rtol=0.05, atol=1e-3)


def test_the_effect_of_a_removal_is_between_no_and_all_of_the_probability(seen):
    model, ids, _ = seen
    found = rankings.removals(model, ids, BLANK)
    assert found.shape == (8, tasks.ITEMS)
    assert found.min() >= 0
    assert 0 < found.max() <= 1
    without = ids.clone()
    without[:, 5] = BLANK
    change = model(without)[:, -1].softmax(-1) - model(ids)[:, -1].softmax(-1)
    torch.testing.assert_close(found[:, 5], change.abs().sum(-1) / 2)


def test_a_token_with_nearly_the_largest_effect_is_right():
    effects = torch.tensor([[0.5, 0.46, 0.4]])
    answers = [rankings.right(torch.eye(3)[place][None], effects).item() for place in range(3)]
    assert answers == [1.0, 1.0, 0.0]
    assert rankings.by_chance(effects) == pytest.approx(2 / 3)


def test_the_best_head_is_judged_on_rows_that_did_not_choose_it():
    weights = torch.zeros(4, 2, 3, 3)
    weights[:2, 0, -1, 0] = 1.0  # the first head is right in the first two rows only
    weights[2:, 0, -1, 1] = 1.0
    weights[:, 1, -1, 1] = 1.0
    forward = rankings.Forward(torch.empty(0), torch.empty(0), [weights], torch.empty(0))
    assert rankings.best_head(forward, torch.tensor([[0.9, 0.1]] * 4)) == 0.0


def test_moved_weights_change_the_output_by_at_most_the_bound():
    torch.manual_seed(0)
    weights, other = (torch.rand(20, 2, 5).double().softmax(-1) for _ in range(2))
    values = torch.randn(20, 2, 5, 4).double()
    ratio, still = rankings.moved(weights, other, values)
    assert 0.1 < ratio <= 1
    assert still < 1e-14
    two = torch.tensor([[[1.0, 0.0]]]).double()
    assert rankings.moved(two, two.flip(-1), values[:1, :1, :2])[0] == pytest.approx(1.0)


def made(mode: Mode = Mode.FULL, **changes: float) -> Results:
    """Return results in which only the last layer of a model with one layer shows the cause.

    Args: changes: numbers of all cells, by name.
    """

    def numbers(_part, settings, _seed):
        shallow = settings["layers"] == 1
        usual = {
            "last": 0.9 if shallow else 0.1, "rollout": 0.9, "weighted": 0.9, "gradient": 0.85,
            "product": 0.8, "chance": 0.1, "head": 0.5, "effect": 0.8, "accuracy": 1.0,
            "loss": 0.0, "cause": 1.0, "permuted": 0.2 if shallow else 1.0, "uniform": 0.5,
            "bound": 0.9, "equal": 1e-16,
        }  # fmt: skip
        return {**usual, "layers": [0.5] * settings["layers"], **changes}

    return results_of(EXPERIMENT, numbers, mode=mode, seeds=5)


def test_the_verdicts_if_only_one_layer_shows_the_cause():
    found = EXPERIMENT.judge(made())
    assert found["largest"].verdict is Verdict.CONDITIONAL
    assert found["largest"].holds == ("lookup, 1", "language, 1")
    assert found["permuted"].fails == ("lookup, 1", "language, 1")
    for name in ("rollout", "gradient", "values"):
        assert found[name].verdict is Verdict.SUPPORTED, name


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"last": 0.2}, "largest"),
        ({"last": 0.9, "rollout": 0.5}, "rollout"),
        ({"gradient": 0.5}, "gradient"),
        ({"permuted": 0.3}, "permuted"),
        ({"bound": 1.5, "equal": 0.5}, "values"),
    ],
)
def test_a_claim_is_refuted_by_the_contrary(changes, name):
    assert EXPERIMENT.judge(made(**changes))[name].verdict is Verdict.REFUTED


@pytest.mark.parametrize("failed", [made(accuracy=0.5), made(cause=0.5)])
def test_nothing_is_said_of_the_lookup_if_a_check_fails(failed):
    found = EXPERIMENT.judge(failed)
    for name in ("largest", "rollout", "gradient", "permuted"):
        assert [one for one in found[name].open if one.startswith("lookup")], name
        assert not [one for one in found[name].open if one.startswith("language")], name


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("mode", Mode)
def test_the_card_has_all_of_its_numbers(language, mode):
    check_card(EXPERIMENT, made(mode), language)


def test_every_circumstance_has_a_name():
    check_names(EXPERIMENT, made(), figures.NAMES)


def test_the_figures_show_both_tasks():
    drawn = figures.charts(made())
    assert [one.name for one in drawn] == ["lookup", "language", "layers", "kept"]
    assert [len(one.series) for one in drawn if isinstance(one, Chart)] == [5, 4, 2, 4]
    assert [one.name for one in figures.charts(made(Mode.QUICK))] == ["lookup", "kept"]
