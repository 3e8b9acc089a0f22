"""Prove a deployment: call every endpoint of a server and compare with what must come back."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import UsageError, WhyformerError
from whyformer.foundation.wording import counted
from whyformer.serving.settings import ServerSettings

Say = Callable[[str], None]
TEXT = "a b c"
STOP_SECONDS = 30
"""Time within which an idle server must stop."""


@dataclass(frozen=True)
class Reply:
    """A response."""

    status: int
    body: bytes
    ms: float

    @property
    def json(self) -> Any:
        """The body as JSON. Raises: ValueError if it is not JSON."""
        return json.loads(self.body)


class Client:
    """A plain client of one server.

    Args: key: the key to send; None sends no key.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url, self._key = url.rstrip("/"), key
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, path: str, body: Any = None, *, key: bool = True) -> Reply:
        """Call an endpoint. Args: body: None for GET, bytes as they are, anything else as JSON.

        Raises: OSError if the server cannot be reached.
        """
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        if self._key and key:
            headers["authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self.url + path, data, headers)
        began = time.perf_counter()
        try:
            with self._opener.open(request, timeout=120) as response:
                status, content = response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                status, content = error.code, error.read()
        return Reply(status, content, 1000 * (time.perf_counter() - began))


def check_server(url: str, *, key: str | None, say: Say) -> int:
    """Call every endpoint of a server; return the exit code.

    Raises: UsageError if there is no server at the address.
    """
    client = Client(url, key)
    try:
        models = client.call("/health").json["models"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"`{url}` must be the address of `whyformer serve`, but it does not answer as one "
            f"({error})."
        ) from None
    failed = done = 0
    for name, passes in _checks(client, models, key):
        done += 1
        began = time.perf_counter()
        try:
            fault = None if passes() else "another answer was expected"
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            fault = f"{type(error).__name__}: {error}"
        ms = 1000 * (time.perf_counter() - began)
        say(
            f"{'ok    ' if fault is None else 'FAILED'}  {name}  {ms:.0f} ms"
            + ("" if fault is None else f"  {fault}")
        )
        failed += fault is not None
    if failed:
        say(f"{counted(failed, 'check')} of {done} failed.")
        return WhyformerError.exit_code
    say(f"All {counted(done, 'check')} passed.")
    return 0


def check_runs(runs: Mapping[str, Path], settings: ServerSettings, *, say: Say) -> int:
    """Start a server with the given runs on a free port, check it, and stop it; return the exit
    code.

    Raises: UsageError if the server does not start.
    """
    key = settings.api_keys[0] if settings.api_keys else None
    named = [f"{name}={path}" for name, path in runs.items()]
    command = [sys.executable, "-m", "whyformer", "serve", *named, "--port", "0"]
    command += ["--engine", settings.engine, "--device", settings.device, "--drain-seconds", "0.1"]
    keys = {"WHYFORMER_API_KEYS": " ".join(settings.api_keys)}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | keys,
    ) as process:
        try:
            return _checked(process, key, say)
        except subprocess.TimeoutExpired:
            say(f"FAILED  the server did not stop within {STOP_SECONDS} s")
            return WhyformerError.exit_code
        finally:
            if process.poll() is None:
                process.kill()


def _checked(process: "subprocess.Popen[str]", key: str | None, say: Say) -> int:
    assert process.stdout is not None
    assert process.stderr is not None
    log: deque[str] = deque(maxlen=1)
    # Read in a thread, so that the server never waits for the reader of its log.
    reader = threading.Thread(target=log.extend, args=[process.stderr], daemon=True)
    reader.start()
    first = process.stdout.readline()
    if not first.startswith("Listening on "):
        process.wait(STOP_SECONDS)
        reader.join()
        last = (log or ["it ended"])[-1].strip().removeprefix("whyformer: ")
        raise UsageError(f"The server did not start: {last}")
    say("ok      the server starts")
    code = check_server(first.removeprefix("Listening on ").strip(), key=key, say=say)
    process.send_signal(signal.SIGTERM)
    stopped = process.wait(STOP_SECONDS)
    reader.join()
    say(f"{'FAILED' if stopped else 'ok    '}  the server stops after SIGTERM")
    return code or (WhyformerError.exit_code if stopped else 0)


