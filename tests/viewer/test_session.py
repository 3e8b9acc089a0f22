"""A session of the page gives the answers of Python."""

import functools

import pytest
import torch

import javascript_engine
import tiny
from whyformer.bundle import Bundle
from whyformer.decoding.distinct import merged
from whyformer.decoding.expected import Expected
from whyformer.decoding.generator import Generator
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.models.bert import BERT, BERTSettings
from whyformer.models.electra import Electra, ElectraSettings
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.models.recurrent.language import RecurrentLanguageModel, RecurrentLanguageSettings
from whyformer.models.recurrent.model import RecurrentModel
from whyformer.models.recurrent.settings import RecurrentSettings
from whyformer.models.transformer import Transformer
from whyformer.tasks.classification import Classifier
from whyformer.tasks.tagging import Tagger
from whyformer.text.symbols import EOS, MASK
from whyformer.text.tokenizer import train_tokenizer

TEXTS = ["the cat sat", "a dog ran", "cats and dogs sat and ran", "ran", "sat the and a dog"]
SMALL = {"d_model": 16, "dropout": 0.0, "max_length": 64}
CHARACTERS = {"character_ngrams": 3, "character_ngram_rows": 97}
SHAPE = {**SMALL, "layers": 2, "heads": 2, "d_ff": 24}
FIVE_TOKENS = {"maxTokens": 5, "forms": 1}
WANT = {"taps": ["*weights"], "lens": True, "tree": True, "residual": True}


@functools.cache
def _tokenizer(units="bpe"):
    return train_tokenizer(units, TEXTS * 3, vocabulary=300)


def _bundle(kind, settings, units="bpe", **facts):
    tokenizer = _tokenizer(units)
    torch.manual_seed(3)
    model = kind(settings, (len(tokenizer), len(tokenizer)))
    if isinstance(model, BERT):
        model.learn_spellings(tokenizer.spellings)
    facts = {"decoding": {"beam": 4, "nbest": 3, "max_length_extra": 4}, **facts}
    return Bundle(javascript_engine.stored(model), tokenizer, tokenizer, facts)


def _labelled(**settings):
    return BERTSettings(**SHAPE, **settings)


BUNDLES = {
    "transformer": lambda: _bundle(Transformer, tiny.shape(wiring="pre-norm", positions="rotary")),
    "rnn": lambda: _bundle(RecurrentModel, RecurrentSettings(**SMALL)),
    "gpt": lambda: _bundle(GPT, GPTSettings(**SHAPE), units="chars"),
    "rnn-lm": lambda: _bundle(RecurrentLanguageModel, RecurrentLanguageSettings(**SMALL)),
    "bert": lambda: _bundle(BERT, BERTSettings(**SHAPE)),
    "electra": lambda: _bundle(Electra, ElectraSettings(**SHAPE)),
    "classes": lambda: _bundle(
        BERT,
        _labelled(outputs=3, **CHARACTERS),
        labels=["good", "bad", "so so"],
        mean=0.0,
        deviation=1.0,
    ),
    "number": lambda: _bundle(
        BERT, _labelled(outputs=1, **CHARACTERS), labels=[], mean=3.0, deviation=2.0
    ),
    "tags": lambda: _bundle(
        BERT, _labelled(outputs=2, answer_of="tokens"), labels=["N", "V"], row_tokens=64
    ),
}
REQUESTS = {
    "transformer": [
        *({"text": one, "search": {"beam": 1}} for one in TEXTS),
        *({"text": one, "want": WANT} for one in TEXTS),
        {"text": TEXTS[0], "off": ["decoder.layers.0.cross_attention"], "want": WANT},
        {"text": TEXTS[0], "off": ["decoder.layers.7"]},
        {"text": TEXTS[0], "forced": ["c", 262]},
        {"text": "  "},
    ],
    "rnn": [{"text": one, "want": WANT} for one in TEXTS],
    "gpt": [{"text": one, "search": FIVE_TOKENS, "want": WANT} for one in TEXTS],
    "rnn-lm": [{"text": one, "search": FIVE_TOKENS} for one in TEXTS],
    "bert": [
        {"text": "the <mask> sat", "want": WANT},
        {"text": "the cat sat", "masked": [1], "want": {"each": True}},
        {"text": "the cat sat", "want": {"each": True}},
        {"text": "the cat sat"},
    ],
    "electra": [{"text": "the <mask> sat", "want": WANT}, {"text": "the cat sat"}],
    "classes": [
        {"text": TEXTS[2], "second": TEXTS[1], "want": WANT},
        {"text": TEXTS[2], "off": ["layers.0.self_attention.heads.1"]},
    ],
    "number": [{"text": TEXTS[2]}],
    "tags": [{"text": TEXTS[2], "want": WANT}],
}


