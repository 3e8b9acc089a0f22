"""The first and the last to see a request: keys, request ids, logs and metrics."""

import hashlib
import hmac
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from whyformer.serving.http.errors import CLIENT_GONE, response_of
from whyformer.serving.http.metrics import Metrics
from whyformer.serving.refusals import RefusedError

log = logging.getLogger("whyformer.serving.requests")
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
OPEN = {
    "/", "/try", "/docs", "/openapi.json", "/health", "/ready", "/frontend/settings", "/languages",
}  # fmt: skip
"""Paths that need no key: they show no answers of a model."""
KEY_IN_BODY = {"/translate", "/detect"}
"""Paths that check the key themselves, because the API of LibreTranslate has it in the body."""


@dataclass
class Facts:
    """What the log and the metrics say about a request; the routes fill it in."""

    model: str = ""
    texts: int = 0
    tokens: int = 0
    batch: int = 0
    waited_ms: float = 0.0
    reason: str = ""
    content: Sequence[Any] = field(default_factory=tuple)
    """The texts, which are logged only if the settings ask for it."""


class Keys:
    """The keys of a server. The time of a comparison does not depend on the keys."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._known = [_digest(key) for key in keys]

    def __bool__(self) -> bool:
        """Return whether requests need a key."""
        return bool(self._known)

    def holds(self, key: str) -> bool:
        """Return whether a key is one of the keys."""
        given, found = _digest(key), False
        for one in self._known:
            found |= hmac.compare_digest(given, one)
        return found

    def check(self, key: str | None) -> None:
        """Raise RefusedError if a key is needed and this is not one of the keys."""
        if self._known and not (key and self.holds(key)):
            raise RefusedError(
                401,
                "This server needs a key. Send the header `Authorization: Bearer KEY`."
                if not key
                else "The key is not known to this server. Check it.",
                "key",
            )


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


class Gateway:
    """The ASGI application around the routes.

    Args:
        log_texts: whether the log contains the texts of the requests.
        most: maximum number of open connections.
    """

    def __init__(
        self, app: App, *, keys: Keys, metrics: Metrics, log_texts: bool, most: int
    ) -> None:
        self._app, self._keys, self._metrics, self._log_texts = app, keys, metrics, log_texts
        self._most = most
        self.draining = False
        """Whether the server stops soon: every response closes its connection."""
        self.begun = self.finished = 0
        """Numbers of requests."""
        self.connections: Callable[[], int] = lambda: 0
        """Function that returns the number of open connections."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on another kind of event."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        self.begun += 1
        facts = scope["facts"] = Facts()
        headers = dict(scope["headers"])
        identity = headers.get(b"x-request-id", b"")
        if not REQUEST_ID.fullmatch(identity):
            identity = uuid.uuid4().hex.encode()

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", identity)]
                if self.draining:
                    message["headers"].append((b"connection", b"close"))
            await send(message)

        try:
            try:
                self._check_connections()
                self._check_key(scope["path"], headers)
            except RefusedError as refusal:
                facts.reason = refusal.reason
                await response_of(refusal, scope["path"])(scope, receive, send_on)
                return
            await self._app(scope, receive, send_on)
        finally:
            self.finished += 1
            seconds = time.perf_counter() - began
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.answered(route, status or CLIENT_GONE, seconds, facts.reason)
            if log.isEnabledFor(logging.INFO):
                log.info("request", extra=self._line(scope, facts, status, seconds, identity))

    def _check_connections(self) -> None:
        if (found := self.connections()) > self._most:
            raise RefusedError(
                503,
                f"The server is overloaded: {found:,} connections are open. Try again in 1 s.",
                "connections",
                retry_seconds=1,
            )

    def _check_key(self, path: str, headers: dict[bytes, bytes]) -> None:
        if not self._keys or path in OPEN or path in KEY_IN_BODY:
            return
        self._keys.check(key_in(headers))

    def _line(
        self, scope: Scope, facts: Facts, status: int, seconds: float, identity: bytes
    ) -> dict[str, Any]:
        line: dict[str, Any] = {
            "id": identity.decode(),
            "method": scope["method"],
            "path": scope["path"][:200],
            "status": status or CLIENT_GONE,
            "ms": round(1000 * seconds, 2),
        }
        if facts.model:
            line |= {
                "model": facts.model,
                "texts": facts.texts,
                "tokens": facts.tokens,
                "batch": facts.batch,
                "waited_ms": round(facts.waited_ms, 2),
            }
        if facts.reason:
            line["reason"] = facts.reason
        if self._log_texts and facts.content:
            line["content"] = list(facts.content)
        return line


def key_in(headers: dict[bytes, bytes]) -> str | None:
    """Return the key in the headers of a request; None if there is none."""
    kind, _, key = headers.get(b"authorization", b"").partition(b" ")
    if kind.lower() == b"bearer" and key.strip():
        return key.strip().decode("utf-8", "surrogateescape")
    other = headers.get(b"x-api-key")
    return other.decode("utf-8", "surrogateescape") if other else None
