"""What holds for every model whatever its switches: causality, padding, memory, symmetry."""

import contextlib
import unittest.mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.testing import assert_close

import tiny
from whyformer.blocks.multihead import AttentionPath, use_path
from whyformer.blocks.positions import POSITIONS
from whyformer.models.build import Model
from whyformer.models.interface import EMPTY
from whyformer.text.symbols import BOS, PAD

pytestmark = pytest.mark.usefixtures("unchecked")
seeds = st.integers(0, 2**31)
rows = st.integers(1, 4)
lengths = st.integers(1, 9)
SOURCED = [*tiny.VARIANTS, *tiny.RECURRENT_VARIANTS]
EVERY_VARIANT = pytest.mark.parametrize("variant", [*SOURCED, *tiny.TEXT_VARIANTS])
EVERY_SOURCED_VARIANT = pytest.mark.parametrize("variant", SOURCED)
EVERY_PATH = pytest.mark.parametrize("path", AttentionPath)
CLOSE = {"rtol": 1e-4, "atol": 2e-5}
"""float32 through four layers, summed in another order."""


@EVERY_PATH
@EVERY_VARIANT
@settings(max_examples=3)
@given(batch=rows, source=lengths, target=st.integers(2, 9), seed=seeds)
def test_future_tokens_never_change_past_outputs(variant, path, batch, source, target, seed):
    g = torch.Generator().manual_seed(seed)
    model = tiny.shaken(variant, path)
    x, real = tiny.padded(g, batch, source)
    first = tiny.ids(g, batch, target)
    t = int(torch.randint(1, target, (), generator=g))
    second = first.clone()
    second[:, t:] = tiny.ids(g, batch, target - t)
    with torch.no_grad():
        before = tiny.logits(model, x, real, first)
        after = tiny.logits(model, x, real, second)
    assert torch.equal(before[:, :t], after[:, :t])


def encoded(model: Model, x: Tensor, real: Tensor | None) -> Tensor:
    found = model.encoder(x, real)
    return found[0] if isinstance(found, tuple) else found


@EVERY_PATH
@EVERY_SOURCED_VARIANT
@settings(max_examples=3)
@given(batch=rows, source=st.integers(2, 9), target=lengths, seed=seeds)
def test_what_stands_in_padding_never_changes_an_output(variant, path, batch, source, target, seed):
    g = torch.Generator().manual_seed(seed)
    model = tiny.shaken(variant, path)
    x, real = tiny.padded(g, batch, source)
    other = torch.where(real, x, tiny.ids(g, batch, source))
    y = tiny.ids(g, batch, target)
    with torch.no_grad():
        assert torch.equal(encoded(model, x, real)[real], encoded(model, other, real)[real])
        assert torch.equal(model(x, real, y), model(other, real, y))


@EVERY_PATH
@EVERY_VARIANT
@settings(max_examples=3)
@given(source=lengths, target=lengths, more=st.integers(1, 6), seed=seeds)
def test_padding_a_batch_keeps_the_outputs_of_a_single_pair(
    variant, path, source, target, more, seed
):
    g = torch.Generator().manual_seed(seed)
    model = tiny.shaken(variant, path)
    x, y = tiny.ids(g, 1, source), tiny.ids(g, 1, target)
    wide = torch.cat([tiny.ids(g, 2, source + more), torch.full((1, source + more), PAD)])
    wide[2, :source] = x
    real = torch.ones_like(wide, dtype=torch.bool)
    real[2, source:] = False
    long = torch.full((3, target + more), PAD)
    long[:, :target] = y
    with torch.no_grad():
        alone = tiny.logits(model, x, None, y)
        together = tiny.logits(model, wide, real, long)
    assert_close(together[2:, :target], alone, **CLOSE)


@EVERY_PATH
@EVERY_SOURCED_VARIANT
def test_a_source_with_nothing_real_gives_finite_outputs_and_gradients(variant, path):
    model = tiny.fresh(variant)
    tiny.take_path(model, path)
    g = torch.Generator().manual_seed(0)
    x, y = tiny.ids(g, 2, 4), tiny.ids(g, 2, 3)
    real = torch.tensor([[True] * 4, [False] * 4])
    out = model(x, real, y)
    with contextlib.suppress(LookupError):  # a model that never looks
        assert (model.source_weights(x, real, y)[1] == 0).all()
    assert out.isfinite().all()
    out.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@EVERY_VARIANT
@settings(max_examples=3)
@given(batch=rows, source=lengths, target=lengths, seed=seeds)
def test_both_attention_paths_give_the_same_numbers(variant, batch, source, target, seed):
    g = torch.Generator().manual_seed(seed)
    x, real = tiny.padded(g, batch, source)
    y = tiny.ids(g, batch, target)
    with torch.no_grad():
        fused = tiny.logits(tiny.shaken(variant, AttentionPath.FUSED), x, real, y)
        explicit = tiny.logits(tiny.shaken(variant, AttentionPath.EXPLICIT), x, real, y)
    assert_close(fused, explicit, **CLOSE)


@pytest.mark.parametrize("position", POSITIONS)
@settings(max_examples=10)
@given(source=st.integers(3, 9), seed=seeds)
def test_only_without_positions_is_the_encoder_permutation_equivariant(position, source, seed):
    g = torch.Generator().manual_seed(seed)
    model = tiny.shaken(f"positions={position}")
    x = torch.arange(source)[None] + 3  # all different, so every order differs
    order = torch.randperm(source, generator=g).roll(1)
    with torch.no_grad():
        permuted, straight = model.encoder(x[:, order], None), model.encoder(x, None)[:, order]
    if position == "none":
        assert_close(permuted, straight, **CLOSE)
    elif not torch.equal(order, torch.arange(source)):
        assert (permuted - straight).abs().max() > 1e-3