@functools.cache
def _answers():
    bundles = {name: make() for name, make in BUNDLES.items()}
    found = javascript_engine.sessions(list(bundles.values()), [REQUESTS[name] for name in bundles])
    return {name: (bundles[name], one) for name, one in zip(bundles, found, strict=True)}


def _answer(name):
    bundle, found = _answers()[name]
    return bundle, found["results"], found["description"]


def _translations(bundle, **changes):
    settings = SearchSettings.model_validate(bundle.facts["decoding"] | changes)
    for text in TEXTS:
        source = torch.tensor([[*bundle.source_tokenizer.encode(text), EOS]])
        with torch.inference_mode():
            [found] = search(bundle.model, source, None, settings)
        yield merged((bundle.target_tokenizer.decode(one.tokens), one) for one in found)


def _check_hypotheses(found, expected):
    texts = [one["text"] for one in found["hypotheses"]]
    assert texts == [text.strip() for text, _ in expected]
    for one, (_, hypothesis) in zip(found["hypotheses"], expected, strict=True):
        assert one["score"] == pytest.approx(hypothesis.score, abs=1e-3)
        assert one["logProbability"] == pytest.approx(hypothesis.log_probability, abs=1e-3)
        assert sum(one["tokenLogProbabilities"]) == pytest.approx(one["logProbability"])


@pytest.mark.parametrize("name", ["transformer", "rnn"])
def test_translations_and_their_scores_equal_those_of_python(name):
    bundle, results, _ = _answer(name)
    if name == "transformer":
        for found, expected in zip(results, _translations(bundle, beam=1, nbest=1), strict=False):
            _check_hypotheses(found, expected)
        results = results[len(TEXTS) :]
    for found, expected in zip(results, _translations(bundle), strict=False):
        _check_hypotheses(found, expected)


@pytest.mark.parametrize("name", ["gpt", "rnn-lm"])
def test_continuations_equal_those_of_python(name):
    bundle, results, _ = _answer(name)
    settings = SearchSettings.model_validate(bundle.facts["decoding"] | {"nbest": 1})
    generator = Generator(bundle.model, bundle.target_tokenizer, max_tokens=64, expected=Expected())
    expected = generator.generate(TEXTS, settings, tokens=5)
    for text, found, [one] in zip(TEXTS, results, expected, strict=True):
        best = found["hypotheses"][0]
        assert best["text"] == one.text
        assert best["logProbability"] == pytest.approx(one.score, abs=1e-3)
        assert found["prompt"] == len(bundle.target_tokenizer.encode(text))


@pytest.mark.parametrize("name", ["transformer", "rnn", "gpt"])
def test_the_parts_of_a_result_agree(name):
    _, results, _ = _answer(name)
    found = results[-4] if name == "transformer" else results[0]
    target = found["target"]
    assert len(found["steps"]) == len(target["tokens"]) == len(target["inputs"])
    for step, token, certainty in zip(
        found["steps"], target["tokens"], target["tokenLogProbabilities"], strict=True
    ):
        assert step["chosen"] == token
        shares = {one["token"]: one["probability"] for one in step["candidates"]}
        assert sorted(shares.values(), reverse=True) == list(shares.values())
        if token in shares:
            assert shares[token] == pytest.approx(torch.tensor(certainty).exp().item(), abs=1e-4)
    last = [[one["token"] for one in place] for place in found["lens"][-1]["tokens"]]
    assert last == [[one["token"] for one in step["candidates"]][:5] for step in found["steps"]]
    for one in found["residual"]:
        side = found["source"] if one["side"] == "source" else target
        assert len(one["norms"]) == len(one["change"]) == len(side["tokens"])
    kept = [node for node in found["tree"] if node["kept"]]
    assert {node["step"] for node in kept} >= set(range(len(target["tokens"])))
    for node in found["tree"]:
        if node["parent"] is not None:
            parent = found["tree"][node["parent"]]
            assert parent["kept"]
            assert parent["step"] == node["step"] - 1


