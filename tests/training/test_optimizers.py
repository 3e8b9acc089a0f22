"""Adam by hand, our Adam against torch's, and what orthogonal momentum does."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

import tiny
from whyformer.models.bert import BERT, BERTSettings
from whyformer.training import optimizers
from whyformer.training.optimizers import (
    OPTIMIZERS,
    MuonWithAdam,
    make_optimizer,
    orthogonalize,
)

CHOICES = {"betas": (0.9, 0.98), "epsilon": 1e-9, "weight_decay": 0.1, "matrix_ratio": 7.0}
DECAYING = {"adamw", "muon"}


def gradients(steps: int, *shape: int) -> list[torch.Tensor]:
    return list(torch.randn(steps, *shape, generator=torch.Generator().manual_seed(0)))


def apply(optimizer: torch.optim.Optimizer, parameter: nn.Parameter, grads, rate: float) -> None:
    for grad in grads:
        parameter.grad = grad.clone()
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("ratio", 1.0)
        optimizer.step()


def test_adam_takes_the_steps_of_section_5_3():
    torch.manual_seed(0)
    layer = nn.Linear(3, 2, bias=False)
    optimizer = make_optimizer(layer, "adam", CHOICES)
    x, m, v = layer.weight.detach().clone(), torch.zeros(2, 3), torch.zeros(2, 3)
    grads = gradients(5, 2, 3)
    for t, grad in enumerate(grads, 1):
        m = 0.9 * m + 0.1 * grad
        v = 0.98 * v + 0.02 * grad**2
        x = x - 0.01 * (m / (1 - 0.9**t)) / ((v / (1 - 0.98**t)).sqrt() + 1e-9)
    apply(optimizer, layer.weight, grads, 0.01)
    assert_close(layer.weight.detach(), x, rtol=1e-5, atol=1e-6)


def test_our_adam_beside_muon_is_torchs():
    start = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    mixed = MuonWithAdam([], [ours], **CHOICES)
    plain = torch.optim.AdamW([theirs], betas=(0.9, 0.98), eps=1e-9, weight_decay=0.0)
    apply(mixed, ours, gradients(6, 4, 3), 0.01)
    apply(plain, theirs, gradients(6, 4, 3), 0.01)
    assert_close(ours, theirs, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("in_bf16", "tolerance"), [(False, 1e-4), (True, 0.03)])
@pytest.mark.parametrize("shape", [(8, 8), (5, 12), (12, 5)])
def test_orthogonalizing_brings_singular_values_near_1_and_keeps_singular_vectors(
    shape, in_bf16, tolerance, monkeypatch
):
    monkeypatch.setattr(optimizers, "multiplies_bf16", lambda device: in_bf16)
    torch.manual_seed(0)
    matrices = torch.randn(3, *shape)
    U, _, Vh = torch.linalg.svd(matrices, full_matrices=False)
    values = torch.linspace(0.1, 1.0, min(shape))
    result = orthogonalize(U @ torch.diag_embed(values.expand(3, -1)) @ Vh * 9)
    assert result.shape == matrices.shape
    rotated = U.mT @ result @ Vh.mT  # diagonal when the singular vectors are kept
    diagonal = rotated.diagonal(dim1=1, dim2=2)
    assert_close(rotated, torch.diag_embed(diagonal), rtol=0, atol=tolerance)
    assert result.dtype == torch.float32
    assert diagonal.min() > 0.65
    assert diagonal.max() < 1.25


def test_double_precision_is_never_rounded_to_bf16(monkeypatch):
    monkeypatch.setattr(optimizers, "multiplies_bf16", lambda device: True)
    torch.manual_seed(0)
    matrices = torch.randn(1, 4, 6, dtype=torch.float64)
    doubled = orthogonalize(matrices)
    monkeypatch.setattr(optimizers, "multiplies_bf16", lambda device: False)
    assert torch.equal(doubled, orthogonalize(matrices))
    assert_close(doubled.float(), orthogonalize(matrices.float()), rtol=0, atol=1e-4)


def test_muons_first_step_has_one_size_in_every_direction():
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(6, 4))
    before = weight.detach().clone()
    optimizer = MuonWithAdam([weight], [], **CHOICES)
    apply(optimizer, weight, gradients(1, 6, 4), 0.01)
    rate = 0.01 * 7.0
    update = (before * (1 - rate * 0.1) - weight.detach()) / (rate * 0.2 * 6**0.5)
    values = torch.linalg.svdvals(update)
    assert values.min() > 0.5
    assert values.max() < 1.25
    assert (update * gradients(1, 6, 4)[0]).sum() > 0  # downhill


def test_muon_momentum_by_hand():
    torch.manual_seed(0)
    weight = nn.Parameter(torch.zeros(4, 4))
    optimizer = MuonWithAdam([weight], [], **{**CHOICES, "weight_decay": 0.0})
    first, second = gradients(2, 4, 4)
    apply(optimizer, weight, [first, second], 0.01)
    m1 = 0.05 * first
    m2 = 0.95 * m1 + 0.05 * second
    ahead = [0.05 * first + 0.95 * m1, 0.05 * second + 0.95 * m2]
    expected = sum(-0.07 * 0.2 * 2 * orthogonalize(a[None])[0] for a in ahead)
    assert_close(weight.detach(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_every_parameter_is_in_one_group_and_only_layer_matrices_decay(kind):
    model = tiny.build(tying="none")
    optimizer = make_optimizer(model, kind, CHOICES)
    names = {p: n for n, p in model.named_parameters()}
    groups = optimizer.param_groups
    grouped = [names[p] for group in groups for p in group["params"]]
    assert sorted(grouped) == sorted(names.values())
    decayed = {names[p] for g in groups if g.get("weight_decay") for p in g["params"]}
    matrices = {n for n, p in model.named_parameters() if ".layers." in n and p.ndim == 2}
    assert decayed == (matrices if kind in DECAYING else set())
    assert {g["weight_decay"] for g in groups if g.get("weight_decay")} <= {0.1}
    assert [g["ratio"] for g in groups] == {"adamw": [1.0, 1.0], "muon": [7.0, 1.0]}.get(
        kind, [1.0]
    )


@pytest.mark.parametrize("family", ["transformer", "recurrent", "gpt", "rnn-lm", "bert"])
def test_the_matrices_of_layers_are_found_in_every_family(family):
    bert = BERTSettings(layers=2, d_model=8, heads=2, d_ff=16)
    model = {
        "transformer": tiny.build,
        "recurrent": tiny.recurrent,
        "gpt": tiny.gpt,
        "rnn-lm": tiny.recurrent_language,
        "bert": lambda: BERT(bert, (tiny.VOCABULARY, tiny.VOCABULARY)),
    }[family]()
    layers = [m for m in model.modules() if isinstance(m, nn.ModuleList)]
    matrices = {id(p) for m in layers for p in m.parameters() if p.ndim == 2}
    optimizer = make_optimizer(model, "muon", CHOICES)
    assert matrices
    assert {id(p) for p in optimizer.param_groups[0]["params"]} == matrices


def test_sgd_takes_the_steps_of_momentum():
    layer = nn.Linear(3, 2, bias=False)
    optimizer = make_optimizer(layer, "sgd", CHOICES)
    x, m = layer.weight.detach().clone(), torch.zeros(2, 3)
    grads = gradients(4, 2, 3)
    for grad in grads:
        m = 0.9 * m + grad
        x = x - 0.01 * m
    apply(optimizer, layer.weight, grads, 0.01)
    assert_close(layer.weight.detach(), x, rtol=1e-5, atol=1e-6)


def test_radam_trusts_no_second_moment_before_it_has_seen_five_gradients():
    # Liu et al. 2020, Algorithm 2: with beta_2 = 0.98 the variance's length exceeds 4 at step 5.
    layer = nn.Linear(3, 2, bias=False)
    optimizer = make_optimizer(layer, "radam", CHOICES)
    x, m = layer.weight.detach().clone(), torch.zeros(2, 3)
    for t, grad in enumerate(gradients(4, 2, 3), 1):
        m = 0.9 * m + 0.1 * grad
        x = x - 0.01 * m / (1 - 0.9**t)
        apply(optimizer, layer.weight, [grad], 0.01)
        assert_close(layer.weight.detach(), x, rtol=1e-5, atol=1e-6)
