"""Settings of the documentation site, which `make docs` builds with Sphinx."""

import importlib
import sys
import tomllib
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path[:0] = [str(DOCS / "_extensions"), str(ROOT / "src")]

# autodoc imports with TYPE_CHECKING set, and pydantic cannot read the models of fastapi then.
importlib.import_module("fastapi")

import whyformer  # noqa: E402

project = "whyformer"
author = "the whyformer authors"
copyright = "2026 the whyformer authors"
version = release = whyformer.__version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "docstring_fields",
    "live_page",
    "reference_pages",
    "repository_links",
]
exclude_patterns = ["_build", "_extensions", "lab"]

# Markdown, as the pages are written for the repository too.
myst_heading_anchors = 4
repository_pages = {
    "README.md": "index",
    "README.ko.md": "korean",
    "CONTRIBUTING.md": "contributing",
    "CHANGELOG.md": "changelog",
    "SECURITY.md": "security",
    "LICENSE": "licence",
    "NOTICE": "licence",
    "benchmarks/README.md": "benchmarks",
    "docs/examples/onnx_translate.py": "onnx",
    "docs/examples/onnx_translate.mjs": "onnx",
}

# The Python API, from the docstrings. The order of the pages is that of the layers, upside down.
reference_source = str(ROOT / "src" / "whyformer")
contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
layers = contracts["importlinter"]["contracts"][0]["layers"]
reference_order = [name for layer in reversed(layers) for name in layer.split(" | ")]
default_role = "py:obj"  # `name` links to what it names, or is plain code
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = f"whyformer {release}"
html_copy_source = False
