"""``whyformer inspect`` as a user types it, on every family."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

from toy_runs import LINES, toy_run
from whyformer.bundle import Bundle, save_bundle
from whyformer.models.bert import BERTSettings
from whyformer.models.build import build_model
from whyformer.models.gpt import GPTSettings
from whyformer.models.recurrent.language import RecurrentLanguageSettings
from whyformer.models.recurrent.settings import RecurrentSettings
from whyformer.text.tokenizer import train_tokenizer

SMALL = {"d_model": 16, "heads": 2, "d_ff": 24, "max_length": 16}
FAMILIES = {
    "gpt": GPTSettings(layers=2, **SMALL),
    "bert": BERTSettings(layers=2, **SMALL),
    "bert classes": BERTSettings(layers=1, outputs=3, **SMALL),
    "bert tags": BERTSettings(layers=1, outputs=3, answer_of="tokens", **SMALL),
    "albert": BERTSettings(layers=3, sharing="all", embedding_width=8, **SMALL),
    "rnn": RecurrentSettings(d_model=16, max_length=16),
    "rnn without attention": RecurrentSettings(
        d_model=16, max_length=16, attention="none", input_feeding=False
    ),
    "rnn-lm": RecurrentLanguageSettings(d_model=16, max_length=16),
}
HEADS = {"transformer": 2 * 5, "gpt": 4, "bert": 4, "bert classes": 2, "bert tags": 2, "albert": 6,
         "rnn": 1, "rnn without attention": 0, "rnn-lm": 0}  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("families")
    tokenizer = train_tokenizer("words", LINES, vocabulary=300)
    sizes = (len(tokenizer), len(tokenizer))
    torch.manual_seed(0)
    for name, settings in FAMILIES.items():
        model = build_model(settings, sizes, shared=True).eval()
        facts = {"decoding": {"beam": 1, "max_length": 6}}
        save_bundle(root / name / "model", Bundle(model, tokenizer, tokenizer, facts))
    return {"transformer": toy_run(root / "transformer")} | {n: root / n for n in FAMILIES}


@pytest.mark.parametrize("family", HEADS)
def test_every_family_is_inspected(cli, runs, family):
    said = cli("inspect", runs[family], "--text", "a b c", "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert found["family"] == runs[family].name.split()[0].replace("albert", "bert")
    heads = found["heads"]
    assert len(heads) == HEADS[family]
    assert len({(one["attention"], one["head"]) for one in heads}) == len(heads)
    for one in heads:
        assert one["score_deviation"] >= 0
        assert 0 <= one["entropy_share"] <= 1 + 1e-6
    assert all(0 < one["token_diversity"] <= 1 for one in found["layers"])
    work = found["multiply_adds"]
    assert sum(work["by_equation"].values()) == work["total"] == sum(work["by_module"].values())
    expected = {"recurrence"} if "rnn" in family else {"projections", "scores", "weighted sum"}
    assert expected <= set(work["by_equation"])


def test_tables_for_people(cli, runs):
    said = cli("inspect", runs["transformer"], "--text", "a b c", "--target", "c b")
    assert said.code == 0
    for words in (
        "target: 3 tokens: <bos> c b", "decoder.layers.1.cross_attention", "encoder.layers.0",
        "deviation", "token diversity", "feed-forward", "vocabulary", "100.0%",
    ):  # fmt: skip
        assert words in said.out
    assert said.err == ""


class Counting(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name in ("src", "href") for name, _ in attrs)  # nothing from elsewhere


@pytest.mark.parametrize("family", HEADS)
def test_heads_are_drawn(cli, runs, family, tmp_path):
    out = tmp_path / "heads.html"
    said = cli("inspect", runs[family], "--text", "a b c", "--out", out)
    assert said.code == 0, said.err
    page = Counting()
    page.feed(out.read_text(encoding="utf-8"))
    assert page.tags.count("svg") == HEADS[family]
    assert "exists already" in cli("inspect", runs[family], "--text", "a", "--out", out).sentence
    assert cli("inspect", runs[family], "--text", "a", "--out", out, "--overwrite").code == 0


def test_the_target_is_read_by_the_columns_of_the_source(cli, runs, tmp_path):
    out = tmp_path / "heads.html"
    cli("inspect", runs["rnn"], "--text", "a b c", "--target", "e", "--out", out)
    page = out.read_text(encoding="utf-8")
    numbers = page[page.index("<summary>Numbers</summary>") :]
    assert numbers.count('<th scope="col" class="n">') == 4  # a b c <eos>
    assert numbers.count('<th scope="row">') == 2  # <bos> e
    assert numbers.count('<td class="n">') == 2 * 4


@pytest.mark.parametrize(
    ("family", "words", "sentence"),
    [
        ("gpt", [], "`--text` is required"),
        ("gpt", ["--text", ""], "`--text` is empty"),
        ("transformer", ["--text", ""], "`--text` is empty"),
        ("gpt", ["--text", "a", "--target", "b"], "needs a translation model"),
        ("gpt", ["--text", "a " * 20], "reads at most 16"),
        ("bert", ["--text", "a " * 20], "reads at most 16"),
        ("rnn", ["--text", "a", "--target", "b " * 20], "`--target` has 21 tokens"),
        ("transformer", ["--text", "a " * 99, "--target", "a", "--out", "OUT"], "at most 64"),
        ("gpt", ["--text", "a", "--device", "toaster"], "is not a device"),
        ("nowhere", ["--text", "a"], "does not exist"),
    ],
)
def test_what_is_asked_wrongly_is_said(cli, runs, family, words, sentence, tmp_path):
    out = tmp_path / "x.html"
    run = runs.get(family, Path("nowhere"))
    said = cli("inspect", run, *[str(out) if word == "OUT" else word for word in words])
    assert sentence in said.sentence
    assert said.out == ""
    assert not out.exists()


def test_two_texts_have_two_segments(cli, runs):
    found = json.loads(cli("inspect", runs["bert"], "--text", "a b\tc", "--json").out)
    assert found["tokens"]["text"] == ["<bos>", "a", "b", "<eos>", "c", "<eos>"]


@pytest.mark.parametrize("family", HEADS)
@pytest.mark.parametrize("text", ["", " ", "\t", "\u3000"])
def test_a_text_without_words_is_inspected_or_refused_in_one_sentence(cli, runs, family, text):
    said = cli("inspect", runs[family], "--text", text)
    assert said.code in (0, 2), said.err
    assert "Traceback" not in said.err


def test_a_tagger_whose_tokenizer_keeps_spaces_needs_a_word(cli, tmp_path):
    tokenizer = train_tokenizer("chars", LINES, vocabulary=300)
    model = build_model(FAMILIES["bert tags"], (len(tokenizer),) * 2, shared=True).eval()
    save_bundle(tmp_path / "model", Bundle(model, tokenizer, tokenizer, {}))
    said = cli("inspect", tmp_path, "--text", " ")
    assert said.code == 2
    assert "`--text` is empty. Give a text for the model to read." in said.err
