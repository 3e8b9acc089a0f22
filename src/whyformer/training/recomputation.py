"""Gradient checkpointing: store only the input of a layer; compute the layer again for gradients.

Paper: Chen et al. 2016 (arXiv:1604.06174), §4.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from whyformer.blocks.taps import unobserved
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.randomness import byte_state, restore_byte_state
from whyformer.models.decoder import DecoderLayer
from whyformer.models.encoder import EncoderLayer
from whyformer.models.gpt import GPTLayer

LAYERS = (EncoderLayer, DecoderLayer, GPTLayer)


class RecomputedLayers:
    """The layers of a model that are computed again in the backward pass, in an `at_work` block.

    The second computation uses the same dropout masks. After the second computation, the states of
    all random generators are restored. So the gradients and all later random numbers are the same
    as without gradient checkpointing, bit for bit.

    Raises: ConfigError when the model has no Transformer layers.
    """

    def __init__(self, model: nn.Module) -> None:
        self.layers = [one for one in model.modules() if isinstance(one, LAYERS)]
        if not self.layers:
            raise ConfigError(
                "`training.gradient_checkpointing` needs the layers of a Transformer, but "
                "this model has none. Leave it out."
            )

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Store only the inputs of the layers in this `with` block, when gradients are recorded."""
        former = {layer: layer.__dict__.get("forward") for layer in self.layers}
        try:
            for layer in self.layers:
                layer.forward = functools.partial(_recomputed, layer.forward)
            yield
        finally:
            for layer, forward in former.items():
                layer.__dict__.pop("forward", None)
                if forward is not None:
                    layer.forward = forward


def _recomputed(forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if not torch.is_grad_enabled():
        return forward(*args, **kwargs)
    return checkpoint(forward, *args, use_reentrant=False, context_fn=_contexts, **kwargs)


def _contexts() -> tuple[contextlib.AbstractContextManager, contextlib.AbstractContextManager]:
    return contextlib.nullcontext(), _again(byte_state())


@contextlib.contextmanager
def _again(state: list[int]) -> Iterator[None]:
    """Use ``state`` as the state of the stream of `random_bytes` in a `with` block, then restore
    the current state. For torch's own generators, torch does the same."""
    now = byte_state()
    restore_byte_state(state)
    try:
        with unobserved():
            yield
    finally:
        restore_byte_state(now)
