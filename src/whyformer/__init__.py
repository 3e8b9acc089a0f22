"""The Transformer of “Attention Is All You Need”: train it, use it, question it.

>>> import whyformer
>>> model = whyformer.load("runs/demo")          # doctest: +SKIP
>>> model.translate(["attention"])               # doctest: +SKIP
['AH T EH N SH AH N']

`train` and `load` are the library; every package below can be imported separately. Importing
`whyformer` itself imports no torch: it is loaded when one of the two is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whyformer.workflows.library import load, load_plugin, train

__version__ = "0.1.0"
__all__ = ["__version__", "load", "load_plugin", "train"]

_LAZY = ("load", "load_plugin", "train")


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module `whyformer` has no attribute `{name}`")
    return getattr(importlib.import_module("whyformer.workflows.library"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
