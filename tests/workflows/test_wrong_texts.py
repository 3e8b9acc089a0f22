"""What is no text is refused by every loaded model, with its number in the list."""

from pathlib import Path
from typing import Any

import pytest

import whyformer
from toy_runs import toy_run
from whyformer.bundle import Bundle, save_bundle
from whyformer.decoding.generator import Generator
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.errors import UsageError
from whyformer.models.bert import AnswerOf, BERTSettings
from whyformer.models.build import build_model
from whyformer.models.gpt import GPTSettings
from whyformer.tasks.classification import Classifier
from whyformer.tasks.tagging import Tagger
from whyformer.text.tokenizer import train_tokenizer
from whyformer.workflows.labelling import load_labeller

pytestmark = pytest.mark.usefixtures("unchecked")  # a user's calls are not type-checked
SMALL: dict[str, Any] = {"layers": 1, "d_model": 8, "heads": 2, "d_ff": 8}


def labelling_run(directory: Path, answer_of: AnswerOf) -> Path:
    tokenizer = train_tokenizer("chars", ["a b"], vocabulary=300)
    settings = BERTSettings(**SMALL, outputs=2, answer_of=answer_of)
    model = build_model(settings, (len(tokenizer),) * 2, shared=True)
    facts = {"labels": ["x", "y"], "row_tokens": 16}
    save_bundle(directory / "model", Bundle(model.eval(), tokenizer, tokenizer, facts))
    return directory


@pytest.mark.parametrize("wrong", [None, b"a", 3])
def test_texts_that_are_no_strings_are_named_by_their_number(tmp_path, wrong):
    model = whyformer.load(toy_run(tmp_path / "run"))
    said = rf"must be strings, but number 2 is {wrong!r}"
    for split in (False, True):
        with pytest.raises(UsageError, match=f"`texts` {said}"):
            model.translate(["a", wrong], split_sentences=split)
    with pytest.raises(UsageError, match=f"`sources` {said}"):
        model.score(["a", wrong], ["a", "b"])
    with pytest.raises(UsageError, match=f"`targets` {said}"):
        model.score(["a", "b"], ["a", wrong])
    if not isinstance(wrong, bytes):
        with pytest.raises(UsageError, match=f"must be a list of texts, but it is {wrong}"):
            model.translate(wrong)


@pytest.mark.parametrize("wrong", ["a", ("a",), (None, "b"), ("a", b"b")])
def test_what_is_no_pair_of_texts_is_not_classified(tmp_path, wrong):
    classifier = load_labeller(labelling_run(tmp_path, AnswerOf.TEXT))
    assert isinstance(classifier, Classifier)
    with pytest.raises(UsageError, match=r"`texts` must be pairs such as .* number 2 is"):
        classifier.classify([("a", None), wrong])


@pytest.mark.parametrize("wrong", ["a b", [None], None])
def test_what_is_no_list_of_words_is_not_tagged(tmp_path, wrong):
    tagger = load_labeller(labelling_run(tmp_path, AnswerOf.TOKENS))
    assert isinstance(tagger, Tagger)
    with pytest.raises(UsageError, match=r"`sentences` must be lists of words, but number 1 is"):
        tagger.tag([wrong])


def test_prompts_that_are_no_strings_are_named():
    tokenizer = train_tokenizer("chars", ["a b"], vocabulary=300)
    model = build_model(GPTSettings(**SMALL), (len(tokenizer),) * 2, shared=True)
    with pytest.raises(UsageError, match="`prompts` must be strings, but number 1 is None"):
        Generator(model, tokenizer, max_tokens=8).generate([None], SearchSettings())
