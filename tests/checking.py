"""The checker of annotations that the import hook puts on the functions of some packages."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jaxtyping
from beartype import BeartypeConf, beartype

# An int may stand where a float is asked for, as PEP 484 says and the type checker reads it.
CHECKED = beartype(conf=BeartypeConf(is_pep484_tower=True))
PACKAGES = {
    "acceleration", "blocks", "bundle", "charts", "data", "decoding", "evaluation", "foundation",
    "models", "text", "training",
}  # fmt: skip
"""The packages whose signatures are checked while their own tests run. In others, whole trainings
would take about five times as long, and only the type checker reads the signatures."""
_jaxtyped = jaxtyping.jaxtyped


def install_checks() -> None:
    """Check the signatures of `PACKAGES`, which must not have been imported yet."""
    jaxtyping.jaxtyped = jaxtyped_when_called
    names = [f"whyformer.{name}" for name in sorted(PACKAGES)]
    jaxtyping.install_import_hook(names, "checking.CHECKED")


def jaxtyped_when_called(*, typechecker: Callable[..., Any]) -> Callable[[Any], Any]:
    """Return a decorator that checks as `jaxtyping.jaxtyped` does, from the first call on.

    Most functions are never called with checks, and compiling the checks of all of them when they
    are imported took most of the time of collecting the tests. Functions inside functions, which
    are created at every call, are not checked: compiling their checks each time would make a
    forward pass of a tiny model ten times slower.
    """

    def decorate(function: Any) -> Any:
        if isinstance(function, type):
            if dataclasses.is_dataclass(function) and "__init__" in vars(function):
                function.__init__ = decorate(function.__init__)
            return function
        if "<locals>" in function.__qualname__:
            return function

        @functools.cache
        def compiled() -> Callable[..., Any]:
            return _jaxtyped(function, typechecker=typechecker)

        @functools.wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            if jaxtyping.config.jaxtyping_disable:
                return function(*args, **kwargs)
            return compiled()(*args, **kwargs)

        return checked

    return decorate