def all_at_once(model: Model, x: Tensor, real: Tensor | None, past: Tensor) -> Tensor:
    """Return the logits after the whole past of each (sentence, beam) that is not empty."""
    beams = past.shape[1]
    live = past[:, :, -1] != EMPTY
    past = past.clamp_min(0)
    real = None if real is None else real.repeat_interleave(beams, 0)
    features = tiny.features(model, x.repeat_interleave(beams, 0), real, past.flatten(0, 1))
    return model.projection(features[:, -1])[live.flatten()]


def search_at_random(model: Model, g: torch.Generator, steps: int) -> None:
    """Step, reorder, repeat and drop beams and sentences; compare with all at once every time."""
    sentences = int(torch.randint(1, 4, (), generator=g))
    x, real = tiny.padded(g, sentences, int(torch.randint(1, 8, (), generator=g)))
    real = None if real.all() else real
    state = model.begin(x, real)
    past = torch.full((sentences, 1, 1), BOS)
    for _ in range(steps):
        logits, state = model.step(state, past[:, :, -1])
        assert_close(logits, all_at_once(model, x, real, past), **CLOSE)
        kept = None
        if torch.rand((), generator=g) < 0.4:
            count = int(torch.randint(1, len(x) + 1, (), generator=g))
            kept = torch.randperm(len(x), generator=g)[:count]
            x, real, past = x[kept], None if real is None else real[kept], past[kept]
        shape = (len(x), int(torch.randint(1, 5, (), generator=g)))
        beams = torch.randint(0, past.shape[1], shape, generator=g)
        state = model.select(state, kept, beams)
        past = past.gather(1, beams[:, :, None].expand(-1, -1, past.shape[2]))
        dead = (past == EMPTY).any(-1) | (torch.rand(shape, generator=g) < 0.2)
        if dead.all():
            return
        tokens = tiny.ids(g, *shape).masked_fill(dead, EMPTY)
        past = torch.cat([past, tokens[:, :, None]], -1)


@EVERY_VARIANT
@settings(max_examples=3)
@given(path=st.sampled_from(list(AttentionPath)), seed=seeds)
@torch.no_grad()
def test_step_by_step_equals_all_at_once_through_every_selection(variant, path, seed):
    search_at_random(tiny.shaken(variant, path), torch.Generator().manual_seed(seed), steps=6)


@pytest.mark.parametrize("family", ["", "gpt "])
@pytest.mark.parametrize("position", POSITIONS)
@torch.no_grad()
def test_step_by_step_equals_all_at_once_past_64_positions(position, family):
    model = tiny.shaken(f"{family}positions={position}")
    g = torch.Generator().manual_seed(0)
    x, y = tiny.ids(g, 2, 70), tiny.ids(g, 2, 80)
    whole = tiny.logits(model, x, None, y)
    state = model.begin(x, None)
    logits = []
    for token in y.unbind(1):
        one, state = model.step(state, token[:, None])
        logits.append(one)
    assert_close(torch.stack(logits, 1), whole, **CLOSE)


choices = st.fixed_dictionaries({n: st.sampled_from(list(k)) for n, k in tiny.SWITCHES.items()})


@settings(max_examples=15)
@given(
    chosen=choices,
    heads=st.integers(1, 3),
    d_k=st.sampled_from([None, 2, 6]),
    layers=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    path=st.sampled_from(list(AttentionPath)),
    seed=seeds,
)
def test_the_laws_hold_for_any_combination_of_switches(chosen, heads, d_k, layers, path, seed):
    g = torch.Generator().manual_seed(seed)
    shared = -(-heads // 2) if chosen["attention"] == "grouped-query" else None
    heads = heads if shared is None else 2 * shared
    model = tiny.build(
        seed,
        **{**chosen, "heads": heads, "d_k": d_k, "d_model": 4 * heads, "kv_heads": shared},
        encoder_layers=layers[0],
        decoder_layers=layers[1],
    ).eval()
    use_path(model, path)
    with torch.no_grad():
        search_at_random(model, g, steps=3)
    x, real = tiny.padded(g, 2, 5)
    y = tiny.ids(g, 2, 4)
    out = model(x, real, y)
    other = torch.cat([y[:, :2], tiny.ids(g, 2, 2)], 1)
    masked = model(torch.where(real, x, 7), real, other)
    assert torch.equal(out[:, :2], masked[:, :2])
    out.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@EVERY_PATH
@pytest.mark.parametrize("variant", tiny.TEXT_VARIANTS)
@settings(max_examples=3)
@given(length=st.integers(2, 9), seed=seeds)
def test_no_document_sees_another_in_its_row(variant, path, length, seed):
    g = torch.Generator().manual_seed(seed)
    model = tiny.shaken(variant, path)
    cut = int(torch.randint(1, length, (), generator=g))
    documents = (torch.arange(length) >= cut).long()[None]
    first = tiny.ids(g, 1, length)
    second = torch.cat([tiny.ids(g, 1, cut), first[:, cut:]], 1)
    with torch.no_grad():
        before, after = model(first, documents), model(second, documents)
    assert torch.equal(before[:, cut:], after[:, cut:])
    x = tiny.fresh(variant)
    whole = x.embedding.weight.detach()[first].requires_grad_()
    with unittest.mock.patch.object(x.embedding, "forward", return_value=whole):
        seen = x.features(first, documents)[:, cut:]
        # Not the sum of squares: a norm may keep it, whatever it reads.
        (seen * torch.randn(seen.shape, generator=g)).sum().backward()
    assert whole.grad is not None
    assert not whole.grad[:, :cut].any()
    assert whole.grad[:, cut:].any()
