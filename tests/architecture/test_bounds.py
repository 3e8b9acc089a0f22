"""Every number that a user can give has bounds: settings by their fields, options by their type."""

import importlib
import pkgutil
import typing
from collections.abc import Iterator

import pytest
from cyclopts import App
from pydantic import TypeAdapter, ValidationError

import whyformer
from whyformer.cli.main import app
from whyformer.cli.shared.options import Bounds
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.config import Settings
from whyformer.training.distillation import DistillationSettings

HUGE = (10**30, -(10**30), float("inf"), float("nan"))


def sections() -> list[type[Settings]]:
    """Return every settings class of the package."""
    for module in pkgutil.walk_packages(whyformer.__path__, "whyformer."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, waiting = [], [Settings]
    while waiting:
        inner = [one for one in waiting.pop().__subclasses__() if one.__module__[:4] == "whyf"]
        found += inner
        waiting += inner
    return sorted(set(found), key=lambda one: one.__name__)


def kinds(annotation: object) -> set[object]:
    """Return the types that an annotation is made of."""
    return {annotation} | {one for arg in typing.get_args(annotation) for one in kinds(arg)}


def numbers() -> list[tuple[type[Settings], str]]:
    """Return every section and its numeric fields."""
    return [
        (section, name)
        for section in sections()
        for name, field in section.model_fields.items()
        if {int, float} & kinds(field.annotation)
    ]


@pytest.mark.parametrize(("section", "name"), numbers())
@pytest.mark.parametrize("huge", HUGE)
def test_every_numeric_setting_has_bounds(section: type[Settings], name: str, huge: float) -> None:
    field = section.model_fields[name]
    adapter = TypeAdapter(typing.Annotated[field.annotation, field])  # pyright: ignore
    value = (huge, huge) if tuple in {typing.get_origin(one) for one in kinds(field.annotation)} \
        else huge  # fmt: skip
    with pytest.raises(ValidationError):
        adapter.validate_python(value)


def options(parent: App, path: str = "") -> Iterator[tuple[str, typing.Any]]:
    """Yield the name and the argument of every option of every command."""
    for name in parent:
        if name.startswith("-"):
            continue
        command = parent[name]
        if command.default_command is not None:
            for argument in command.assemble_argument_collection():
                yield f"{path}{name} {argument.name}", argument
        yield from options(command, f"{path}{name} ")


NUMERIC = {name: argument for name, argument in options(app) if {int, float} & kinds(argument.hint)}


def test_the_walk_finds_options_of_commands_and_of_their_commands() -> None:
    assert {"translate --beam", "lab run --seeds", "bench --seconds"} <= NUMERIC.keys()


@pytest.mark.parametrize("name", NUMERIC)
def test_every_numeric_option_has_bounds_and_shows_them(name: str) -> None:
    parameter = NUMERIC[name].parameter
    assert isinstance(parameter.converter, Bounds), f"annotate `{name}` with within(low, high)"
    assert parameter.metavar == str(parameter.converter)


@pytest.mark.parametrize("name", NUMERIC)
def test_an_option_has_the_bounds_of_its_setting(name: str) -> None:
    section = DistillationSettings if name.startswith("distil ") else SearchSettings
    field = section.model_fields.get(name.partition("--")[2].replace("-", "_"))
    if field is None:
        return
    limits = {kind: getattr(one, kind) for one in field.metadata for kind in ("ge", "gt", "le")
              if hasattr(one, kind)}  # fmt: skip
    bounds = NUMERIC[name].parameter.converter
    assert bounds.high == limits["le"]
    assert bounds.low == limits.get("ge", limits.get("gt"))


@pytest.mark.parametrize(
    ("low", "text"),
    [
        *((1, text) for text in ("0100", "0x10", "1_000", "1:30", "1e9", "²", "9" * 400, "", "0")),
        *((0.0, text) for text in ("nan", "inf", "0x1p3", "1_0.5", "1:30", "1e400", "-1", ".")),
    ],
)
def test_a_number_is_decimal_and_within_its_bounds(low: float, text: str) -> None:
    from cyclopts import Token

    from whyformer.foundation.errors import UsageError

    with pytest.raises(UsageError, match="`--x` must be"):
        Bounds(low, 10**6)(None, [Token(keyword="--x", value=text)])


@pytest.mark.parametrize(
    ("low", "text", "number"), [(1, "100", 100), (0.0, ".5", 0.5), (0.0, "1e-3", 0.001)]
)
def test_decimal_numbers_are_read(low: float, text: str, number: float) -> None:
    from cyclopts import Token

    assert Bounds(low, 10**6)(None, [Token(keyword="--x", value=text)]) == number
