"""The formats of ``whyformer convert``. Each format is written by one function.

The function has the parameters ``run`` and ``say`` (called with progress messages), and one
parameter for each option that the format supports. It returns a `Written`.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from whyformer.foundation.errors import UsageError, nearest


@runtime_checkable
class Written(Protocol):
    """The result of a conversion."""

    def lines(self) -> list[str]:
        """Return the result as lines of text for the user."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        ...


@dataclass(frozen=True)
class Format:
    """A format and the function that writes it.

    Args:
        function: the function as "module:name". The module is imported only when it is needed.
        options: the options that the format supports. For each option, the name of the flag and the
            name of the parameter of the function.
    """

    function: str
    options: dict[str, str]

    def write(self, run: Path, say: Callable[[str], None], **options: Any) -> Written:
        """Write the model of a run in this format."""
        module, name = self.function.split(":")
        return getattr(importlib.import_module(module), name)(run, say=say, **options)


ENGINE = {"out": "out", "quantize": "quantization", "pairs": "pairs", "sentences": "sentences"}
"""The options of a format that an engine of `whyformer translate` runs."""
FORMATS = {
    "ctranslate2": Format("whyformer.interop.convert:convert", ENGINE),
    "argos": Format(
        "whyformer.interop.argos:convert",
        {**ENGINE, "from-code": "from_code", "to-code": "to_code"},
    ),
    "onnx": Format("whyformer.interop.onnx.export:convert", {**ENGINE, "attention": "attention"}),
    "sentencepiece": Format(
        "whyformer.interop.sentencepiece:write_models", {"out": "out", "pairs": "pairs"}
    ),
}


def convert_to(
    name: str, run: Path, given: dict[str, Any], say: Callable[[str], None] = lambda text: None
) -> Written:
    """Write the model of a run in the format called ``name``.

    Args:
        given: the values of flags by name; None for a flag that was not given.
        say: called with progress messages.
    Raises: UsageError for an unknown format, and for a flag that the format does not support.
    """
    if name not in FORMATS:
        raise UsageError(f"`{name}` is not a format.{nearest(name, FORMATS)}")
    chosen = FORMATS[name]
    options: dict[str, Any] = {}
    for flag, value in given.items():
        if value is None:
            continue
        if flag not in chosen.options:
            raise UsageError(f"`--{flag}` has no effect with `--to {name}`. Leave it out.")
        options[chosen.options[flag]] = value
    return chosen.write(run, say, **options)
