"""What the documents say is what the code says."""

import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("tool", ["paper_table.py", "scaling_page.py"])
def test_the_pages_made_from_the_code_are_current(tool: str, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", [tool, "--check"])
    runpy.run_path(str(ROOT / "tools" / tool), run_name="__main__")  # or this exits with the reason
