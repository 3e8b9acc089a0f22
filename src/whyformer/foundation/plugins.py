"""Plugins: files and packages outside whyformer that register variants.

A plugin is imported when the user names it (`--plugin`, `load`) or has installed a package with an
entry point in the group `whyformer.plugins`. A model records the plugins it needs, but reading a
model never imports anything: the record is only compared with the plugins that the user has loaded.
"""

import contextlib
import functools
import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from pydantic import BaseModel

from whyformer.foundation.errors import PluginError
from whyformer.foundation.registry import PACKAGE, Registry, registered_by

GROUP = "whyformer.plugins"
"""Name of the group of entry points that are plugins; `cli.main` searches for this group, too."""
OF_FILES = "whyformer_plugins"
"""Prefix of the names of modules that are loaded from files. With this prefix, a plugin `random.py`
does not replace the module `random`."""
SHOWN_DIGITS = 12
_imported: dict[str, str | None] = {}
"""For each imported module, the hash of its source at the time of the import. The source file may
change later."""
_sources: dict[str, str] = {}
"""For the module of each loaded plugin, the argument with which `load` loads it in another
process."""


@dataclass(frozen=True)
class Plugin:
    """The facts about a plugin that a run records.

    Args:
        name: name of the file without its extension, or of the package; `__main__` in a
            notebook.
        version: `__version__` of the module; if it has none, the version of its distribution; if
            there is none either, None.
        sha256: the hash of its Python source; None if the source is not in files.
    """

    name: str
    version: str | None
    sha256: str | None

    def __str__(self) -> str:
        version = f"version {self.version}" if self.version else "no version"
        digest = f"SHA-256 {self.sha256[:SHOWN_DIGITS]}…" if self.sha256 else "no source file"
        return f"`{self.name}` ({version}, {digest})"


def load(source: str) -> Plugin:
    """Import a plugin, so that it registers its variants. If its file was edited after an earlier
    import, it is imported again.

    Args: source: the path of a Python file or of the directory of a package, or the name of a
        module that Python can import.
    Raises: PluginError when the plugin does not exist, when its import fails, or when another
        plugin with the same name is loaded.
    """
    path = Path(source)
    if path.suffix == ".py" or path.is_dir():
        file = path / "__init__.py" if path.is_dir() else path
        if not file.is_file():
            raise PluginError(
                f"The plugin `{source}` does not exist. Give a Python file, a directory with an "
                "`__init__.py`, or the name of an installed package."
            )
        module = _from_file(file.resolve(), path.resolve().stem, source)
        _sources[module.__name__] = str(path.resolve())
        return _described(module)
    if source not in sys.modules:
        with _failures_of(source), registered_by(source):
            importlib.import_module(source)
    _sources[_top(source)] = source
    return _described(sys.modules[source])


def unload(name: str) -> None:
    """Remove a plugin that was loaded from a file, and all variants that it registered."""
    module = f"{OF_FILES}.{name}"
    Registry.forget_module(module)
    _sources.pop(module, None)
    for one in [key for key in sys.modules if key == module or key.startswith(f"{module}.")]:
        del sys.modules[one]


@functools.cache
def load_installed() -> None:
    """Import the plugins that installed packages declare. Later calls do nothing."""
    for point in metadata.entry_points(group=GROUP):
        with _failures_of(point.value), registered_by(point.module):
            point.load()
        _sources[_top(point.module)] = point.module


def sources() -> list[str]:
    """Return the arguments of `load` that load the same plugins in another process."""
    registered = {_top(module) for module in Registry.modules()}
    return [source for module, source in _sources.items() if module in registered]


def failure(error: BaseException) -> str | None:
    """Return a sentence about an error that a loaded plugin raised; None for any other error."""
    own = str(Path(__file__).parents[1])
    files = {name: getattr(sys.modules.get(name), "__file__", None) for name in _sources}
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        for name, file in files.items():
            path = Path(str(file))
            place = str(path.parent if path.name == "__init__.py" else path)
            if file and frame.filename.startswith(place):
                plugin = name.removeprefix(f"{OF_FILES}.")
                reason = str(error).split("\n")[0].rstrip(".")
                return (
                    f"The plugin `{plugin}` failed at {frame.filename}:{frame.lineno}: "
                    f"{type(error).__name__}: {reason}. Correct the plugin, then run the same "
                    "command again."
                )
        if frame.filename.startswith(own):
            return None
    return None


def loads_elsewhere(module: str) -> bool:
    """Return whether another process gets the variants of a module when it loads `sources()`.

    The result is False for the variants of a notebook, of a script, or of a module that was
    imported without `load`.
    """
    return _top(module) in (PACKAGE, *_sources)


def used_by(settings: BaseModel, *more: tuple[Registry[Any], str]) -> list[Plugin]:
    """Return the plugins that registered the variants named in ``settings``, in alphabetical order.

    Args: more: further registries, each with the name of a variant that is used.
    """
    modules = {_top(registry.module_of(name)) for registry, name in (*_names(settings), *more)}
    modules.discard(PACKAGE)
    return [_described(sys.modules[module]) for module in sorted(modules)]


def recorded(plugins: Iterable[Plugin]) -> list[dict[str, Any]]:
    """Return the facts about plugins as JSON values, to record them with a model."""
    return [asdict(one) for one in plugins]


