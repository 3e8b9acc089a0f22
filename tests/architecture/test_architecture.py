"""What the house says of itself holds: directions, docstrings, papers, settings."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import whyformer
from whyformer.foundation.config import Settings
from whyformer.training.optimizers import OPTIMIZERS, reads

PACKAGE = Path(whyformer.__file__).parent
ROOT = PACKAGE.parent.parent
FILES = sorted(PACKAGE.rglob("*.py"))


def module_name(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def public(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield public functions, classes and methods, not those inside functions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if not child.name.startswith("_"):
                yield f"{prefix}{child.name}", child
                if isinstance(child, ast.ClassDef):
                    yield from public(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.If | ast.Try):
            yield from public(child, prefix)


def settings_classes() -> list[type[Settings]]:
    for file in FILES:
        if "Settings" in file.read_text(encoding="utf-8"):
            importlib.import_module(module_name(file))
    found, queue = [], [Settings]
    while queue:
        for kind in queue.pop().__subclasses__():
            if kind.__module__.startswith("whyformer."):
                found.append(kind)
            queue.append(kind)
    return sorted(found, key=lambda kind: kind.__qualname__)


def test_packages_import_downwards_only():
    command = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_text_needs_no_tensors():
    modules = [module_name(file) for file in FILES if file.parent.name == "text"]
    imports = "\n".join(f"import {name}" for name in modules)
    command = f"import sys\n{imports}\nsys.exit('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr or "whyformer.text imported torch"


def test_everything_public_says_what_it_is():
    silent = []
    for file in FILES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        nodes = [("", tree), *public(tree)] if tree.body else []
        silent += [
            f"{file.relative_to(PACKAGE)}: {name or 'the module'}"
            for name, node in nodes
            if not ast.get_docstring(node)  # pyright: ignore[reportArgumentType]
        ]
    assert silent == []


def test_every_paper_of_the_network_side_names_its_section():
    without, papers = [], 0
    for file in FILES:
        if file.parent.name not in ("blocks", "models", "training"):
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for name, node in public(tree):
            text = ast.get_docstring(node) or ""  # pyright: ignore[reportArgumentType]
            for match in re.finditer(r"Paper: ", text):
                papers += 1
                claim = text[match.end() :].split("\n\n")[0]
                if not re.search(r"§\d|Table \d|Figure \d", claim):
                    without.append(f"{file.relative_to(PACKAGE)}: {name}")
    assert papers >= 15
    assert without == []


@pytest.mark.parametrize("package", ["blocks", "models"])
def test_the_parts_of_the_paper_name_the_paper(package):
    cited = " ".join(
        file.read_text(encoding="utf-8") for file in FILES if file.parent.name == package
    )
    wanted = {
        "blocks": ["§3.2.1, Eq. 1", "§3.2.2", "§3.2.3", "§3.3, Eq. 2", "§3.4", "§3.5", "§5.4"],
        "models": ["§3.1", "§3.2.3", "Figure 1", "Table 3"],
    }[package]
    assert [place for place in wanted if place not in cited] == []


def test_every_setting_is_documented():
    silent = [
        f"{kind.__qualname__}.{name}"
        for kind in settings_classes()
        for name, field in kind.model_fields.items()
        if not field.description
        and not (inspect.isclass(field.annotation) and issubclass(field.annotation, Settings))
    ]
    assert silent == []


def test_every_setting_is_read_by_some_code():
    # An optimizer receives the settings that the arguments of its maker name.
    read: set[str] = {name for kind in OPTIMIZERS for name in reads(kind)}
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                read.add(node.attr)
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "get":
                read |= {
                    str(a.value) for a in node.args if isinstance(a, ast.Constant)
                }  # tree.get("preset")
    unread = [
        f"{kind.__qualname__}.{name}"
        for kind in settings_classes()
        for name in kind.model_fields
        if name not in read
    ]
    assert unread == []


def test_commands_write_json_in_one_place_that_refuses_what_is_no_number():
    for file in (PACKAGE / "cli").rglob("*.py"):
        assert ("dumps(" in file.read_text(encoding="utf-8")) == (file.name == "streams.py"), file
