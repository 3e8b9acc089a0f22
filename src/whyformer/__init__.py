"""The Transformer of “Attention Is All You Need”: train it, use it, study it.

>>> import whyformer
>>> model = whyformer.load("runs/demo")          # doctest: +SKIP
>>> model.translate(["attention"])               # doctest: +SKIP
['AH T EH N SH AH N']

The names in `__all__` are the public API; docs/python.md describes them. The packages of whyformer
can also be imported separately. `import whyformer` does not import torch: torch is imported when
one of the names is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whyformer.blocks.taps import observe
    from whyformer.models.bert import BERT, BERTSettings
    from whyformer.models.electra import Electra, ElectraSettings
    from whyformer.models.gpt import GPT, GPTSettings
    from whyformer.models.recurrent.language import (
        RecurrentLanguageModel,
        RecurrentLanguageSettings,
    )
    from whyformer.models.recurrent.model import RecurrentModel
    from whyformer.models.recurrent.settings import RecurrentSettings
    from whyformer.models.transformer import Transformer, TransformerSettings
    from whyformer.workflows.library import fit, load, load_plugin, train
    from whyformer.workflows.python.watch import watch

__version__ = "0.1.0"
__all__ = [
    "BERT",
    "GPT",
    "BERTSettings",
    "Electra",
    "ElectraSettings",
    "GPTSettings",
    "RecurrentLanguageModel",
    "RecurrentLanguageSettings",
    "RecurrentModel",
    "RecurrentSettings",
    "Transformer",
    "TransformerSettings",
    "__version__",
    "fit",
    "load",
    "load_plugin",
    "observe",
    "train",
    "watch",
]

_NAMES = {
    "blocks.taps": ("observe",),
    "models.bert": ("BERT", "BERTSettings"),
    "models.electra": ("Electra", "ElectraSettings"),
    "models.gpt": ("GPT", "GPTSettings"),
    "models.recurrent.model": ("RecurrentModel",),
    "models.recurrent.settings": ("RecurrentSettings",),
    "models.recurrent.language": ("RecurrentLanguageModel", "RecurrentLanguageSettings"),
    "models.transformer": ("Transformer", "TransformerSettings"),
    "workflows.library": ("fit", "load", "load_plugin", "train"),
    "workflows.python.watch": ("watch",),
}
"""Module -> its names, which are imported when they are first used."""
_HOMES = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module `whyformer` has no attribute `{name}`")
    return getattr(importlib.import_module(f"whyformer.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
