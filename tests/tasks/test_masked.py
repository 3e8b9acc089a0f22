"""Hidden tokens as a task: its loss, its scores, what it refuses."""

import math
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from whyformer.foundation.errors import ConfigError
from whyformer.models.bert import BERT
from whyformer.recipes.recipe import resolve
from whyformer.tasks.masked import Pretraining, pretraining_loss, word_starts
from whyformer.text.symbols import PAD
from whyformer.text.tokenizer import train_tokenizer

SMALL = {
    "data.documents": "paragraphs",
    "data.row_tokens": 32,
    "model.layers": 1,
    "model.d_model": 8,
    "model.heads": 2,
    "model.d_ff": 8,
    "training.batch_tokens": 256,
    "text.vocabulary": 300,
}


def task(tmp_path: Path, **changes: object) -> Pretraining:
    file = tmp_path / "text.txt"
    lines = [f"line {k}, and one more" + "\n" * (k % 4 == 0) for k in range(40)]
    file.write_text("\n".join(lines), encoding="utf-8")
    given = {key.replace("__", "."): value for key, value in changes.items()}
    settings = SMALL | {"data.train": [str(file)]} | given
    return Pretraining(resolve("tiny-bert", settings).recipe, tmp_path)


def test_the_loss_is_the_mean_over_hidden_tokens_and_the_mean_over_pairs(tmp_path: Path):
    made = task(tmp_path)
    model = made.model(torch.device("cpu"))
    assert isinstance(model, BERT)
    batch = made.batches.batch(0, 0)
    found = pretraining_loss(model, batch, 0.0)
    x = model(batch.ids, batch.real, batch.segments)
    logits = model.masked(x)
    hidden = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), batch.labels.flatten(), ignore_index=PAD
    )
    pairs = torch.nn.functional.cross_entropy(model.next_sentence(model.pooled(x)), batch.follows)
    assert_close(found.smoothed / batch.tokens, hidden + pairs)
    assert_close(found.nll / batch.tokens, hidden)


def test_a_model_that_knows_nothing_scores_so(tmp_path: Path):
    made = task(tmp_path)
    model = made.model(torch.device("cpu"))
    assert isinstance(model, BERT)
    with torch.no_grad():
        model.masked.norm.weight.zero_()
    scores = made.validate(model)
    assert scores["loss"] == pytest.approx(math.log(len(made.tokenizer)), rel=1e-4)
    assert 0 <= scores["next_sentence_accuracy"] <= 100
    assert made.higher_is_better("masked_accuracy")
    assert not made.higher_is_better("loss")


def test_without_next_sentences_nothing_is_asked_about_them(tmp_path: Path):
    made = task(tmp_path, data__next_sentence=False, data__whole_words=True)
    model = made.model(torch.device("cpu"))
    assert isinstance(model, BERT)
    made.loss(model, made.batches.batch(0, 0), 0.0).smoothed.backward()
    assert model.next_sentence.weight.grad is None
    assert "next_sentence_accuracy" not in made.validate(model)


@pytest.mark.parametrize("units", ["bpe", "unigram", "byte_bpe", "chars", "words"])
def test_words_start_where_a_space_is(units):
    tokenizer = train_tokenizer(units, ["the cat sat\n", "on the mat"] * 3, vocabulary=300)
    starts = word_starts(tokenizer)
    ids = tokenizer.encode("the cat sat")
    assert [bool(starts[i]) for i in ids].count(True) == (3 if units == "words" else 2)


def test_what_does_not_fit_says_so(tmp_path: Path):
    with pytest.raises(ConfigError, match="bert, but it is transformer"):
        Pretraining(resolve("copy").recipe, tmp_path)
    with pytest.raises(ConfigError, match=r"`data\.row_tokens` must be at most"):
        task(tmp_path, data__row_tokens=5000)
    with pytest.raises(
        ConfigError, match=r"`data\.rows: full` cannot be combined with `data\.next_sentence: true`"
    ):
        task(tmp_path, data__rows="full")
    with pytest.raises(ConfigError, match="keeps line ends"):
        task(tmp_path, text__units="words")
    with pytest.raises(ConfigError, match="not a metric of the task"):
        task(tmp_path).higher_is_better("bleu")
