"""The number format of the weights for inference."""

from enum import StrEnum


class Weights(StrEnum):
    """Number format of the large weights for inference on a CPU."""

    FLOAT32 = "float32"
    """The trained weights, unchanged."""
    INT8 = "int8"
    """Weights rounded to eight bits: faster, with nearly the same results."""
