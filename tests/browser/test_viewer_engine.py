"""The engine of the viewer in a browser computes what PyTorch computes."""

import base64
import functools

import pytest
import torch

from whyformer.blocks.multihead import AttentionPath, use_path
from whyformer.blocks.taps import observe
from whyformer.bundle import Bundle
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.models.transformer import Transformer, TransformerSettings
from whyformer.text.symbols import BOS, FIRST_PIECE, UNK
from whyformer.text.tokenizer import train_tokenizer
from whyformer.viewer.manifest import manifest
from whyformer.viewer.page import PageModel, page
from whyformer.viewer.weights import as_stored, pack

LETTERS, PHONES = "abcdefghijklmnopqrstuvwxyz'", "AA AE AH B CH D EH F G HH IH K L M N OW P R S T"
WORDS = ["cat", "whyformer", "attention", "a", "zigzag", "it's", "transformer", "words"]
RUN = """async ([weights, requests]) => {
  const text = (id) => document.getElementById(id).textContent;
  const source = new Blob([text("engine")], {type: "text/javascript"});
  const worker = new Worker(URL.createObjectURL(source));
  const ask = (message) => new Promise((resolve) => {
    worker.onmessage = ({data}) => resolve(data.result ?? {error: data.error});
    worker.postMessage(message);
  });
  const bytes = Uint8Array.from(atob(weights), (one) => one.charCodeAt(0)).buffer;
  await ask({kind: "open", model: 0, manifest: JSON.parse(text("manifest-0")), weights: bytes});
  const results = [];
  for (const request of requests) results.push(await ask({kind: "run", model: 0, request}));
  worker.terminate();
  const plain = (_, one) => (one instanceof Float32Array ? Array.from(one) : one);
  return JSON.parse(JSON.stringify(results, plain));
}"""


@functools.cache
def _bundle() -> Bundle:
    """Return a random model of the shape of the recipe `pronounce`, rounded as in the page."""
    source = train_tokenizer("chars", [LETTERS], vocabulary=400, lowercase=True)
    target = train_tokenizer("phonemes", [PHONES], vocabulary=400)
    settings = TransformerSettings(
        encoder_layers=3, decoder_layers=1, d_model=128, heads=4, d_ff=512, wiring="pre-norm",
        positions="rotary", tying="decoder",
    )  # fmt: skip
    torch.manual_seed(0)
    model = Transformer(settings, (len(source), len(target))).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(as_stored(parameter))
        model.decoder.embedding.weight[UNK:FIRST_PIECE] = 0  # bytes are rarely the best tokens
    use_path(model, AttentionPath.EXPLICIT)
    facts = {"decoding": {"beam": 5, "length_penalty": 0.0, "max_length_extra": 3, "nbest": 2}}
    return Bundle(model, source, target, facts)


@pytest.fixture(scope="module")
def weights() -> bytes:
    return pack(_bundle().model).data


@pytest.fixture(scope="module")
def made(tmp_path_factory, weights):
    path = tmp_path_factory.mktemp("viewer") / "model.html"
    described = manifest(_bundle(), pack(_bundle().model), name="pronounce")
    path.write_text(page([PageModel(described, weights)]), encoding="utf-8")
    return path


def _translations(**search):
    bundle = _bundle()
    settings = SearchSettings.model_validate(bundle.facts["decoding"] | search)
    translator = Translator([bundle.model], bundle.source_tokenizer, bundle.target_tokenizer)
    return translator.translate(WORDS, settings)


def test_answers_probabilities_and_attention_equal_those_of_pytorch(made, weights, opened):
    want = {"taps": ["*"]}
    requests = [{"text": one, "want": want, "search": {"beam": 1, "forms": 1}} for one in WORDS]
    requests += [{"text": one, "want": want} for one in WORDS]
    seen = opened(made, 1280)
    results = seen.page.evaluate(RUN, [base64.b64encode(weights).decode(), requests])
    expected = _translations(beam=1, nbest=1) + _translations()
    assert (seen.errors, seen.requests) == ([], [])
    for found, one in zip(results, expected, strict=True):
        assert found["target"]["text"] == one.text
        assert found["target"]["score"] == pytest.approx(one.score, abs=1e-3)
        _check_full_pass(found)


def _check_full_pass(found) -> None:
    model, target = _bundle().model, found["target"]["ids"]
    source, inputs = (torch.tensor([ids]) for ids in (found["source"]["ids"], [BOS, *target[:-1]]))
    with torch.no_grad(), observe(model, "*") as taps:
        likely = model(source, None, inputs)[0].log_softmax(-1)
    chosen = likely.gather(1, torch.tensor(target)[:, None])[:, 0]
    certain = torch.tensor(found["target"]["tokenLogProbabilities"])
    torch.testing.assert_close(certain, chosen, atol=1e-3, rtol=0)
    assert found["taps"].keys() == taps.keys()
    for name, [tensor] in taps.items():
        actual = torch.tensor(found["taps"][name]["data"]).view(found["taps"][name]["shape"])
        torch.testing.assert_close(actual, tensor[0], atol=1e-3, rtol=0)


def test_the_page_shows_the_answer_of_the_model(made, opened):
    seen = opened(made, 390, "text=attention")
    seen.page.wait_for_selector(".result")
    shown = seen.page.locator(".result").first.inner_text().split()
    [expected] = [one.text for one in _translations() if one.source == "attention"]
    assert "".join(shown) == "".join(expected.split())
    assert (seen.errors, seen.requests) == ([], [])
