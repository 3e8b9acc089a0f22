"""Gradient checkpointing changes memory and nothing else."""

import contextlib
import weakref
from collections.abc import Iterable

import pytest
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import tiny
from whyformer.blocks.multihead import AttentionPath, use_path
from whyformer.blocks.taps import observe
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.randomness import random_state, seed_everything
from whyformer.training import scaling
from whyformer.training.loop import fit, sequence_loss, start
from whyformer.training.recomputation import RecomputedLayers
from whyformer.training.settings import TrainingSettings

pytestmark = pytest.mark.usefixtures("unchecked")
DROPPED = {"dropout": 0.3, "attention_dropout": 0.2}
REST = {"updates": 3, "learning_rate": 1e-3, "warmup": 2, "accumulate": 2}


def trained(model: nn.Module, **changes) -> tuple[list[float], dict[str, Tensor], list[int]]:
    """Return losses, weights and the state of the byte stream after a few updates."""
    settings = TrainingSettings(**REST, **changes)
    seed_everything(7)
    losses = [r.loss for r in fit(start(model, settings), tiny.CopyBatches(), settings, d_model=16)]
    weights = {name: p.detach().clone() for name, p in model.named_parameters()}
    state = random_state()
    return losses, weights, [*state["bytes"], *state["torch"].tolist()]


@pytest.mark.parametrize("path", AttentionPath)
@pytest.mark.parametrize(
    "shape",
    [{}, {"wiring": "pre-norm", "positions": "rotary", "attention": "multi-query"}],
)
@pytest.mark.parametrize("average", ["none", "ema"])
def test_losses_gradients_and_random_streams_are_the_same_bit_for_bit(average, shape, path):
    found = []
    for recomputed in (False, True):
        model = tiny.build(3, **DROPPED, **shape)
        use_path(model, path)
        found.append(trained(model, average=average, gradient_checkpointing=recomputed))
    (losses, weights, state), (same_losses, same_weights, same_state) = found
    assert losses == same_losses
    assert state == same_state
    assert all(torch.equal(weights[name], same_weights[name]) for name in weights)


