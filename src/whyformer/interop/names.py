"""Weight names as data: how CTranslate2 calls the parts of a layer, and what they are called here.

Several of ours behind one of theirs are stacked in that order. Where a layer has no such part (an
attention without bias, an RMSNorm without shift), the part is left out on both sides.
"""

ATTENTIONS = {"self_attention": "self_attention", "cross_attention": "attention"}
"""Our name of an attention -> theirs."""
SELF_ATTENTION = {
    "self_attention/linear_0": (
        "self_attention.project_query",
        "self_attention.project_key",
        "self_attention.project_value",
    ),
    "self_attention/linear_1": ("self_attention.project_output",),
}
CROSS_ATTENTION = {
    "attention/linear_0": ("cross_attention.project_query",),
    "attention/linear_1": ("cross_attention.project_key", "cross_attention.project_value"),
    "attention/linear_2": ("cross_attention.project_output",),
}
FEEDFORWARD = {
    "ffn/linear_0": ("feedforward.expand",),
    "ffn/linear_1": ("feedforward.contract",),
}
GATED_FEEDFORWARD = {
    "ffn/linear_0": ("feedforward.gate",),
    "ffn/linear_0_noact": ("feedforward.expand",),
    "ffn/linear_1": ("feedforward.contract",),
}
NORMS = {
    "self_attention/layer_norm": "wire_self_attention.norm",
    "attention/layer_norm": "wire_cross_attention.norm",
    "ffn/layer_norm": "wire_feedforward.norm",
}
READERS = (
    "self_attention.project_query",
    "self_attention.project_key",
    "self_attention.project_value",
    "cross_attention.project_query",
    "feedforward.gate",
    "feedforward.expand",
)
"""The projections of a layer that read its residual stream."""
