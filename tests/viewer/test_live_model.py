"""The live model on the documentation's home page: small, and it pronounces English."""

import base64
import json
import runpy
from pathlib import Path

import pytest

from javascript import answer
from whyformer.viewer.page import is_page

ROOT = Path(__file__).parents[2]
LIVE = ROOT / "docs" / "live"
MEGABYTE = 1_000_000
pytestmark = pytest.mark.skipif(not LIVE.is_dir(), reason="the source archive has no docs/")


@pytest.fixture(scope="module")
def results() -> dict[str, str]:
    """Return the pronunciations of some words."""
    words = ("cat", "attention", "station")
    search = {"beam": 5}
    given = {
        "manifest": json.loads((LIVE / "pronounce.json").read_text(encoding="utf-8")),
        "data": base64.b64encode((LIVE / "pronounce.bin").read_bytes()).decode(),
        "requests": [{"text": one, "search": search} for one in words],
    }
    [found] = answer("session.mjs", [given])
    return {w: r["target"]["text"] for w, r in zip(words, found["results"], strict=True)}


def test_the_live_model_pronounces_english(results):
    assert results == {
        "cat": "K AE T", "attention": "AH T EH N SH AH N", "station": "S T EY SH AH N",
    }  # fmt: skip


def test_the_weights_are_below_a_megabyte():
    assert (LIVE / "pronounce.bin").stat().st_size < MEGABYTE


def test_the_live_page_leads_to_the_laboratory_of_the_site(tmp_path):
    live_page = runpy.run_path(str(ROOT / "docs" / "_extensions" / "live_page.py"))["live_page"]
    text = live_page(LIVE)
    (tmp_path / "live.html").write_text(text, encoding="utf-8")
    assert is_page(tmp_path / "live.html")
    assert '"pages":"../lab"' in text
    for question in ("scaling", "heads", "gradients"):
        assert (ROOT / "docs" / "lab" / f"{question}.ko.html").is_file()
