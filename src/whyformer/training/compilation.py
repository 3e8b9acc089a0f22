"""Compile the layers of a model with `torch.compile` while a loss is computed.

A search uses the uncompiled layers: it calls them with a history and with a new length in every
step, so compiling would cost more time than it saves. Layers are compiled separately, and layers of
the same kind share the compiled code. So compiling twelve layers takes as long as compiling one.
Batch size and length are dynamic.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator

import torch
from torch import nn

from whyformer.foundation.errors import ConfigError
from whyformer.models.decoder import DecoderLayer
from whyformer.models.encoder import EncoderLayer
from whyformer.models.gpt import GPTLayer

COMPILERS = ("c++", "g++", "clang++")


class CompiledLayers:
    """The compiled versions of the layers of a model; the model uses them in an `at_work` block.

    Args: backend: the backend of `torch.compile`; inductor uses C++ for CPUs and Triton for GPUs.
    Raises: ConfigError when the model has no layers to compile, or no C++ compiler is found.
    """

    def __init__(self, model: nn.Module, backend: str = "inductor") -> None:
        kinds = (EncoderLayer, DecoderLayer, GPTLayer)
        layers: list[nn.Module] = [one for one in model.modules() if isinstance(one, kinds)]
        if not layers:
            raise ConfigError(
                "`training.compile` compiles the layers of a Transformer, but this model has none. "
                "Leave it out."
            )
        if backend == "inductor" and not any(map(shutil.which, (os.getenv("CXX", ""), *COMPILERS))):
            raise ConfigError(
                "`training.compile` needs a C++ compiler, but the variable CXX names none, and the "
                f"path contains none of {', '.join(COMPILERS)}. Install a compiler, or leave "
                "training.compile out."
            )
        self.twins = {
            layer: torch.compile(layer.forward, dynamic=True, backend=backend) for layer in layers
        }

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Use the compiled layers in the `with` block."""
        try:
            for layer, twin in self.twins.items():
                layer.forward = twin
            yield
        finally:
            for layer in self.twins:
                layer.__dict__.pop("forward", None)