def compare(record: Any, what: str) -> list[str]:
    """Compare the recorded plugins with the loaded plugins. Nothing is imported.

    Args: what: the object that contains the record, as the subject of a sentence.
    Returns: a sentence for each loaded plugin that differs from the record.
    Raises: PluginError when a recorded plugin is not loaded; ValueError when the record is
        malformed.
    """
    notes: list[str] = []
    for wanted in _parsed(record):
        loaded = (sys.modules.get(f"{OF_FILES}.{wanted.name}"), sys.modules.get(wanted.name))
        module = next((one for one in loaded if one and _has_registered(one)), None)
        if module is None:
            raise PluginError(
                f"{what} needs the plugin {wanted}, which is not loaded. Add "
                f"`--plugin {wanted.name}.py` with the path of its file, or `--plugin "
                f"{wanted.name}` if it is an installed package. In Python, call "
                "`whyformer.load_plugin` first."
            )
        if (found := _described(module)) != wanted:
            notes.append(f"{what} was made with the plugin {wanted}, but {found} is loaded.")
    return notes


def _parsed(record: Any) -> list[Plugin]:
    if not isinstance(record, list):
        raise ValueError("`plugins` must be a list")
    for one in record:
        if not isinstance(one, dict) or one.keys() != Plugin.__dataclass_fields__.keys():
            raise ValueError("each of `plugins` must have a name, a version and a SHA-256")
        kinds = {"name": str, "version": str | None, "sha256": str | None}
        if wrong := [key for key, kind in kinds.items() if not isinstance(one[key], kind)]:
            raise ValueError(f"`{wrong[0]}` of a plugin has the wrong type")
    return [Plugin(**one) for one in record]


def _from_file(file: Path, stem: str, source: str) -> ModuleType:
    """Import a file as a module with a unique name. An unchanged file is imported only once."""
    name = f"{OF_FILES}.{stem}"
    if (loaded := sys.modules.get(name)) is not None:
        if Path(str(loaded.__file__)) != file:
            raise PluginError(
                f"`{source}` and `{loaded.__file__}` have the same name. Rename one of them."
            )
        if _imported[name] == _source_hash(loaded):
            return loaded
        unload(stem)
    if OF_FILES not in sys.modules:
        parent = ModuleType(OF_FILES)
        parent.__path__ = []
        sys.modules[OF_FILES] = parent
    places = [str(file.parent)] if file.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=places)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    _imported[name] = _source_hash(module)
    sys.modules[name] = module
    try:
        with _failures_of(source), registered_by(name):
            spec.loader.exec_module(module)
    except BaseException:
        unload(stem)
        raise
    return module


@contextlib.contextmanager
def _failures_of(source: str) -> Iterator[None]:
    """In a `with` block, convert an error during the import of a plugin into a sentence that names
    the file and the line."""
    try:
        yield
    except PluginError:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and error.name == source.split(".")[0]:
            raise PluginError(
                f"The plugin `{source}` is neither a file nor a module that Python can import. "
                "Give the path of its file, or install its package."
            ) from None
        if isinstance(error, SyntaxError):
            place, reason = f"{error.filename}:{error.lineno}", error.msg
        else:
            last = traceback.extract_tb(error.__traceback__)[-1]
            place, reason = f"{last.filename}:{last.lineno}", str(error)
        raise PluginError(
            f"The plugin `{source}` failed at {place}: {type(error).__name__}: {reason}."
        ) from error


def _names(settings: BaseModel) -> Iterator[tuple[Registry[Any], str]]:
    """Yield the registry and the name of each variant that a field of ``settings`` selects."""
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, BaseModel):
            yield from _names(value)
        for registry in field.metadata:
            if isinstance(registry, Registry) and isinstance(value, str):
                yield registry, value
        for option in get_args(field.annotation):  # a list of names
            for registry in getattr(option, "__metadata__", ()):
                if isinstance(registry, Registry) and isinstance(value, list | tuple):
                    yield from ((registry, one) for one in value)


def _has_registered(module: ModuleType) -> bool:
    return any(_top(name) == module.__name__ for name in Registry.modules())


def _top(module: str) -> str:
    """Return the name of the top-level module of a plugin: the package, if ``module`` is part of
    one."""
    first, *rest = module.split(".")
    return f"{first}.{rest[0]}" if first == OF_FILES and rest else first


def _described(module: ModuleType) -> Plugin:
    name = module.__name__.removeprefix(f"{OF_FILES}.").split(".")[0]
    whole = sys.modules[_top(module.__name__)]
    version = getattr(whole, "__version__", None)
    if version is None and not module.__name__.startswith(OF_FILES):
        version = _installed_version(name)
    digest = _imported.setdefault(whole.__name__, _source_hash(whole))
    return Plugin(name, None if version is None else str(version), digest)


def _installed_version(package: str) -> str | None:
    distributions: Mapping[str, list[str]] = metadata.packages_distributions()
    found = distributions.get(package)
    return metadata.version(found[0]) if found else None


def _source_hash(module: ModuleType) -> str | None:
    """Return the hash of a module's file; for a package, the hash of all Python files and their
    names."""
    file = getattr(module, "__file__", None)
    if file is None or not Path(file).is_file():
        return None
    path, digest = Path(file), hashlib.sha256()
    if path.name != "__init__.py":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    for one in sorted(path.parent.rglob("*.py")):
        content = hashlib.sha256(one.read_bytes()).hexdigest()
        digest.update(f"{one.relative_to(path.parent).as_posix()} {content}\n".encode())
    return digest.hexdigest()
