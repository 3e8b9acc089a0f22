"""An epoch is a pure function, holds every pair once, keeps its budget and pads little."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyformer.data import plan as plan_module
from whyformer.data.plan import kept_plan, padding_share, plan_epoch
from whyformer.data.reading import read_pairs
from whyformer.text.tokenizer import train_tokenizer

MULTI30K = Path(__file__).parents[3] / "shared/data/multi30k/train"


def lengths(count, seed=0):
    rng = np.random.default_rng(seed)
    source = rng.integers(2, 40, count).astype(np.int32)
    return source, np.maximum(2, source + rng.integers(-3, 4, count)).astype(np.int32)


def plan(source, target, **changes):
    options = {"seed": 1, "epoch": 0, "budget_tokens": 200, "fingerprint": "f"} | changes
    return plan_epoch(source, target, **options)


@given(
    rows=st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), max_size=60),
    budget=st.integers(1, 200),
)
def test_every_pair_is_in_one_batch_within_the_budget(rows, budget):
    source, target = np.array(rows, dtype=np.int32).reshape(-1, 2).T
    batches = plan(source, target, budget_tokens=budget)
    assert sorted(i for batch in batches for i in batch) == list(range(len(rows)))
    for batch in batches:
        longest = max(source[batch].max(), target[batch].max())
        assert len(batch) * longest <= budget or len(batch) == 1


def test_the_same_arguments_give_the_same_batches():
    source, target = lengths(500)
    for a, b in zip(plan(source, target), plan(source, target), strict=True):
        assert a.tolist() == b.tolist()


@pytest.mark.parametrize("change", [{"epoch": 1}, {"seed": 2}, {"fingerprint": "g"}])
def test_another_epoch_seed_or_corpus_gives_other_batches(change):
    source, target = lengths(500)
    once = {frozenset(batch.tolist()) for batch in plan(source, target)}
    other = {frozenset(batch.tolist()) for batch in plan(source, target, **change)}
    assert len(once & other) < len(once) / 2


def test_batches_are_not_in_order_of_length():
    source, target = lengths(2000)
    longest = [int(target[batch].max()) for batch in plan(source, target)]
    assert longest != sorted(longest)


def test_padding_by_hand():
    source, target = np.array([2, 4]), np.array([3, 3])
    assert padding_share([np.array([0, 1])], source, target) == pytest.approx(2 / 14)
    assert padding_share([], source, target) == 0.0


@pytest.mark.slow
@pytest.mark.skipif(not MULTI30K.with_suffix(".en").exists(), reason=f"{MULTI30K}.en is absent")
def test_multi30k_is_padded_by_less_than_five_percent():
    pairs = list(read_pairs(MULTI30K, source="en", target="de"))
    tokenizer = train_tokenizer(
        "bpe", [t for p in pairs[::10] for t in (p.source, p.target)], vocabulary=4000
    )
    source, target = (
        np.array([len(ids) + 1 for ids in tokenizer.encode_batch([p[side] for p in pairs])])
        for side in (1, 2)
    )
    assert padding_share(plan(source, target, budget_tokens=4096), source, target) < 0.05


@pytest.mark.parametrize("longest", [60, 70_000])
def test_the_order_is_by_longer_side_then_by_difference_up_and_down(longest):
    rng = np.random.default_rng(3)
    source, target = rng.integers(1, longest, (2, 4000))
    longer, difference = np.maximum(source, target), source - target
    turned = np.where(longer % 2, difference, -difference)
    assert (plan_module._by_length(source, target) == np.lexsort((turned, longer))).all()


def kept(file, **changes):
    options = {"seed": 1, "epoch": 0, "budget_tokens": 200, "fingerprint": "f"} | changes
    return kept_plan(file, *lengths(500), **options)


def same(one, other):
    return len(one) == len(other) and all(map(np.array_equal, one, other))


@pytest.fixture
def keeping(monkeypatch, tmp_path):
    monkeypatch.setattr(plan_module, "KEPT_FROM", 500)
    return tmp_path / "plan.npz"


def test_a_kept_plan_is_the_plan_and_is_read_not_made_again(keeping, monkeypatch):
    made = plan(*lengths(500))
    assert same(kept(keeping), made)
    monkeypatch.setattr(plan_module, "plan_epoch", lambda *_, **__: pytest.fail("planned again"))
    assert same(kept(keeping), made)


@pytest.mark.parametrize(
    "change", [{"epoch": 1}, {"seed": 2}, {"budget_tokens": 100}, {"fingerprint": "g"}]
)
def test_a_kept_plan_of_something_else_is_written_over(keeping, change):
    kept(keeping)
    wanted = plan(*lengths(500), **change)
    assert same(kept(keeping, **change), wanted)
    assert same(kept(keeping, **change), wanted)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"no plan"])
def test_a_damaged_plan_is_made_again(keeping, damage):
    keeping.write_bytes(damage)
    assert same(kept(keeping), plan(*lengths(500)))
    assert keeping.stat().st_size > len(damage)


def test_a_plan_cut_short_is_made_again(keeping):
    kept(keeping)
    keeping.write_bytes(keeping.read_bytes()[:-50])
    assert same(kept(keeping), plan(*lengths(500)))


def test_the_plan_of_a_small_corpus_is_not_kept(tmp_path):
    assert same(kept(tmp_path / "plan.npz"), plan(*lengths(500)))
    assert not list(tmp_path.iterdir())
