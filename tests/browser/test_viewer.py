"""The viewer in a browser: every control, in both languages, on a desktop and on a phone."""

import json
import re
from pathlib import Path

import pytest

import whyformer.viewer
from whyformer.lab.pages.lessons import lessons
from whyformer.recipes.purposes import PURPOSES, purpose_of
from whyformer.recipes.recipe import resolve
from whyformer.viewer.page import PageModel, page

pytestmark = pytest.mark.usefixtures("unchecked")
WIDTHS = (1280, 390)
LEVELS = ("figure", "heads", "steps", "beam", "lens", "stream")
ENGINE = Path(__file__).parents[1] / "viewer" / "invented_engine.js"
TENSOR = "encoder.layers.0.feedforward.expand.weight"
WORDS = Path(whyformer.viewer.__file__).parent / "assets" / "page" / "words.en.json"
WORDS_OF_PAGE = json.loads(WORDS.read_text(encoding="utf-8"))
OWN = "Predict how words sound; for tests"
DESCRIPTION = resolve("pronounce").recipe.description
GLOSSARY = {
    one: json.loads(WORDS.with_name(f"words.{one}.json").read_text(encoding="utf-8"))["glossary"]
    for one in ("en", "ko")
}
ALL_OPEN = "open=" + json.dumps(LEVELS).replace(" ", "")


