"""No module imports itself through others: at import, inside functions, or for types alone."""

import ast
import graphlib
from pathlib import Path

import pytest

import whyformer

PACKAGE = Path(whyformer.__file__).parent
LAZY = "whyformer"
"""The package itself offers `train` and `load` and imports them when they are first used."""


def name_of(file: Path, package: Path) -> str:
    parts = file.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(package: Path) -> dict[str, set[str]]:
    """Return which modules of a package each of its modules imports, anywhere in its text."""
    files = {name_of(file, package): file for file in package.rglob("*.py")}
    graph = {}
    for module, file in files.items():
        found = set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {one.name for one in node.names}
            elif isinstance(node, ast.ImportFrom):
                whole = [f"{node.module}.{one.name}" for one in node.names]
                found |= {one if one in files else str(node.module) for one in whole}
        graph[module] = found & files.keys() - {module}
    return graph


def refuse_cycles(graph: dict[str, set[str]]) -> None:
    """Raises: CycleError, which lists the modules of a cycle."""
    graphlib.TopologicalSorter(graph).prepare()


def test_no_module_imports_itself_through_others() -> None:
    graph = imports(PACKAGE)
    assert len(graph) > 200
    graph.pop(LAZY)
    refuse_cycles(graph)


@pytest.mark.parametrize(
    "how", ["from toy import a", "import toy.a", "def f():\n    from toy.a import f"]
)
def test_a_cycle_is_found(tmp_path: Path, how: str) -> None:
    package = tmp_path / "toy"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "a.py").write_text("from toy.b import f\n", encoding="utf-8")
    (package / "b.py").write_text("from toy import c\n", encoding="utf-8")
    (package / "c.py").write_text(how, encoding="utf-8")
    with pytest.raises(graphlib.CycleError, match=r"toy\.a"):
        refuse_cycles(imports(package))
