"""Spaces around a text mean the same in training and in use."""

from dataclasses import replace

import pytest

from toy_runs import toy_bundle
from whyformer.bundle import save_bundle
from whyformer.decoding.expected import Expected
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.recipes.recipe import resolve
from whyformer.tasks.classification import Classifier
from whyformer.tasks.pair_data import prepare
from whyformer.text.tokenizer import train_tokenizer
from whyformer.workflows.labelling import load_labeller
from whyformer.workflows.score import score
from whyformer.workflows.single_text import single_text
from whyformer.workflows.train import train

SPACED = ["abban", "abban ", " abban", "\u3000abban\t"]
WANTED = SearchSettings(beam=2, max_length=4)


def translator(*, keep_spaces: bool = False) -> Translator:
    """A model of words on the side of the target only, and of characters read as they are."""
    made = toy_bundle(shared=False, lines=("a b", "abn n"))
    chars = train_tokenizer("chars", ["abn "], vocabulary=len(made.source_tokenizer))
    expected = Expected(keep_spaces=keep_spaces)
    return Translator([made.model], chars, made.target_tokenizer, expected=expected)


def corpus_of(tmp_path, name: str, spaces: str, **more: object):
    file = tmp_path / f"{name}.tsv"
    pairs = [(f"{n}a{n}", f"{n}b") for n in range(40)]
    text = "".join(f"{spaces}{s}{spaces}\t{t}{spaces}\n" for s, t in pairs)
    file.write_text(text, encoding="utf-8")
    asked = {"data.train": [str(file)], "data.dev": [str(file)], "text.units": "chars"} | more
    data = prepare(resolve("translate", asked).recipe, tmp_path / name)
    rows = [(data.corpus.source(k).tolist(), data.corpus.target(k).tolist()) for k in range(40)]
    return rows, data.dev


@pytest.mark.parametrize("spaces", [" ", "  ", "\u3000"])
def test_training_and_validation_texts_are_trimmed(tmp_path, spaces):
    assert corpus_of(tmp_path, "bare", "") == corpus_of(tmp_path, "spaced", spaces)


def test_a_switch_keeps_the_spaces_of_training_texts(tmp_path):
    bare, _ = corpus_of(tmp_path, "bare", "")
    kept, dev = corpus_of(tmp_path, "spaced", " ", **{"text.keep_spaces": True})
    assert [len(source) for source, _ in kept] == [len(source) + 2 for source, _ in bare]
    assert dev[0].source.startswith(" ")


def test_spaces_around_a_line_change_no_translation():
    found = translator().translate(SPACED, WANTED)
    assert len({one.score for one in found}) == 1
    assert [one.source for one in found] == SPACED
    kept = translator(keep_spaces=True).translate(SPACED, WANTED)
    assert len({one.score for one in kept}) == 4


def test_spaces_around_a_target_and_a_prefix_change_nothing():
    whole = translator()
    scores = whole.score(["a"] * 4, SPACED)
    assert len({one and one.log_probability for one in scores}) == 1
    found = whole.translate(["a"] * 3, WANTED, prefixes=["a", " a", "a "])
    assert len({one.text for one in found}) == 1


@pytest.mark.parametrize("keep", [False, True])
def test_inspect_reads_the_text_that_is_translated(keep, tmp_path):
    made = toy_bundle(shared=False, lines=("a b", "b n"))
    chars = train_tokenizer("chars", ["ab "], vocabulary=len(made.source_tokenizer))
    bundle = replace(made, source_tokenizer=chars, facts={"keep_spaces": keep})
    bare, spaced = (single_text(bundle, tmp_path, *texts) for texts in (("a", "b"), (" a ", "b ")))
    assert (bare.tokens == spaced.tokens) != keep


def test_spaces_around_a_target_are_not_counted_in_bits_per_character(tmp_path):
    save_bundle(tmp_path / "model", toy_bundle(shared=False, lines=("a b", "b n")))
    (tmp_path / "source").write_text("a\n", encoding="utf-8")
    found = []
    for text in ("abn", " abn "):
        (tmp_path / "target").write_text(f"{text}\n", encoding="utf-8")
        found.append(score([tmp_path / "model"], tmp_path / "source", tmp_path / "target"))
    assert found[0].totals == found[1].totals


def test_a_run_remembers_whether_it_keeps_spaces(tmp_path):
    lines = "".join(f" word {n} \t{'yes' if n % 2 else 'no'}\n" for n in range(60))
    (tmp_path / "labels.tsv").write_text(lines, encoding="utf-8")
    small = {
        "data.train": [str(tmp_path / "labels.tsv")], "training.updates": 2, "model.layers": 1,
        "model.d_model": 16, "model.heads": 2, "model.d_ff": 16, "text.vocabulary": 300,
        "training.warmup": 1,
    }  # fmt: skip
    for keep in (False, True):
        run = tmp_path / str(keep)
        train(resolve("classify", small | {"text.keep_spaces": keep}), run, quiet=True)
        classifier = load_labeller(run)
        assert isinstance(classifier, Classifier)
        found = classifier.classify([("word 1", None), (" word 1 ", None)])
        assert (found[0].probabilities == found[1].probabilities) != keep