def model(name: str, encoder: int = 2, decoder: int = 1, **facts) -> PageModel:
    tensors = {TENSOR: {"shape": [6, 8]}}
    facts |= {"name": name, "encoder": encoder, "decoder": decoder, "tensors": tensors}
    return PageModel(facts, bytes(8))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Return a directory with a page of one model and a page of two models."""
    directory = tmp_path_factory.mktemp("viewer")
    engine = ENGINE.read_text(encoding="utf-8")
    for name, models in (
        ("one", [model("pronounce")]),
        ("two", [model("before"), model("after", 3, 2)]),
        ("small", [model("small")]),
        ("recipe", [model("recipe", purpose=purpose_of(DESCRIPTION))]),
        ("own", [model("own", description=OWN, examples=["a long example", "attention"] * 2)]),
        ("learned", [model("learned", positions="learned")]),
        ("alibi", [model("alibi", positions="alibi")]),
        ("sinusoidal", [model("sinusoidal", positions="sinusoidal")]),
    ):
        text = page(models, lessons=lessons(), engine=engine, small=name == "small")
        (directory / f"{name}.html").write_text(text, encoding="utf-8")
    return directory


@pytest.fixture
def viewer(made, opened):
    """Return a function that opens a page and waits for its first answer."""

    def open_viewer(name: str = "one", width: int = WIDTHS[0], fragment: str = ""):
        seen = opened(made / f"{name}.html", width, fragment)
        seen.page.wait_for_selector(".result, .problem")
        seen.page.wait_for_timeout(50)
        return seen

    return open_viewer


def fragment_of(seen) -> str:
    return seen.page.evaluate("decodeURIComponent(location.hash)")


def answer_of(seen, pane: int = 0) -> str:
    return seen.page.locator(".pane").nth(pane).locator(".result").inner_text()


def settled(seen) -> None:
    """Wait until the answer to the last change is drawn."""
    seen.page.wait_for_timeout(350)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["one", "two", "small"])
def test_every_level_is_drawn_without_errors_and_requests(viewer, name, width, language):
    seen = viewer(name, width, f"lang={language}&{ALL_OPEN}&box={TENSOR[:28]}")
    settled(seen)
    assert (seen.errors, seen.requests, seen.empty_drawings()) == ([], [], [])
    assert seen.overflow() <= 0
    assert seen.page.evaluate("document.documentElement.lang") == language
    assert seen.count(".level .picture svg") >= (2 if name == "small" else 7)
    hangul = re.search("[가-힣]", seen.page.inner_text("#levels"))
    assert bool(hangul) == (language == "ko")


def test_long_texts_fit_a_phone(viewer):
    text = "a" * 58
    seen = viewer("two", WIDTHS[1], f"text={text}&b.text={text}&beam=3&compare=1&{ALL_OPEN}")
    settled(seen)
    assert seen.overflow() <= 0


def test_the_first_screen_shows_the_answer_and_no_level(viewer):
    seen = viewer()
    assert seen.count(".level.is-open") == 0
    assert seen.count(".level") == len(LEVELS)
    assert answer_of(seen)
    assert seen.page.evaluate("document.activeElement.tagName") == "TEXTAREA"


def test_typing_changes_the_answer_and_the_address(viewer):
    seen = viewer()
    before = answer_of(seen)
    seen.page.fill("#text-0", "another")
    settled(seen)
    assert answer_of(seen) != before
    assert "text=another" in fragment_of(seen)


def test_fast_typing_shows_the_answer_to_the_last_text(viewer):
    seen = viewer()
    seen.page.fill("#text-0", "slow one")
    seen.page.wait_for_timeout(200)
    seen.page.fill("#text-0", "slow two")
    seen.page.wait_for_timeout(200)
    seen.page.fill("#text-0", "cat")
    seen.page.wait_for_timeout(1400)
    last = answer_of(seen)
    fresh = viewer(fragment="text=cat")
    assert answer_of(fresh) == last


def test_an_empty_text_and_a_refused_text_are_explained(viewer):
    seen = viewer()
    seen.page.fill("#text-0", "")
    settled(seen)
    assert "Type something" in seen.page.inner_text(".answer")
    seen.page.fill("#text-0", "no!")
    settled(seen)
    assert "does not know" in seen.page.inner_text(".answer [role=alert]")
    seen.page.fill("#text-0", "yes")
    settled(seen)
    assert answer_of(seen)


def test_a_switch_changes_the_answer_and_says_by_how_much(viewer):
    seen = viewer()
    seen.page.click("text=no √dₖ")
    settled(seen)
    assert "nats" in seen.page.inner_text("#dock")
    assert seen.count(".changed") == 1
    assert seen.page.get_attribute(".pill:has-text('no √dₖ')", "aria-pressed") == "true"
    seen.page.click("text=Switch everything on")
    settled(seen)
    assert seen.page.is_hidden("#dock")
    assert seen.count(".changed") == 0


@pytest.mark.parametrize(
    "label",
    [
        "Encoder, layer 1", "Encoder, layer 2, self-attention", "Decoder, layer 1, cross-attention",
        "Encoder, layer 1, feed-forward", "Encoder, layer 1, skip connection around feed-forward",
        "Position code: rotary positions, in every self-attention",
    ],
)  # fmt: skip
def test_every_kind_of_box_of_the_drawing_has_a_switch(viewer, label):
    seen = viewer(fragment='open=["figure"]')
    control = seen.page.locator(f'.figure-one [role=switch][aria-label="{label}"]').first
    assert control.get_attribute("aria-checked") == "true"
    control.focus()
    seen.page.keyboard.press("Enter")
    settled(seen)
    assert control.get_attribute("aria-checked") == "false"
    assert seen.count("#dock .chip") == 1


def test_an_opened_box_shows_its_heads_and_its_weights(viewer):
    seen = viewer(fragment='open=["figure"]')
    seen.page.click('[aria-label="Encoder, layer 1, self-attention: open"]')
    settled(seen)
    assert seen.count(".opened .small-head") == 4
    seen.page.click(".heads-in .toggle >> nth=2")
    settled(seen)
    assert "encoder.layers.0.self_attention.heads.2" in fragment_of(seen)
    assert seen.count(".head-square.is-off") == 1
    seen.page.click('[aria-label="Encoder, layer 1, feed-forward: open"]')
    settled(seen)
    seen.page.click(".opened summary:has-text('Weights')")
    seen.page.click(".weights button")
    seen.page.wait_for_selector(".weights canvas")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "box", ["encoder.layers.1.feedforward", "decoder.layers.0.cross_attention"]
)
def test_an_opened_box_shows_its_output_for_each_token_and_explains_it(viewer, box, width):
    seen = viewer(width=width, fragment=f'text=cat&open=["figure"]&box={box}')
    settled(seen)
    drawing = seen.page.locator(".opened svg.output")
    assert len(drawing.locator("text").all()) == 4  # c a t and the end
    explanation = WORDS_OF_PAGE[f"output.{box.split('.')[-1]}"]
    assert seen.page.inner_text(".output-of > p") == explanation
    assert "16 columns" in seen.page.inner_text(".output-of figcaption")
    drawing.scroll_into_view_if_needed()
    place = drawing.locator(".catch").bounding_box()
    seen.page.mouse.move(place["x"] + place["width"] - 2, place["y"] + 2)
    assert re.search(r"[−\d.]+\s*\S+, column 16", seen.page.inner_text("#tip"))
    assert seen.overflow() <= 0


def test_what_the_model_never_saw_is_named_below_the_text(viewer):
    seen = viewer(fragment="text=cat")
    assert seen.count(".unknown") == 0
    seen.page.fill("#text-0", "caž한é")
    settled(seen)
    line = seen.page.inner_text(".unknown")
    assert line == "The model never saw these as tokens: ž, 한, é. It reads them as bytes."
    seen.page.click("#language")
    assert seen.page.inner_text(".unknown").startswith("모델이 토큰으로 본 적 없는 것: ž, 한, é.")
    seen.page.fill("#text-0", "".join(map(chr, range(0xE0, 0xEC))))
    settled(seen)
    assert "외 4개" in seen.page.inner_text(".unknown")


def test_a_length_penalty_adds_the_score_that_sorts_the_answers(viewer):
    seen = viewer(fragment="text=cat&penalty=0.6&beam=5")
    scores = seen.page.locator(".scored li .term")
    values = [float(one.replace("−", "-")) for one in scores.all_inner_texts()]
    assert len(values) == 5
    scores.first.focus()
    note = seen.page.inner_text("#tip")
    found = re.search(r"penalty: (\S+) / (\S+) = (\S+)\. .* \(\(5 \+ 4\) / 6\)\^0\.6", note)
    total, divisor, score = (float(one.replace("−", "-")) for one in found.groups())
    assert total / divisor == pytest.approx(score, abs=0.01) == pytest.approx(values[0], abs=0.01)
    described = scores.first.get_attribute("aria-describedby")
    assert seen.page.text_content(f"#{described}") in note
    assert viewer(fragment="text=cat&penalty=0&beam=5").count(".scored") == 0


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_term_is_explained_on_hover_on_focus_and_after_a_touch(made, chromium, language):
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, offline=True, has_touch=True
    )
    tab = context.new_page()
    fragment = f"lang={language}&text=cat&penalty=1&{ALL_OPEN}&box=decoder.layers.0.self_attention"
    tab.goto(f"{(made / 'one.html').as_uri()}#{fragment}")
    tab.wait_for_selector(".opened svg.output")
    tab.wait_for_timeout(300)
    tab.click(".search summary")
    names = {name: entry["meaning"] for name, entry in GLOSSARY[language].items()}
    terms = tab.locator("dfn.term:visible")
    shown = {
        terms.nth(k).get_attribute("aria-describedby").removeprefix("term-")
        for k in range(terms.count())
    }
    assert shown >= {
        "scale",
        "residual_stream",
        "logit_lens",
        "beam",
        "length_penalty",
        "head",
        "pre_norm",
    }
    for name in sorted(shown):
        term = tab.locator(f"dfn.term[aria-describedby='term-{name}']:visible").first
        assert tab.text_content(f"#term-{name}") == names[name]
        term.scroll_into_view_if_needed()
        for act in (term.hover, term.focus, term.tap):
            act()
            assert names[name] in tab.inner_text("#tip"), (name, act)
            tab.keyboard.press("Escape")
            assert tab.is_hidden("#tip")
            tab.mouse.move(0, 0)
            term.blur()
    context.close()


def test_the_note_of_a_term_stays_with_the_keyboard_focus_while_the_page_scrolls(viewer):
    seen = viewer()
    term = seen.page.locator("dfn.term").last
    term.focus()
    seen.page.wait_for_timeout(300)
    note, place = (seen.page.locator(one).bounding_box() for one in ("#tip", "dfn.term >> nth=-1"))
    assert abs(note["y"] + note["height"] - place["y"]) < 40
    term.blur()
    assert seen.page.is_hidden("#tip")


def test_a_button_about_a_term_explains_it_and_works(viewer):
    seen = viewer()
    pill = seen.page.locator(".pill", has_text="no √dₖ")
    pill.hover()
    assert GLOSSARY["en"]["scale"]["meaning"] in seen.page.inner_text("#tip")
    pill.click()
    settled(seen)
    assert pill.get_attribute("aria-pressed") == "true"
    seen.page.mouse.move(0, 0)
    pill.focus()
    assert pill.get_attribute("aria-describedby") == "term-scale"
    assert GLOSSARY["en"]["scale"]["meaning"] in seen.page.inner_text("#tip")


@pytest.mark.parametrize("k", [0, 1])
def test_the_line_below_the_name_says_what_the_model_does_in_the_language_of_the_page(viewer, k):
    language = ("en", "ko")[k]
    built_in = viewer("recipe", fragment=f"lang={language}")
    assert built_in.page.inner_text("#about") == PURPOSES["pronounce"][k]
    without = viewer("one", fragment=f"lang={language}")
    assert (
        without.page.inner_text("#about")
        == (
            "Writes a text for each text that it reads.",
            "글을 읽고 그에 맞는 글을 씁니다.",
        )[k]
    )
    own = viewer("own", fragment=f"lang={language}")
    assert own.page.inner_text("#about") == f"{OWN}."
    assert own.page.get_attribute("#about", "lang") == "en"


def test_the_line_at_the_bottom_describes_the_model_in_korean(viewer):
    korean = viewer(fragment="lang=ko")
    facts = korean.page.inner_text("#facts").split(" · ")
    assert facts[:2] == [
        "트랜스포머, 인코더 2층 + 디코더 1층, d_model 128, 헤드 4개, 사전 정규화(pre-norm), "
        "위치 인코딩: 회전 위치",
        "파라미터 1526만 개",
    ]


def test_one_korean_word_names_the_residual_connection(viewer):
    seen = viewer(fragment=f"lang=ko&{ALL_OPEN}&box=encoder.layers.0.feedforward")
    settled(seen)
    text = seen.page.content()
    assert "잔차 연결" in text
    assert "스킵" not in seen.page.inner_text("body")
    page_words = json.loads(seen.page.text_content("#words"))["ko"]
    assert "스킵" not in json.dumps(page_words, ensure_ascii=False)
    assert "스킵" not in seen.page.text_content("#lessons")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_text_and_the_answer_are_on_the_first_screen_of_a_small_phone(viewer, language):
    seen = viewer(width=390, fragment=f"lang={language}&text=attention")
    top, bottom = (
        seen.page.locator(one).first.bounding_box() for one in ("textarea", ".pane .result")
    )
    assert top["y"] < 170
    assert bottom["y"] + bottom["height"] < 360  # with an open keyboard, about 400 are visible
    assert seen.page.locator("#compare").bounding_box()["height"] >= 32
    assert seen.page.get_by_role("button", name=WORDS_OF_PAGE["copy_link"]).count() == (
        1 if language == "en" else 0
    )


def test_the_engine_is_warmed_up_without_a_trace(made, chromium):
    context = chromium.new_context(offline=True)
    tab = context.new_page()
    tab.add_init_script(
        "window.asked = []; const post = Worker.prototype.postMessage;"
        "Worker.prototype.postMessage = function (m, t) { window.asked.push(m.kind);"
        " return post.call(this, m, t); };"
    )
    tab.goto((made / "one.html").as_uri() + "#text=&beam=5")
    asked = "window.asked.join(' ')"
    for _ in range(100):
        if tab.evaluate(asked).count("warm") == 6:
            break
        tab.wait_for_timeout(100)
    assert "Type something" in tab.inner_text(".answer")
    tab.fill("#text-0", "cat")
    tab.wait_for_selector(".result")
    kinds = tab.evaluate("window.asked")
    assert kinds == ["open", *["warm"] * 6, "run"]
    context.close()


def test_heads_are_chosen_by_keyboard_and_tokens_are_linked(viewer):
    seen = viewer(fragment='open=["heads"]')
    settled(seen)
    seen.page.locator(".small-head").first.focus()
    seen.page.keyboard.press("ArrowRight")
    seen.page.keyboard.press("Enter")
    settled(seen)
    assert seen.page.inner_text(".enlarged h3") == "Encoder, layer 1, self-attention, head 2"
    seen.page.locator(".links .query").nth(1).focus()
    faint = seen.page.eval_on_selector_all(
        ".links .thread",
        "all => all.filter(one => one.dataset.query !== '1')"
        ".map(one => Number(one.getAttribute('stroke-opacity')))",
    )
    assert max(faint) < 0.05
    assert "%" in seen.page.inner_text("#tip")


def test_the_map_says_each_weight_under_the_pointer(viewer):
    seen = viewer(fragment='open=["heads"]')
    settled(seen)
    seen.page.locator(".map").scroll_into_view_if_needed()
    box = seen.page.locator(".map .catch").bounding_box()
    seen.page.mouse.move(box["x"] + 5, box["y"] + 5)
    assert re.search(r"\d %\s+\S+ → w", seen.page.inner_text("#tip"))


@pytest.mark.parametrize("width", WIDTHS)
def test_the_enlarged_map_has_its_weights_as_numbers(viewer, width):
    seen = viewer(width=width, fragment='text=cat&open=["heads"]')
    settled(seen)
    cells = seen.page.locator(".map .in-cell")
    texts = cells.all_text_contents()
    assert len(texts) == 16
    assert all(re.fullmatch(r"<1|\d[\d.]*", one) for one in texts)
    assert "weights in percent" in seen.page.inner_text(".enlarged figcaption >> nth=0")
    cells.first.scroll_into_view_if_needed()
    box = cells.first.bounding_box()
    assert box["width"] < seen.page.locator(".map .here").first.bounding_box()["width"]
    seen.page.mouse.move(box["x"] + 3, box["y"] + 3)
    assert seen.page.inner_text("#tip b") == f"{texts[0]} %"
    seen.page.fill("#text-0", "a longer text")
    settled(seen)
    assert cells.count() == 0  # the cells are too small
    assert "weights in percent" not in seen.page.inner_text(".enlarged figcaption >> nth=0")


@pytest.mark.parametrize(
    ("level", "area"),
    [("heads", ".map .catch"), ("stream", ".stream .catch"), ("lens", ".lens-cell")],
)
def test_a_touch_shows_the_value_of_a_cell_until_the_next_touch(made, chromium, level, area):
    size = {"width": 390, "height": 844}
    context = chromium.new_context(viewport=size, offline=True, has_touch=True)
    tab = context.new_page()
    tab.goto(f'{(made / "one.html").as_uri()}#text=attention&open=["{level}"]')
    tab.wait_for_selector(area)
    tab.locator(area).first.scroll_into_view_if_needed()
    tab.locator(area).first.tap(position={"x": 9, "y": 9})
    tab.wait_for_timeout(200)
    assert re.search(r"\d", tab.inner_text("#tip"))
    leave = (
        "(one, pointerType) => one.dispatchEvent(new PointerEvent('pointerleave', {pointerType}))"
    )
    tab.locator(area).first.evaluate(leave, "touch")  # as the end of a touch in every browser
    assert tab.is_visible("#tip")
    tab.locator(f"#level-{level} .sentence").tap(position={"x": 2, "y": 2})
    assert tab.is_hidden("#tip")
    context.close()


@pytest.mark.parametrize("area", [".map .catch", ".stream .catch >> nth=0", ".output .catch"])
def test_the_arrow_keys_read_the_cells_of_a_map(viewer, area):
    fragment = 'text=cat&open=["figure","heads","stream"]&box=encoder.layers.0.feedforward'
    seen = viewer(fragment=fragment)
    settled(seen)
    seen.page.locator(area).focus()
    notes = [seen.page.inner_text("#tip")]
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowLeft"):
        seen.page.keyboard.press(key)
        notes.append(seen.page.inner_text("#tip"))
    assert len(set(notes)) == 4
    assert notes[3] == notes[4]  # at the edge
    seen.page.keyboard.press("Escape")
    assert seen.page.is_hidden("#tip")


def test_another_token_is_forced_and_released(viewer):
    seen = viewer(fragment='text=cat&open=["steps"]')
    settled(seen)
    free = answer_of(seen)
    assert seen.count(".forced") == 0
    seen.page.click("[aria-label='Step forward']")
    assert seen.page.get_attribute(".token-step >> nth=1", "aria-current") == "step"
    seen.page.click("[aria-label='Step back']")
    other = seen.page.locator(".candidate[aria-pressed=false] .what").first.inner_text()
    seen.page.locator(".candidate[aria-pressed=false]").first.click()
    settled(seen)
    assert answer_of(seen).split()[0] == other
    assert seen.count(".token-step.is-forced") == 1
    facts = " ".join(seen.page.locator(".facts").all_inner_texts())
    assert re.search(r"log-probability −\d", facts)
    forced = seen.page.inner_text(".answer .forced")  # on the first screen, too
    assert "You chose:" in forced
    assert (
        forced.split("Without")[1]
        == seen.page.inner_text("#level-steps .forced").split("Without")[1]
    )
    number = r"([−+]?[\d.]+)"
    pattern = (
        rf"choice: {free}, log-probability {number}\. .*: {number}\. Difference: {number} nats"
    )
    values = re.search(pattern, forced).groups()
    assert f"log-probability {values[1]}" in seen.page.inner_text(".facts >> nth=0")
    without, own, difference = (float(one.replace("−", "-")) for one in values)
    assert own - without == pytest.approx(difference, abs=0.01)
    seen.page.click("text=Let the model choose")
    settled(seen)
    assert seen.count(".is-forced") == 0


def test_the_beam_slider_widens_the_tree(viewer):
    seen = viewer(fragment='text=cat&beam=1&open=["beam"]')
    settled(seen)
    narrow = seen.count(".tree .node:not(.dropped)")
    slider = seen.page.locator("#level-beam input[type=range]")
    slider.focus()
    for _ in range(4):
        seen.page.keyboard.press("ArrowRight")
    settled(seen)
    assert seen.count(".tree .node:not(.dropped)") > narrow
    assert "beam=5" in fragment_of(seen)
    assert seen.page.evaluate("document.activeElement.type") == "range"


def test_the_settings_of_the_search_are_kept(viewer):
    seen = viewer()
    seen.page.click(".search summary")
    seen.page.locator("#lengthPenalty-0-entry").fill("1.5")
    assert "penalty=1.5" in fragment_of(seen)
    seen.page.check(".settings input[type=checkbox]")
    assert seen.count("#lengthPenalty-0-entry") == 0  # sampling has no length penalty
    seen.page.locator("#temperature-0-entry").fill("0.5")
    seen.page.click("text=Sample again")
    assert "temperature=0.5&sample=1&seed=2" in fragment_of(seen)


def why_of(seen, kind: str) -> str:
    """Return what the first button “why?” of a kind of switch shows; "" if there is no button."""
    label = WORDS_OF_PAGE["why_about"].format(part=WORDS_OF_PAGE[f"kind.{kind}"])
    button = seen.page.locator(f'[aria-label="{label}"]')
    if not button.count():
        return ""
    button.first.dispatch_event("click")  # it may be in a closed part
    said = seen.page.inner_text("dialog")
    seen.page.keyboard.press("Escape")
    return said


def test_why_shows_every_claim_with_its_verdict_as_text(viewer):
    seen = viewer(fragment=ALL_OPEN)
    found, known = set(), lessons()
    known["positions"] = known["positions.rotary"]  # as the invented model
    for kind, lesson in known.items():
        said = "" if "." in kind else why_of(seen, kind)
        if not said:
            continue
        found.add(kind)
        assert "[object" not in said
        for claim in lesson["claims"]:
            assert claim["claim"]["en"].replace("d_k", "dₖ") in said
            assert claim["words"]["en"] in said
            for place in claim["where"]:
                where = f"{place['result']['en']} {place['names']['en']}"
                assert where.replace("d_k", "dₖ") in said
        assert ("trained models without" in said) == lesson["trained"]
    assert found == {"scale", "positions", "skip", "head", "beam", "lengthPenalty"}


@pytest.mark.parametrize(
    ("name", "question", "claim"),
    [
        ("sinusoidal", "Why sines and cosines?", "Each frequency needs a sine and a cosine"),
        (
            "one",
            "Why does a Transformer need position information?",
            "Rotary positions extrapolate",
        ),
        ("learned", "Why does a Transformer need position information?", "Learned positions give"),
        ("alibi", "Why does a Transformer need position information?", "does not know the order"),
    ],
)
def test_why_about_positions_asks_about_the_scheme_of_the_model(viewer, name, question, claim):
    said = why_of(viewer(name), "positions")
    assert question in said
    assert claim in said
    assert "sines" not in said or name == "sinusoidal"
    assert said.strip().endswith("whyformer lab show positions")


def test_why_shows_the_verdict_of_the_laboratory_and_closes(viewer):
    seen = viewer()
    seen.page.click("[aria-label*='division by √dₖ']")
    said = seen.page.inner_text("dialog")
    assert "Why divide by" in said
    assert "supported" in seen.page.locator("dialog .verdict").all_inner_texts()
    assert "Holds in every setting that was measured." in said
    assert said.strip().endswith("In whyformer: whyformer lab show scaling")
    assert "docs/" not in said
    seen.page.keyboard.press("Escape")
    assert seen.page.is_hidden("dialog")


def test_two_settings_are_compared_side_by_side(viewer):
    seen = viewer()
    seen.page.click("#compare")
    settled(seen)
    assert seen.count(".pane") == 2
    seen.page.locator(".pane").nth(1).locator("text=no position code").click()
    settled(seen)
    assert seen.count("#dock .off") == 1
    assert "B · Switched off" in seen.page.inner_text("#dock")
    assert seen.count(".pane .changed") == 1
    seen.page.locator(".pane textarea").nth(1).fill("other")
    settled(seen)
    assert answer_of(seen) != answer_of(seen, 1)
    seen.page.click("#compare")
    settled(seen)
    assert seen.count(".pane") == 1


SCROLLS = """() => [...document.querySelectorAll("body *")].filter(one =>
  one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0 && one.tagName !== "TEXTAREA" &&
  ["auto", "scroll"].includes(getComputedStyle(one).overflowX)).map(one => {
    const found = [one.className.split(" ")[0]];
    for (const left of [0, one.scrollWidth, Math.round((one.scrollWidth - one.clientWidth) / 2)]) {
      one.scrollLeft = left;
      one.dispatchEvent(new Event("scroll"));
      found.push(one.dataset.more);
      found.push(getComputedStyle(one).maskImage.includes("gradient"));
    }
    return found;
  })"""


def test_everything_that_scrolls_sideways_fades_out_at_the_cut_edge_until_the_end(viewer):
    fragment = f"text=attentionattention&{ALL_OPEN}&box=encoder.layers.0.feedforward"
    seen = viewer("own", WIDTHS[1], fragment)
    settled(seen)
    seen.page.click(".enlarged details summary")
    seen.page.wait_for_timeout(100)
    found = seen.page.evaluate(SCROLLS)
    assert {one[0] for one in found} == {"scroll", "examples"}
    assert len(found) >= 4  # the examples, the tree, the lens and the table of weights
    for name, *cues in found:
        assert cues == ["right", True, "left", True, "left right", True], name


def test_nothing_fades_out_if_nothing_is_cut(viewer):
    seen = viewer(fragment=f"text=cat&{ALL_OPEN}")
    settled(seen)
    assert seen.count("[data-more]") > 3
    assert seen.count("#level-lens [data-more='']") == 1
    lens = seen.page.locator("#level-lens [data-more]")
    assert lens.evaluate("one => getComputedStyle(one).maskImage") == "none"


@pytest.mark.parametrize("width", WIDTHS)
def test_a_comparison_marks_the_words_and_tokens_that_differ(viewer, width):
    texts = "text=a dog runs&beam=4&compare=1&b.text=a cat runs"
    seen = viewer(width=width, fragment=f'{texts}&open=["steps"]')
    settled(seen)
    marks = [one.inner_text() for one in seen.page.locator(".marked-text mark").all()]
    assert marks == ["dog", "cat"]
    assert [one.inner_text() for one in seen.page.locator(".cell mark").all()] == marks
    outline = "one => getComputedStyle(one).outlineStyle"
    for number, pane in enumerate(seen.page.locator(".pane").all()):
        tokens = pane.locator(".result .token")
        other = answer_of(seen, 1 - number).split()
        for token in tokens.all():
            differs = "differs from" in token.get_attribute("aria-label")
            assert differs == (token.evaluate(outline) == "solid")
            assert differs or token.inner_text() in other
        assert "Outlined: differs from answer" in pane.locator(".compared").nth(1).inner_text()
    assert seen.count(".token-step.differs") == seen.count(".result .differs") > 0
    assert seen.overflow() <= 0
    for field in seen.page.locator(".pane textarea").all():
        field.fill("a dog runs")
    settled(seen)
    assert seen.count(".differs") == 0
    assert seen.page.locator(".pane .compared").all_inner_texts() == [
        "The same answer as B.",
        "The same answer as A.",
    ]
    seen.page.click("#compare")
    settled(seen)
    assert seen.count(".compared") == 0


def test_two_models_are_side_by_side_from_the_start(viewer):
    seen = viewer("two", fragment='open=["figure"]')
    settled(seen)
    names = seen.page.locator("#panes .pane-name").all_inner_texts()
    assert names == ["A · before", "B · after"]
    layers = [
        cell.locator(".layer").count() for cell in seen.page.locator("#level-figure .cell").all()
    ]
    assert layers == [3, 5]


def test_a_link_restores_the_state(viewer):
    seen = viewer(fragment='text=attention&open=["figure","steps"]')
    seen.page.click("text=no skip connections")
    seen.page.click("[aria-label='Step forward']")
    seen.page.click("#language")
    settled(seen)
    link = seen.page.evaluate("location.hash")
    again = viewer(fragment=link[1:])
    settled(again)
    for place in ("#panes", "#levels", "#dock"):
        plain = [re.sub(r"\d+ ms", "", one.page.inner_text(place)) for one in (seen, again)]
        assert plain[0] == plain[1]


def test_a_link_in_the_same_window_restores_the_state_too(viewer):
    seen = viewer(fragment="text=cat")
    link = "#text=dog&beam=2&compare=1&b.text=cow&b.beam=3"
    seen.page.evaluate("link => { location.hash = link; }", link)
    settled(seen)
    values = [one.input_value() for one in seen.page.locator(".pane textarea").all()]
    assert values == ["dog", "cow"]
    assert len({answer_of(seen), answer_of(seen, 1), answer_of(viewer(fragment="text=cat"))}) == 3


def test_the_link_is_copied(viewer):
    seen = viewer(fragment="text=cat")
    seen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    seen.page.click("#copy")
    settled(seen)
    assert "text=cat" in seen.page.evaluate("navigator.clipboard.readText()")
    assert seen.page.inner_text("#copy") == "The link is copied."


def test_the_bar_and_the_lists_round_a_number_in_the_same_way(viewer):
    off = '["encoder.layers.0.self_attention.heads.1"]'
    seen = viewer(fragment=f'text=cat&penalty=1&beam=5&open=["beam"]&off={off}')
    settled(seen)
    [found] = re.findall(r"changes by (\S+) nats", seen.page.inner_text(".changed"))
    assert f" {found[1:]} nats" in seen.page.inner_text("#dock .effect")
    [log] = re.findall(r"log-probability (−[\d.]+)", seen.page.inner_text(".facts >> nth=0"))
    score = seen.page.locator(".scored li .term").first
    score.focus()
    assert f": {log} / " in seen.page.inner_text("#tip")


def test_what_each_head_contributes_is_measured(viewer):
    seen = viewer(fragment='text=cat&open=["heads"]')
    settled(seen)
    seen.page.click("text=Measure what each head contributes")
    seen.page.wait_for_selector("text=The number below a head")
    values = seen.page.locator(".effect-of-head").all_inner_texts()
    assert len(values) == seen.count(".multiples .small-head") == 16
    assert all(re.fullmatch(r"[−+]?\d+\.\d+", one) for one in values)
    least = min(values, key=lambda one: float(one.replace("−", "-")))
    assert least.startswith("−")
    assert f"({least})" in seen.page.inner_text(".multiples [role=status]")
    seen.page.fill("#text-0", "dog")
    settled(seen)
    assert seen.count(".effect-of-head") == 0
    seen.page.click(".enlarged .toggle")
    settled(seen)
    assert "switch everything on" in seen.page.inner_text(".multiples")


def test_the_number_below_a_head_and_the_name_of_the_most_needed_head_open_the_head(viewer):
    seen = viewer(fragment="text=hello&open=[%22heads%22]")
    seen.page.get_by_role("button", name="Measure what each head contributes").click()
    seen.page.wait_for_selector("button.quiet.strong")
    numbers = seen.page.locator("small.effect-of-head")
    numbers.nth(1).click()
    settled(seen)
    assert seen.page.locator(".small-head").nth(1).get_attribute("aria-pressed") == "true"
    most = seen.page.locator("button.quiet.strong")
    name = most.inner_text().rpartition(" (")[0]
    most.click()
    settled(seen)
    assert seen.page.locator(".enlarged h3").first.inner_text() == name


def test_a_copied_link_of_a_file_says_that_the_file_must_be_sent(viewer):
    seen = viewer()
    assert seen.page.url.startswith("file:")
    seen.page.on("dialog", lambda dialog: dialog.accept())
    seen.page.locator("#copy").click()
    seen.page.wait_for_selector("#status.seen")
    assert "send this HTML file too" in seen.page.locator("#status").inner_text()


def test_pictures_are_saved_with_their_caption(viewer):
    seen = viewer(fragment='text=cat&open=["heads"]')
    settled(seen)
    with seen.page.expect_download() as download:
        seen.page.click(".enlarged .save:has-text('SVG') >> nth=0")
    text = download.value.path().read_text(encoding="utf-8")
    assert download.value.suggested_filename.endswith(".svg")
    assert text.startswith("<svg")
    assert "reading “cat”" in re.sub(r"</text><text[^>]*>", " ", text)
    assert "var(" not in text
    with seen.page.expect_download() as download:
        seen.page.click(".enlarged .save:has-text('PNG') >> nth=0")
    assert download.value.path().read_bytes().startswith(b"\x89PNG")


def test_the_theme_is_switched_and_remembered(viewer):
    seen = viewer()
    paper = "getComputedStyle(document.body).backgroundColor"
    light = seen.page.evaluate(paper)
    seen.page.click("#theme")
    dark = seen.page.evaluate(paper)
    assert light != dark
    assert viewer(fragment="theme=dark").page.evaluate(paper) == dark


def test_a_korean_browser_sees_korean(made, chromium):
    context = chromium.new_context(locale="ko-KR", offline=True)
    tab = context.new_page()
    tab.goto((made / "one.html").as_uri())
    tab.wait_for_selector(".result")
    assert "비교" in tab.inner_text("nav")
    context.close()


def test_nothing_moves_if_the_reader_asked_for_that(made, chromium):
    context = chromium.new_context(reduced_motion="reduce", offline=True)
    tab = context.new_page()
    tab.goto((made / "one.html").as_uri())
    tab.wait_for_selector(".result")
    moving = "all => all.filter(one => getComputedStyle(one).transitionDuration !== '0s').length"
    assert tab.eval_on_selector_all("*", moving) == 0
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_no_serious_violation(viewer, width, theme):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    fragment = (
        f'text=cat&theme={theme}&{ALL_OPEN}&box=encoder.layers.0.self_attention&off=["scale"]'
    )
    seen = viewer(width=width, fragment=fragment)
    settled(seen)
    found = axe.Axe().run(seen.page).response["violations"]
    serious = {
        one["id"]: [node["html"][:150] for node in one["nodes"]][:3]
        for one in found
        if one["impact"] in ("serious", "critical")
    }
    assert serious == {}


def test_the_controls_are_reached_by_keyboard(viewer):
    seen = viewer()
    reached = []
    for _ in range(30):
        seen.page.keyboard.press("Tab")
        reached.append(
            seen.page.evaluate("document.activeElement.innerText || document.activeElement.id")
        )
    for name in ("no √dₖ", "Settings of the search"):
        assert any(name in one for one in reached), reached
    assert any("Watch the search branch" in one for one in reached)