def test_a_switch_is_compared_with_the_model_with_nothing_switched_off():
    _, results, description = _answer("transformer")
    whole, off = results[len(TEXTS)], results[2 * len(TEXTS)]
    assert off["baseline"]["text"] == whole["target"]["text"]
    assert off["baseline"]["logProbability"] == pytest.approx(whole["target"]["logProbability"])
    assert off["change"]["logProbabilityOfBaseline"] != 0
    assert whole["baseline"] is None
    assert "decoder.layers.0.cross_attention" in description["switches"]
    assert "decoder.layers.1.cross_attention.heads.1" in description["switches"]


def test_an_unknown_switch_is_refused():
    _, results, _ = _answer("transformer")
    assert "decoder.layers.7" in results[2 * len(TEXTS) + 1]["error"]


def test_forced_tokens_begin_the_answer():
    bundle, results, _ = _answer("transformer")
    tokenizer = bundle.target_tokenizer
    [first] = [id for id in range(len(tokenizer)) if tokenizer.tokens([id]) == ["c"]]
    assert results[2 * len(TEXTS) + 2]["target"]["ids"][:2] == [first, 262]


def test_a_forced_answer_comes_with_the_answer_without_the_force():
    _, results, _ = _answer("transformer")
    free, forced = results[len(TEXTS)], results[2 * len(TEXTS) + 2]
    assert forced["unforced"]["ids"] == free["target"]["ids"] != forced["target"]["ids"]
    for name in ("text", "logProbability", "tokenLogProbabilities"):
        assert forced["unforced"][name] == free["hypotheses"][0][name]
    assert free["unforced"] is None


def test_both_answers_of_a_language_model_have_the_same_limit():
    forced = {"text": TEXTS[0], "search": FIVE_TOKENS | {"beam": 1}, "forced": ["a", "b"]}
    off = forced | {"off": ["layers.0.feedforward"]}
    [found] = javascript_engine.sessions([BUNDLES["gpt"]()], [[forced, off]])
    for result in found["results"]:
        assert len(result["unforced"]["ids"]) == len(result["target"]["ids"])
    without, plain = (one["unforced"]["logProbability"] for one in reversed(found["results"]))
    assert without != plain  # the parts that are off are off in both answers


def test_an_empty_text_is_refused_in_one_sentence():
    _, results, _ = _answer("transformer")
    assert results[-1] == {"error": "The text is empty. Type a text."}


def test_every_switch_of_every_model_can_be_used():
    bundles = [make() for make in BUNDLES.values()]
    switches = [found["description"]["switches"] for _, found in _answers().values()]
    requests = [[{"text": "a cat", "off": [one]} for one in some] for some in switches]
    for name, found in zip(BUNDLES, javascript_engine.sessions(bundles, requests), strict=True):
        for switch, result in zip(found["description"]["switches"], found["results"], strict=True):
            assert "error" not in result, (name, switch, result)
            assert result["baseline"] is not None


def test_labels_and_their_probabilities_equal_those_of_python():
    bundle, [pair, single], _ = _answer("classes")
    [expected] = Classifier(bundle, bundle.model).classify([(TEXTS[2], TEXTS[1])])
    found = {one["label"]: one["probability"] for one in pair["labels"]}
    assert found == pytest.approx(expected.probabilities, abs=1e-3)
    assert next(iter(found)) == expected.label == pair["answer"]
    assert pair["lens"][-1]["tokens"][0][0]["token"] == expected.label
    assert single["baseline"]["text"] in bundle.facts["labels"]
    assert len(pair["deletions"]) == len([t for t in pair["source"]["tokens"] if t[0] != "<"])


