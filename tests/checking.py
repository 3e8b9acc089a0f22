"""The checker of annotations that the import hook puts on every function of whyformer."""

from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype

# An int may stand where a float is asked for, as PEP 484 says and the type checker reads it.
CHECKED = beartype(conf=BeartypeConf(is_pep484_tower=True))


def check_outer(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check with beartype, but not functions inside functions, which are made anew at every call.

    Compiling their checks each time would make a forward pass of a tiny model ten times slower.
    """
    return function if "<locals>" in function.__qualname__ else CHECKED(function)
