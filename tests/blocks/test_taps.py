"""Taps: seen while the block runs, nothing left behind."""

import doctest

import pytest
import torch

import tiny
from whyformer.blocks import masks, taps
from whyformer.blocks.multihead import AttentionPath, use_path
from whyformer.blocks.taps import observe


def test_the_examples_in_the_docstrings_run():
    for module in (taps, masks):
        result = doctest.testmod(module)
        assert result.attempted > 0
        assert result.failed == 0


def test_observing_collects_by_name_and_leaves_nothing_behind():
    model = tiny.build()
    use_path(model, AttentionPath.EXPLICIT)
    batch = tiny.copy_batch(0, rows=2)
    before = model(batch.source, batch.source_real, batch.target)
    with observe(model, "decoder.layers.*.cross_attention.weights") as seen:
        during = model(batch.source, batch.source_real, batch.target)
    assert torch.equal(before, during)
    assert list(seen) == [f"decoder.layers.{i}.cross_attention.weights" for i in range(2)]
    shape = (2, 2, batch.target.shape[1], batch.source.shape[1])
    assert [[tuple(w.shape) for w in found] for found in seen.values()] == [[shape]] * 2
    model(batch.source, batch.source_real, batch.target)
    assert all(len(found) == 1 for found in seen.values())
    assert all(not m._forward_hooks for m in model.modules())


def test_hooks_are_removed_when_the_block_fails():
    model = tiny.build()
    with pytest.raises(RuntimeError, match="on purpose"), observe(model, "*.weights"):
        raise RuntimeError("on purpose")
    assert all(not m._forward_hooks for m in model.modules())


def test_gradients_can_be_asked_of_what_was_seen():
    model = tiny.build()
    use_path(model, AttentionPath.EXPLICIT)
    batch = tiny.copy_batch(0, rows=2)
    with observe(model, "encoder.layers.0.self_attention.scores") as seen:
        out = model(batch.source, batch.source_real, batch.target)
    ((scores,),) = seen.values()
    (gradient,) = torch.autograd.grad(out.square().sum(), scores)
    assert gradient.isfinite().all()
    assert gradient.abs().sum() > 0


def test_a_pattern_that_matches_no_tap_is_an_error():
    looking = observe(tiny.build(), "encoder.layers.9.*")
    with pytest.raises(LookupError, match=r"no tap matches `encoder\.layers\.9\.\*`"):
        looking.__enter__()
