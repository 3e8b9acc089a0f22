"""On a GPU: every optimizer trains, and resumes from a checkpoint."""

import pytest
import torch

import tiny
from whyformer.blocks.attention import attention, fused_attention
from whyformer.blocks.masks import causal_mask, padding_mask
from whyformer.training.averaging import Averaging
from whyformer.training.checkpoints import load_checkpoint, save_checkpoint
from whyformer.training.loop import fit, start
from whyformer.training.loss import cross_entropy, fused_cross_entropy
from whyformer.training.optimizers import OPTIMIZERS
from whyformer.training.settings import TrainingSettings

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]

DEVICE = "cuda"


@pytest.mark.parametrize("average", Averaging)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_trains_and_goes_on(optimizer, average, tmp_path):
    batches = tiny.FixedBatches([tiny.copy_batch(1, rows=4)])
    losses: list[float] = []
    for updates in (10, 25):
        settings = TrainingSettings(
            updates=updates,
            learning_rate=3e-3,
            schedule="constant",
            warmup=5,
            optimizer=optimizer,
            average=average,
            matrix_ratio=3.0,
        )
        state = start(tiny.build(0, dropout=0.1).cuda(), settings)
        if losses:
            load_checkpoint(tmp_path / "checkpoint", state)
        for report in fit(state, batches, settings, d_model=16):
            losses.append(report.loss)
        state.average.add_checkpoint(state.model)
        save_checkpoint(tmp_path / "checkpoint", state, {})
    assert len(losses) == 25
    assert losses[-1] < 0.9 * losses[0]
    assert all(w.is_cuda for w in state.average.weights(state.model).values())


@pytest.mark.parametrize("name", sorted(tiny.VARIANTS))
@pytest.mark.usefixtures("unchecked")
def test_the_gpu_computes_what_the_cpu_computes(name):
    model, batch = tiny.build(0, **tiny.VARIANTS[name]), tiny.copy_batch(1, rows=4)
    model.eval()
    with torch.no_grad():
        here = model(batch.source, batch.source_real, batch.target)
        there = batch.to("cuda")
        found = model.cuda()(there.source, there.source_real, there.target)
    torch.testing.assert_close(found.cpu(), here, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("beam", [1, 4])
def test_searches_on_the_gpu_find_what_they_find_on_the_cpu(beam):
    from whyformer.decoding.search import search
    from whyformer.decoding.settings import SearchSettings

    model, batch = tiny.build(0).eval(), tiny.copy_batch(1, rows=4)
    asked = SearchSettings(beam=beam, nbest=beam, max_length=8)
    with torch.inference_mode():
        here = search(model, batch.source, batch.source_real, asked)
        there = batch.to("cuda")
        found = search(model.cuda(), there.source, there.source_real, asked)
    assert [[one.tokens for one in row] for row in found] == [
        [one.tokens for one in row] for row in here
    ]


def test_a_loss_in_bf16_is_near_the_one_in_fp32():
    batches = tiny.FixedBatches([tiny.copy_batch(1, rows=4)])
    losses = []
    for precision in ("fp32", "bf16"):
        settings = TrainingSettings(updates=3, precision=precision, schedule="constant", warmup=1)
        state = start(tiny.build(0).cuda(), settings)
        losses.append([report.nll for report in fit(state, batches, settings, d_model=16)])
    torch.testing.assert_close(*map(torch.tensor, losses), rtol=0.05, atol=0.05)


@pytest.mark.parametrize("mask", [None, "padding", "causal"])
@pytest.mark.parametrize("heads", [2, 4])
@pytest.mark.usefixtures("unchecked")
def test_attention_on_the_gpu_is_its_plain_twin(mask, heads):
    torch.manual_seed(0)
    Q = torch.randn(3, 4, 9, 16, device=DEVICE)
    K, V = (torch.randn(3, heads, 9, 16, device=DEVICE) for _ in range(2))
    allowed = {
        None: None,
        "padding": padding_mask(torch.arange(9, device=DEVICE).expand(3, 9) < 7),
        "causal": causal_mask(9, 9, torch.device(DEVICE)),
    }[mask]
    found = fused_attention(Q, K, V, allowed)
    torch.testing.assert_close(found, attention(Q, K, V, allowed)[0], rtol=1e-3, atol=1e-3)


@pytest.mark.usefixtures("unchecked")
def test_the_fused_loss_on_the_gpu_is_its_plain_twin():
    torch.manual_seed(0)
    features, weight = torch.randn(70, 16, device=DEVICE), torch.randn(50, 16, device=DEVICE)
    labels = torch.randint(50, (70,), device=DEVICE)
    found = []
    for loss in (cross_entropy, fused_cross_entropy):
        inputs = [features.clone().requires_grad_(), weight.clone().requires_grad_()]
        total = loss(*inputs, labels, 0.1).smoothed
        found.append([total, *torch.autograd.grad(total, inputs)])
    torch.testing.assert_close(*found, rtol=1e-3, atol=1e-3)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's compiler uses old functions
def test_compiled_training_on_the_gpu_has_the_losses_of_plain_training():
    batches = tiny.FixedBatches([tiny.copy_batch(1, rows=4)])
    losses = []
    for compiled in (False, True):
        settings = TrainingSettings(updates=4, compile=compiled, schedule="constant", warmup=1)
        state = start(tiny.build(0).to(DEVICE), settings)
        losses.append([report.nll for report in fit(state, batches, settings, d_model=16)])
    torch.testing.assert_close(*map(torch.tensor, losses), rtol=1e-3, atol=1e-3)
