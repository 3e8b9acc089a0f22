"""A model's layers compiled by `torch.compile`, for the time in which a loss is computed.

Only then: a search calls the same layers with a history and with new lengths at every step, for
which compiling never pays. Layers are compiled one by one, and those of one kind share their code,
so that compiling takes as long for twelve layers as for one; batch and length stay open.
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
    """The compiled twins of a model's layers; `at_work` puts them in place.

    Args: backend: of `torch.compile`; inductor writes C++ for CPUs and Triton for GPUs.
    Raises: ConfigError when the model has no such layers, or no C++ compiler is there.
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
                "`training.compile` needs a C++ compiler, but neither CXX names one nor is "
                f"{', '.join(COMPILERS)} on the path. Install one, or leave it out."
            )
        self.twins = {
            layer: torch.compile(layer.forward, dynamic=True, backend=backend) for layer in layers
        }

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Let the layers compute by their compiled twins."""
        try:
            for layer, twin in self.twins.items():
                layer.forward = twin
            yield
        finally:
            for layer in self.twins:
                layer.__dict__.pop("forward", None)
