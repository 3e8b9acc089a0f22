"""Names of variants: how they are registered, looked up, and read from settings."""

import importlib
import sys
from types import ModuleType
from typing import Annotated

import pytest

from whyformer.foundation.config import Settings, build
from whyformer.foundation.errors import ConfigError, PluginError, UsageError
from whyformer.foundation.registry import Registry, registered_by


class Base:
    """What every variant extends."""


SHAPES = Registry[type[Base]]("shape", Base)


@SHAPES.register("round")
class Round(Base):
    """A variant."""


class Chosen(Settings):
    """Settings that name a variant."""

    shape: Annotated[str, SHAPES] = "round"


def test_a_name_gives_the_class_that_was_registered_under_it():
    assert SHAPES["round"] is Round
    assert list(SHAPES) == ["round"]
    assert SHAPES.module_of("round") == __name__


def test_a_name_that_is_not_known_is_refused_with_the_nearest_one():
    with pytest.raises(UsageError, match=r"The shape `rond` is not known\. Did you mean `round`"):
        SHAPES["rond"]


@pytest.mark.parametrize("name", ["", "two words", "-x", "a/b"])
def test_a_name_that_cannot_be_typed_is_refused(name):
    with pytest.raises(PluginError, match="consists of letters"):
        SHAPES.register(name)


def test_what_does_not_extend_the_base_is_refused():
    for wrong in (int, Round(), print):
        with pytest.raises(PluginError, match=r"`square` must be a class that extends `.*Base`"):
            SHAPES.register("square")(wrong)
    with pytest.raises(PluginError, match="must be a function or a class"):
        Registry("schedule").register("flat")(3)
    assert "square" not in SHAPES


def test_another_module_may_not_take_a_name_but_a_cell_may_run_twice():
    code = "class Oval(Base): pass\nSHAPES.register('oval')(Oval)"
    for _ in range(2):
        exec(code, {"__name__": "notebook", "SHAPES": SHAPES, "Base": Base})
    assert SHAPES.module_of("oval") == "notebook"
    with pytest.raises(PluginError, match="`oval` is already registered by notebook"):
        exec(code, {"__name__": "other", "SHAPES": SHAPES, "Base": Base})
    SHAPES.forget("oval")
    assert "oval" not in SHAPES


def test_a_built_in_variant_cannot_be_removed_or_replaced():
    built_in = Registry[type[Base]]("shape", Base)
    with registered_by("whyformer.shapes"):
        built_in.register("x")(Base)
    with pytest.raises(UsageError, match="built in"):
        built_in.forget("x")
    with pytest.raises(PluginError, match=r"already registered by whyformer\.shapes"):
        built_in.register("x")(Round)


def test_settings_take_registered_names_only_and_the_schema_lists_them():
    assert build(Chosen, {"shape": "round"}, where="x").shape == "round"
    message = r'`shape` must be round \(or a name that a plugin registers: `--plugin`\), but "flat"'
    with pytest.raises(ConfigError, match=message):
        build(Chosen, {"shape": "flat"}, where="x")
    with pytest.raises(ConfigError, match="`shape` must be a text, but 3 was found"):
        build(Chosen, {"shape": 3}, where="x")
    assert Chosen.model_json_schema()["properties"]["shape"]["enum"] == ["round"]
    SHAPES.register("late")(Round)
    assert build(Chosen, {"shape": "late"}, where="x").shape == "late"
    SHAPES.forget("late")


@pytest.fixture
def members(tmp_path, monkeypatch) -> Registry[type[Base]]:
    """Return a registry whose built-in variants are in two modules that nobody has imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "shapes_registry", ModuleType("shapes_registry"))
    registry = Registry[type[Base]]("shape", Base, members=("shapes_late", "shapes_early"))
    vars(sys.modules["shapes_registry"]).update(SHAPES=registry, Base=Base)
    for name in ("early", "late"):
        monkeypatch.delitem(sys.modules, f"shapes_{name}", raising=False)
        (tmp_path / f"shapes_{name}.py").write_text(
            "from shapes_registry import SHAPES, Base\n"
            f"@SHAPES.register('{name}')\nclass Shape(Base): pass\n",
            encoding="utf-8",
        )
    yield registry
    Registry._all.remove(registry)
    for name in ("early", "late"):
        sys.modules.pop(f"shapes_{name}", None)


@pytest.mark.parametrize(
    "look",
    [
        lambda registry: registry["early"],
        lambda registry: "early" in registry,
        len,
        list,
        lambda registry: registry.module_of("early"),
        lambda registry: registry._known("early"),
        lambda registry: Registry.import_members(),
    ],
)
def test_members_are_imported_at_the_first_look_and_not_before(members, look):
    assert "shapes_early" not in sys.modules
    look(members)
    assert "shapes_early" in sys.modules


def test_names_are_in_the_order_of_the_members_however_they_were_imported(members):
    importlib.import_module("shapes_early")
    assert "shapes_late" not in sys.modules
    members.register("mine")(Round)
    assert list(members) == ["late", "early", "mine"]


def test_a_plugin_cannot_take_the_name_of_a_member_that_is_not_imported_yet(members):
    with pytest.raises(PluginError, match="`late` is already registered by shapes_late"):
        members.register("late")(Round)


def test_a_member_that_a_plugin_imports_first_is_not_taken_for_one_of_the_plugin(members):
    with registered_by("plugin"):
        importlib.import_module("shapes_early")
        members.register("mine")(Round)
    assert [members.module_of(name) for name in members] == [
        "shapes_late", "shapes_early", "plugin"
    ]  # fmt: skip
