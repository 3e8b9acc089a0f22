"""The examples in the docstrings run, and give what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

import whyformer

PACKAGE = Path(whyformer.__file__).parent
MODULES = sorted(
    ".".join(["whyformer", *file.relative_to(PACKAGE).with_suffix("").parts])
    for file in PACKAGE.rglob("*.py")
    if file.name != "__init__.py" and ">>> " in file.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_run(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0
