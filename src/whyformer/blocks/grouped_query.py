"""Grouped-query attention: each group of query heads shares one key and value head."""

from whyformer.blocks.multihead import ATTENTIONS, MultiHeadAttention


@ATTENTIONS.register("grouped-query")
class GroupedQueryAttention(MultiHeadAttention):
    """head_i = Attention(QW_i^Q, KW_g^K, VW_g^V) with g = ⌊i · G / h⌋: h query heads, G groups.

    The KV cache has G/h times the size of the KV cache of `MultiHeadAttention`. G = h is multi-head
    attention, G = 1 is multi-query attention.

    Paper: Ainslie et al. 2023 (arXiv:2305.13245), §2.2 and Figure 2.
    Differs: models are trained from scratch; the paper starts from a multi-head checkpoint (§2.1).
        The encoder also uses groups; in the paper, the encoder stays multi-head.
    Args: kv_heads: G, a divisor of heads; required.
    """

    @classmethod
    def choose_kv_heads(cls, heads: int, kv_heads: int | None) -> int:
        """Return G. Raises: ValueError when ``kv_heads`` is None or does not divide ``heads``."""
        if kv_heads is None or heads % kv_heads:
            found = "is not set" if kv_heads is None else f"is {kv_heads}"
            fitting = ", ".join(str(g) for g in range(1, heads + 1) if heads % g == 0)
            raise ValueError(
                f"grouped-query attention needs a `kv_heads` that divides `heads`, which is "
                f"{heads}, but `kv_heads` {found}. Choose from {fitting}."
            )
        return kv_heads
