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
HEIGHTS = {1280: 900, 390: 844}
"""The height of a window of each width."""
QUESTIONS = tuple(
    name
    for page in sorted((LAB / "results").glob("*.json"))
    for name in (f"{page.stem}.html", f"{page.stem}.ko.html")
)
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


ENDS = """() => [".answer", ".shown svg.plot", ".practice", "details.row"].map(one => {
  const box = document.querySelector(one).getBoundingClientRect();
  return [box.top, box.bottom];
})"""
"""Returns where the parts of the first screen begin and end, in pixels from the top."""


@pytest.mark.parametrize("width", WIDTHS)
def test_the_first_screen_of_every_question_has_answer_figure_and_practice(opened, width):
    height = HEIGHTS[width]
    seen = opened(LAB / QUESTIONS[0], width)
    seen.page.set_viewport_size({"width": width, "height": height})
    for name in QUESTIONS:
        seen.page.goto((LAB / name).as_uri(), wait_until="domcontentloaded")
        answer, figure, practice, row = seen.page.evaluate(ENDS)
        assert seen.overflow() <= 0, name
        assert answer[1] < figure[0] < figure[1] < row[0], name
        assert practice[1] < row[0], name
        if width == max(WIDTHS):
            assert max(figure[1], practice[1]) < height, name
        else:
            assert sum(figure) / 2 < height, name  # half of the figure is on the first screen


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", ["positions.html", "warmup.ko.html"])
def test_a_row_opens_with_the_keyboard_and_without_a_script(chromium, page, width):
    context = chromium.new_context(
        viewport={"width": width, "height": 844}, java_script_enabled=False, offline=True
    )
    try:
        tab = context.new_page()
        tab.goto((LAB / page).as_uri())
        rows = tab.locator("details.row")
        assert tab.locator("details.row[open]").count() == 0
        for place in range(rows.count()):
            assert not rows.nth(place).locator("article").is_visible()
            rows.nth(place).locator("summary").focus()
            tab.keyboard.press("Enter")
            assert rows.nth(place).locator("article").is_visible()
        assert tab.locator("html").bounding_box()["width"] <= width
    finally:
        context.close()


@pytest.mark.parametrize("page", ["positions.html", "warmup.ko.html"])
def test_open_rows_do_not_make_the_page_wider_than_a_phone(opened, page):
    seen = opened(LAB / page, min(WIDTHS))
    seen.page.eval_on_selector_all("details.row", "all => all.forEach(one => { one.open = true })")
    assert seen.overflow() <= 0


def test_a_link_of_the_overview_opens_the_row_of_its_claim(opened):
    seen = opened(LAB / "index.html", max(WIDTHS))
    link = seen.page.locator(".sayings a").first
    name = link.get_attribute("href").partition("#")[2]
    link.click()
    seen.page.locator(f"#{name}").wait_for(state="visible")
    assert seen.page.locator("details.row[open]").count() == 1


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
