"""The pages and the OpenAPI document."""

import re

import pytest
from pydantic import TypeAdapter

from toy_servers import running
from whyformer.serving.bodies import responses

pytestmark = pytest.mark.usefixtures("unchecked")

EXAMPLES = {
    "/v1/translate": ("en-de", "TranslateResponse"),
    "/v1/classify": ("labels", "ClassifyResponse"),
    "/v1/tag": ("words", "TagResponse"),
    "/v1/score": ("en-de", "ScoreResponse"),
    "/v1/attention": ("en-de", "AttentionResponse"),
    "/v1/generate": ("gpt", "GenerateResponse"),
}


@pytest.mark.parametrize("path", ["/try", "/docs"])
def test_a_page_loads_nothing_from_elsewhere(server, path):
    reply = server.call(path)
    page = reply.body.decode()
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert not re.findall(r"https?://|//\w|@import|url\(", page.replace("// ", ""))
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)", page)
    assert "--accent" in page


def test_the_start_page_shows_the_first_model_that_it_can_express(server, kinds):
    reply = server.call("/")
    assert "connect-src" not in reply.headers["content-security-policy"], "it talks to no server"
    assert b'<meta name="generator" content="whyformer view">' in reply.body
    assert server.call("/view/en-de").body == reply.body
    assert server.call("/view/gpt").body != reply.body
    assert server.call("/view/nothing").status == 404


@pytest.mark.parametrize("settings", [{"viewer": False}, {"api_keys": ("k",)}])
def test_weights_are_given_to_nobody_without_permission(kinds, settings):
    with running({"gpt": kinds["gpt"]}, **settings) as server:
        assert server.call("/").body == server.call("/try").body
        assert server.call("/view/gpt").status in (401, 404)


def test_the_examples_of_the_document_are_answered_as_the_document_says(server):
    document = server.call("/openapi.json").json
    for path, (model, kind) in EXAMPLES.items():
        post = document["paths"][path]["post"]
        name = post["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        schema = document["components"]["schemas"][name.rpartition("/")[2]]
        (example,) = schema["examples"]
        assert all("description" in field for field in schema["properties"].values())
        reply = server.call(path, {**example, "model": model})
        assert reply.status == 200, reply.body
        TypeAdapter(getattr(responses, kind)).validate_json(reply.body)
        answer = post["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        assert answer.endswith(f"/{kind}")
    TypeAdapter(responses.Health).validate_json(server.call("/health").body)


def test_errors_have_the_form_that_the_document_says(server):
    reply = server.call("/v1/translate", {})
    TypeAdapter(responses.ErrorResponse).validate_json(reply.body)


def test_every_endpoint_of_the_document_has_a_description(server):
    paths = server.call("/openapi.json").json["paths"]
    assert len(paths) >= 15
    for path, methods in paths.items():
        for one in methods.values():
            assert one["description"], path