def saved_numbers(model: nn.Module, *, recomputed: bool) -> tuple[int, dict[str, Tensor]]:
    """Return how many numbers are kept for the backward pass, and the gradients."""
    kept: dict[int, int] = {}
    own = {p.data_ptr() for p in model.parameters()}

    def pack(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes() // 4
        return tensor

    seed_everything(1)
    model.train().zero_grad()
    batch = tiny.copy_batch(1, rows=8, longest=9)
    layers = RecomputedLayers(model)
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        if recomputed:
            with layers.at_work():
                loss = sequence_loss(model, batch, 0.1)
        else:
            loss = sequence_loss(model, batch, 0.1)
    total = sum(kept.values())
    loss.smoothed.backward()
    return total, {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def test_far_fewer_numbers_are_kept_and_layers_add_only_their_inputs():
    def kept(layers: int, *, recomputed: bool) -> int:
        model = tiny.build(0, encoder_layers=layers, decoder_layers=1, **DROPPED)
        return saved_numbers(model, recomputed=recomputed)[0]

    whole, less = (kept(6, recomputed=one) for one in (False, True))
    assert less < whole / 3
    batch = tiny.copy_batch(1, rows=8, longest=9)
    per_layer = (kept(6, recomputed=True) - kept(2, recomputed=True)) / 4
    assert per_layer == batch.source.numel() * 16  # the input of a layer
    assert (kept(6, recomputed=False) - kept(2, recomputed=False)) / 4 > 8 * per_layer


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of all tensors that are created in a `with` block and still exist.

    Args: not_counted: tensors that exist before. A view of one of them is not counted either.
    """

    def __init__(self, not_counted: Iterable[Tensor]) -> None:
        super().__init__()
        self.live = self.peak = 0
        self._known = {one.untyped_storage()._cdata for one in not_counted}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        """Run an operation and count its outputs."""
        found = func(*args, **(kwargs or {}))
        for one in tree_leaves(found):
            if isinstance(one, Tensor) and (key := one.untyped_storage()._cdata) not in self._known:
                storage = one.untyped_storage()
                self._known.add(key)
                self.live += storage.nbytes()
                self.peak = max(self.peak, self.live)
                weakref.finalize(storage, self._freed, key, storage.nbytes())
        return found

    def _freed(self, key: int, size: int) -> None:
        self.live -= size
        self._known.discard(key)


WIDE = {"d_model": 64, "d_ff": 256, "dropout": 0.1}


def measured_peak(encoder: int, decoder: int, *, recomputed: bool) -> tuple[int, int]:
    """Return the peak of an update's activations in bytes, and the tokens of a side."""
    seed_everything(1)
    model = tiny.build(0, encoder_layers=encoder, decoder_layers=decoder, **WIDE).train()
    parameters = list(model.parameters())
    for one in parameters:  # gradients are no activations
        one.grad = torch.zeros_like(one)
    batch = tiny.copy_batch(1, rows=32, longest=30)
    assert batch.source.numel() == batch.target.numel()
    layers = RecomputedLayers(model)
    with (
        LiveBytes(parameters) as measured,
        layers.at_work() if recomputed else contextlib.nullcontext(),
    ):
        sequence_loss(model, batch, 0.1).smoothed.backward()
    return measured.peak, batch.source.numel()


@pytest.mark.parametrize("grows", [(8, 0), (0, 8)])
def test_the_estimate_of_a_plan_agrees_with_the_measured_peak(grows):
    """The estimate is in bf16, the measurement in float32: their ratios are compared. Eight more
    layers are compared, so that the logits, which no layer has, do not count."""
    found: dict[bool, tuple[float, float]] = {}
    for recomputed in (False, True):
        (few, tokens), (many, _) = (
            measured_peak(2 + n * grows[0], 2 + n * grows[1], recomputed=recomputed) for n in (0, 1)
        )
        sizes = {"d_model": 64, "d_ff": 256, "source_tokens": tokens, "target_tokens": tokens}
        less, more = (
            scaling.activation_bytes(
                encoder_layers=2 + n * grows[0], decoder_layers=2 + n * grows[1],
                recomputed=recomputed, **sizes,
            )
            for n in (0, 1)
        )  # fmt: skip
        found[recomputed] = many - few, more - less
    measured, estimated = (found[True][k] / found[False][k] for k in (0, 1))
    assert 0.7 < estimated / measured < 1.3
    assert found[False][0] == pytest.approx(2 * found[False][1], rel=0.15)  # float32 and bf16


def test_the_whole_estimate_of_a_plan_agrees_with_the_measured_peak():
    sizes = {"encoder_layers": 8, "decoder_layers": 8, "d_model": 64, "d_ff": 256}
    ratios = []
    for recomputed in (False, True):
        peak, tokens = measured_peak(8, 8, recomputed=recomputed)
        tokens_of = {"source_tokens": tokens, "target_tokens": tokens}
        estimate = scaling.activation_bytes(**sizes, **tokens_of, recomputed=recomputed)
        ratios.append(peak / (2 * estimate))
    assert ratios[0] == pytest.approx(1, abs=0.15)
    assert ratios[1] == pytest.approx(1.2, abs=0.2)  # a layer's gradients are not estimated


def test_gradients_alone_are_equal_too():
    first, second = (
        saved_numbers(tiny.build(0, **DROPPED), recomputed=one)[1] for one in (False, True)
    )
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_taps_collect_once_although_layers_are_computed_twice():
    seen = {}
    for recomputed in (False, True):
        model = tiny.build(0, **DROPPED)
        use_path(model, AttentionPath.EXPLICIT)
        with observe(model, "*.weights") as collected:
            saved_numbers(model, recomputed=recomputed)
        seen[recomputed] = collected
    assert seen[True].keys() == seen[False].keys()
    for name, tensors in seen[False].items():
        assert len(tensors) == len(seen[True][name]) == 1
        assert torch.equal(tensors[0], seen[True][name][0])


def test_layers_are_themselves_again_afterwards_and_without_gradients_nothing_is_kept():
    model = tiny.build(0)
    layers = RecomputedLayers(model)
    assert len(layers.layers) == 4
    with layers.at_work(), torch.no_grad():
        batch = tiny.copy_batch(1)
        inside = sequence_loss(model, batch, 0.0).nll
    assert all("forward" not in layer.__dict__ for layer in layers.layers)
    with torch.no_grad():
        assert torch.equal(inside, sequence_loss(model, batch, 0.0).nll)


def test_a_model_without_such_layers_is_refused():
    with pytest.raises(ConfigError, match=r"this model has none\. Leave it out\."):
        RecomputedLayers(tiny.recurrent())
