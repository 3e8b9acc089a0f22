"""The first lines of a run state the most important faults of its data."""

import pytest
import torch

from made_up_pairs import GERMAN_ENGLISH, KOREAN_ENGLISH, exchanged
from whyformer.data.corpus import build_corpus
from whyformer.data.survey.profile import Kind
from whyformer.recipes.recipe import DataSettings, resolve
from whyformer.tasks import survey_facts
from whyformer.tasks.build import open_task
from whyformer.tasks.survey_facts import (
    amount_finding,
    held_out_finding,
    label_findings,
    pair_findings,
    unknown_finding,
)
from whyformer.text.tokenizer import train_tokenizer

DATA = DataSettings(train=["mine.tsv"])


@pytest.fixture
def said(tmp_path):
    """Return a function from pairs to the line that a run prints."""

    def line(pairs, data=DATA):
        texts = [text for pair in pairs[:200] for text in (pair.source, pair.target)]
        tokenizer = train_tokenizer("chars", texts, vocabulary=500)
        corpus = build_corpus(pairs, tokenizer, tokenizer, tmp_path / "corpus")
        return " ".join(pair_findings(data, corpus))

    return line


def test_good_pairs_give_no_line(said):
    assert said(GERMAN_ENGLISH.pairs(600)) == ""


@pytest.mark.parametrize("maker", [KOREAN_ENGLISH, GERMAN_ENGLISH])
def test_swapped_pairs_are_named_with_the_command(said, maker):
    pairs = [exchanged(p) if n % 10 == 3 else p for n, p in enumerate(maker.pairs(1000))]
    line = said(pairs)
    assert line.startswith("data        ")
    assert "% of the pairs look swapped" in line
    assert line.endswith("whyformer data mine.tsv")


def test_repeated_pairs_are_counted_in_the_whole_corpus(said, monkeypatch):
    pairs = KOREAN_ENGLISH.pairs(700)
    assert "30.0 % of the pairs repeat an earlier one" in said([*pairs, *pairs[:300]])
    monkeypatch.setattr(survey_facts, "COMPARED", 300)
    share = float(said([*pairs, *pairs[:300]]).split()[1])
    assert 20 < share < 40


def test_the_sides_of_two_files_are_part_of_the_command(said):
    pairs = KOREAN_ENGLISH.pairs(400)
    line = said([*pairs, *pairs], DataSettings(train=["c/train"], source="ko", target="en"))
    assert line.endswith("whyformer data c/train --source ko --target en")


def test_too_few_items_are_said():
    assert not list(amount_finding(Kind.PAIRS, 500))
    (line,) = amount_finding(Kind.PAIRS, 300)
    assert "300 pairs are too few to learn from" in line
    assert not list(amount_finding(Kind.PAIRS, 300, start_from="run"))


def test_a_share_of_unknown_tokens_is_said_from_two_per_cent_on():
    assert not list(unknown_finding(2, 100))
    (line,) = unknown_finding(3, 100, "source")
    assert "encodes 3% of the source as <unk>" in line


def test_held_out_texts_that_are_nearly_equal_to_training_texts_are_counted(monkeypatch):
    held_out, training = ["Good morning!", "Good night."], ["good  morning", "Bye."]
    (line,) = held_out_finding(Kind.PAIRS, held_out, training)
    assert "1 of 2 held-out pairs is also in the training data, if case, punctuation" in line
    assert not list(held_out_finding(Kind.PAIRS, held_out[1:], training))
    monkeypatch.setattr(survey_facts, "COMPARED", 0)
    assert not list(held_out_finding(Kind.PAIRS, held_out, training))


def test_contradicting_labels_are_named():
    texts = [pair.target for pair in GERMAN_ENGLISH.pairs(300)]
    items = [(text, "yes") for text in texts]
    assert not list(label_findings(DATA, items))
    (line,) = label_findings(DATA, [*items, *((text, "no") for text in texts[:20])])
    (other,) = label_findings(DATA, [(text, "O O") for text in [*texts, *texts]], Kind.TAGGED)
    assert "50.0 % of the sentences repeat an earlier one" in other
    assert "12.5 % of the texts have the same text as another one, but a different label" in line


FILES = {
    "translate": [f"word{n % 150} one{'!' * (n // 150)}\twort{n}" for n in range(300)],
    "classify": [f"word{n % 150} one{'!' * (n // 150)}\t{'ab'[n % 2]}" for n in range(300)],
    "tag": [f"word{n % 150} one{'!' * (n // 150)}\tX Y" for n in range(300)],
}
"""Task -> lines of a file in which each text occurs twice, once with an exclamation mark."""


@pytest.mark.parametrize("task", FILES)
def test_a_run_says_that_it_has_few_items_and_near_duplicates(task, tmp_path):
    (tmp_path / "t.tsv").write_text("\n".join(FILES[task]) + "\n", encoding="utf-8")
    recipe = resolve(task, {"data.train": [str(tmp_path / "t.tsv")]}).recipe
    said = "\n".join(open_task(recipe, tmp_path / "run").facts(1, torch.device("cpu")))
    assert "are too few to learn from" in said
    assert "also in the training data, if case, punctuation and spaces are ignored" in said
