"""Overload, deadlines, disconnects, keys and origins."""

import contextlib
import http.client
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from toy_runs import toy_run
from toy_servers import RunningServer, running
from whyformer.serving.http.gateway import Keys
from whyformer.serving.http.logs import JsonLines
from whyformer.serving.runs.translation import TranslationRun

pytestmark = pytest.mark.usefixtures("unchecked")
PATH = "/v1/translate"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a translation run; not to be changed."""
    return toy_run(tmp_path_factory.mktemp("limits") / "run")


class Brake:
    """Holds every translation until it is released."""

    def __init__(self) -> None:
        self.released, self.texts = threading.Event(), []


@pytest.fixture
def brake(monkeypatch) -> Iterator[Brake]:
    """Return a brake on the translations of all servers of this process."""
    found = Brake()
    translate = TranslationRun.translate

    def slow(self: TranslationRun, texts: Any, search: Any, **options: Any) -> Any:
        if found.texts is not None and texts != ["a"]:  # "a" is the text that warms up
            found.texts += texts
            assert found.released.wait(30)
        return translate(self, texts, search, **options)

    monkeypatch.setattr(TranslationRun, "translate", slow)
    yield found
    found.released.set()


def in_background(server: RunningServer, texts: list[str]) -> tuple[threading.Thread, list[Any]]:
    """Send a request in a thread; return the thread and the list that gets its reply."""
    replies: list[Any] = []
    thread = threading.Thread(
        target=lambda: replies.append(server.call(PATH, {"texts": texts})), daemon=True
    )
    thread.start()
    return thread, replies


def wait_until(condition) -> None:
    """Wait until a condition holds."""
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def waiting(server: RunningServer) -> int:
    """Return the number of texts that wait."""
    return sum(one.batcher.waiting for one in server.server.catalog)


def test_more_than_fits_into_the_queue_is_refused_and_what_is_in_it_is_answered(run, brake):
    with running({"run": run}, queue_texts=4) as server:
        first = in_background(server, ["busy"])
        wait_until(lambda: brake.texts == ["busy"])
        kept = [in_background(server, ["a b"]) for _ in range(4)]
        wait_until(lambda: waiting(server) == 4)
        for _ in range(30):
            reply = server.call(PATH, {"texts": ["c"]})
            assert reply.status == 503
            assert int(reply.headers["retry-after"]) >= 1
            assert "overloaded" in reply.sentence
        assert waiting(server) == 4
        assert server.call("/health").status == 200, "an overloaded server still answers this"
        brake.released.set()
        for thread, replies in [first, *kept]:
            thread.join(20)
            assert replies[0].status == 200
        assert server.metric('whyformer_refused_total{reason="overload"}') == 30
        assert "c" not in brake.texts, "what was refused was computed"


def test_the_work_of_a_client_that_disconnects_is_never_computed(run, brake):
    with running({"run": run}) as server:
        first, _ = in_background(server, ["busy"])
        wait_until(lambda: brake.texts == ["busy"])
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        body = json.dumps({"texts": ["gone"]})
        connection.request("POST", PATH, body, {"content-type": "application/json"})
        wait_until(lambda: waiting(server) == 1)
        connection.close()
        wait_until(lambda: waiting(server) == 0)
        brake.released.set()
        first.join(20)
        assert server.call(PATH, {"texts": ["c"]}).status == 200
        assert brake.texts == ["busy", "c"]
        refused = 'whyformer_refused_total{reason="disconnected"}'
        assert server.metric(refused) == 1


def test_a_request_that_is_too_late_is_refused_and_never_computed(run, brake):
    with running({"run": run}, timeout_seconds=0.3) as server:
        first, begun = in_background(server, ["busy"])
        wait_until(lambda: brake.texts == ["busy"])
        reply = server.call(PATH, {"texts": ["late"]})
        assert reply.status == 503
        assert "was not begun" in reply.sentence
        assert "retry-after" in reply.headers
        first.join(20)
        assert begun[0].status == 504
        assert "the model needed longer" in begun[0].sentence
        brake.released.set()
        wait_until(lambda: server.metric("whyformer_texts_total") == 1)
        assert brake.texts == ["busy"]


def test_a_long_search_of_torch_stops_when_its_client_disconnects(run, monkeypatch):
    steps = 0
    stop = TranslationRun._stop_if_gone

    def counted(self: TranslationRun, tokens: Any) -> None:
        nonlocal steps
        steps += 1
        time.sleep(0.02)
        stop(self, tokens)

    monkeypatch.setattr(TranslationRun, "_stop_if_gone", counted)
    with running({"run": run}) as server:
        steps = 0
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        body = json.dumps({"texts": ["a b c"], "min_length": 900, "max_length": 1000})
        connection.request("POST", PATH, body, {"content-type": "application/json"})
        wait_until(lambda: steps > 3)
        connection.close()
        assert server.call(PATH, {"texts": ["a"]}).status == 200
        assert steps < 500


def test_more_connections_than_allowed_are_refused_and_the_others_are_answered(run):
    with running({"run": run}, connections=3) as server, contextlib.ExitStack() as stack:
        place = ("127.0.0.1", server.port)
        for _ in range(3):
            stack.enter_context(socket.create_connection(place))
        reply = server.call("/health")
        assert reply.status == 503
        assert reply.headers["retry-after"] == "1"
        assert reply.headers["connection"] == "close"
        assert "connections are open" in reply.sentence
        more = [stack.enter_context(socket.create_connection(place)) for _ in range(6)]
        more[-1].settimeout(20)
        with contextlib.suppress(ConnectionError):
            assert more[-1].recv(10) == b"", "connections beyond twice the limit are closed at once"
        stack.close()
        wait_until(lambda: server.call("/health").status == 200)


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
def test_only_requests_with_a_key_are_answered(run, header):
    with running({"run": run}, api_keys=("secret", "other")) as server:

        def status(key: str | None, path: str = PATH) -> int:
            value = f"Bearer {key}" if header == "authorization" else str(key)
            headers = {} if key is None else {header: value}
            body = {"texts": ["a"]} if path == PATH else None
            return server.call(path, body, headers=headers).status

        assert [status(key) for key in ("secret", "other")] == [200, 200]
        assert [status(key) for key in (None, "", "secre", "secret2", "ä", "x" * 5000)] == [401] * 6
        for path in ("/metrics", "/v1/models", "/nothing"):
            assert status(None, path) == 401
        for path in ("/health", "/ready", "/", "/docs", "/openapi.json"):
            assert status(None, path) == 200
        form = {"content-type": "application/x-www-form-urlencoded"}
        reply = server.call("/translate", b"q=a&source=und&target=run", headers=form)
        assert reply.status == 401
        reply = server.call("/translate", b"q=a&source=und&target=run&api_key=other", headers=form)
        assert reply.status == 200
        for path in ("/v1/translate", "/translate"):
            assert "secret" not in server.call(path, b"{}").body.decode()


def test_every_key_is_compared_whole(monkeypatch):
    compared: list[int] = []
    monkeypatch.setattr("hmac.compare_digest", lambda a, b: compared.append(len(a)) or a == b)
    keys = Keys(["one", "two", "three"])
    assert keys.holds("one")
    assert not keys.holds("x")
    assert compared == [32] * 6


def test_browsers_get_no_permission_unless_an_origin_is_named(run):
    origin = {"origin": "https://example.org"}
    preflight = origin | {"access-control-request-method": "POST"}
    allowed = "access-control-allow-origin"
    with running({"run": run}) as server:
        assert allowed not in server.call("/health", headers=origin).headers
        assert server.call(PATH, method="OPTIONS", headers=preflight).status == 405
    with running({"run": run}, cors_origins=("https://example.org",)) as server:
        assert server.call("/health", headers=origin).headers[allowed] == "https://example.org"
        reply = server.call(PATH, method="OPTIONS", headers=preflight)
        assert (reply.status, reply.headers[allowed]) == (200, "https://example.org")
        other = {"origin": "https://example.com"}
        assert allowed not in server.call("/health", headers=other).headers


@contextlib.contextmanager
def logged() -> Iterator[list[str]]:
    """Collect the lines of the log."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.setFormatter(JsonLines())
    handler.emit = lambda record: lines.append(handler.format(record))
    logger = logging.getLogger("whyformer.serving")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


@pytest.mark.parametrize("log_texts", [False, True])
def test_the_log_has_no_texts_unless_asked(run, log_texts):
    with logged() as lines, running({"run": run}, log_texts=log_texts) as server:
        ids = {"x-request-id": "my-id"}
        reply = server.call(PATH, {"texts": ["private words"]}, headers=ids)
        assert reply.headers["x-request-id"] == "my-id"
        server.call(PATH, {"texts": ["private words"], "tag": "private"})
        server.call(PATH, b'{"private": 1}')
    found = [json.loads(line) for line in lines]
    requests = [one for one in found if one["event"] == "request"]
    assert requests[0]["id"] == "my-id"
    assert {name: requests[0][name] for name in ("status", "texts", "model", "path")} == {
        "status": 200, "texts": 1, "model": "run", "path": PATH,
    }  # fmt: skip
    assert [one["status"] for one in requests] == [200, 400, 400]
    assert ("private" in "".join(lines)) is log_texts


def test_a_request_id_that_could_break_the_log_is_replaced(run):
    with running({"run": run}) as server:
        reply = server.call("/health", headers={"x-request-id": 'a" b'})
        assert reply.headers["x-request-id"].isalnum()
