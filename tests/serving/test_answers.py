"""The answers of a server are those of the library, whatever the load."""

import json
import random
from typing import Any

import pytest

import whyformer

pytestmark = pytest.mark.usefixtures("unchecked")
LETTERS = "abcdefghij"


def texts(count: int, seed: int = 0) -> list[str]:
    """Draw texts of the toy language, some of them empty."""
    rng = random.Random(seed)
    return [" ".join(rng.choices(LETTERS, k=rng.randrange(8))) for _ in range(count)]


SEARCHES: list[dict[str, Any]] = [
    {},
    {"beam": 1},
    {"beam": 4, "nbest": 3},
    {"nbest": 4},
    {"beam": 3, "max_length": 2},
    {"beam": 4, "groups": 2, "diversity": 1.0},
    {"no_repeat_ngram": 2},
    {"method": "sample", "seed": 3, "nbest": 2},
    {"forbid": ["b"]},
]


def test_translations_under_mixed_load_are_those_of_the_library(server, kinds):
    model = whyformer.load(kinds["en-de"])
    calls, wanted = [], []
    for number in range(3 * len(SEARCHES)):
        search = SEARCHES[number % len(SEARCHES)]
        some = texts(1 + number % 4, seed=number)
        calls.append(("/v1/translate", {"texts": some, **search}))
        wanted.append(model.answers(some, **search))
    assert len({one.text for answers in wanted for one in answers}) > 15
    replies = server.together(calls)
    for reply, answers in zip(replies, wanted, strict=True):
        assert reply.status == 200, reply.body
        for found, answer in zip(reply.json["translations"], answers, strict=True):
            assert found["text"] == answer.text
            assert found["score"] == pytest.approx(answer.score, abs=1e-4)
            others = [text for text, _ in answer.hypotheses[1:]]
            assert [one["text"] for one in found["alternatives"]] == others


def test_requests_that_arrive_together_share_batches(server):
    before = server.metric('whyformer_batch_texts_count{model="en-de"}')
    server.together([("/v1/translate", {"texts": ["a b"]})] * 40)
    batches = server.metric('whyformer_batch_texts_count{model="en-de"}') - before
    assert 1 <= batches < 40


def test_labels_are_those_of_the_library_and_do_not_depend_on_the_load(server, kinds):
    some = [one or "a" for one in texts(30)]
    for name, path in (("labels", "/v1/classify"), ("words", "/v1/tag")):
        wanted = whyformer.load(kinds[name]).label(some)
        replies = server.together([(path, {"texts": [text]}) for text in some])
        for reply, right in zip(replies, wanted, strict=True):
            if name == "labels":
                (found,) = reply.json["predictions"]
                assert found["label"] == right.label
                assert found["probabilities"] == pytest.approx(right.probabilities, abs=1e-5)
            else:
                (found,) = reply.json["texts"]
                assert [one["label"] for one in found] == right


def test_second_texts_are_read_as_pairs(server, kinds):
    wanted = whyformer.load(kinds["labels"]).label([("a b", "c"), ("d", "e f")])
    reply = server.call("/v1/classify", {"texts": ["a b", "d"], "seconds": ["c", "e f"]})
    for found, right in zip(reply.json["predictions"], wanted, strict=True):
        assert found["probabilities"] == pytest.approx(right.probabilities, abs=1e-5)


def test_scores_are_those_of_the_library(server, kinds):
    sources, targets = ["a b", "c", ""], ["d e", "f", "a"]
    pairs = [{"source": s, "target": t} for s, t in zip(sources, targets, strict=True)]
    wanted = whyformer.load(kinds["en-de"]).score(sources, targets)
    found = server.call("/v1/score", {"pairs": pairs}).json["scores"]
    for one, right in zip(found, wanted, strict=True):
        assert one["log_probability"] == pytest.approx(right.log_probability, abs=1e-4)
        assert one["tokens"] == pytest.approx(list(right.tokens), abs=1e-4)


def test_the_score_of_a_text_is_that_of_its_continuation(server, kinds):
    model = whyformer.load(kinds["gpt"])
    ((best,),) = model.generate(["a"], tokens=3, method="beam", beam=1, nbest=1)
    found = server.call("/v1/score", {"model": "gpt", "texts": [best.text]}).json["scores"][0]
    tokens = found["tokens"] if best.finished else found["tokens"][:-1]
    assert sum(tokens) == pytest.approx(best.score, abs=1e-3)


def test_attention_is_that_of_the_library(server, kinds):
    seen = whyformer.load(kinds["en-de"]).look("a b c", "d e")
    body = {"model": "en-de", "text": "a b c", "target": "d e", "names": "*cross_attention"}
    found = server.call("/v1/attention", body).json
    assert found["tokens"] == seen.tokens
    assert set(found["attention"]) == {n for n in seen.attention if n.endswith("cross_attention")}
    for name, heads in found["attention"].items():
        for mine, right in zip(heads, seen.attention[name].tolist(), strict=True):
            for row, right_row in zip(mine, right, strict=True):
                assert row == pytest.approx(right_row, abs=1e-4)


GENERATIONS: list[dict[str, Any]] = [
    {"method": "beam", "beam": 1, "nbest": 1},
    {"method": "beam", "beam": 3, "nbest": 2},
    {"method": "sample", "seed": 5, "nbest": 2},
    {"seed": 6},
]


@pytest.mark.parametrize("search", GENERATIONS)
def test_continuations_are_those_of_the_library(server, kinds, search):
    prompts = ["a b", "", "c d e"]
    wanted = whyformer.load(kinds["gpt"]).generate(prompts, tokens=9, **search)
    body = {"prompts": prompts, "tokens": 9, **search}
    for reply in server.together([("/v1/generate", body)] * 3):
        for prompt, mine, right in zip(prompts, reply.json["generations"], wanted, strict=True):
            assert [prompt + one["text"] for one in mine] == [one.text for one in right]


@pytest.mark.parametrize("search", [{"method": "beam", "beam": 1, "nbest": 1}, {"seed": 5}])
@pytest.mark.parametrize("prompt", ["", "a b"])
def test_the_parts_of_a_stream_are_the_whole_continuation(server, search, prompt):
    body = {"prompts": [prompt], "tokens": 12, **search}
    ((whole,),) = server.call("/v1/generate", body).json["generations"]
    reply = server.call("/v1/generate", {**body, "stream": True})
    assert reply.headers["content-type"].startswith("text/event-stream")
    *parts, last = reply.body.decode().strip().split("\n\n")
    assert len(parts) > 3
    assert "".join(json.loads(one.removeprefix("data: "))["text"] for one in parts) == whole["text"]
    assert last.startswith("event: done\ndata: ")
    assert json.loads(last.partition("data: ")[2]) == pytest.approx(whole)


def test_sentences_are_split_as_in_the_library(server, kinds):
    text = "A b c. D e! F g?"
    wanted = whyformer.load(kinds["en-de"]).translate([text], split_sentences=True)
    body = {"texts": [text], "split_sentences": True}
    assert server.call("/v1/translate", body).json["translations"][0]["text"] == wanted[0]
