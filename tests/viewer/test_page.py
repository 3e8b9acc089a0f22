"""The page: one file without references to others, the same words in both languages, its state in
the address."""

import base64
import json
import re
from pathlib import Path

import pytest

import whyformer
from javascript import answer
from whyformer.decoding.penalties import length_penalty
from whyformer.viewer.page import (
    LANGUAGES,
    PageModel,
    embedded_json,
    embedded_script,
    is_page,
    page,
    read,
)
from whyformer.viewer.scripts import in_order, joined

ASSETS = Path(whyformer.__file__).parent / "viewer" / "assets"
MAIN = ASSETS / "page" / "main.js"
ENGINE = (Path(__file__).parent / "invented_engine.js").read_text(encoding="utf-8")
MODEL = PageModel({"name": "a </script> name", "encoder": 1, "decoder": 1}, bytes(8))
WORDS = {one: json.loads(read(f"page/words.{one}.json")) for one in LANGUAGES}
GLOSSARY = {one: words.pop("glossary") for one, words in WORDS.items()}
SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in in_order(MAIN)}


def says() -> set[str]:
    """Return the keys of `say(…)` and of `data-say` that are written as they are."""
    text = "\n".join([*SCRIPTS.values(), read("page/page.html")])
    plain = re.findall(r'say\("([\w.]+)"', text) + re.findall(r'data-say(?:-label)?="(\w+)"', text)
    chosen = re.findall(r'say\([^"`)]*\? "(\w+)" : (?:[^"?]*\? )?"(\w+)"(?: : "(\w+)")?', text)
    return {*plain, *(key for keys in chosen for key in keys if key)}


def prefixes() -> set[str]:
    """Return the beginnings of keys that are completed at run time, such as `part.`."""
    text = "\n".join(SCRIPTS.values())
    return set(re.findall(r'[`"]([a-z_]+[._])\$\{', text)) | {"token.", "placeholder."}


def test_the_page_refers_to_nothing_outside():
    made = page([MODEL], engine=ENGINE)
    addresses = set(re.findall(r"https?://[\w./-]+", made)) - {"http://www.w3.org/2000/svg"}
    assert addresses == set()
    assert set(re.findall(r'\b(?:src|href)="([^"]*)"', made)) <= {"data:,"}
    assert re.findall(r"\b(?:fetch|XMLHttpRequest|WebSocket|importScripts|@import)\b", made) == []


def test_only_the_scripts_of_the_page_close_a_script():
    made = page([MODEL, MODEL], lessons={"a": "</script><!--"}, engine=ENGINE)
    assert made.count("<script") == made.count("</script>") == 8
    assert "<title>a &lt;/script&gt; name · a &lt;/script&gt; name</title>" in made


def test_json_in_the_page_is_the_json_that_was_given():
    value = {"text": "</script> <!-- {title} 한국어 \u2028", "numbers": [1.5, None, True]}
    text = embedded_json(value)
    assert "<" not in text
    assert json.loads(text) == value


def test_a_script_that_would_end_its_element_is_refused():
    with pytest.raises(ValueError, match="</SCRIPT"):
        embedded_script('"</SCRIPT>"')


def test_a_page_is_recognized_and_other_files_are_not(tmp_path):
    mine = tmp_path / "mine.html"
    for text, whole in ((page([MODEL], engine=ENGINE), True), ("<!doctype html>\n<html>", False)):
        mine.write_text(text, encoding="utf-8")
        assert is_page(mine) == whole


def test_the_small_page_is_marked():
    assert 'class="is-small"' in page([MODEL], small=True, engine=ENGINE)
    assert 'class="is-small"' not in page([MODEL], engine=ENGINE)


def test_both_languages_have_the_same_words_with_the_same_values():
    keys = [list(words) for words in WORDS.values()]
    assert keys[0] == keys[1]
    for key in keys[0]:
        values = [sorted(re.findall(r"\{(\w+)\}", words[key])) for words in WORDS.values()]
        assert values[0] == values[1], key
        assert all(words[key].strip() for words in WORDS.values()), key


def test_every_word_that_the_page_says_exists():
    assert says() - set(WORDS["en"]) == set()
    assert len(says()) > 60


def test_every_word_is_said():
    text, begun = "\n".join(SCRIPTS.values()), tuple(prefixes())
    said = {key for key in WORDS["en"] if key in says() or f'"{key}"' in text}
    assert [key for key in WORDS["en"] if key not in said and not key.startswith(begun)] == []


