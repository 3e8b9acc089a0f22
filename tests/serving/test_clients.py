"""Real clients of other servers work with this one."""

import urllib.error

import openai
import pytest
from libretranslatepy import LibreTranslateAPI

import whyformer
from toy_runs import toy_run
from toy_servers import RunningServer, running

pytestmark = pytest.mark.usefixtures("unchecked")


@pytest.fixture
def libre(server: RunningServer) -> LibreTranslateAPI:
    """Return the client of LibreTranslate."""
    return LibreTranslateAPI(server.url)


def test_the_client_of_libretranslate_translates(libre, kinds):
    for text in ("a b c", "e", "a + b & c = 100 %"):
        (wanted,) = whyformer.load(kinds["en-de"]).translate([text])
        assert libre.translate(text, "en", "de") == wanted
        assert libre.translate(text, "auto", "de") == wanted


def test_the_client_of_libretranslate_lists_and_detects_languages(libre):
    assert libre.languages() == [
        {"code": "en", "name": "English", "targets": ["de"]},
        {"code": "de", "name": "German", "targets": []},
    ]
    assert libre.detect("a b") == [{"language": "en", "confidence": 100.0}]


def test_the_client_of_libretranslate_is_refused_in_one_sentence(libre):
    with pytest.raises(urllib.error.HTTPError, match="400") as refused:
        libre.translate("a", "de", "en")
    assert b"does not translate from `de` to `en`" in refused.value.read()


def test_lists_and_alternatives_of_libretranslate(server):
    body = {"q": ["a b", "c"], "source": "auto", "target": "de", "alternatives": 2}
    found = server.call("/translate", body).json
    native = server.call("/v1/translate", {"texts": ["a b", "c"], "nbest": 3}).json["translations"]
    assert found["translatedText"] == [one["text"] for one in native]
    assert found["alternatives"] == [[x["text"] for x in one["alternatives"]] for one in native]
    assert [one["language"] for one in found["detectedLanguage"]] == ["en", "en"]
    assert server.call("/frontend/settings").json["language"]["target"]["code"] == "de"


def test_the_language_is_that_whose_vocabulary_needs_the_fewest_tokens(tmp_path):
    lines = ("hello there", "good morning to you", "hello you"), ("bonjour toi", "merci", "salut")
    runs = {
        f"{code}-xx": toy_run(tmp_path / code, lines=some)
        for code, some in zip(("en", "fr"), lines, strict=True)
    }
    with running(runs) as server:
        libre = LibreTranslateAPI(server.url)
        for text, code in (("hello to you", "en"), ("merci toi", "fr")):
            first, second = libre.detect(text)
            assert first["language"] == code
            assert first["confidence"] > second["confidence"]


@pytest.fixture
def client(server: RunningServer) -> openai.OpenAI:
    """Return the client of OpenAI."""
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0)


def test_the_client_of_openai_lists_models(client):
    assert [one.id for one in client.models.list()] == ["en-de", "gpt", "labels", "words"]
    assert client.models.retrieve("gpt").id == "gpt"
    with pytest.raises(openai.NotFoundError, match="There is no model"):
        client.models.retrieve("gtp")


def test_the_client_of_openai_completes(client, kinds):
    found = client.completions.create(
        model="gpt", prompt="a b", max_tokens=7, temperature=0, user="me"
    )
    search = {"method": "beam", "beam": 1, "nbest": 1}
    ((wanted,),) = whyformer.load(kinds["gpt"]).generate(["a b"], tokens=7, **search)
    (choice,) = found.choices
    assert "a b" + choice.text == wanted.text
    assert choice.finish_reason == ("stop" if wanted.finished else "length")
    assert found.usage.prompt_tokens == 3
    assert found.usage.total_tokens == 3 + found.usage.completion_tokens


def test_the_client_of_openai_draws_several_and_repeats_them_by_seed(client):
    def texts(**options) -> list[str]:
        found = client.completions.create(
            model="gpt", prompt=["a", "b"], max_tokens=9, n=3, **options
        )
        assert [one.index for one in found.choices] == list(range(6))
        return [one.text for one in found.choices]

    assert texts(seed=4) == texts(seed=4)
    assert texts(seed=4) != texts(seed=5)
    assert texts() != texts(), "without a seed, each request draws again"


@pytest.mark.parametrize("stop", [None, "e", ["hh", "f g"]])
def test_the_client_of_openai_streams_what_it_completes(client, stop):
    asked = {"model": "gpt", "prompt": "a b", "max_tokens": 20, "seed": 2, "stop": stop}
    (whole,) = client.completions.create(**asked).choices
    usage = {"include_usage": True}
    *parts, last, used = client.completions.create(**asked, stream=True, stream_options=usage)
    assert "".join(one.choices[0].text for one in parts) == whole.text
    assert last.choices[0].finish_reason == whole.finish_reason
    assert used.usage.prompt_tokens == 3
    for one in [stop] if isinstance(stop, str) else stop or []:
        assert one not in whole.text


def test_the_client_of_openai_raises_the_error_that_fits(client):
    for options, kind, text in (
        ({"model": "gtp"}, openai.NotFoundError, "Did you mean `gpt`"),
        ({"model": "en-de"}, openai.BadRequestError, "cannot generate"),
        ({"model": "gpt", "logprobs": 3}, openai.BadRequestError, "not supported"),
        ({"model": "gpt", "max_tokens": 5000}, openai.BadRequestError, "at most 1,024"),
    ):
        with pytest.raises(kind, match=text):
            client.completions.create(prompt="a", **options)


def test_the_client_of_openai_sends_its_key(kinds):
    with running({"gpt": kinds["gpt"]}, api_keys=("k",)) as server:
        for key, allowed in (("k", True), ("x", False)):
            client = openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)
            if allowed:
                assert client.models.list().data
            else:
                with pytest.raises(openai.AuthenticationError, match="not known"):
                    client.models.list()
