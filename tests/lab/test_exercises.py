"""Rows of symbols with answers: what is asked, and how answers are counted."""

import torch
from torch import nn

from whyformer.lab.method.exercises import Exercises, accuracies, exercise_loss


class Oracle(nn.Module):
    """A model that answers with the symbol that it reads."""

    def __init__(self, symbols: int) -> None:
        super().__init__()
        self.projection = nn.Linear(symbols, symbols, bias=False)
        nn.init.eye_(self.projection.weight)

    def features(self, target: torch.Tensor) -> torch.Tensor:
        return 50 * nn.functional.one_hot(target, self.projection.in_features).float()


def test_each_task_asks_what_it_says():
    copy = Exercises("copy", 8, 10, 4, 0, lag=3).batch(0, 0)
    assert torch.equal(copy.labels[:, 3:], copy.target[:, :-3])
    assert (copy.labels[:, :3] == -1).all()
    assert copy.tokens == 4 * 7
    first = Exercises("first", 8, 10, 4, 0, lag=3).batch(0, 0)
    assert torch.equal(first.labels[:, 3:], first.target[:, :1].expand(-1, 7))
    modulo = Exercises("modulo", 16, 20, 4, 0).batch(0, 0)
    assert modulo.labels[0].tolist() == [i % 16 for i in range(20)]


def test_the_seed_and_the_index_determine_a_batch():
    data = Exercises("copy", 8, 10, 4, 0, lag=3)
    assert torch.equal(data.batch(0, 1).target, data.batch(5, 1).target)
    assert not torch.equal(data.batch(0, 0).target, data.batch(0, 1).target)


def test_only_positions_with_an_answer_count():
    test = Exercises("copy", 8, 10, 4, 0, lag=3).batch(0, 0)
    model = Oracle(8)
    right = accuracies(model, test)
    assert right[:3].isnan().all()
    expected = (test.target == test.labels)[:, 3:].double().mean(0)
    torch.testing.assert_close(right[3:], expected)
    total = exercise_loss(model, test, 0.0).nll.item()
    wrong = (test.target != test.labels)[:, 3:].sum().item()
    assert total > 49 * wrong > 0
