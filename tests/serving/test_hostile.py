"""Bodies and connections that are wrong on purpose: a 4xx with one sentence, and the server lives
on."""

import json
import socket
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toy_servers import Reply, RunningServer

pytestmark = pytest.mark.usefixtures("unchecked")
GOOD = {"texts": ["a b"]}


def refused(reply: Reply) -> str:
    """Return the sentence of a refused request; check its form."""
    assert 400 <= reply.status < 500, (reply.status, reply.body)
    assert reply.headers["content-type"] == "application/json"
    sentence = reply.sentence
    assert sentence.endswith((".", "?")), sentence
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    assert len(sentence) < 600
    return sentence


WRONG: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "must be JSON"),
    "not JSON": (b"texts=a", "must be JSON"),
    "cut": (b'{"texts": ["a"', "must be JSON"),
    "not an object": (b"[1]", "must be an object"),
    "null": (b"null", "must be an object"),
    "no texts": (b"{}", "`texts` is required"),
    "no text": (b'{"texts": []}', "At least one text"),
    "a string": (b'{"texts": "a"}', "`texts` must be a list"),
    "numbers": (b'{"texts": [1]}', "`texts.0` must be a text"),
    "objects": (b'{"texts": [{"a": 1}]}', "`texts.0` must be a text"),
    "unknown key": (b'{"texts": ["a"], "beem": 3}', "Did you mean `beam`"),
    "text as number": (b'{"texts": ["a"], "beam": "3"}', "`beam` must be a whole number"),
    "true as number": (b'{"texts": ["a"], "beam": true}', "`beam` must be a whole number"),
    "negative": (b'{"texts": ["a"], "beam": -1}', "`beam` must be at least 1"),
    "huge": (b'{"texts": ["a"], "beam": 1e400}', "`beam` must be a whole number"),
    "many digits": (b'{"texts": ["a"], "beam": ' + b"9" * 9000 + b"}", "out of range"),
    "above the server's limit": (b'{"texts": ["a"], "beam": 999}', "at most 32 on this server"),
    "too long": (b'{"texts": ["a"], "max_length": 9999}', "at most 1,024 on this server"),
    "NaN": (b'{"texts": ["a"], "length_penalty": NaN}', "must be a finite number"),
    "Infinity": (b'{"texts": ["a"], "length_penalty": 1e999}', "must be a finite number"),
    "deep": (b"[" * 15_000, "recursion limit"),
    "deep value": (b'{"texts": ' + b"[" * 9000 + b"]" * 9000 + b"}", "recursion limit"),
    "invalid UTF-8": (b'{"texts": ["\xff\xfe"]}', "unicode"),
    "half a surrogate": (b'{"texts": ["\\ud800"]}', "must be JSON"),
    "NUL": (b'{"texts": ["a\\u0000b"]}', "must not have a NUL character"),
    "many texts": (json.dumps({"texts": ["a"] * 41}).encode(), "at most 40 texts"),
    "a long line": (json.dumps({"texts": ["a " * 400]}).encode(), "at most 300 tokens"),
    "a large body": (json.dumps({"texts": ["a" * 30_000]}).encode(), "at most 20,000 bytes"),
    "without effect": (b'{"texts": ["a"], "temperature": 0.5}', "no effect"),
    "contradiction": (b'{"texts": ["a"], "beam": 2, "nbest": 5}', "must not exceed `beam`"),
    "unknown model": (b'{"texts": ["a"], "model": "en-dd"}', "Did you mean `en-de`"),
    "wrong model": (b'{"texts": ["a"], "model": "gpt"}', "cannot translate"),
    "a key of two lines": (b'{"texts": ["a"], "x\\ny": 1}', "`x y` is not a setting"),
    "unknown tag": (b'{"texts": ["a"], "tag": "fr"}', "does not know the tag"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_body_is_refused_in_one_sentence(server, name):
    body, rule = WRONG[name]
    assert rule in refused(server.call("/v1/translate", body))


OTHERS: list[tuple[str, dict[str, Any], str]] = [
    ("/v1/classify", {"texts": ["a"], "seconds": ["b", "c"]}, "as many texts as"),
    ("/v1/score", {}, "`pairs` is required"),
    ("/v1/score", {"model": "gpt", "pairs": []}, "`texts` is required"),
    ("/v1/score", {"pairs": [{"source": "a"}]}, "`pairs.0.target` is required"),
    ("/v1/attention", {"text": ""}, "is empty"),
    ("/v1/attention", {"text": "a " * 90, "model": "en-de", "names": "["}, ""),
    ("/v1/generate", {"prompts": ["a", "b"], "stream": True}, "one prompt"),
    ("/v1/generate", {"prompts": ["a"], "stream": True, "nbest": 2}, "single hypothesis"),
    ("/v1/generate", {"prompts": ["a" * 80]}, "the model supports at most"),
    ("/v1/generate", {"prompts": ["a" * 80], "stream": True}, "the model supports at most"),
    ("/v1/completions", {"prompt": "a"}, "`model` is required"),
    ("/v1/completions", {"model": "gpt", "prompt": [1, 2]}, "must be a text"),
    ("/v1/completions", {"model": "gpt", "logprobs": 2}, "not supported"),
    ("/translate", {"q": "a", "source": "en", "target": "fr"}, "only en-de"),
    ("/translate", {"q": [1], "source": "en", "target": "de"}, ""),
    ("/translate", {"q": "a", "source": "en", "target": "de", "format": "html"}, "must be text"),
]


@pytest.mark.parametrize(("path", "body", "rule"), OTHERS)
def test_other_endpoints_refuse_in_one_sentence(server, path, body, rule):
    reply = server.call(path, body)
    if rule or reply.status != 200:
        assert rule in refused(reply)


def test_another_content_type_or_method_or_path_is_refused(server):
    plain = {"content-type": "text/plain"}
    assert server.call("/v1/translate", GOOD, headers=plain).status == 415
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert server.call("/v1/translate", b"texts=a", headers=form).status == 415
    for body in (b"q=%ff&source=en&target=de", b"\xff", b"q&source", b"&".join([b"q=a"] * 200)):
        refused(server.call("/translate", body, headers=form))
    assert server.call("/v1/translate").status == 405
    assert "There is no endpoint" in refused(server.call("/v1/nothing", GOOD))
    assert server.call("/%00%ff", GOOD).status == 404


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


def bodies(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Draw objects that have some of the keys of a schema, with right and wrong values."""
    right = schema.get("examples", [{}])[0]
    names = list(schema["properties"])
    changes = st.dictionaries(st.sampled_from(names) | st.text(max_size=6), JSON_VALUES, max_size=3)
    return changes.map(lambda change: {**right, **change})


def test_no_body_of_any_shape_makes_the_server_fail(server):
    """Draw bodies from the OpenAPI document of the server."""
    document = server.call("/openapi.json").json
    schemas = document["components"]["schemas"]
    endpoints = [
        (path, schemas[content["schema"]["$ref"].rpartition("/")[2]])
        for path, methods in document["paths"].items()
        if "post" in methods
        for content in [methods["post"]["requestBody"]["content"]["application/json"]]
    ]
    assert len(endpoints) == 9

    @settings(max_examples=100)
    @given(st.data())
    def fuzz(data: st.DataObject) -> None:
        path, schema = data.draw(st.sampled_from(endpoints))
        body = data.draw(bodies(schema) | JSON_VALUES)
        text = json.dumps(body)
        reply = server.call(path, text.encode())
        assert reply.status in (200, 400, 404, 413), (path, body, reply.body)
        if reply.status != 200:
            refused(reply)

    fuzz()


def raw(server: RunningServer, *parts: bytes) -> bytes:
    """Send bytes on a connection of their own, each part after something came back for the one
    before; return what comes back until the connection is closed."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        found = b""
        try:
            for part in parts:
                found = connection.recv(65536) if found or part is not parts[0] else b""
                connection.sendall(part)
            while part := connection.recv(65536):
                found += part
        except ConnectionError:
            return found or b"closed"
        return found


HEAD = b"POST /v1/translate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


def test_a_body_that_never_ends_is_refused_in_time(server):
    found = raw(server, HEAD + b'content-length: 100\r\n\r\n{"te')
    assert found.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in found


def test_a_head_that_never_ends_is_closed_in_time(server):
    assert raw(server, b"") in (b"", b"closed")
    assert raw(server, HEAD) in (b"", b"closed")
    first = HEAD + b"content-length: 18\r\n\r\n" + b'{"texts": ["a b"]}'
    found = raw(server, first, HEAD)  # also on a connection that was used before
    assert found.startswith(b"HTTP/1.1 200 ")


def test_a_large_body_is_refused_before_it_is_sent(server):
    found = raw(server, HEAD + b"content-length: 99999999999\r\n\r\n")
    assert found.startswith(b"HTTP/1.1 413 ")
    chunk = b"2000\r\n" + b"a" * 0x2000 + b"\r\n"
    found = raw(server, HEAD + b"transfer-encoding: chunked\r\n\r\n" + chunk * 3)
    assert b"HTTP/1.1 413 " in found


@pytest.mark.parametrize(
    "head",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n\r\n\x00\x00",
        b"A" * 100_000,
    ],
    ids=["TLS", "version", "NUL", "long"],
)
def test_what_is_not_http_does_no_harm(server, head):
    found = raw(server, head + b"\r\n\r\n")
    assert found[:12] in (b"", b"closed", b"HTTP/1.1 400", b"HTTP/1.1 404")
    assert server.call("/v1/translate", GOOD).status == 200
