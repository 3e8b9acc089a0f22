"""`text.from_file`: a run uses the tokenizer of another tool, and does not need its file later."""

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer as Library
from tokenizers import decoders, models, pre_tokenizers, trainers

from whyformer.blocks.embeddings import Tying
from whyformer.bundle import load_bundle
from whyformer.foundation.errors import ConfigError, UsageError
from whyformer.recipes.recipe import Recipe, resolve
from whyformer.recipes.unused import reason_unused
from whyformer.tasks.build import open_task
from whyformer.tasks.language import Language
from whyformer.tasks.pair_data import Prepared, prepare
from whyformer.tasks.task import Caution
from whyformer.text.imported import Imported
from whyformer.text.tokenizer import TokenizerSettings
from whyformer.workflows.systems import load_system
from whyformer.workflows.train import train

SMALL = {
    "model.d_model": 16, "model.heads": 2, "model.d_ff": 16, "model.encoder_layers": 1,
    "model.decoder_layers": 1, "training.warmup": 1, "validation.metric": "loss",
}  # fmt: skip
WORDS = [f"word {a}{b}" for a in "abcdefgh" for b in "abcdefgh"]


def save_tokenizer(file: Path, size: int = 60) -> str:
    """Write a tiny tokenizer like that of GPT-2, with a symbol for padding."""
    library = Library(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<pad>", "</s>"], show_progress=False
    )
    library.train_from_iterator(WORDS, trainer)
    library.save(str(file))
    return str(file)


@pytest.fixture
def pairs(tmp_path: Path) -> str:
    file = tmp_path / "pairs.tsv"
    file.write_text("".join(f"{one}\t{one[::-1]}\n" for one in WORDS), encoding="utf-8")
    return str(file)


def prepared(pairs: str, tmp_path: Path, **more: object) -> Prepared:
    return prepare(resolve("translate", SMALL | {"data.train": [pairs]} | more).recipe, tmp_path)


def test_a_run_and_its_successor_store_the_tokenizer(pairs: str, tmp_path: Path):
    file = save_tokenizer(tmp_path / "tokenizer.json")
    asked = {"data.train": [pairs], "training.updates": 1, "training.warmup": 1,
             "validation.verdict": False}  # fmt: skip
    train(resolve("translate", SMALL | asked | {"text.from_file": file}), tmp_path / "a",
          quiet=True)  # fmt: skip
    Path(file).unlink()
    (found,) = load_system([tmp_path / "a"]).translator.translate(["word ab"])
    assert isinstance(found.text, str)
    start = {"start_from": str(tmp_path / "a")}
    train(resolve("translate", asked | start), tmp_path / "b", quiet=True)
    first, second = (load_bundle(tmp_path / name) for name in "ab")
    assert isinstance(first.source_tokenizer, Imported)
    assert first.shared
    assert first.source_tokenizer.fingerprint == second.source_tokenizer.fingerprint


def test_a_run_resumes_without_the_file(pairs: str, tmp_path: Path):
    file = save_tokenizer(tmp_path / "tokenizer.json")
    before = prepared(pairs, tmp_path / "run", **{"text.from_file": file})
    Path(file).unlink()
    after = prepared(pairs, tmp_path / "run", **{"text.from_file": file})
    assert before.source_tokenizer.fingerprint == after.source_tokenizer.fingerprint


def test_a_run_does_not_resume_with_another_file(pairs: str, tmp_path: Path):
    file = save_tokenizer(tmp_path / "tokenizer.json")
    prepared(pairs, tmp_path / "run", **{"text.from_file": file})
    prepared(pairs, tmp_path / "run", **{"text.from_file": file})
    save_tokenizer(tmp_path / "tokenizer.json", size=50)
    with pytest.raises(ConfigError, match=r"must not change during a run"):
        prepared(pairs, tmp_path / "run", **{"text.from_file": file})


def test_lines_that_the_other_tool_changes_are_counted(pairs: str, tmp_path: Path):
    file = save_tokenizer(tmp_path / "tokenizer.json")  # Q is unknown to it
    more = tmp_path / "more.tsv"
    more.write_text("word ab\tQQ\nword ba\tab\n", encoding="utf-8")
    data = prepared(pairs, tmp_path / "run", **{"text.from_file": file})
    assert data.corpus.report.round_trip_failures.count == 0
    asked = {"text.from_file": file, "data.train": [pairs, str(more)], "data.dev": [pairs]}
    data = prepared(pairs, tmp_path / "two", **asked)
    assert data.corpus.report.round_trip_failures.count == 1


