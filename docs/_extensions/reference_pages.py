"""Write docs/reference: one page per public package, one section per module, made by autodoc.

The pages are written before Sphinx looks for its sources and are not kept in git.
"""

from __future__ import annotations

import ast
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

INTERNAL = {"acceleration", "cli", "lab/experiments", "lab/pages"}
"""Packages without a page: no user imports them. `whyformer COMMAND --help` describes `cli`."""

HEAD = """# Python API

One page per package, from the bottom of the tree to the top. A package imports only from those
listed before it.

| package | what it holds |
| --- | --- |
"""


def public_packages(source: Path, order: list[str]) -> list[Path]:
    """Return the packages that get a page, in the order of the layers. Args: order: names."""
    found = [file.parent for file in source.rglob("__init__.py") if file.parent != source]
    names = {package: package.relative_to(source).as_posix() for package in found}
    public = [
        package
        for package, name in names.items()
        if not any(f"{name}/".startswith(f"{internal}/") for internal in INTERNAL)
    ]
    return sorted(public, key=lambda p: (order.index(names[p].partition("/")[0]), names[p]))


def first_sentence(module: Path) -> str:
    """Return the first line of a module's docstring."""
    text = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def page(package: Path, source: Path) -> str:
    """Return the page of a package: its own docstring, then every module."""
    dotted = ".".join(["whyformer", *package.relative_to(source).parts])
    parts = [f"# {dotted}", automodule(dotted)]
    for module in sorted(package.glob("*.py")):
        if not module.name.startswith("_"):
            name = f"{dotted}.{module.stem}"
            parts += [f"## {module.stem}", automodule(name)]
    return "\n\n".join(parts) + "\n"


def automodule(name: str) -> str:
    """Return the directive that documents the public members of a module."""
    return "\n".join(
        [
            "```{eval-rst}",
            f".. automodule:: {name}",
            "   :members:",
            "   :undoc-members:",
            "   :show-inheritance:",
            "```",
        ]
    )


def write_pages(source: Path, folder: Path, order: list[str]) -> None:
    """Write the page of every package, and the index."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    rows, names = [], []
    for package in [source, *public_packages(source, order)]:
        name = ".".join(["whyformer", *package.relative_to(source).parts])
        names.append(name)
        rows.append(f"| [{name}]({name}.md) | {first_sentence(package / '__init__.py')} |")
        (folder / f"{name}.md").write_text(page(package, source), encoding="utf-8", newline="\n")
    toctree = "\n".join(["```{toctree}", ":hidden:", "", *names, "```"])
    text = HEAD + "\n".join(rows) + "\n\n" + toctree + "\n"
    (folder / "index.md").write_text(text, encoding="utf-8", newline="\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_config_value("reference_source", "", "env")
    app.add_config_value("reference_order", [], "env")
    app.connect(
        "builder-inited",
        lambda app: write_pages(
            Path(app.config.reference_source),
            Path(app.srcdir) / "reference",
            app.config.reference_order,
        ),
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
