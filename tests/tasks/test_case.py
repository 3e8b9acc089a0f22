"""`text.lowercase` and its two sides: the case of a text means the same in training and in use."""

import pytest
import torch

from whyformer.data.held_out import key_of
from whyformer.foundation.errors import ConfigError
from whyformer.recipes.recipe import resolve
from whyformer.recipes.unused import refuse_unused
from whyformer.tasks.pair_data import Prepared, prepare
from whyformer.tasks.translation import Translation
from whyformer.workflows.evaluate import evaluate_runs
from whyformer.workflows.systems import load_system
from whyformer.workflows.train import train

LOWERED = {"text.source_lowercase": True}
SMALL = {
    "model.d_model": 16, "model.heads": 2, "model.d_ff": 16, "model.encoder_layers": 1,
    "model.decoder_layers": 1, "training.updates": 2, "training.warmup": 1, "text.vocabulary": 300,
    "text.units": "chars", "validation.metric": "exact", "model.tying": "decoder",
}  # fmt: skip


@pytest.fixture
def pairs(tmp_path) -> str:
    """Return a file of sources that are there in three cases each, with answers in upper case."""
    words = [f"word {a}{b}" for a in "abcdefgh" for b in "abcdefgh"]
    forms = [form for word in words for form in (word, word.upper(), word.title())]
    file = tmp_path / "pairs.tsv"
    file.write_text("".join(f"{one}\tX {one[-1].upper()}\n" for one in forms), encoding="utf-8")
    return str(file)


def prepared(pairs: str, tmp_path, **more: object) -> Prepared:
    asked = SMALL | {"data.train": [pairs]} | more
    return prepare(resolve("translate", asked).recipe, tmp_path / "run")


def test_the_source_alone_is_put_in_lower_case(pairs, tmp_path):
    data = prepared(pairs, tmp_path, **LOWERED)
    source, target = data.source_tokenizer, data.target_tokenizer
    assert source.encode("WORD Ab") == source.encode("word ab")
    assert target.encode("X A") != target.encode("x a")
    assert target.decode(target.encode("X A")) == "X A"
    assert not data.shared


def test_each_side_may_differ_from_the_setting_of_both(pairs, tmp_path):
    more = {"text.lowercase": True, "text.target_lowercase": False}
    data = prepared(pairs, tmp_path, **more)
    assert (data.source_tokenizer.lowercase, data.target_tokenizer.lowercase) == (True, False)


@pytest.mark.parametrize("settings", [LOWERED, {"text.lowercase": True}])
def test_no_source_is_held_out_that_is_trained_on_in_another_case(pairs, tmp_path, settings):
    data = prepared(pairs, tmp_path, **settings)
    key = key_of(lowercase=True)
    trained = {key(data.corpus.texts(number)[0]) for number in range(len(data.corpus))}
    held_out = {key(item.source) for item in data.dev}
    assert held_out
    assert not trained & held_out


def test_a_run_answers_every_case_of_a_source_alike(pairs, tmp_path):
    train(resolve("translate", SMALL | LOWERED | {"data.train": [pairs]}), tmp_path / "run",
          quiet=True)  # fmt: skip
    translator = load_system([tmp_path / "run"]).translator
    found = translator.translate(["word ab", "WORD AB", "Word Ab"])
    assert len({(one.text, one.score) for one in found}) == 1


def test_validation_ignores_the_case_that_the_targets_lose(pairs, tmp_path, monkeypatch):
    asked = SMALL | {"data.train": [pairs], "text.target_lowercase": True}
    task = Translation(resolve("translate", asked).recipe, tmp_path / "run")
    right = {item.source: item.references[0].lower() for item in task.data.dev}

    class Perfect:
        def __init__(self, *_: object, **__: object) -> None: ...

        def translate(self, sources, *_: object):
            return [type("Answer", (), {"text": right[source]}) for source in sources]

    monkeypatch.setattr("whyformer.tasks.translation.Translator", Perfect)
    assert task.validate(task.model(torch.device("cpu")))["exact"] == 100


def test_evaluation_says_that_a_run_writes_lower_case_only(pairs, tmp_path):
    asked = SMALL | {"data.train": [pairs], "text.lowercase": True}
    train(resolve("translate", asked), tmp_path / "run", quiet=True)
    said: list[str] = []

    def evaluate(reference: str, *, lowercase: bool) -> list[str]:
        said.clear()
        evaluate_runs([tmp_path / "run"], ["word ab"], [[reference]], ["exact"],
                      lowercase=lowercase, warn=said.append)  # fmt: skip
        return [one for one in said if "lower case" in one]

    assert len(evaluate("X B", lowercase=False)) == 1
    assert evaluate("x b", lowercase=False) == evaluate("X B", lowercase=True) == []


def test_a_setting_that_both_sides_replace_is_refused(pairs):
    asked = {"text.lowercase": True, "text.source_lowercase": True, "text.target_lowercase": False}
    recipe = resolve("translate", SMALL | asked | {"data.train": [pairs]}).recipe
    with pytest.raises(ConfigError, match=r"text\.lowercase.*both set"):
        refuse_unused(recipe, asked)


@pytest.mark.parametrize("recipe", ["pronounce", "pronounce-full", "pronounce-lstm"])
def test_spelling_is_read_in_any_case(recipe):
    text = resolve(recipe, {"data.train": ["x.tsv"]} if recipe.endswith("full") else {}).recipe.text
    assert (text.lowers_source, text.lowers_target) == (True, False)
