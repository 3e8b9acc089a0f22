"""Query heads that share keys and values: multi-head attention with equal heads, and less cache."""

import pytest
import torch
from pydantic import ValidationError
from torch.testing import assert_close

import tiny
from whyformer.blocks.grouped_query import GroupedQueryAttention
from whyformer.blocks.multi_query import MultiQueryAttention
from whyformer.blocks.multihead import ATTENTIONS, AttentionPath, MultiHeadAttention
from whyformer.blocks.positions import POSITIONS
from whyformer.models.transformer import TransformerSettings

EVERY_PATH = pytest.mark.parametrize("path", AttentionPath)
D_MODEL, HEADS, D_K = 12, 4, 6


def with_equal_heads(shared: MultiHeadAttention) -> MultiHeadAttention:
    """Return multi-head attention that repeats each head of keys and values for its group."""
    whole = MultiHeadAttention(D_MODEL, HEADS, D_K, path=shared.path, bias=True)
    state = dict(shared.state_dict())
    for name in ("project_key", "project_value"):
        for part in ("weight", "bias"):
            heads = state[f"{name}.{part}"].unflatten(0, (shared.kv_heads, D_K))
            repeated = heads.repeat_interleave(HEADS // shared.kv_heads, 0)
            state[f"{name}.{part}"] = repeated.flatten(0, 1)
    whole.load_state_dict(state)
    return whole


@EVERY_PATH
@pytest.mark.parametrize("positions", ["none", "rotary", "alibi"])
@pytest.mark.parametrize("kv_heads", [1, 2, 4])
@pytest.mark.parametrize("length", [5, 70])  # by products, and by torch's kernel
def test_shared_heads_are_multi_head_attention_whose_heads_are_equal(
    length, kv_heads, positions, path
):
    torch.manual_seed(0)
    shared = GroupedQueryAttention(D_MODEL, HEADS, D_K, path=path, bias=True, kv_heads=kv_heads)
    whole = with_equal_heads(shared)
    scheme = POSITIONS[positions](D_MODEL, D_K, HEADS, causal=True, max_length=length)
    x = torch.randn(2, length, D_MODEL)
    found, expected = (
        layer(x, (K, V), causal=True, positions=scheme, queries=Q)
        for layer in (shared, whole)
        for Q, K, V in [layer.queries_keys_values(x, scheme)]
    )
    assert_close(found, expected, rtol=1e-4, atol=1e-5)
    K, V = shared.keys_values(x, scheme)
    assert K.shape == V.shape == (2, kv_heads, length, D_K)


def test_as_many_groups_as_heads_are_multi_head_attention_and_one_group_is_multi_query():
    x = torch.randn(2, 5, D_MODEL)

    def output(kind: str, **more: int):
        torch.manual_seed(3)
        layer = ATTENTIONS[kind](D_MODEL, HEADS, D_K, **more)
        return layer(x, layer.keys_values(x))

    assert torch.equal(output("grouped-query", kv_heads=HEADS), output("multi-head"))
    assert torch.equal(output("grouped-query", kv_heads=1), output("multi-query"))


def cached_bytes(**changes) -> int:
    """Return the memory in which a GPT's search keeps keys and values after twenty tokens."""
    model = tiny.gpt(heads=4, d_model=16, **changes).eval()
    text = tiny.ids(torch.Generator().manual_seed(0), 3, 20)
    state = model.begin(text, None)
    with torch.no_grad():
        for token in text.unbind(1):
            _, state = model.step(state, token[:, None])
    (cohort,) = state.past.cohorts
    memories = [memory for one in cohort.histories for memory in (one._K, one._V)]
    return sum(memory.untyped_storage().nbytes() for memory in memories)


def test_the_cache_shrinks_by_heads_over_kv_heads():
    whole = cached_bytes()
    assert whole == 2 * 2 * 3 * 32 * 16 * 4  # layers, K and V, rows, places, d_model, bytes
    assert cached_bytes(attention="grouped-query", kv_heads=2) * 2 == whole
    assert cached_bytes(attention="multi-query") * 4 == whole


def test_a_transformers_memory_of_its_source_shrinks_as_well():
    g = torch.Generator().manual_seed(0)
    x = tiny.ids(g, 3, 6)
    for changes, kv_heads in (({}, 4), ({"attention": "multi-query"}, 1)):
        model = tiny.build(heads=4, **changes).eval()
        for K, V in model.begin(x, None).memories:
            assert K.shape == V.shape == (3, kv_heads, 6, 4)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"attention": "grouped-query"},
            "grouped-query attention needs a `kv_heads` that divides `heads`, which is 8, but "
            "`kv_heads` is not set. Choose from 1, 2, 4, 8.",
        ),
        (
            {"attention": "grouped-query", "kv_heads": 3},
            "needs a `kv_heads` that divides `heads`, which is 8, but `kv_heads` is 3.",
        ),
        (
            {"attention": "multi-query", "kv_heads": 2},
            "multi-query attention has one head of keys and values, but `kv_heads` is 2.",
        ),
        (
            {"kv_heads": 2},
            "multi-head attention needs `kv_heads` equal to `heads`, which is 8, but "
            "`kv_heads` is 2. Leave `kv_heads` out, or set `attention` to grouped-query.",
        ),
        ({"attention": "sparse"}, "must be multi-head, grouped-query or multi-query"),
    ],
)
def test_heads_that_do_not_fit_are_refused(changes, sentence):
    with pytest.raises(ValidationError) as failure:
        TransformerSettings(**changes)
    assert sentence in str(failure.value)


def test_every_kind_accepts_its_own_number():
    for kind, kv_heads in (("multi-head", 8), ("multi-query", 1), ("grouped-query", 4)):
        settings = TransformerSettings(attention=kind, kv_heads=kv_heads)
        assert settings.key_value_heads == kv_heads
    assert MultiQueryAttention(8, 2, 4).kv_heads == 1