Check = tuple[str, Callable[[], bool]]
"""The name of a check, and a function that returns whether it passes."""


def _checks(client: Client, models: list[dict[str, Any]], key: str | None) -> Iterator[Check]:
    call = client.call
    yield "GET /ready", lambda: call("/ready").status == 200
    yield "GET /metrics", lambda: b"whyformer_requests_total" in call("/metrics").body
    yield "GET /openapi.json", lambda: "/v1/translate" in call("/openapi.json").json["paths"]
    for page in ("/", "/docs"):
        yield f"GET {page}", lambda page=page: b"<!doctype html>" in call(page).body
    yield (
        "GET /v1/models",
        lambda: len(call("/v1/models").json["data"]) == len(models),
    )
    yield "an unknown path answers 404", lambda: call("/nothing").status == 404
    yield "a body that is not JSON answers 400", lambda: call("/v1/translate", b"{").status == 400
    if key is not None:
        yield (
            "a request without a key answers 401",
            lambda: call("/v1/models", key=False).status == 401,
        )
    for model in models:
        yield from _checks_of(client, model)


def _checks_of(client: Client, model: dict[str, Any]) -> Iterator[Check]:
    """Yield the checks of one run."""
    name, call = model["name"], client.call
    tag = {"tag": model["tags"][0]} if model["tags"] else {}
    chosen = {"model": name}
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "translate": ("translations", {"texts": [TEXT, "", TEXT], **tag}),
        "classify": ("predictions", {"texts": [TEXT, TEXT]}),
        "tag": ("texts", {"texts": [TEXT, TEXT]}),
        "attention": ("attention", {"text": TEXT}),
    }
    if "translate" in model["operations"]:
        asked["score"] = ("scores", {"pairs": [{"source": TEXT, "target": TEXT}], **tag})
        yield f"{name}: GET /languages", lambda: bool(call("/languages").json)
    else:
        asked["score"] = ("scores", {"texts": [TEXT]})
    for operation, (field, body) in asked.items():
        if operation not in model["operations"] or (operation == "attention" and tag):
            continue
        path = f"/v1/{operation}"
        yield (
            f"{name}: POST {path}",
            lambda path=path, field=field, body=body: bool(call(path, chosen | body).json[field]),
        )
    if "translate" in model["operations"]:
        body = chosen | {"texts": [TEXT] * 2, **tag}
        yield f"{name}: equal texts have equal translations", lambda: _equal(call, body)
    if "generate" in model["operations"]:
        yield from _checks_of_generation(client, chosen)


def _equal(call: Callable[..., Reply], body: dict[str, Any]) -> bool:
    first, second = (one["text"] for one in call("/v1/translate", body).json["translations"])
    return first == second


def _checks_of_generation(client: Client, chosen: dict[str, Any]) -> Iterator[Check]:
    name, call = chosen["model"], client.call
    greedy = {"method": "beam", "beam": 1, "nbest": 1, "tokens": 8}

    def streamed() -> bool:
        events = call("/v1/generate", chosen | greedy | {"prompts": [TEXT], "stream": True}).body
        whole = call("/v1/generate", chosen | greedy | {"prompts": [TEXT]}).json
        last = json.loads(events.split(b"event: done\ndata: ")[1])
        return last["text"] == whole["generations"][0][0]["text"]

    def completed() -> bool:
        body = chosen | {"prompt": TEXT, "max_tokens": 4, "temperature": 0}
        return len(call("/v1/completions", body).json["choices"]) == 1

    yield f"{name}: POST /v1/generate, whole and as a stream", streamed
    yield f"{name}: POST /v1/completions", completed
