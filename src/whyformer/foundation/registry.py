"""Registries: choose a variant by name, from the package or from a plugin.

A registry contains the variants of one kind. Built-in variants and those of plugins are registered
in the same way:

    @POSITIONS.register("mine")
    class Mine(Positions): ...

A settings field that contains the name of a variant has the type `Annotated[str, POSITIONS]`. So
pydantic accepts only registered names, and the JSON Schema lists these names.
"""

import contextlib
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from whyformer.foundation.errors import PluginError, UsageError, nearest

T = TypeVar("T")
V = TypeVar("V")
PACKAGE = "whyformer"
_registering: ContextVar[str | None] = ContextVar("registering", default=None)
_REGISTERED = re.compile(r'^@\w+\.register\("([^"]+)"\)', re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@contextlib.contextmanager
def registered_by(module: str) -> Iterator[None]:
    """Record ``module`` as the owner of all variants that are registered in this block.

    Built-in variants are imported before the block, so that ``module`` does not become their owner.
    """
    Registry.import_members()
    token = _registering.set(module)
    try:
        yield
    finally:
        _registering.reset(token)


def _same_source(first: str, second: str) -> bool:
    """Return whether two names belong to the same module or to modules from the same file."""
    if first == second:
        return True
    files = [getattr(sys.modules.get(name), "__file__", None) for name in (first, second)]
    return None not in files and Path(str(files[0])).resolve() == Path(str(files[1])).resolve()


class Registry(Mapping[str, T], Generic[T]):
    """The variants of one kind by name, in the order of registration.

    Args:
        kind: the kind of variant in words for messages, for example "position scheme".
        base: the class that every variant must extend; None allows any callable.
        members: modules that register the built-in variants when they are imported. The registry
            imports them at its first use, in this order. So these modules may import the module
            that defines the registry.
    """

    _all: ClassVar[list["Registry[Any]"]] = []

    def __init__(self, kind: str, base: type | None = None, *, members: Sequence[str] = ()) -> None:
        self.kind, self.base, self.members = kind, base, members
        self._complete = not members
        self._all.append(self)
        self._variants: dict[str, T] = {}
        self._modules: dict[str, str] = {}

    def register(self, name: str) -> Callable[[V], V]:
        """Return a decorator that adds a class or function under ``name``.

        A module may register the same name again, so that a notebook cell can be run twice. A
        module that was loaded again from the same file may do this, too.
        Raises: PluginError for a name that another module has registered, for a name with invalid
            characters, and for a class that does not extend the base.
        """
        if not _NAME.fullmatch(name):
            raise PluginError(
                "A registered name consists of letters, digits, `-`, `_` and `.`, but "
                f"{name!r} was given."
            )

        def add(variant: V) -> V:
            self._refuse_unfit(name, variant)
            module = _registering.get() or getattr(variant, "__module__", "__main__")
            # A member registers its variants during its import. During this time, the members must
            # not be imported again.
            found = self._variants if module in self.members else self._found
            if name in found and not _same_source(self._modules[name], module):
                raise PluginError(
                    f"The {self.kind} `{name}` is already registered by {self._modules[name]}. "
                    "Choose another name."
                )
            found[name] = variant  # pyright: ignore[reportArgumentType]
            self._modules[name] = module
            return variant

        return add

    def forget(self, name: str) -> None:
        """Remove a variant that is not built in, for tests and notebooks."""
        if self.module_of(name).split(".")[0] == PACKAGE:
            raise UsageError(f"The {self.kind} `{name}` is built in and cannot be removed.")
        del self._found[name], self._modules[name]

    @classmethod
    def import_members(cls) -> None:
        """Import the built-in variants of every registry."""
        for registry in list(cls._all):
            registry._import_members()

    def _import_members(self) -> None:
        if self._complete:
            return
        for module in self.members:
            importlib.import_module(module)
        places = {module: place for place, module in enumerate(self.members)}
        order = sorted(
            self._variants, key=lambda name: places.get(self._modules[name], len(places))
        )
        self._variants = {name: self._variants[name] for name in order}
        self._complete = True

    @property
    def _found(self) -> dict[str, T]:
        """The variants by name, including all built-in variants."""
        self._import_members()
        return self._variants

    @classmethod
    def modules(cls) -> set[str]:
        """Return the names of all modules that have registered a variant in any registry."""
        return {module for registry in cls._all for module in registry._modules.values()}

    @classmethod
    def forget_module(cls, module: str) -> None:
        """Remove the variants of a module, and of all modules inside it, from every registry."""
        for registry in cls._all:
            for name, owner in list(registry._modules.items()):
                if owner == module or owner.startswith(f"{module}."):
                    registry.forget(name)

    def module_of(self, name: str) -> str:
        """Return the name of the module that registered a variant."""
        self[name]
        return self._modules[name]

    def __getitem__(self, name: str) -> T:
        """Return a variant. Raises: UsageError when the name is not known."""
        try:
            return self._found[name]
        except KeyError:
            raise UsageError(
                f"The {self.kind} `{name}` is not known.{nearest(str(name), self._found)}"
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def names(self) -> list[str]:
        """Return all names without importing the modules of built-in variants.

        Before these modules are imported, the names are read from their source. `--help` only lists
        names, and importing torch for this would take seconds.
        """
        if self._complete:
            return list(self)
        found: list[str] = []
        for module in self.members:
            file = Path(__file__).parents[1].joinpath(*module.split(".")[1:]).with_suffix(".py")
            found += _REGISTERED.findall(file.read_text(encoding="utf-8"))
        return [*found, *(name for name in self._variants if name not in found)]

    def listed(self) -> str:
        """Return the names as text: "a, b or c"."""
        *some, last = self
        return f"{', '.join(some)} or {last}" if some else last

    def _refuse_unfit(self, name: str, variant: object) -> None:
        if self.base is None:
            if not callable(variant):
                raise PluginError(f"The {self.kind} `{name}` must be a function or a class.")
        elif not (inspect.isclass(variant) and issubclass(variant, self.base)):
            raise PluginError(
                f"The {self.kind} `{name}` must be a class that extends "
                f"`{self.base.__module__}.{self.base.__name__}`."
            )

    def _known(self, name: str) -> str:
        # Imported here, because --help does not need this module.
        from pydantic_core import PydanticCustomError

        if name not in self._found:
            raise PydanticCustomError("name", "must be {expected}", {"expected": self.listed()})
        return str(name)

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self._known, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return handler(schema) | {"enum": list(self)}
