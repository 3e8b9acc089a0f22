"""Multi-query attention: all query heads share one key and value head."""

from whyformer.blocks.multihead import ATTENTIONS, MultiHeadAttention


@ATTENTIONS.register("multi-query")
class MultiQueryAttention(MultiHeadAttention):
    """head_i = Attention(QW_i^Q, KW^K, VW^V): keys and values are the same for every head i.

    The KV cache has 1/h times the size of the KV cache of `MultiHeadAttention`.

    Paper: Shazeer 2019 (arXiv:1911.02150), §3.
    Differs: in the paper, the feed-forward network is wider, so that the number of parameters is
        the same as with multi-head attention (§4.1). Here, `d_ff` is not changed automatically.
    """

    @classmethod
    def choose_kv_heads(cls, heads: int, kv_heads: int | None) -> int:
        """Return 1. Raises: ValueError when ``kv_heads`` is another number."""
        if kv_heads not in (None, 1):
            raise ValueError(
                f"multi-query attention has one head of keys and values, but `kv_heads` is "
                f"{kv_heads}. Leave `kv_heads` out, or set `attention` to grouped-query."
            )
        return 1
