"""The documentation site holds every page, and every link in the documents leads somewhere.

The site itself is built by `make docs`, which needs Sphinx; these tests do not.
"""

import re
import runpy
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
SETTINGS = runpy.run_path(str(DOCS / "conf.py"))
REFERENCE = runpy.run_path(str(DOCS / "_extensions" / "reference_pages.py"))
readable = runpy.run_path(str(DOCS / "_extensions" / "docstring_fields.py"))["readable"]

TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^(```+).*?^\1|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
INCLUDE = re.compile(r"\{(?:literal)?include\} (\S+)")
HEADING = re.compile(r"^#+ +(.*?) *$", re.MULTILINE)
DOCUMENTS = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md"), *ROOT.glob("*/README.md")])


def entries() -> list[str]:
    """Return the documents in the table of contents."""
    found = []
    for block in TOCTREE.findall((DOCS / "index.md").read_text(encoding="utf-8")):
        lines = [line for line in block.splitlines() if line and not line.startswith(":")]
        found += [re.sub(r".*<(.*)>", r"\1", line) for line in lines]
    return found


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub and MyST make them."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)
    titles = [heading.replace("`", "").lower() for heading in HEADING.findall(text)]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def test_every_page_is_in_the_table_of_contents_once() -> None:
    pages = [page.stem for page in DOCS.glob("*.md") if page.stem != "index"]
    assert sorted(entries()) == sorted([*pages, "reference/index"])


def test_every_file_outside_docs_that_is_a_page_is_shown_by_that_page() -> None:
    for file, page in SETTINGS["repository_pages"].items():
        text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
        shown = [(DOCS / name).resolve() for name in INCLUDE.findall(text)]
        assert ROOT / file in shown, file


def test_every_included_file_is_known_by_its_place_in_the_repository() -> None:
    for page in DOCS.glob("*.md"):
        for name in INCLUDE.findall(page.read_text(encoding="utf-8")):
            file = (DOCS / name).resolve().relative_to(ROOT).as_posix()
            assert SETTINGS["repository_pages"].get(file) == page.stem


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.relative_to(ROOT).as_posix())
def test_every_link_in_a_document_leads_to_a_file_and_a_heading(document: Path) -> None:
    text = CODE.sub("", document.read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = document.parent / path if path else document
        assert file.exists(), target
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), target


def test_the_python_reference_covers_every_package_that_is_not_internal(tmp_path: Path) -> None:
    source = ROOT / "src" / "whyformer"
    packages = {
        file.parent.relative_to(source).as_posix() for file in source.rglob("*/__init__.py")
    }
    internal = REFERENCE["INTERNAL"]
    assert internal <= packages
    folder = tmp_path / "reference"
    REFERENCE["write_pages"](source, folder, SETTINGS["reference_order"])
    pages = {page.stem for page in folder.glob("whyformer*.md")}
    wanted = {
        ".".join(["whyformer", *package.split("/")])
        for package in packages
        if not any(f"{package}/".startswith(f"{name}/") for name in internal)
    }
    assert pages == wanted | {"whyformer"}
    index = (folder / "index.md").read_text(encoding="utf-8")
    assert all(f"[{page}]({page}.md)" in index for page in pages)
    blocks = (folder / "whyformer.blocks.md").read_text(encoding="utf-8")
    assert ".. automodule:: whyformer.blocks.attention\n" in blocks


@pytest.mark.parametrize(
    ("docstring", "shown"),
    [
        ("One line.", ["One line."]),
        ("Set it. Args: name: of it.", ["Set it.", "", ":Args: ``name``: of it."]),
        (
            "Head.\n\nArgs:\n    x, y: numbers,\n        both.\n    z: one.\nReturns: a sum.",
            [
                "Head.",
                "",
                ":Args:",
                "   - ``x``, ``y``: numbers,",
                "     both.",
                "   - ``z``: one.",
                ":Returns: a sum.",
            ],
        ),
        ("Paper: §1.\n>>> 1 + 1\n2\n\nEnd.", [":Paper: §1.", "", ">>> 1 + 1", "2", "", "End."]),
        ("|a| * b_ is `a b` or ``c``^2", [r"\|a\| \* b\_ is ``a b`` or ``c``\ ^2"]),
        ("See `attention`.", ["See `attention`."]),
        (
            "So:\n\n    def f(*a):\n\n        a_ | b\n\nEnd_.",
            ["So::", "", "    def f(*a):", "", "        a_ | b", "", r"End\_."],
        ),
    ],
)
def test_a_docstring_becomes_fields_and_literal_signs(docstring: str, shown: list[str]) -> None:
    assert readable(docstring.split("\n")) == shown


def test_the_documentation_and_test_tools_are_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    pinned = {
        re.sub(r"[-_.]+", "-", line.partition("==")[0]).lower()
        for file in ROOT.glob("requirements*.lock")
        for line in file.read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    groups = project["dependency-groups"]
    assert {"dev", "docs"} <= set(groups)
    for requirement in [line for group in groups.values() for line in group]:
        name = re.match(r"[\w.-]+", requirement)
        assert name is not None
        assert re.sub(r"[-_.]+", "-", name[0]).lower() in pinned
