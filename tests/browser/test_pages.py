"""Pages about runs and data, and the laboratory, opened from the disk without a network."""

from pathlib import Path

import pytest

from made_up_comparison import made_up
from made_up_pairs import KOREAN_ENGLISH, exchanged
from whyformer.cli.main import main
from whyformer.foundation.bilingual import Language
from whyformer.workflows import demo
from whyformer.workflows.compare.page.page import file_of, write_pages

pytestmark = pytest.mark.usefixtures("unchecked")
WIDTHS = (1280, 390)
"""Widths of a window on a desktop and on a phone, in pixels."""
LAB = Path(__file__).parents[2] / "docs" / "lab"
PAGES = (
    "index.html", "index.ko.html", "glossary.html", "warmup.html",
    "changes.html", "changes.ko.html", "method.html", "method.ko.html",
)  # fmt: skip
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


@pytest.fixture(scope="module")
def swapped(tmp_path_factory) -> Path:
    """Return a file of pairs, some swapped, in a directory with a long name."""
    path = tmp_path_factory.mktemp("a-directory-with-a-name-that-is-wider-than-a-phone") / "a.tsv"
    pairs = [exchanged(p) if n % 9 == 3 else p for n, p in enumerate(KOREAN_ENGLISH.pairs(300))]
    path.write_text("".join(f"{p.source}\t{p.target}\n" for p in pairs), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_about_data_is_whole(swapped, opened, width, tmp_path):
    assert main(["data", str(swapped), "--html", str(tmp_path / "d.html")]) == 0
    seen = opened(tmp_path / "d.html", width)
    assert (seen.errors, seen.requests, seen.empty_drawings()) == ([], [], [])
    assert seen.overflow() <= 0
    assert "swapped" in seen.page.inner_text("body")


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_of_errors_shows_every_column(swapped, opened, width, tmp_path):
    tiny = ["--preset", "tiny", "--model.d-model", "16", "--model.d-ff", "16", "--quiet"]
    few = ["--training.updates", "2", "--validation.every", "1", "--out", str(tmp_path / "run")]
    assert main(["train", "translate", "--data", str(swapped), *tiny, *few]) == 0
    assert main(["errors", str(tmp_path / "run"), "--html", str(tmp_path / "e.html")]) == 0
    seen = opened(tmp_path / "e.html", width)
    assert (seen.errors, seen.requests, seen.empty_drawings()) == ([], [], [])
    assert seen.overflow() <= 0
    if width == min(WIDTHS):  # a wide page may scroll in its table
        boxes = "all => all.map(one => one.getBoundingClientRect().right)"
        assert max(seen.page.eval_on_selector_all(".cards td", boxes)) <= width


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", Language)
def test_the_page_of_a_comparison_is_whole(opened, width, language, tmp_path):
    long = {"base": 0.0, "an-arm-with-a-name-that-is-wider-than-the-window-of-a-phone": -3.0}
    write_pages(tmp_path, made_up(effects=long))
    seen = opened(tmp_path / file_of(language), width)
    assert (seen.errors, seen.requests, seen.empty_drawings()) == ([], [], [])
    assert seen.overflow() <= 0
    drawing = seen.page.locator("svg.strip").first.bounding_box()
    assert drawing["y"] + drawing["height"] < 844  # the effect is on the first screen
    seen.page.locator("nav a").click()
    assert seen.page.url.endswith(file_of(next(one for one in Language if one is not language)))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_violation_on_the_page_of_a_comparison(opened, theme, tmp_path):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    write_pages(tmp_path, made_up())
    seen = opened(tmp_path / file_of(Language.KOREAN), WIDTHS[1])
    seen.page.emulate_media(color_scheme=theme)
    found = axe.Axe().run(seen.page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


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
