"""The search settings of a run, overridden by those of a request."""

from collections.abc import Mapping
from typing import Any

from whyformer.decoding.settings import MAX_HYPOTHESES, Method, SearchSettings, unread
from whyformer.foundation.config import build
from whyformer.foundation.errors import UsageError


def search_settings(
    facts: Mapping[str, Any], given: Mapping[str, Any], *, longest: int | None = None
) -> SearchSettings:
    """Return the search settings of the run, overridden by the given settings.

    If ``nbest`` is given without ``beam``, the beam of the run is increased if necessary.

    Args: longest: `model.max_length` of the run, the upper bound of the given lengths.
    Raises: ConfigError if the settings are incompatible; UsageError for a setting without effect
        on this search, and for a length above the maximum of the model.
    """
    for name in ("max_length", "min_length"):
        wanted_length = given.get(name)
        if longest is not None and isinstance(wanted_length, int) and wanted_length > longest:
            raise UsageError(
                f"`{name}` must be at most {longest:,} (`model.max_length` of this run), but it is "
                f"{wanted_length:,}. Lower it."
            )
    tree = {**facts.get("decoding", {}), **given}
    if "nbest" in given and "beam" not in given and tree.get("method") != Method.SAMPLE:
        if isinstance(given["nbest"], int) and given["nbest"] > MAX_HYPOTHESES:
            raise UsageError(
                f"`nbest` must be at most {MAX_HYPOTHESES:,} for a beam search, but it is "
                f"{given['nbest']:,}. Lower it."
            )
        tree["beam"] = _wide_enough(tree)
    settings = build(SearchSettings, tree, where="search settings")
    for name in given:
        if reason := unread(settings, name):
            raise UsageError(f"`{name}` has no effect here: {reason}. Leave it out.")
    return settings


def _wide_enough(tree: Mapping[str, Any]) -> int | None:
    """Return the smallest beam of at least `nbest` that is divisible by `groups`."""
    defaults = SearchSettings()
    beam, nbest, groups = (
        tree.get(name, getattr(defaults, name)) for name in ("beam", "nbest", "groups")
    )
    if not all(isinstance(one, int) and one > 0 for one in (beam, nbest, groups)) or nbest <= beam:
        return beam
    return -(-nbest // groups) * groups
