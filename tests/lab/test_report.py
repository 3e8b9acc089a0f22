"""The pages: whole, offline, in two languages, made from results alone, working in a browser."""

import json
import math
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

import whyformer
from made_up_scaling import made
from whyformer.charts.words import in_symbols
from whyformer.foundation.bilingual import Bilingual, Language
from whyformer.lab.experiments.scaling import EXPERIMENT
from whyformer.lab.method.experiment import Mode
from whyformer.lab.method.questions import experiment_named, written
from whyformer.lab.method.record import PUBLISHED, result_of, write_record
from whyformer.lab.method.statistics import Estimate, Spread, exactly
from whyformer.lab.method.verdict import Test as OneTest
from whyformer.lab.method.verdict import Verdict, above, below, within
from whyformer.lab.pages.cards import Facts
from whyformer.lab.pages.claims import claim_article, demanded, readable
from whyformer.lab.pages.frame import file_of
from whyformer.lab.pages.glossary import GLOSSARY
from whyformer.lab.pages.live import LIVE, SCRIPTS, script_of
from whyformer.lab.pages.numbers import format_estimate
from whyformer.lab.pages.page import Page
from whyformer.lab.pages.sayings import SAYINGS
from whyformer.lab.pages.site import write_report
from whyformer.lab.pages.wording import VERDICT_MEANINGS, WORDS

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = ROOT / "docs" / "lab"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
                None)  # fmt: skip
VOID = {"meta", "link", "input", "br", "hr", "img", "mspace"}


@pytest.fixture(scope="session")
def results(tmp_path_factory) -> Path:
    """Return a directory with one measured question; the others are not measured yet."""
    directory = tmp_path_factory.mktemp("results")
    write_record(directory / "scaling.json", EXPERIMENT, made(Mode.FULL), wall_seconds=1)
    return directory


