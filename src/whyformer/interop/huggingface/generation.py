"""The search settings of Hugging Face (`generation_config.json`), in and out."""

from collections.abc import Mapping
from typing import Any

from whyformer.decoding.settings import Method, SearchSettings

OF_SAMPLING = ("temperature", "top_k", "top_p", "min_p")
"""Settings of sampling with the same name and meaning."""
IGNORED = {
    "repetition_penalty": (1.0,),
    "encoder_no_repeat_ngram_size": (0,),
    "diversity_penalty": (0.0,),
    "num_beam_groups": (1,),
    "typical_p": (1.0,),
    "epsilon_cutoff": (0.0,),
    "eta_cutoff": (0.0,),
    "penalty_alpha": (),
}
"""Settings without an equivalent, and the values with which they have no effect."""


def search_settings(directory_settings: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return search settings of whyformer that differ from the defaults, and notes about settings
    that have no equivalent.

    Lengths of Hugging Face count the token that begins a target and eos, and lengths of whyformer
    do not.
    """
    given = {name: value for name, value in directory_settings.items() if value is not None}
    found: dict[str, Any] = {"beam": given.get("num_beams", 1), "allow_unknown": True}
    notes: list[str] = []
    if given.get("do_sample") and found["beam"] == 1:
        found |= {"method": "sample"} | {k: given[k] for k in OF_SAMPLING if k in given}
    if found["beam"] > 1:
        found["length_penalty"] = max(given.get("length_penalty", 1.0), 0.0)
    if found.get("length_penalty"):
        notes.append(
            "whyformer divides the score of a hypothesis by ((5 + tokens) / 6)^α, and transformers "
            "by tokens^α, so beam search can prefer another length"
        )
    if "max_length" in given:
        forced = given.get("forced_eos_token_id") is not None
        found["max_length"] = max(given["max_length"] - 1 - forced, 1)
    elif "max_new_tokens" in given:
        found["max_length"] = given["max_new_tokens"]
    if "min_length" in given:
        found["min_length"] = max(given["min_length"] - 1, 0)
    if "no_repeat_ngram_size" in given:
        found["no_repeat_ngram"] = given["no_repeat_ngram_size"]
    notes += [
        f"the search setting `{name}` ({given[name]}) has no equivalent and is left out"
        for name, neutral in IGNORED.items()
        if name in given and given[name] not in neutral
    ]
    return found, notes


def generation_settings(settings: SearchSettings, longest: int) -> dict[str, Any]:
    """Return search settings of whyformer as those of Hugging Face, if they have an equivalent.

    Without `max_length`, the limit of whyformer depends on the source, and that of Hugging Face
    cannot, so it is ``longest``. The length penalties are different functions with the same name.

    Args: longest: maximum number of tokens that the model supports.

    >>> generation_settings(SearchSettings(beam=4, max_length=9), 100)["max_length"]
    10
    """
    most = longest if settings.max_length is None else min(settings.max_length + 1, longest)
    found: dict[str, Any] = {"max_length": most}  # with the token that begins a target
    if settings.method is Method.SAMPLE:
        found |= {"do_sample": True} | {name: getattr(settings, name) for name in OF_SAMPLING}
        return {name: value for name, value in found.items() if value is not None}
    found["num_beams"] = settings.beam
    if settings.beam > 1:
        found |= {"length_penalty": settings.length_penalty, "early_stopping": "never"}
    if settings.min_length:
        found["min_length"] = settings.min_length + 1
    if settings.no_repeat_ngram:
        found["no_repeat_ngram_size"] = settings.no_repeat_ngram
    return found
