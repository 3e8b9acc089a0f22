"""The length limit of the hypotheses for one source."""

from whyformer.decoding.expected import USUAL, Expected
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.errors import UsageError


def limit_of(
    settings: SearchSettings, length: int, longest: int | None, expected: Expected = USUAL
) -> int:
    """Return the length limit of the hypotheses for one source; see `search`.

    The limit is `max_length` if it is set. If `max_length` is not set, the limit is at least as
    high as the training targets need. The limit is never higher than the maximum length of the
    model.
    Args: length: number of tokens of the source, including eos.
    Raises: UsageError when the model cannot write `min_length` tokens.
    """
    limit = settings.limit(length)
    if settings.max_length is None:
        limit = max(limit, expected.limit(length))
    if longest is None:
        return limit
    if settings.min_length > longest - 1:
        raise UsageError(
            f"`min_length` must not exceed {longest - 1}, the maximum length of this model, but it "
            f"is {settings.min_length}. Lower it."
        )
    return min(limit, longest - 1)