def test_each_side_may_have_its_own_file_or_learn_its_vocabulary(pairs: str, tmp_path: Path):
    files = [save_tokenizer(tmp_path / f"{size}.json", size) for size in (50, 60)]
    asked = {"text.source_from_file": files[0], "text.vocabulary": 300}
    data = prepared(pairs, tmp_path / "run", **asked)
    assert (data.source_tokenizer.units, data.target_tokenizer.units) == ("imported", "bpe")
    more = {"text.source_from_file": files[0], "text.from_file": files[1]}
    data = prepared(pairs, tmp_path / "two", **more)
    assert len(data.source_tokenizer) < len(data.target_tokenizer)
    assert not data.shared
    lowered = {"text.from_file": files[0], "text.source_lowercase": True}
    data = prepared(pairs, tmp_path / "three", **lowered)
    assert (data.source_tokenizer.lowercase, data.target_tokenizer.lowercase) == (True, False)


def test_separate_vocabularies_have_separate_embeddings(pairs: str, tmp_path: Path):
    file = save_tokenizer(tmp_path / "tokenizer.json")
    asked = SMALL | {"data.train": [pairs], "text.source_from_file": file, "text.vocabulary": 300}
    found = resolve("translate", asked)
    assert found.recipe.model.model_dump()["tying"] is Tying.DECODER
    assert "separate vocabularies" in found.origins["model.tying"]
    short = {"training.updates": 1, "validation.verdict": False}
    train(resolve("translate", asked | short), tmp_path / "run", quiet=True)
    train(resolve("translate", asked | short), tmp_path / "run", quiet=True)  # it resumes
    chosen = resolve("translate", asked | short | {"model.tying": "three-way"})
    with pytest.raises(ConfigError, match=r"Set text\.shared to true"):
        train(chosen, tmp_path / "other", quiet=True)
    whole = resolve("translate", SMALL | {"data.train": [pairs]}).recipe.model
    assert whole.model_dump()["tying"] is Tying.THREE_WAY


def test_a_language_model_reads_the_file_too(tmp_path: Path):
    file = save_tokenizer(tmp_path / "tokenizer.json")
    text = tmp_path / "text.txt"
    text.write_text("\n".join(WORDS * 9), encoding="utf-8")
    asked = {"data.train": [str(text)], "data.row_tokens": 8, "text.from_file": file}
    small = {"model.d_model": 16, "model.heads": 2, "model.d_ff": 16, "model.layers": 1}
    recipe = resolve("tiny-gpt", asked | small).recipe
    task = Language(recipe, tmp_path / "run")
    assert isinstance(task.tokenizer, Imported)


@pytest.mark.parametrize("name", ["translate", "classify", "tag", "tiny-gpt"])
def test_a_tokenizer_that_does_not_know_the_text_is_said(name: str, tmp_path: Path):
    library = Library(models.WordLevel({"[UNK]": 0, "word": 1, "ab": 2, "O": 3}, unk_token="[UNK]"))
    library.pre_tokenizer = pre_tokenizers.Whitespace()
    library.save(str(tmp_path / "tokenizer.json"))
    end = {"translate": "\tword", "classify": "\t{}", "tag": "\tX O", "tiny-gpt": ""}[name]
    small = {"data.row_tokens": 8} if name == "tiny-gpt" else {}
    for words, warned in (("word ab", False), ("낱말 ab", True)):
        data = tmp_path / f"{warned}.tsv"
        data.write_text(
            "".join(f"{words}{end.format(n % 2)}\n" for n in range(40)), encoding="utf-8"
        )
        asked = {
            "data.train": [str(data)], "data.dev": [str(data)],
            "text.from_file": str(tmp_path / "tokenizer.json"),
        }  # fmt: skip
        task = open_task(resolve(name, asked | small).recipe, tmp_path / f"{warned}")
        said = [one for one in task.facts(1, torch.device("cpu")) if "as <unk>" in one]
        assert bool(said) == warned
        assert all(isinstance(one, Caution) for one in said)


def test_settings_that_a_file_replaces_have_no_effect():
    both = Recipe(text=TokenizerSettings(from_file="a"))
    assert reason_unused(both, "text.vocabulary") == "the tokenizer is read from a file"
    assert reason_unused(both, "text.units") == "the tokenizer is read from a file"
    assert "source is read" in str(reason_unused(both, "text.source_units"))
    one = Recipe(text=TokenizerSettings(source_from_file="a"))
    assert reason_unused(one, "text.vocabulary") is None
    assert "different tokenizer files" in str(reason_unused(one, "text.shared"))
    two = Recipe(text=TokenizerSettings(source_from_file="a", target_from_file="b"))
    assert "are both set" in str(reason_unused(two, "text.from_file"))
    with pytest.raises(ConfigError, match="`sampling` must be 0"):
        TokenizerSettings(from_file="a", sampling=0.1)


def test_a_missing_file_and_units_without_a_file_are_refused(pairs: str, tmp_path: Path):
    with pytest.raises(ConfigError, match=r"none\.model` cannot be read as a tokenizer"):
        prepared(pairs, tmp_path / "run", **{"text.from_file": str(tmp_path / "none.model")})
    with pytest.raises(UsageError, match=r"--text\.from-file"):
        prepared(pairs, tmp_path / "run", **{"text.units": "imported"})