def test_korean_words_are_korean():
    plain = {"brand", "scheme.alibi", "time", "summary.generator", "wiring.deepnorm"}
    without = [k for k, v in WORDS["ko"].items() if not re.search("[가-힣]", v) and k not in plain]
    assert without == ["document_title"]


TERMS = {
    "nat", "log_probability", "pre_norm", "post_norm", "residual_stream", "logit", "logit_lens",
    "beam", "length_penalty", "scale", "skip", "head",
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_glossary_explains_each_term_in_one_sentence(language):
    assert list(GLOSSARY[language]) == list(GLOSSARY["en"])
    assert set(GLOSSARY[language]) == TERMS
    for name, entry in GLOSSARY[language].items():
        meaning = entry["meaning"]
        assert re.fullmatch(r"[^.]+(?:\.\d[^.]*)?\.", meaning), (name, meaning)
        assert len(meaning) <= 125, name
        assert bool(re.search("[가-힣]", meaning)) == (language == "ko")
        assert all(form == form.lower() for form in entry["forms"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_term_of_the_glossary_stands_on_the_page(language):
    said = "\n".join([*WORDS[language].values(), SCRIPTS["box.js"]]).lower()
    absent = [n for n, e in GLOSSARY[language].items() if not any(f in said for f in e["forms"])]
    assert absent == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_term_is_marked_once_where_it_is_mentioned(language):
    words = {"en": {"glossary": GLOSSARY["en"]}, "ko": {"glossary": GLOSSARY["ko"]}}
    text = {
        "en": "Beam width: heads in the logit lens, a logit-like beam, 2 nats, aheads, √dₖ.",
        "ko": "빔 너비: 로짓 렌즈의 헤드마다, 로짓이 빔을, 2 nat, 앞헤드, pre-norm, √dₖ로.",
    }
    wanted = {
        "en": ["Beam", "heads", "logit lens", "nats", "√dₖ"],
        "ko": ["빔", "로짓 렌즈", "헤드", "로짓", "nat", "pre-norm", "√dₖ"],
    }
    call = {"call": "explained", "words": words, "language": language, "text": text[language]}
    [found] = answer("page.mjs", [call])
    assert (
        "".join(part if isinstance(part, str) else part["term"] for part in found) == text[language]
    )
    assert [part["term"] for part in found if not isinstance(part, str)] == wanted[language]


SUMMARIES = [
    (
        "transformer", {"encoder": 3, "decoder": 1},
        {"d_model": 128, "heads": 4, "wiring": "pre-norm", "positions": "rotary"},
        "Transformer, 3 + 1 layers, d_model 128, 4 heads, pre-norm, "
        "position code: rotary positions",
        "트랜스포머, 인코더 3층 + 디코더 1층, d_model 128, 헤드 4개, 사전 정규화(pre-norm), "
        "위치 인코딩: 회전 위치",
    ),
    (
        "gpt", {"encoder": 0, "decoder": 1},
        {"d_model": 64, "heads": 1, "wiring": "deepnorm", "positions": "none"},
        "GPT, 1 layer, d_model 64, 1 head, DeepNorm", "GPT, 1층, d_model 64, 헤드 1개, DeepNorm",
    ),
    (
        "electra", {"encoder": 2, "decoder": 0},
        {"d_model": 64, "heads": 2, "sharing": "all", "generator": {"d_model": 16}},
        "ELECTRA, 2 layers, d_model 64, 2 heads, one layer shared by all, generator of 16",
        "ELECTRA, 2층, d_model 64, 헤드 2개, 모든 층이 가중치 공유, 생성기 16",
    ),
    (
        "rnn", {"encoder": 2, "decoder": 1},
        {"d_model": 64, "cell": "lstm", "attention": "dot", "input_feeding": True},
        "Recurrent encoder-decoder (LSTM), 2 + 1 layers, d_model 64, dot attention, input feeding",
        "순환 인코더-디코더 (LSTM), 인코더 2층 + 디코더 1층, d_model 64, dot 어텐션, 입력 피딩",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("family", "layers", "settings", "english", "korean"), SUMMARIES)
def test_the_summary_of_a_model_is_in_the_language_of_the_page(
    family, layers, settings, english, korean
):
    given = {"family": family, "layers": layers, "settings": settings}
    calls = [
        {"call": "summary", "words": WORDS, "language": one, "description": given}
        for one in LANGUAGES
    ]
    assert answer("page.mjs", calls) == [english, korean]


def test_parameters_are_counted_in_the_language_of_the_page():
    values = [900, 9_000, 933_000, 15_260_000]
    calls = [
        {"call": "count", "words": WORDS, "language": one, "values": values} for one in LANGUAGES
    ]
    assert answer("page.mjs", calls) == [
        ["900", "9000", "933 k", "15.3 M"],
        ["900", "9000", "93만", "1526만"],
    ]


def test_the_shown_divisor_is_the_length_penalty_of_the_search():
    [found] = answer("page.mjs", [{"call": "divisors", "lengths": [1, 7], "alphas": [0.0, 0.6, 1]}])
    expected = [[length_penalty(n, a) for a in (0.0, 0.6, 1)] for n in (1, 7)]
    assert found == [pytest.approx(one) for one in expected]


def test_the_engine_is_warmed_up_only_while_nothing_is_asked():
    [found] = answer("page.mjs", [{"call": "warmed", "busy": [True, True, False, True, False]}])
    assert found["asked"] == [False] * len(found["asked"])
    assert found["runs"][:4] == [[0, 1], [1, 1], [0, 2], [1, 2]]
    assert len(found["runs"]) == 12


def test_a_warm_up_that_fails_or_takes_long_is_the_last_one():
    failed, slow = answer(
        "page.mjs",
        [
            {"call": "warmed", "busy": [], "fails": True},
            {"call": "warmed", "busy": [], "slow": 160},
        ],
    )
    assert len(failed["runs"]) == 1
    assert len(slow["runs"]) == 3  # one for each of two models, and one that shows the time


def test_weights_are_decoded_with_and_without_the_function_of_the_browser():
    values = [bytes(range(n)) for n in (0, 1, 2, 3, 250)]
    texts = [base64.b64encode(one).decode() + "\n" for one in values]
    [[own, native]] = answer("page.mjs", [{"call": "decoded", "texts": texts}])
    assert own == native == [list(one) for one in values]


def test_modules_come_after_what_they_import():
    order = list(SCRIPTS)
    assert order[-1] == "main.js"
    for name, text in SCRIPTS.items():
        for imported in re.findall(r'from "\./([\w-]+\.js)"', text):
            assert order.index(imported) < order.index(name)


def test_the_joined_script_has_no_imports_and_each_module_once():
    script = joined(MAIN)
    assert re.findall(r"^(?:import|export) .*", script, re.MULTILINE) == []
    assert all(script.count(f"// {name}\n") == 1 for name in SCRIPTS)


def write(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        (directory / f"{name}.js").write_text(text, encoding="utf-8")
    return directory / "a.js"


def test_a_name_that_two_modules_declare_is_refused(tmp_path):
    entry = write(
        tmp_path, a='import {b} from "./b.js";\nconst x = b;', b="export const b = 1, x = 2;"
    )
    assert "const b = 1" in joined(entry)
    entry = write(
        tmp_path, a='import {b} from "./b.js";\nconst x = b;', b="export const b = 1;\nlet x = 2;"
    )
    with pytest.raises(ValueError, match=r"`x` is declared in b\.js and in a\.js"):
        joined(entry)


def test_modules_that_import_each_other_are_refused(tmp_path):
    entry = write(tmp_path, a='import {b} from "./b.js";', b='import {a} from "./a.js";')
    with pytest.raises(ValueError, match=r"a\.js imports b\.js imports a\.js"):
        joined(entry)


PANE = {
    "model": 0, "text": "왜 √dₖ 인가? a&b=c#d\n+ %20", "second": "two",
    "forced": ["K", "</s>", "▁a", ","],
    "off": ["encoder.layers.0.self_attention.heads.2", "skip"], "beam": 7, "lengthPenalty": 0.6,
    "temperature": 0.5, "sample": True, "seed": 12,
}  # fmt: skip
PLAIN = PANE | {"second": "", "forced": [], "off": [], "sample": False, "text": "plain"}
WHOLE = {
    "open": ["heads", "beam"], "language": "ko", "theme": "dark",
    "head": "decoder.layers.0.cross_attention/1", "query": None, "step": 3, "box": "projection",
}  # fmt: skip
EMPTY = {**dict.fromkeys(WHOLE), "open": []}


@pytest.mark.parametrize("panes", [[PANE], [PLAIN], [PANE, PLAIN], [PLAIN, PANE | {"model": 1}]])
@pytest.mark.parametrize("whole", [WHOLE, EMPTY])
def test_the_address_restores_the_whole_state(panes, whole):
    state = {"panes": panes, **whole}
    [found] = answer("page.mjs", [{"call": "fragment", "state": state}])
    assert found["state"] == state
    assert re.fullmatch(r"[\w.*+%=&-]*", found["text"])


def test_an_address_that_means_nothing_changes_nothing():
    [state] = answer("page.mjs", [{"call": "fresh"}])
    wrong = [
        "",
        "#",
        "#beam=many",
        "#open=[1,{}",
        "#step=x",
        "#off=%5B1%5D",
        "#open=%5B%22no%22%5D",
    ]
    calls = [{"call": "read", "fragment": one, "state": state} for one in wrong]
    for found in answer("page.mjs", calls):
        assert found | {"panes": []} == state | {"panes": []}
        assert found["panes"][0] | {"text": ""} == state["panes"][0] | {"text": ""}


@pytest.mark.parametrize(
    ("before", "after"),
    [("K AE T", "K AE T"), ("K AE T", "K AA T S"), ("", "A"), ("A B C", "C B A")],
)
def test_a_difference_holds_both_texts(before, after):
    call = {"call": "difference", "before": before.split(), "after": after.split()}
    [parts] = answer("page.mjs", [call])
    assert [p["token"] for p in parts if p["kind"] != "new"] == before.split()
    assert [p["token"] for p in parts if p["kind"] != "gone"] == after.split()
    assert all(p["kind"] == "same" for p in parts) == (before == after)


@pytest.mark.parametrize(
    ("own", "other", "by_word", "places"),
    [
        (["K", "AE", "T"], ["K", "AA", "T", "S"], False, [1]),
        (["K", "AE", "T"], ["K", "AE", "T"], False, []),
        (["▁a", "▁dog", "s"], ["▁a", "▁do", "g", "▁runs"], True, [1, 2]),
        (["▁a", "▁dogs"], ["▁a", "▁do", "g", "s"], True, []),
        (["K", "AE"], ["K", "AH"], True, [1]),
    ],
)
def test_tokens_that_the_other_answer_does_not_have_are_found(own, other, by_word, places):
    answers = [
        {
            "tokens": one,
            "text": "".join(one).replace("▁", " ").strip() if "▁a" in one else " ".join(one),
        }
        for one in (own, other)
    ]
    call = {"call": "differing", "own": answers[0], "other": answers[1], "byWord": by_word}
    assert answer("page.mjs", [call]) == [places]


def description(encoder: int, decoder: int, wiring: str = "pre-norm") -> dict:
    parts = {"encoder": ["self_attention", "feedforward"]}
    parts["decoder"] = ["self_attention", "cross_attention", "feedforward"]
    switches = []
    for side, count in (("encoder", encoder), ("decoder", decoder)):
        for k in range(count):
            switches += [f"{side}.layers.{k}", *(f"{side}.layers.{k}.{p}" for p in parts[side])]
    settings = {"wiring": wiring, "positions": "sinusoidal"}
    return {
        "family": "transformer",
        "task": "translate",
        "switches": switches,
        "settings": settings,
    }


@pytest.mark.parametrize("width", [340, 640])
@pytest.mark.parametrize("wiring", ["pre-norm", "post-norm", "no-skip", "no-norm", "deepnorm"])
@pytest.mark.parametrize("layers", [(1, 1), (3, 1), (2, 3), (6, 6)])
def test_the_drawing_has_every_layer_and_its_boxes_do_not_overlap(layers, wiring, width):
    given = description(*layers, wiring)
    call = {"call": "plan", "description": given, "width": width, "opened": ["decoder.layers.2"]}
    [plan] = answer("page.mjs", [call])
    items = plan["items"]
    drawn = {item["name"] for item in items if item["kind"] == "layer"}
    assert drawn == {name for name in given["switches"] if re.search(r"layers\.\d+$", name)}
    boxes = [
        i
        for i in items
        if i["kind"] in ("box", "norm") or (i["kind"] == "layer" and not i["expanded"])
    ]
    for k, one in enumerate(boxes):
        assert one["x"] >= 0
        assert one["x"] + one["wide"] <= width
        assert one["y"] >= 0
        assert one["y"] + one["tall"] <= plan["height"]
        for other in boxes[:k]:
            apart = (
                one["x"] >= other["x"] + other["wide"] or other["x"] >= one["x"] + one["wide"]
                or one["y"] >= other["y"] + other["tall"] or other["y"] >= one["y"] + one["tall"]
            )  # fmt: skip
            assert apart, (one["name"], other["name"])


def test_the_tree_marks_the_path_of_the_answer_and_keeps_the_best_on_top():
    def node(id, parent, token, cumulative, step, *, kept=True, finished=False):
        return {
            "id": id, "parent": parent, "token": token, "cumulative": cumulative, "step": step,
            "probability": 0.5, "kept": kept, "finished": finished,
        }  # fmt: skip

    tree = [
        node(0, None, "A", -1.0, 0), node(1, None, "B", -0.5, 0), node(2, 0, "C", -1.2, 1),
        node(3, 1, "C", -3.0, 1, kept=False), node(4, 2, "</s>", -1.3, 2, finished=True),
    ]  # fmt: skip
    [found] = answer("page.mjs", [{"call": "tree", "tree": tree, "tokens": ["A", "C", "</s>"]}])
    assert found["best"] == [0, 2, 4]
    heights = {place["node"]["id"]: place["y"] for place in found["places"]}
    assert heights[1] < heights[0]
    assert heights[2] < heights[3]


def test_probabilities_are_rounded_honestly():
    values = [1, 0.9996, 0.998, 0.994, 0.5, 0.0951, 0.00951, 0.00012, 1e-9]
    [texts] = answer("page.mjs", [{"call": "percent", "values": values}])
    assert texts == [
        "100 %",
        "> 99.9 %",
        "99.8 %",
        "99 %",
        "50 %",
        "9.5 %",
        "0.95 %",
        "0.01 %",
        "< 0.01 %",
    ]


def test_every_number_that_is_read_is_rounded_in_one_module():
    drawn = ("--share:${", "--sure:${", 'opacity"', 'stroke-width"', '"data-base"')
    for name, text in SCRIPTS.items():
        for found in re.finditer(r"toFixed|toPrecision|toExponential|Math\.round\(", text):
            before = text[max(0, found.start() - 60) : found.start()]
            drawing = name == "heat.js" or any(one in before for one in drawn)
            assert name == "numbers.js" or drawing or "milliseconds" in before, (name, before)


def test_a_number_in_a_cell_is_the_percentage_without_its_sign():
    values = [1, 0.9996, 0.998, 0.5, 0.0951, 0.00996, 0.00951, 0.0005, 0.0004, 0]
    [texts] = answer("page.mjs", [{"call": "short", "values": values}])
    assert texts == ["100", "100", "99.8", "50", "9.5", "1.0", "<1", "<1", "", ""]


def luminance(colour: list[float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("hue", ["warm", "cold"])
@pytest.mark.parametrize("dark", [False, True])
def test_numbers_are_readable_on_every_shade_of_a_cell(hue, dark):
    style = read("page/page.css").split("@media")[0] + (read("page/dark.css") if dark else "")
    found = re.findall(r"--([\w-]+): #(\w{3,6});", style)
    colours = {
        name: [
            int(c, 16) / 255
            for c in re.findall("..", "".join(2 * h for h in v) if len(v) == 3 else v)
        ]
        for name, v in found
    } | {"on-middle": [0.0, 0.0, 0.0]}
    shades = [k / 14 for k in range(15)]
    [inks] = answer("page.mjs", [{"call": "ink", "values": [s ** (1 / 0.75) for s in shades]}])
    for share, ink in zip(shades, inks, strict=True):
        pairs = zip(colours[hue], colours["box"], strict=True)
        cell = luminance([share * a + (1 - share) * b for a, b in pairs])
        bright, low = sorted((luminance(colours[ink]), cell), reverse=True)
        assert (bright + 0.05) / (low + 0.05) >= 4.4, (share, ink)


def test_only_the_first_and_the_newest_of_many_requests_are_run_and_only_the_newest_is_answered():
    [found] = answer("page.mjs", [{"call": "runner", "count": 9}])
    assert found == {"asked": [0, 8], "answered": [8]}
