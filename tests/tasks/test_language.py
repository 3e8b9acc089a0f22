"""Text as a task: what is held out, what is measured, what is refused."""

import math
from pathlib import Path

import pytest
import torch

from whyformer.data.documents import build_documents
from whyformer.data.rows import ContiguousRows, PackedRows
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.recipes.recipe import Documents, resolve
from whyformer.tasks.language import Language, text_scores
from whyformer.tasks.text_data import read_documents
from whyformer.text.tokenizer import train_tokenizer

SMALL = {
    "data.row_tokens": 16,
    "model.layers": 1,
    "model.d_model": 8,
    "model.heads": 2,
    "model.d_ff": 8,
}


def task(tmp_path: Path, text: str, **changes: object) -> Language:
    file = tmp_path / "text.txt"
    file.write_text(text, encoding="utf-8")
    given = {key.replace("__", "."): value for key, value in changes.items()}
    return Language(
        resolve("tiny-gpt", SMALL | {"data.train": [str(file)]} | given).recipe, tmp_path
    )


def test_documents_end_where_they_are_said_to(tmp_path: Path):
    file = tmp_path / "t.txt"
    file.write_text("a\nb\n\n\nc\n", encoding="utf-8")

    def read(end: Documents) -> list[list[str]]:
        return [list(document) for document in read_documents(str(file), end)]

    assert read(Documents.FILE) == [["a", "b", "", "", "c"]]
    assert read(Documents.PARAGRAPHS) == [["a", "b"], ["c"]]
    assert read(Documents.LINES) == [["a"], ["b"], ["c"]]


def test_a_single_text_lends_its_end_and_many_documents_are_held_out_whole(tmp_path: Path):
    lines = [f"line {k}" for k in range(100)]
    one = task(tmp_path, "\n".join(lines), data__dev_share=0.1)
    assert one.tokenizer.decode(one.train.document(0).tolist()).split("\n") == lines[:90]
    assert one.tokenizer.decode(one.dev.document(0).tolist()).split("\n") == lines[90:]
    many = task(tmp_path, "\n".join(lines), data__documents="lines", data__dev_share=0.2)
    held = {many.tokenizer.decode(many.dev.document(i).tolist()) for i in range(len(many.dev))}
    kept = {many.tokenizer.decode(many.train.document(i).tolist()) for i in range(len(many.train))}
    assert held | kept == set(lines)
    assert not held & kept
    assert 5 < len(held) < 40


def test_a_model_that_knows_nothing_needs_the_bits_of_its_vocabulary(tmp_path: Path):
    tokenizer = train_tokenizer("chars", ["abc é"], vocabulary=300)
    text = ["abc", "cé a"]
    documents = build_documents([text], tokenizer, tmp_path / "d", key="k")
    model = GPT(GPTSettings(layers=1, d_model=8, heads=2, d_ff=8), (len(tokenizer), len(tokenizer)))
    with torch.no_grad():
        model.final_norm.weight.zero_()
    for kind in (ContiguousRows, PackedRows):
        rows = kind(documents, row_tokens=4, budget_tokens=8, shuffle=False)
        scores = text_scores(model, rows, documents)
        assert scores["loss"] == pytest.approx(math.log(len(tokenizer)), rel=1e-5)
        assert scores["perplexity"] == pytest.approx(len(tokenizer), rel=1e-4)
        nats = scores["loss"] * documents.report.tokens
        assert scores["bits_per_character"] == pytest.approx(nats / math.log(2) / 8)
        assert scores["bits_per_byte"] == pytest.approx(nats / math.log(2) / 9)


def test_what_cannot_be_learned_from_says_why(tmp_path: Path):
    with pytest.raises(DataError, match="too short to split off"):
        task(tmp_path, "one line")
    with pytest.raises(ConfigError, match=r"`data\.row_tokens` must be at most"):
        task(tmp_path, "a\nb", data__row_tokens=5000)
    with pytest.raises(ConfigError, match="gpt or rnn-lm, but it is transformer"):
        Language(resolve("copy").recipe, tmp_path)
    with pytest.raises(ConfigError, match="is not a text"):
        Language(resolve("tiny-gpt", {"data.builtin": "copy"}).recipe, tmp_path)
    with pytest.raises(ConfigError, match="not a metric of the task language"):
        task(tmp_path, "a\nb").higher_is_better("bleu")


def test_data_given_takes_the_place_of_what_is_built_in(tmp_path: Path):
    file = tmp_path / "text.txt"
    file.write_text("a\n" * 30, encoding="utf-8")
    assert resolve("tiny-gpt", {"data.train": [str(file)]}).recipe.data.builtin is None
    with pytest.raises(ConfigError, match="cannot both be given"):
        resolve("tiny-gpt", {"data.train": [str(file)], "data.builtin": "topics"})
