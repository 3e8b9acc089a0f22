"""The loss of a student: by hand, and its laws."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from whyformer.training.distillation import Outputs, distilled, mean_probabilities

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(5, 7, generator=GENERATOR, dtype=torch.float64)
LABELS = torch.tensor([0, 3, 6, 2, 2])
TAUGHT = torch.randn(5, 7, generator=GENERATOR, dtype=torch.float64).softmax(-1)


def test_a_certain_teacher_who_is_right_is_the_cross_entropy_of_the_labels():
    certain = F.one_hot(LABELS, 7).double()
    for weight in (0.0, 0.3, 1.0):
        found = distilled(
            Outputs(LOGITS, LABELS), certain, smoothing=0.0, weight=weight, temperature=1.0
        )
        wanted = F.cross_entropy(LOGITS, LABELS, reduction="sum")
        assert_close(found.smoothed, wanted)
        assert_close(found.nll, wanted)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_without_weight_the_teacher_does_not_matter(smoothing: float):
    found = distilled(
        Outputs(LOGITS, LABELS), TAUGHT, smoothing=smoothing, weight=0.0, temperature=3.0
    )
    wanted = F.cross_entropy(LOGITS, LABELS, reduction="sum", label_smoothing=smoothing)
    assert_close(found.smoothed, wanted)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_the_gradient_is_t_times_the_difference_of_probabilities(temperature: float):
    """d/dz of T²·CE(p, softmax(z/T)) is T·(softmax(z/T) - p): Hinton et al. 2015, Eq. 2."""
    logits = LOGITS.clone().requires_grad_()
    loss = distilled(
        Outputs(logits, LABELS), TAUGHT, smoothing=0.0, weight=1.0, temperature=temperature
    )
    loss.smoothed.backward()
    wanted = temperature * ((LOGITS / temperature).softmax(-1) - TAUGHT)
    assert_close(logits.grad, wanted)


def test_the_best_student_has_the_probabilities_of_its_teacher():
    logits = torch.zeros(5, 7, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.1)
    for _ in range(500):
        optimizer.zero_grad()
        distilled(
            Outputs(logits, LABELS), TAUGHT, smoothing=0.1, weight=1.0, temperature=1.0
        ).smoothed.backward()
        optimizer.step()
    assert_close(logits.detach().softmax(-1), TAUGHT, rtol=0, atol=1e-3)


def test_several_teachers_are_the_mean_of_their_probabilities():
    one, other = LOGITS, LOGITS.flip(0)
    found = mean_probabilities([one, other], 2.0)
    assert_close(found, ((one / 2).softmax(-1) + (other / 2).softmax(-1)) / 2)
    assert_close(found.sum(-1), torch.ones(5, dtype=torch.float64))
