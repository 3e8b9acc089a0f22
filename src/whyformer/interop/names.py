"""Names of the weights of a layer: for each name in CTranslate2, the names in whyformer.

If several weights of whyformer correspond to one weight of CTranslate2, they are concatenated in
the given order. A weight that a layer does not have (such as the bias of an attention, or the shift
of an RMSNorm) is skipped.
"""

ATTENTIONS = {"self_attention": "self_attention", "cross_attention": "attention"}
"""For each attention of a layer, its name in CTranslate2."""
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
"""Names of the projections that read the residual stream of a layer."""