def test_a_deletion_is_the_change_of_the_log_probability_without_the_token():
    bundle, [_, single], _ = _answer("classes")
    bundle, [number], _ = _answer("number")
    [expected] = Classifier(bundle, bundle.model).classify([(TEXTS[2], None)])
    assert number["value"] == pytest.approx(expected.number, abs=2e-3)
    place = number["deletions"][0]["place"]
    ids = number["source"]["ids"]
    rest = torch.tensor([ids[:place] + ids[place + 1 :]])
    with torch.no_grad():
        without = 3.0 + 2.0 * bundle.model.answers(rest, None, None).item()
    assert number["deletions"][0]["change"] == pytest.approx(without - expected.number, abs=2e-3)
    assert {one["place"] for one in single["deletions"]} == set(
        range(1, len(single["source"]["ids"]) - 1)
    )


def test_tags_equal_those_of_python():
    bundle, [found], _ = _answer("tags")
    tagger = Tagger(bundle.model, bundle.source_tokenizer, ["N", "V"], 64)
    [expected] = tagger.tag_with_probabilities([TEXTS[2].split()])
    assert [one["label"] for one in found["tags"]] == [label for label, _ in expected]
    for one, (_, probability) in zip(found["tags"], expected, strict=True):
        assert one["probability"] == pytest.approx(probability, abs=1e-3)


def test_guesses_of_masked_words_equal_those_of_python():
    bundle, [masked, each, *_], _ = _answer("bert")
    ids = torch.tensor([masked["source"]["ids"]])
    [place] = (ids[0] == MASK).nonzero()[:, 0].tolist()
    with torch.no_grad():
        shares = bundle.model.masked(bundle.model(ids))[0, place].softmax(-1)
    [guess] = masked["guesses"]
    assert guess["place"] == place
    names = bundle.source_tokenizer.tokens(shares.topk(8).indices.tolist())
    assert [one["token"] for one in guess["candidates"]] == names
    assert guess["candidates"][0]["probability"] == pytest.approx(shares.max().item(), abs=1e-3)
    assert each["source"]["ids"][1] == MASK
    assert len(each["guesses"]) == 1  # a given mask is guessed, and no other token is masked


def test_each_token_is_masked_in_turn_if_asked_for():
    bundle, [_, _, asked, not_asked], _ = _answer("bert")
    ids = asked["source"]["ids"]
    assert [one["place"] for one in asked["guesses"]] == list(range(1, len(ids) - 1))
    assert not_asked["guesses"] == []
    hidden = torch.tensor([[MASK if place == 1 else one for place, one in enumerate(ids)]])
    with torch.no_grad():
        shares = bundle.model.masked(bundle.model(hidden))[0, 1].softmax(-1)
    expected = shares[ids[1]].item()
    assert asked["guesses"][0]["probability"] == pytest.approx(expected, abs=1e-3)


def test_a_pass_for_each_token_is_not_made_if_it_would_take_long():
    bundle = _bundle(BERT, _labelled(outputs=3), labels=["a", "b", "c"])
    each, long = {"want": {"each": True}}, "the cat sat " * 8
    requests = [{"text": "cat"}, {"text": long}, {"text": "cat", **each}, {"text": long, **each}]
    for parameters, expected in ((20_000_000, [True, False, True, False]), (100, [True] * 4)):
        [found] = javascript_engine.sessions([bundle], [requests], parameters=parameters)
        assert [one["deletions"] is not None for one in found["results"]] == expected


def test_electra_detects_replaced_tokens_as_python_does():
    bundle, [filled, found], _ = _answer("electra")
    ids = torch.tensor([found["source"]["ids"]])
    with torch.no_grad():
        expected = bundle.model.detect(ids, None, None)[0].sigmoid().tolist()
    assert [one["probability"] for one in found["replaced"]] == pytest.approx(expected, abs=1e-3)
    [guess] = filled["guesses"]
    assert filled["source"]["tokens"][guess["place"]] == guess["candidates"][0]["token"]
