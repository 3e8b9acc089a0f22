"""Settings as frozen pydantic models, with a strict reader for YAML and command-line flags.

Each settings class is defined next to the code that it configures. This file reads settings, and
converts the errors of pydantic into sentences that name the file, the line and the closest known
key.
"""

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from whyformer.foundation.errors import ConfigError, nearest
from whyformer.foundation.parsing import MAX_DEPTH, shown

INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)$")
DECIMAL = re.compile(r"[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$")
"""The only number format that is accepted in YAML and on the command line. Standard YAML 1.1 would
also read `0100` as 64 and `1:30` as 90."""


FAULTS = {
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be greater than {gt}",
    "int_type": "must be a whole number such as 100",
    "int_parsing": "must be a whole number such as 100",
    "int_from_float": "must be a whole number such as 100",
    "float_type": "must be a decimal number such as 100 or 0.5",
    "float_parsing": "must be a decimal number such as 100 or 0.5",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be a text",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "too_short": "must have at least {min_length} items",
    "too_long": "must have at most {max_length} items",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "name": "must be {expected} (or a name that a plugin registers: `--plugin`)",
    "number": "{must}",
}
"""For each error type of pydantic, the violated rule as text for the error message."""


class Settings(BaseModel):
    """Base class of all settings: immutable, rejects unknown keys, documented by field
    docstrings."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @field_validator("*", mode="before")
    @classmethod
    def _decimal_numbers(cls, value: Any, info: Any) -> Any:
        """If a field expects a number, reject booleans, and reject strings that are not decimal
        numbers."""
        field = cls.model_fields[str(info.field_name)]
        if not _holds_numbers(field.annotation):
            return value
        for one in value if isinstance(value, list | tuple) else (value,):
            wrong = isinstance(one, bool) or (isinstance(one, str) and not DECIMAL.match(one))
            if wrong:
                raise PydanticCustomError("number", "{must}", {"must": _rule_of(field.annotation)})
        return value


def _rule_of(kind: Any) -> str:
    options = {inner for one in (kind, *get_args(kind)) for inner in (one, *get_args(one))}
    return FAULTS["float_type" if float in options else "int_type"]


@functools.cache
def _holds_numbers(kind: Any) -> bool:
    """Return whether a type is int or float, or has one of them as an argument, such as `int |
    None`."""
    inner = get_args(kind)
    if inner:
        return any(map(_holds_numbers, inner))
    return kind in (int, float)


S = TypeVar("S", bound=Settings)
MAX_DIGITS = 30
"""Maximum number of digits of a whole number in YAML."""
MAX_CHARACTERS = 1 << 20
"""Maximum number of characters of a YAML text, and maximum number of values in it after its aliases
are expanded."""
Tree = dict[str, Any]
"""A nested mapping from YAML: section -> key -> value."""


class _LineLoader(yaml.SafeLoader):
    """A safe YAML loader that rejects duplicate keys and records the line of each key."""


def _mapping(loader: _LineLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    result: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise ConfigError(
                f"{key_node.start_mark.name}:{key_node.start_mark.line + 1}: "
                "a key must be a word, not a list or a section."
            )
        key = loader.construct_object(key_node, deep=True)
        if key in result:
            raise ConfigError(
                f"{key_node.start_mark.name}:{key_node.start_mark.line + 1}: "
                f"`{key}` is given twice in one section. Keep one of them."
            )
        result[key] = loader.construct_object(value_node, deep=True)
    return result


_LineLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_LineLoader.yaml_implicit_resolvers = {
    first: [one for one in found if one[0] not in _NUMBERS]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_LineLoader.add_implicit_resolver(_NUMBERS[0], INTEGER, list("-+0123456789"))
_LineLoader.add_implicit_resolver(_NUMBERS[1], DECIMAL, list("-+.0123456789"))


def _decimal(loader: _LineLoader, node: yaml.ScalarNode) -> float:
    return float(node.value)


def _whole(loader: _LineLoader, node: yaml.ScalarNode) -> int:
    if len(node.value) > MAX_DIGITS:
        raise ConfigError(
            f"{node.start_mark.name}:{node.start_mark.line + 1}: a whole number may have "
            f"{MAX_DIGITS} digits at most."
        )
    return int(node.value)


_LineLoader.add_constructor(_NUMBERS[0], _whole)
_LineLoader.add_constructor(_NUMBERS[1], _decimal)


def read_yaml(path: Path) -> tuple[Tree, dict[tuple[str, ...], int]]:
    """Read a YAML mapping and the line of each (nested) key.

    Raises: ConfigError when the file is missing, not UTF-8, not YAML, or not a mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"`{path}` does not exist. Give the path of a YAML recipe.") from None
    except IsADirectoryError:
        raise ConfigError(f"`{path}` is a directory. Give the path of a YAML recipe.") from None
    except OSError as error:
        raise ConfigError(
            f"`{path}` cannot be opened ({error.strerror}). Give the path of a YAML recipe."
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"`{path}` is not UTF-8 text ({error.reason}). Save it as UTF-8."
        ) from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, name: str) -> tuple[Tree, dict[tuple[str, ...], int]]:
    """Parse YAML text and return the same values as `read_yaml`.

    Args: name: the source of the text, for error messages.
    """
    try:
        loader = _LineLoader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(f"{name}:{line}: not valid YAML: {error.reason}.") from None
    loader.name = name
    try:
        if len(text) > MAX_CHARACTERS:
            raise ConfigError(f"{name}: a recipe may have {MAX_CHARACTERS} characters at most.")
        node = loader.get_single_node()
        if node is None:
            return {}, {}
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError(f"{name}:1: a recipe is a mapping of sections such as `model:`.")
        _limit(node, name)
        tree = loader.construct_document(node)
    except RecursionError:
        raise ConfigError(f"{name}: sections are nested deeper than {MAX_DEPTH} levels.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError(f"{name}:{line}: not valid YAML: {error.problem}.") from None
    lines: dict[tuple[str, ...], int] = {}
    _collect_lines(node, (), lines)
    return cast(Tree, tree), lines


def parse_value(text: str) -> Any:
    """Parse the text of a flag as YAML and return its value; if it is not valid YAML, return the
    text.

    >>> parse_value("100"), parse_value("1e3"), parse_value("0100"), parse_value("[0.9, 0.98]")
    (100, 1000.0, '0100', [0.9, 0.98])
    """
    try:
        return parse_yaml(f"value: {text}", "command line")[0]["value"]
    except (ConfigError, KeyError):
        return text


def _limit(root: yaml.Node, name: str) -> None:
    """Reject a YAML text with deep nesting, or with aliases that expand to too many values."""
    waiting, seen = [(root, 1)], 0
    while waiting:
        node, depth = waiting.pop()
        seen += 1
        if depth > MAX_DEPTH:
            raise ConfigError(f"{name}: sections are nested deeper than {MAX_DEPTH} levels.")
        if seen > MAX_CHARACTERS:
            raise ConfigError(f"{name}: the aliases expand to more than {MAX_CHARACTERS} values.")
        if isinstance(node, yaml.MappingNode):
            waiting += [(inner, depth + 1) for pair in node.value for inner in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(inner, depth + 1) for inner in node.value]


def _collect_lines(
    node: yaml.Node, prefix: tuple[str, ...], lines: dict[tuple[str, ...], int]
) -> None:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            path = (*prefix, str(key_node.value))
            lines[path] = key_node.start_mark.line + 1
            _collect_lines(value_node, path, lines)


def merge(base: Mapping[str, Any], override: Mapping[str, Any]) -> Tree:
    """Return ``base`` with the values of ``override``, merged section by section.

    >>> merge({"model": {"heads": 8, "layers": 6}}, {"model": {"heads": 4}})
    {'model': {'heads': 4, 'layers': 6}}
    """
    result = dict(base)
    for key, value in override.items():
        if isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merge(result[key], value)
        else:
            result[key] = value
    return result


def build(
    kind: type[S],
    tree: Mapping[str, Any],
    *,
    where: str,
    places: Mapping[tuple[str, ...], str] | None = None,
) -> S:
    """Create settings of the class ``kind`` from a tree of values.

    Args:
        where: the source of the tree, for error messages.
        places: for some keys, a more precise source, such as ``file.yaml:12`` or ``command line``.
    Raises: ConfigError with one sentence about the first wrong value.
    """
    try:
        return kind.model_validate(dict(tree))
    except ValidationError as failure:
        raise ConfigError(_explained(kind, failure, where, places or {})) from None


def build_from_json(kind: type[S], text: bytes, *, where: str) -> S:
    """Create settings of the class ``kind`` from JSON. The types must be exact: a number may not be
    a string.

    Args: where: the source of the text, for error messages.
    Raises: ConfigError with one sentence about the first wrong value.
    """
    try:
        return kind.model_validate_json(text, strict=True)
    except ValidationError as failure:
        raise ConfigError(_explained(kind, failure, where, {})) from None


def _explained(
    kind: type[BaseModel],
    failure: ValidationError,
    where: str,
    places: Mapping[tuple[str, ...], str],
) -> str:
    """Return one sentence about the first wrong value."""
    faults = failure.errors(include_url=False)
    # Report an unknown key first: it often causes another error (a missing required key).
    faults.sort(key=lambda fault: fault["type"] != "extra_forbidden")
    fault = faults[0]
    if fault["type"] == "json_invalid":
        return f"{where}: this must be JSON, but it is not: {fault.get('ctx', {}).get('error')}."
    raw = tuple(str(part) for part in fault["loc"])
    if not raw and fault["type"] == "model_type":
        return f"{where}: this must be an object with keys, but {shown(fault['input'])} was found."
    path, section = _resolved(kind, raw)
    return _sentence(section, path, fault, where, places)


def _sentence(
    section: type[BaseModel],
    path: tuple[str, ...],
    fault: Any,
    where: str,
    places: Mapping[tuple[str, ...], str],
) -> str:
    closest = (places[path[:k]] for k in range(len(path), 0, -1) if path[:k] in places)
    place = f"{next(closest, where)}: "
    name = ".".join(path)
    if fault["type"] == "extra_forbidden":
        return f"{place}`{name}` is not a setting.{nearest(path[-1], section.model_fields)}"
    if fault["type"] == "missing":
        return f"{place}`{name}` is required and was not given."
    if fault["type"] == "union_tag_invalid":
        found, known = fault["ctx"]["tag"], fault["ctx"]["expected_tags"].replace("'", "")
        hint = nearest(found, known.split(", "))
        return f"{place}`{name}.family` {shown(found)} is not known.{hint}"
    if fault["type"] == "value_error":  # the validators of whyformer write complete sentences
        return f"{place}{fault['ctx']['error']}"
    found = fault["input"]
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if fault["type"] not in FAULTS:
        rule = f"{fault['msg'][0].lower()}{fault['msg'][1:]}"
        return f"{place}`{name}`: {rule}, but {shown(found)} was found."
    rule = FAULTS[fault["type"]].format_map(fault.get("ctx", {})).replace("'", "")
    return f"{place}`{name}` {rule}, but {shown(found)} was found."


def _sections(kind: type[BaseModel], name: str) -> dict[str, type[BaseModel]]:
    """Return the settings classes that are possible for a field, by family name.

    If only one class is possible, its family name is "".
    """
    field = kind.model_fields.get(name)
    if field is None:
        return {}
    options = [field.annotation, *get_args(field.annotation)]
    options += [inner for option in options for inner in get_args(option)]
    found = [o for o in options if isinstance(o, type) and issubclass(o, BaseModel)]
    return {_family(section): section for section in found}


def _family(section: type[BaseModel]) -> str:
    field = section.model_fields.get("family")
    return "" if field is None else str(field.default)


def _resolved(
    kind: type[BaseModel], raw: tuple[str, ...]
) -> tuple[tuple[str, ...], type[BaseModel]]:
    """Return the path of an error, without the family names that pydantic adds, and the settings
    class in which the error occurred."""
    path: list[str] = []
    section, rivals = kind, {}
    for part in raw:
        if part in rivals:
            section, rivals = rivals[part], {}
            continue
        path.append(part)
        inner = _sections(section, part)
        if "" in inner:
            section, rivals = inner[""], {}
        else:
            rivals = inner
    return tuple(path), section
