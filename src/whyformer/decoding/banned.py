"""The tokens that a search never predicts, and the error for a score that is not a number."""

from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.errors import WhyformerError
from whyformer.text.symbols import BOS, EOS, MASK, PAD, UNK


def banned_symbols(*, allow_unknown: bool) -> list[int]:
    """Return the ids of the symbols that no target contains."""
    return [PAD, BOS, MASK] if allow_unknown else [PAD, BOS, MASK, UNK]


def banned_tokens(settings: SearchSettings, length: int) -> list[int]:
    """Return the ids that may not follow a hypothesis of ``length`` tokens."""
    ids = banned_symbols(allow_unknown=settings.allow_unknown)
    return [*ids, EOS] if length < settings.min_length else ids


def refuse_nan(found: bool) -> None:
    """Raise WhyformerError if a score is NaN. Args: found: whether one is."""
    if found:
        raise WhyformerError(
            "The model's logits must be finite, but some are not. The weights of the model may be "
            "damaged, or the precision may be too low: try float32."
        )
