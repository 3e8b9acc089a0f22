"""The report of a run and the laboratory, opened from the disk in Chromium without a network."""

from pathlib import Path

import pytest

from whyformer.workflows import demo

pytestmark = pytest.mark.usefixtures("unchecked")
WIDTHS = (1280, 390)
"""Widths of a window on a desktop and on a phone, in pixels."""
LAB = Path(__file__).parents[2] / "docs" / "lab"
PAGES = ("index.html", "index.ko.html", "glossary.html", "warmup.html")
FAULTY = """<!doctype html><html><body><div style="width:2000px">wide</div>
<svg class="plot" width="100" height="100"></svg><img src="data:image/png;base64,AAAA" width="9">
<script>console.error("wrong")</script><script src="https://example.org/a.js"></script></body>"""


@pytest.fixture(scope="module")
def report(tmp_path_factory, chromium) -> Path:
    """Return the report of a demo that trains for seconds and is evaluated on 30 words."""
    out = tmp_path_factory.mktemp("demo") / "run"
    whole = demo.pronunciation_split()
    few = type(whole)(**{**vars(whole), "test": dict(list(whole.test.items())[:30])})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "pronunciation_split", lambda: few)
        demo.demo(minutes=0.1, out=out, quiet=True)
    return out / "report.html"


@pytest.mark.parametrize("width", WIDTHS)
def test_the_report_of_a_run_is_whole(report, opened, width):
    seen = opened(report, width)
    assert (seen.errors, seen.requests, seen.empty_drawings()) == ([], [], [])
    assert seen.overflow() <= 0
    assert seen.count("svg.plot") >= 4  # curves, norms and the attention of invented words
    assert "pronounce English" in seen.page.title() + seen.page.inner_text("body")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_the_laboratory_is_whole(opened, name, width):
    seen = opened(LAB / name, width)
    assert (seen.errors, seen.requests, seen.empty_drawings()) == ([], [], [])
    assert seen.overflow() <= 0
    assert len(seen.page.inner_text("body")) > 1000


def test_every_link_of_the_laboratory_leads_to_a_page(opened):
    seen = opened(LAB / "index.html", WIDTHS[0])
    links = seen.page.eval_on_selector_all("a[href]", "all => all.map(one => one.href)")
    files = {link.removeprefix("file://").split("#")[0] for link in links if link[:5] == "file:"}
    assert len(files) > 8
    assert [file for file in files if not Path(file).exists()] == []


def test_a_faulty_page_is_noticed(opened, tmp_path):
    path = tmp_path / "faulty.html"
    path.write_text(FAULTY, encoding="utf-8")
    seen = opened(path, WIDTHS[1])
    assert "wrong" in seen.errors
    assert seen.requests == ["https://example.org/a.js"]
    assert seen.overflow() > 1000
    assert len(seen.empty_drawings()) == 2
