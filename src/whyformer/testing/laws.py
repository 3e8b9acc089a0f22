"""Helper functions that check a law. If the law is broken, they report the law, the observation and
the shape of the input."""

import contextlib
import functools
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ParamSpec

import torch
from torch import Tensor, nn

from whyformer.foundation.errors import WhyformerError

P = ParamSpec("P")
OTHERS = (str(Path(__file__).parents[1]), "site-packages", "dist-packages", "<")
"""If the path of a file contains one of these strings, the code in the file does not belong to the
checked variant."""

RELATIVE, ABSOLUTE = 1e-4, 2e-5
"""Tolerances for two float32 results that are summed in a different order."""


class BrokenLaw(AssertionError):
    """Error for a variant that breaks a law on which whyformer relies."""


def stating_failures(check: Callable[P, None]) -> Callable[P, None]:
    """Let a check raise `BrokenLaw` if the variant raises any other exception.

    For example, a method without a required argument raises TypeError.
    """

    @functools.wraps(check)
    def checked(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            check(*args, **kwargs)
        except (BrokenLaw, WhyformerError):
            raise
        except Exception as error:
            variant = args[0] if args else next(iter(kwargs.values()), check)
            frames = traceback.extract_tb(error.__traceback__)
            own = [one for one in frames if not any(part in one.filename for part in OTHERS)]
            where = f" ({own[-1].filename}:{own[-1].lineno})" if own else ""
            reason = str(error).split("\n")[0].rstrip(".")
            raise BrokenLaw(
                f"{name_of(variant)}: a call by whyformer must succeed, but it failed{where}: "
                f"{type(error).__name__}: {reason}."
            ) from error

    return checked


def name_of(variant: object) -> str:
    """Return the name of a class or function; for another object, the name of its class."""
    return getattr(variant, "__name__", type(variant).__name__)


def require_base(variant: object, base: type) -> None:
    """Raise `BrokenLaw` unless the variant is a class that extends ``base``."""
    fits = isinstance(variant, type) and issubclass(variant, base)
    found = (
        "it does not" if isinstance(variant, type) else f"it is not a class: {repr(variant)[:80]}"
    )
    law = f"it must extend `{base.__module__}.{base.__name__}`"
    require(fits, name_of(variant), law, found)


def require(holds: object, subject: str, law: str, found: str) -> None:
    """Raise `BrokenLaw` unless ``holds``.

    Args:
        subject: name of the checked object, such as a class.
        law: the law as a clause: "`embed` must …".
        found: the observation that contradicts the law, with the shape.
    """
    if not holds:
        raise BrokenLaw(f"{subject}: {law}, but {found}.")


def require_shape(tensor: object, shape: tuple[int, ...], subject: str, what: str) -> None:
    """Raise `BrokenLaw` unless ``tensor`` is a tensor of this shape."""
    law = f"{what} must have the shape {shape}"
    if not isinstance(tensor, Tensor):
        raise BrokenLaw(f"{subject}: {law}, but {type(tensor).__name__} was returned.")
    require(tuple(tensor.shape) == shape, subject, law, f"its shape is {tuple(tensor.shape)}")


def require_close(found: Tensor, wanted: Tensor, subject: str, law: str, where: str) -> None:
    """Raise `BrokenLaw` unless two tensors have equal numbers, up to rounding in float32.

    Args: where: description of the shapes, for the message.
    """
    if found.shape != wanted.shape:
        shapes = f"the shapes are {tuple(found.shape)} and {tuple(wanted.shape)}"
        raise BrokenLaw(f"{subject}: {law}, but {shapes} ({where}).")
    if not torch.allclose(found, wanted, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=False):
        apart = (found - wanted).abs().max().item()
        raise BrokenLaw(f"{subject}: {law}, but they differ by {apart:.2g} ({where}).")


def require_finite(tensor: Tensor, subject: str, what: str) -> None:
    """Raise `BrokenLaw` if a tensor contains NaN or infinity."""
    bad = int((~tensor.isfinite()).sum())
    require(bad == 0, subject, f"{what} must be finite", f"{bad} of {tensor.numel()} are not")


def require_gradients(module: nn.Module, subject: str, where: str) -> None:
    """Raise `BrokenLaw` unless every parameter has a finite gradient. Call this after
    `backward`."""
    for name, parameter in module.named_parameters():
        law = f"a gradient must reach the parameter `{name}`"
        require(parameter.grad is not None, subject, law, f"it has no gradient ({where})")
        assert parameter.grad is not None
        require_finite(parameter.grad, subject, f"the gradient of `{name}` ({where})")


@contextlib.contextmanager
def unchanged(module: nn.Module, subject: str, what: str) -> Iterator[None]:
    """In a `with` block, raise `BrokenLaw` if the saved state of a module changes.

    Args: what: name of the calls in the block, for the message.
    """
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    yield
    for name, tensor in module.state_dict().items():
        law = f"{what} must not change the saved state of the model"
        same = name in before and torch.equal(before[name], tensor)
        require(same, subject, law, f"`{name}` changed")


@contextlib.contextmanager
def repeatable(seed: int = 0) -> Iterator[torch.Generator]:
    """In a `with` block, draw random numbers from ``seed``, so that each such block draws the same
    numbers. At the end, restore the random state of torch."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield torch.Generator().manual_seed(seed)


def build_module(kind: type, subject: str, *args: object, **kwargs: object) -> nn.Module:
    """Build a module with the arguments that whyformer passes, and add noise to its parameters.

    Without the noise, parameters that are initially zero would hide errors.
    """
    try:
        module = kind(*args, **kwargs)
    except TypeError as error:
        raise BrokenLaw(
            f"{subject}: whyformer must be able to build it, but the call failed: {error}."
        ) from None
    require(isinstance(module, nn.Module), subject, "it must be an `nn.Module`", "it is not")
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return module.eval()
