"""The names of activations in Hugging Face and in whyformer."""

from collections.abc import Mapping
from typing import Any

ACTIVATIONS = {
    "relu": "relu",
    "gelu": "gelu",
    "gelu_pytorch_tanh": "gelu-tanh",
    "gelu_new": "gelu-tanh",
    "swish": "silu",
    "silu": "silu",
}
"""For each activation of Hugging Face, its name in whyformer."""
WRITTEN = {ours: theirs for theirs, ours in ACTIVATIONS.items()}
"""For each activation of whyformer, the last of its names in Hugging Face."""


def unknown_activation(config: Mapping[str, Any], key: str, usual: str | None = None) -> list[str]:
    """Return the reason why an activation is unknown; an empty list if it is known.

    Args:
        key: name of the setting.
        usual: the activation of a configuration without this setting.
    """
    found = config.get(key, usual)
    if found in ACTIVATIONS:
        return []
    return [f"`{key}` must be one of {', '.join(ACTIVATIONS)}, but is {found}"]
