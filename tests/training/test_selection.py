"""Which validation is kept: the metric, then the loss, then the later one."""

import pytest

from whyformer.training.selection import Selection


def seen(*scores, metric="exact", higher=True):
    selection, kept = Selection(), []
    for step, (value, loss) in enumerate(scores, start=1):
        if selection.add(step, {metric: value, "loss": loss}, metric, higher=higher):
            kept.append(step)
    return selection, kept


def test_a_better_metric_wins_whatever_the_loss():
    assert seen((10, 1.0), (20, 2.0), (15, 0.5))[1] == [1, 2]
    assert seen((10, 1.0), (8, 2.0), (9, 0.5), metric="per", higher=False)[1] == [1, 2]


def test_ties_go_to_the_lower_loss_then_to_the_later_update():
    assert seen((0, 4.5), (0, 3.0), (0, 3.5), (0, 3.0))[1] == [1, 2, 4]


def test_patience_is_not_spent_while_the_loss_falls():
    selection, _ = seen((0, 4.0), (0, 3.0), (0, 2.0), (0, 2.5), (0, 2.4))
    assert selection.since_best == 2
    assert selection.out_of_patience(2)
    assert not selection.out_of_patience(3)
    assert not selection.out_of_patience(0)


def test_a_metric_that_never_moves_is_named():
    stuck, _ = seen((0, 4.0), (0, 3.0))
    assert stuck.stuck("exact", higher=True) == (
        "`exact` was 0 in all 2 validations, so the loss chose the best weights. Choose another "
        "--validation.metric, such as loss."
    )
    perfect, _ = seen((100, 4.0), (100, 3.0))
    assert perfect.stuck("exact", higher=True) == (
        "`exact` was 100 in all 2 validations, so the loss chose the best weights."
    )
    assert "Choose another" in str(perfect.stuck("exact", higher=False))
    assert seen((0, 4.0), (1, 3.0))[0].stuck("exact", higher=True) is None
    assert seen((0, 4.0), (1, 3.0), (1, 2.0))[0].stuck("exact", higher=True) is None
    assert seen((0, 4.0))[0].stuck("exact", higher=True) is None


@pytest.mark.parametrize("scores", [[(1.0, 1.0), (0.5, 0.5), (0.6, 0.6)]])
def test_the_loss_can_be_the_metric(scores):
    selection = Selection()
    kept = [
        selection.add(step, {"loss": loss}, "loss", higher=False)
        for step, (loss, _) in enumerate(scores)
    ]
    assert kept == [True, True, False]
    assert selection.stuck("loss", higher=False) is None
