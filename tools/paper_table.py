"""Write docs/paper-to-code.md from the docstrings: the place of each equation, and differences.

A docstring names its source after `Paper:` (Vaswani et al. 2017) or `Source:` (another paper), and
differences from it after `Differs:`. With `--check`, nothing is written, and an outdated page is an
error.
"""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "paper-to-code.md"
FIELD = re.compile(
    r"^(Paper|Source|Differs):\s*(.*?)(?=^\s*(?:[A-Z][a-z]+:|>>>)|\Z)", re.MULTILINE | re.DOTALL
)
HEAD = """# From the paper to the code

`python tools/paper_table.py` generates this page from the docstrings. The column "differs" lists
every known difference between the code and its source. An empty cell means that no
difference is known.

| where | what | source | differs |
| --- | --- | --- | --- |
"""


def rows() -> list[tuple[str, str, str, str]]:
    """Return (place, first paragraph, source, differs) of every docstring that names a source."""
    found = []
    for path in sorted((ROOT / "src" / "whyformer").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        place = path.relative_to(ROOT / "src").as_posix()
        for node, name in _named(tree):
            text = ast.get_docstring(node) or ""
            fields = _fields(text)
            source = " ".join(fields[key] for key in ("Paper", "Source") if key in fields)
            if source:
                first = " ".join(text.split("\n\n")[0].split())
                first = re.split(r"(?:Paper|Source):", first)[0].strip()
                found.append((f"`{place}` {name}", first, source, fields.get("Differs", "")))
    return found


def _named(tree: ast.Module) -> list[tuple[ast.AST, str]]:
    places: list[tuple[ast.AST, str]] = [(tree, "")]
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            places.append((node, f"`{node.name}`"))
    return places


def _fields(text: str) -> dict[str, str]:
    # A field can also follow a sentence on the same line: "GELU … . Source: …"
    text = re.sub(r"(?<=[.)])\s+(Paper|Source):", r"\n\1:", text)
    return {key: " ".join(value.split()) for key, value in FIELD.findall(text)}


def page() -> str:
    """Return the whole page."""
    lines = ["| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in rows()]
    return HEAD + "\n".join(lines) + "\n"


def main() -> None:
    """Write the page, or check it."""
    if "--check" in sys.argv:
        if PAGE.read_text(encoding="utf-8") != page():
            raise SystemExit("docs/paper-to-code.md is outdated: run python tools/paper_table.py")
        return
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
