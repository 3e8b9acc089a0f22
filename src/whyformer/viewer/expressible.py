"""Which models the page can compute, and why it cannot compute the others."""

from collections.abc import Mapping
from typing import Any

from whyformer.blocks.feedforward import (
    FEEDFORWARDS,
    FeedForward,
    GEGLUFeedForward,
    GELUFeedForward,
    SiLUFeedForward,
    SwiGLUFeedForward,
    TanhGELUFeedForward,
)
from whyformer.blocks.grouped_query import GroupedQueryAttention
from whyformer.blocks.multi_query import MultiQueryAttention
from whyformer.blocks.multihead import ATTENTIONS, MultiHeadAttention
from whyformer.blocks.normalization import NORMS, LayerNorm, RMSNorm
from whyformer.blocks.positions import (
    POSITIONS,
    ALiBi,
    LearnedPositions,
    Positions,
    RelativeBuckets,
    Rotary,
    SineOnly,
    Sinusoidal,
)
from whyformer.blocks.residual import WIRINGS, DeepNorm, NoNorm, NoSkip, PostNorm, PreNorm
from whyformer.blocks.scaling import (
    SCALINGS,
    Cosine,
    Inverse,
    InverseSqrt,
    Learned,
    QKNorm,
    Unscaled,
)
from whyformer.bundle import Bundle
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.errors import UsageError
from whyformer.models.parts import StackSettings
from whyformer.models.transformer import count_parameters
from whyformer.viewer.expressible_text import refused_tokenizer

MOST_PARAMETERS = 30_000_000
"""The largest model that a page can hold. Its weights need 30 MB in int8, 40 MB in the page."""
IGNORED = ("groups", "coverage_penalty", "force", "forbid", "constraints")
"""Search settings that the page does not have."""
VARIANTS: dict[str, tuple[Any, tuple[type, ...]]] = {
    "attention": (ATTENTIONS, (MultiHeadAttention, GroupedQueryAttention, MultiQueryAttention)),
    "wiring": (WIRINGS, (PostNorm, PreNorm, DeepNorm, NoSkip, NoNorm)),
    "norm": (NORMS, (LayerNorm, RMSNorm)),
    "activation": (
        FEEDFORWARDS,
        (
            FeedForward, GELUFeedForward, TanhGELUFeedForward, SiLUFeedForward, SwiGLUFeedForward,
            GEGLUFeedForward,
        ),
    ),
    "positions": (
        POSITIONS,
        (Positions, Sinusoidal, SineOnly, LearnedPositions, Rotary, ALiBi, RelativeBuckets),
    ),
    "score_scale": (SCALINGS, (InverseSqrt, Unscaled, Inverse, Learned, Cosine, QKNorm)),
}  # fmt: skip
"""For each setting that names a variant: its registry, and the classes that the page computes."""


def refuse_inexpressible(bundle: Bundle, where: str) -> None:
    """Raise UsageError if the page cannot compute a model.

    Args: where: the run, for the message.
    """
    if found := refusals(bundle):
        raise UsageError(
            f"`{where}` cannot be shown on a page: {'; '.join(found)}. Use it with the commands "
            "`whyformer translate`, `generate` or `classify`."
        )


def refusals(bundle: Bundle) -> list[str]:
    """Return the reasons why the page cannot compute a model; an empty list if it can."""
    model, settings = bundle.model, bundle.model.settings
    found = _tokenizers_found(bundle)
    if (count := count_parameters(model)) > MOST_PARAMETERS:
        found.append(
            f"it has {count:,} parameters, and a page can hold at most {MOST_PARAMETERS:,}"
        )
    if isinstance(settings, StackSettings):  # recurrent models have no variants from plugins
        for name, (registry, known) in VARIANTS.items():
            value = getattr(settings, name)
            if registry[value] not in known:
                found.append(f"`model.{name}` is {value}, which the page cannot compute")
    return found


def ignored_search(search: Mapping[str, Any]) -> list[str]:
    """Return the names of the search settings in a manifest that the page ignores.

    >>> ignored_search({"beam": 8, "groups": 2, "coverage_penalty": 0.0, "force": ["a"]})
    ['groups', 'force']
    """
    default = SearchSettings().model_dump(mode="json")
    return [name for name in IGNORED if search.get(name, default[name]) != default[name]]


def _tokenizers_found(bundle: Bundle) -> list[str]:
    """Return the reasons why the page cannot read the tokenizers of a model."""
    both = (bundle.source_tokenizer, bundle.target_tokenizer)
    return list(dict.fromkeys(filter(None, map(refused_tokenizer, both))))
