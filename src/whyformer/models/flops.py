"""Count the floating-point operations of a training update from sizes and lengths alone.

Only matrix products over real tokens are counted. Softmax, norms, activations and sums are not
counted: their cost grows more slowly with the width. One multiply-add is two operations. The
backward pass computes two products for each product of the forward pass, so an update costs three
forward passes. The laboratory's counter counts the same products while a model runs. A test checks
that both counts are equal.
"""

from jaxtyping import Int, Num
from numpy import ndarray

from whyformer.blocks.feedforward import FEEDFORWARDS
from whyformer.foundation.errors import ConfigError
from whyformer.models.gpt import GPTSettings
from whyformer.models.parts import StackSettings
from whyformer.models.transformer import TransformerSettings

FORWARD_AND_BACKWARD = 3
"""Cost of an update, as a multiple of the cost of a forward pass."""
FORMULAS = {
    "transformer": "3 × 2 × [N_src·(Le(4d²+2d·ff) + Ld·2d²) + N_tgt·(Ld(6d²+2d·ff) + dV) "
    "+ 2d·Σ(Le·s² + Ld(t²+ts))]",
    "gpt": "3 × 2 × [N_tgt·(L(4d²+2d·ff) + dV) + 2d·L·Σt²]",
}
"""For each family, the formula for the operations of an update. s and t are the source and target
lengths of a row; N_src and N_tgt are the sums of s and t over all rows. `update_flops` also
supports heads of a width other than d/h, shared keys and values, and gated feed-forward
networks."""

Lengths = Num[ndarray, " rows"] | Int[ndarray, " rows"]


def has_formula(settings: object) -> bool:
    """Return whether `update_flops` has a formula for this family: only for Transformer and GPT."""
    return isinstance(settings, TransformerSettings | GPTSettings)


def forward_multiply_adds(
    settings: object, vocabulary: int, source: Lengths, target: Lengths
) -> float:
    """Return the number of multiply-adds of one forward pass over rows of the given lengths.

    Args:
        vocabulary: size of the target vocabulary.
        source: number of tokens of each source; ignored for a GPT.
        target: number of tokens of each target, including eos.
    Raises: ConfigError for a family without a formula.

    >>> import numpy as np
    >>> shape = TransformerSettings(
    ...     encoder_layers=1, decoder_layers=1, d_model=2, heads=1, d_ff=3
    ... )
    >>> one = np.ones(1)  # 1·(28 + 8) + 1·(36 + 2·10) + 2·2·(1 + 2)
    >>> forward_multiply_adds(shape, 10, one, one)
    104.0
    """
    s, t = source.astype(float), target.astype(float)
    if isinstance(settings, GPTSettings):
        project, shared, feed, inner = _widths(settings)
        per_layer = 2 * project + 2 * shared + feed
        per_token = settings.layers * per_layer + settings.d_model * vocabulary
        return float(t.sum() * per_token + 2 * inner * settings.layers * (t * t).sum())
    if isinstance(settings, TransformerSettings):
        project, shared, feed, inner = _widths(settings)
        encoder, decoder = settings.encoder_layers, settings.decoder_layers
        per_source = encoder * (2 * project + 2 * shared + feed) + decoder * 2 * shared
        per_target = decoder * (4 * project + 2 * shared + feed) + settings.d_model * vocabulary
        attention = 2 * inner * (encoder * s * s + decoder * (t * t + t * s)).sum()
        return float(s.sum() * per_source + t.sum() * per_target + attention)
    family = getattr(settings, "family", type(settings).__name__)
    raise ConfigError(
        f"Only the families transformer and gpt have a formula for the number of operations, but "
        f"this model is of family {family}. For a trained run, use `whyformer inspect`."
    )


def update_flops(settings: object, vocabulary: int, source: Lengths, target: Lengths) -> float:
    """Return the number of operations in the matrix products of an update.

    Args and Raises: see `forward_multiply_adds`.
    """
    return FORWARD_AND_BACKWARD * 2 * forward_multiply_adds(settings, vocabulary, source, target)


def _widths(settings: StackSettings) -> tuple[int, int, int, int]:
    """Return the number of weights of a query or output projection, of a key or value projection,
    and of the feed-forward network; and the total width of the heads."""
    inner = settings.heads * settings.head_width
    matrices = FEEDFORWARDS[settings.activation].matrices
    shared = settings.d_model * settings.key_value_heads * settings.head_width
    feed = matrices * settings.d_model * settings.d_ff
    return settings.d_model * inner, shared, feed, inner