@pytest.fixture(scope="session")
def pages(results, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("pages")
    write_report(out, results=results)
    return out


def page(pages: Path, name: str, language: Language = Language.ENGLISH) -> str:
    return (pages / file_of(name, language)).read_text(encoding="utf-8")


class Reader(HTMLParser):
    """Notes tags that do not close, addresses, and the words a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.addresses += [v for k, v in attrs if k in ("href", "src", "srcset", "action") and v]
        self.ids += [v for k, v in attrs if k == "id" and v]

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag == "p" and self.open and self.open[-1] != "p":
            self.wrong.append("p")
        elif not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.words.append(data)


# --- one page a question, an index, a glossary


def test_there_is_a_page_for_every_question_in_both_languages(pages):
    for name in ("index", "glossary", *written()):
        for language in Language:
            assert f'<html lang="{language}">' in page(pages, name, language)
    assert (pages / "results" / "scaling.json").is_file()


def test_the_index_shows_every_verdict_at_a_glance(pages):
    html = page(pages, "index")
    for claim in EXPERIMENT.claims:
        assert in_symbols(claim.popular.en) in html
    assert html.count('<li data-verdict="supported">') == 4
    assert html.count('<li data-verdict="conditional">') == 3
    for said in VERDICT_MEANINGS.values():
        assert said.en in html


def test_a_page_shows_claims_criteria_tests_and_provenance(pages):
    html = page(pages, "scaling")
    words = " ".join("".join(Reader(html).words).split())
    for claim in EXPERIMENT.claims:
        assert f'id="claim-{claim.name}"' in html
    assert "between 0.48 and 0.52" in words
    assert "supported under conditions" in words
    assert "Holds: dk = 4" in words
    assert html.count('<svg class="strip"') == sum(
        len(tests) for c in EXPERIMENT.claims for tests in c.tests(made()).values()
    )
    assert html.count("<figure") == 5
    assert "All numbers of this page as JSON" in words


def test_a_claim_that_changed_after_the_data_says_so():
    claim = replace(EXPERIMENT.claims[0], changed_after_data=None)
    shown = Page(EXPERIMENT, None, Facts({}, {}, measured=False), {})
    assert "fixed before the run" in claim_article(shown, claim, Language.ENGLISH)
    later = replace(claim, changed_after_data=Bilingual("The limit was 3.", "한계는 3이었습니다."))
    html = claim_article(shown, later, Language.ENGLISH)
    assert "Changed after the data:</b> The limit was 3." in html
    assert "fixed before the run" not in html
    assert "측정 뒤에 바뀐 점:</b> 한계는 3이었습니다." in claim_article(
        shown, later, Language.KOREAN
    )


@pytest.mark.parametrize("language", list(Language))
def test_the_index_begins_with_the_sentences_of_the_study_notes(pages, language):
    html = page(pages, "index", language)
    places = [html.index(f"“{in_symbols(one.text.in_(language))}”") for one in SAYINGS]
    assert places == sorted(places)
    assert places[-1] < html.index(f"<h2>{WORDS['all_verdicts'].in_(language)}</h2>")
    for one in SAYINGS:
        for name in one.claims:
            assert f'href="{file_of(one.question, language)}#claim-{name}"' in html


def test_a_question_that_was_not_measured_says_so(pages):
    others = [name for name in written() if name != "scaling"]
    for name in others:
        assert '<p class="notice">not yet measured</p>' in page(pages, name)
        assert "아직 재지 않음" in page(pages, name, Language.KOREAN)


def test_a_quick_run_says_what_it_is(tmp_path):
    write_record(tmp_path / "scaling.json", EXPERIMENT, made(Mode.QUICK), wall_seconds=1)
    write_report(tmp_path / "out", results=tmp_path, names=["scaling"])
    assert "This page shows a quick run" in page(tmp_path / "out", "scaling")
    assert "not part of this run" in page(tmp_path / "out", "scaling")
    assert "1 of 1 questions show a quick run." in page(tmp_path / "out", "index")
    assert "</a> <small>(quick run)</small></h3>" in page(tmp_path / "out", "index")
    assert "(빠른 실행)</small></h3>" in page(tmp_path / "out", "index", Language.KOREAN)


def test_a_full_run_bears_no_mark_of_a_quick_one(pages):
    for name in ("index", "scaling"):
        assert "quick run" not in page(pages, name)


def test_pages_are_a_function_of_the_results(pages, results, tmp_path):
    write_report(tmp_path, results=results)
    assert tree(tmp_path) == tree(pages)


def test_one_language_alone_links_to_no_other(results, tmp_path):
    made_files = write_report(
        tmp_path, results=results, languages=[Language.KOREAN], names=["scaling"]
    )
    assert made_files[0].name == "index.ko.html"
    assert not list(tmp_path.glob("*en.html"))
    assert 'hreflang="en"' not in page(tmp_path, "scaling", Language.KOREAN)


# --- whole and offline


def every_page(pages: Path) -> list[Path]:
    return sorted(pages.glob("*.html"))


def test_every_page_is_whole_and_its_links_lead_somewhere(pages):
    for file in every_page(pages):
        read = Reader(file.read_text(encoding="utf-8"))
        assert read.open == [], file.name
        assert read.wrong == [], file.name
        assert len(read.ids) == len(set(read.ids)), file.name
        for address in read.addresses:
            name, _, place = address.partition("#")
            assert address == "data:," or (pages / name).is_file(), (file.name, address)
            if place:
                assert f'id="{place}"' in (pages / name).read_text(encoding="utf-8"), address


def test_no_page_can_ask_the_network(pages):
    for file in every_page(pages):
        html = file.read_text(encoding="utf-8")
        assert "default-src 'none'" in html
        html = html.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
        assert not re.search(r"https?://|url\(|@import|\bfetch\(|XMLHttpRequest|WebSocket", html)


def test_no_placeholder_is_left_in_a_page(pages):
    for file in every_page(pages):
        words = "".join(Reader(file.read_text(encoding="utf-8")).words)
        assert not re.search(r"\{(verdict:)?[a-z_]+(:value)?\}", words), file.name
        assert "\ue000" not in words


# --- both languages


def said(value: object) -> list[Bilingual]:
    if isinstance(value, Bilingual):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [one for part in value for one in said(part)]
    return [one for part in vars(value).values() for one in said(part)] if is_ours(value) else []


def is_ours(value: object) -> bool:
    return type(value).__module__.startswith("whyformer.lab")


@pytest.mark.parametrize("words", [WORDS, VERDICT_MEANINGS, GLOSSARY, LIVE])
def test_nothing_is_left_untranslated(words):
    for one in said(words):
        assert one.en.strip(), one
        assert one.ko.strip(), one
        assert not any("가" <= c <= "힣" for c in one.en), one
        spoken = re.sub(r"[A-Za-z]\w*\(.*?\)|\W|\d|_", "", one.en)
        if len(spoken) > 14:
            assert any("가" <= c <= "힣" for c in one.ko), one


def test_blanks_are_the_same_in_both_languages():
    for name, one in WORDS.items():
        english, korean = (sorted(re.findall(r"\{(\w+)\}", words)) for words in (one.en, one.ko))
        assert english == korean, name


def test_every_word_of_the_pages_is_used():
    laboratory = SCRIPTS.parents[1]
    files = [*laboratory.glob("pages/*.py"), *laboratory.glob("method/*.py")]
    code = "".join(p.read_text(encoding="utf-8") for p in files)
    package = Path(whyformer.__file__).parent
    code += (package / "cli" / "lab" / "lab.py").read_text(encoding="utf-8")
    code += (package / "cli" / "lab" / "ask.py").read_text(encoding="utf-8")
    assert [word for word in WORDS if code.count(f'"{word}"') + code.count(f"'{word}'") < 2] == []


def test_the_glossary_has_each_term_once():
    for language in Language:
        names = [term.name.in_(language) for term in GLOSSARY]
        assert len(names) == len(set(names))


def of_ratio(test: OneTest) -> OneTest:
    return replace(test, logarithm=True)


def test_a_test_on_logarithms_is_shown_as_one_on_the_ratio():
    effect = Estimate(math.log(2), math.log(1.9), math.log(2.2), 3, Spread.RANGE)
    asked = of_ratio(within(effect, -math.log(1.25), math.log(1.25)))
    seen = readable(asked)
    assert str(format_estimate(seen.effect)) == "2.00 (1.90 … 2.20)"
    assert seen.answer() == asked.answer()
    assert readable(within(effect, 0.0, 1.0)).effect is effect


@pytest.mark.parametrize(("name", "claim"), [("masking", "signal"), ("warmup", "growth")])
def test_a_claim_about_a_ratio_shows_the_ratio(name, claim):
    record = result_of(name)
    assert record is not None
    (asked,) = [one for one in experiment_named(name).claims if one.name == claim]
    for test in (test for tests in asked.tests(record.results).values() for test in tests):
        assert test.logarithm
        assert not readable(test).effect.value < 0


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize(
    ("test", "words"),
    [
        (above(exactly(1), 0.5), "at least 0.5"),
        (above(exactly(1), 0.0), "above 0"),
        (above(exactly(1), 0.5, strict=True), "above 0.5"),
        (below(exactly(1), 1e-9, contrary=1), "at most 10⁻⁹"),
        (below(exactly(1), 0.0, contrary=1), "at most 0"),
        (below(exactly(1), 0.5, contrary=1, strict=True), "below 0.5"),
        (below(exactly(1), -math.log(0.9), contrary=1), "at most 0.1054"),
        (within(exactly(1), 0.48, 0.52), "between 0.48 and 0.52"),
        (within(exactly(1), 2.0, 2.0), "exactly 2"),
        (of_ratio(above(exactly(1), 0.0)), "above 1"),
        (of_ratio(above(exactly(1), math.log(1.1))), "at least 1.1"),
        (of_ratio(below(exactly(1), math.log(3), contrary=2)), "at most 3"),
        (of_ratio(within(exactly(1), -math.log(1.25), math.log(1.25))), "between 0.8 and 1.25"),
    ],
)
def test_what_was_demanded_is_said(test, words, language):
    if language is Language.ENGLISH:
        assert demanded(test, language) == words
    else:
        assert demanded(test, language)


@pytest.mark.parametrize("name", [n for n in written() if (PUBLISHED / f"{n}.json").is_file()])
def test_every_circumstance_and_test_has_a_name_in_both_languages(name):
    experiment, record = experiment_named(name), result_of(name)
    assert record is not None
    seen = {
        word
        for claim in experiment.claims
        for place, tests in claim.tests(record.results).items()
        for word in (place, *(test.name for test in tests))
        if word
    }
    assert seen - set(experiment.names) == set()


# --- live pieces


@pytest.mark.parametrize("name", LIVE)
def test_a_piece_uses_the_words_it_is_given(name):
    used = set(re.findall(r"\bwords\.(\w+)", script_of(name)))
    assert used == set(LIVE[name].words)
    assert f"live.{name} = " in script_of(name)


def test_a_piece_belongs_to_a_question_and_every_script_to_a_piece():
    assert set(LIVE) <= set(written())
    assert {p.stem.removeprefix("live_") for p in SCRIPTS.glob("live_*.js")} == set(LIVE)


PROBE = """<script>
const wrong = [];
addEventListener("error", (event) => wrong.push(event.message));
addEventListener("securitypolicyviolation", (event) => wrong.push(event.violatedDirective));
addEventListener("load", () => setTimeout(() => {
  const found = {};
  for (const choice of document.querySelectorAll(".choices button")) choice.click();
  for (const slider of document.querySelectorAll("input[type=range]")) {
    slider.value = slider.max;
    slider.dispatchEvent(new Event("input"));
  }
  for (const radio of document.querySelectorAll("input[type=radio]")) radio.click();
  found.stage = document.querySelector(".stage")?.innerText ?? "";
  const plot = document.querySelector("svg.plot");
  if (plot) {
    plot.focus();
    plot.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
    found.tip = document.querySelector(".tip").innerText;
  }
  const button = document.querySelector(".filter button");
  if (button) {
    button.click();
    const rows = [...document.querySelectorAll("[data-verdicts] li")];
    found.left = rows.filter((row) => !row.hidden).length;
  }
  found.wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  found.wrong = wrong;
  document.body.replaceChildren(JSON.stringify(found));
}, 50));
</script></body>"""


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed here")
@pytest.mark.parametrize(
    ("name", "language", "width"),
    [
        ("scaling", Language.KOREAN, 390),
        ("positions", Language.ENGLISH, 390),
        ("complexity", Language.ENGLISH, 1200),
        ("index", Language.ENGLISH, 390),
    ],
)
def test_pages_work_in_a_browser_with_the_network_closed(pages, tmp_path, name, language, width):
    html = page(pages, name, language)
    assert "NaN" not in html
    dom, asked = browse(html.replace("</body>", PROBE), tmp_path, width)
    body = "".join(Reader(dom).words)
    found = json.loads(body[body.index("{") : body.rindex("}") + 1])
    assert found["wrong"] == []
    assert found["wide"] <= 0, "the page is wider than the window"
    assert "NaN" not in found["stage"]
    if name in LIVE:
        assert len(found["stage"]) > 20
    if name == "scaling":
        assert "\n" in found["tip"]
    if name == "index":
        assert found["left"] == 4
    assert asked == [], "requests left the page"


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed here")
def test_a_request_would_be_noticed(tmp_path):
    _, asked = browse('<img src="http://example.invalid/x.png">', tmp_path, 400)
    assert asked == ["http://example.invalid/x.png"]


def browse(html: str, directory: Path, width: int) -> tuple[str, list[str]]:
    """Return a page as it stands after its scripts, and what it asked the network for.

    Chromium's own services ask too; only what belongs to the file's page is returned.
    """
    file, log = directory / "page.html", directory / "net.json"
    file.write_text(html, encoding="utf-8")
    done = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
            "--disable-background-networking", "--no-first-run",
            f"--user-data-dir={directory / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--log-net-log={log}", f"--window-size={width},900",
            "--virtual-time-budget=5000", file.as_uri(),
        ],
        capture_output=True, text=True, timeout=180, check=True,
    )  # fmt: skip
    asked = []
    for line in log.read_text(encoding="utf-8").splitlines():  # an event a line
        key = re.search(r'"network_isolation_key":"file:', line)
        address = re.search(r'"url":"((?!file:|data:)[^"]+)"', line)
        if key and address:
            asked.append(address.group(1))
    return done.stdout, asked


# --- what is committed


def tree(directory: Path) -> dict[str, str]:
    return {
        str(p.relative_to(directory)): p.read_text(encoding="utf-8")
        for p in sorted(directory.rglob("*"))
        if p.is_file()
    }


@pytest.mark.skipif(not DOCUMENTS.is_dir(), reason="the report is not published yet")
def test_the_published_report_is_what_the_results_give(tmp_path):
    write_report(tmp_path)
    new, old = tree(tmp_path), tree(DOCUMENTS)
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    assert changed == [], "run `whyformer lab report` and commit docs/lab"


def test_a_report_is_published_when_results_are():
    assert DOCUMENTS.is_dir() == any(PUBLISHED.glob("*.json"))


def test_verdicts_have_styles():
    style = (SCRIPTS / "style.css").read_text(encoding="utf-8")
    for verdict in Verdict:
        assert f".{verdict.name.lower()}" in style or verdict is Verdict.INCONCLUSIVE
