"""The worker of the page is one script that answers messages."""

import base64
import functools

import torch

import javascript
import tiny
from whyformer.bundle import Bundle
from whyformer.models.transformer import Transformer
from whyformer.text.tokenizer import train_tokenizer
from whyformer.viewer.manifest import manifest
from whyformer.viewer.page import ASSETS
from whyformer.viewer.scripts import joined
from whyformer.viewer.weights import as_stored, pack

WEIGHTS = "encoder.layers.0.self_attention.weights"


@functools.cache
def _bundle() -> Bundle:
    tokenizer = train_tokenizer("chars", ["cat"], vocabulary=300)
    size = len(tokenizer)
    torch.manual_seed(0)
    return Bundle(Transformer(tiny.shape(), (size, size)), tokenizer, tokenizer, {})


@functools.cache
def _answers():
    packed = pack(_bundle().model)
    described = manifest(_bundle(), packed, name="tiny")
    request = {"text": "cat", "want": {"taps": [WEIGHTS]}}
    messages = [
        {"kind": "open", "manifest": described},
        {"kind": "run", "request": request},
        {"kind": "run", "request": {"text": ""}},
        {"kind": "tensor", "name": "projection.weight"},
        {"kind": "warm", "tokens": 2},
    ]
    script = joined(ASSETS / "worker.js")
    data = base64.b64encode(packed.data).decode()
    return javascript.answer("worker.mjs", {"script": script, "data": data, "messages": messages})


def test_each_message_has_one_answer_with_its_number():
    assert [one["id"] for one in _answers()] == [0, 1, 2, 3, 4]


def test_a_model_describes_itself_and_runs():
    opened, ran, *_ = _answers()
    assert opened["result"]["name"] == "tiny"
    assert opened["result"]["special"]["end"] == "<eos>"
    assert ran["result"]["taps"][WEIGHTS]["shape"] == [2, 4, 4]


def test_a_refused_text_is_an_error_message():
    assert _answers()[2]["error"] == "The text is empty. Type a text."


def test_a_weight_matrix_can_be_asked_for():
    found = _answers()[3]["result"]
    expected = as_stored(_bundle().model.projection.weight)
    assert torch.equal(torch.tensor(found["data"]).view(found["shape"]), expected)


def test_results_move_to_the_page_without_a_copy():
    assert _answers()[1]["moved"] == 1


def test_a_warm_up_answers_nothing():
    assert _answers()[4] == {"id": 4, "result": None, "moved": 0}
