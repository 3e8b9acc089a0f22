"""``whyformer serve``: answer HTTP requests with one or more runs."""

import os
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from whyformer.cli.shared.options import Flag, within

EXAMPLES = """Examples:

  whyformer serve runs/mine
  whyformer serve ko-en=runs/ko en-ko=runs/en gpt=runs/gpt --port 9000
  curl localhost:8000/v1/translate -H 'content-type: application/json' \\
    -d '{"texts": ["A dog runs."], "beam": 5}'
  whyformer serve runs/mine --check
  whyformer serve --check --url http://localhost:8000

Open http://localhost:8000 to see a model at work, /try to type a text, and
/docs for all endpoints. Clients of LibreTranslate and of OpenAI's completions
work too.
Only this machine can connect unless --host is given. With --host, also give
--api-keys, a file with one key per line (or the variable
WHYFORMER_API_KEYS, with spaces between keys).
The log has one JSON object per line on standard error. SIGTERM and Ctrl-C
finish the requests that have begun."""

LIMITS = Group("Limits")
Limit = Parameter(group=LIMITS)
KEYS = "WHYFORMER_API_KEYS"


def serve(
    *runs: str,
    host: str = "127.0.0.1",
    port: Annotated[int, within(0, 65535)] = 8000,
    engine: str = "auto",
    device: str = "auto",
    api_keys: Path | None = None,
    cors: Annotated[list[str] | None, Parameter(negative="")] = None,
    log_texts: Flag = False,
    no_viewer: Flag = False,
    check: Flag = False,
    url: str | None = None,
    batch_wait_ms: Annotated[float | None, Limit, within(0.0, 1000.0)] = None,
    batch_tokens: Annotated[int | None, Limit, within(1, 1_000_000)] = None,
    queue_texts: Annotated[int | None, Limit, within(1, 1_000_000)] = None,
    max_body_bytes: Annotated[int | None, Limit, within(1024, 1 << 30)] = None,
    max_texts: Annotated[int | None, Limit, within(1, 100_000)] = None,
    max_tokens: Annotated[int | None, Limit, within(1, 10_000_000)] = None,
    max_new_tokens: Annotated[int | None, Limit, within(1, 100_000)] = None,
    max_beam: Annotated[int | None, Limit, within(1, 1000)] = None,
    max_connections: Annotated[int | None, Limit, within(1, 100_000)] = None,
    timeout_seconds: Annotated[float | None, Limit, within(0.001, 86_400.0)] = None,
    drain_seconds: Annotated[float | None, Limit, within(0.0, 600.0)] = None,
    reload_seconds: Annotated[float | None, Limit, within(0.0, 86_400.0)] = None,
) -> int:
    """Answer HTTP requests with one or more runs.

    Args:
        runs: Directories of runs, or NAME=DIRECTORY. The name is that of the model in requests
            (default: the name of the directory). Name translation runs by their languages,
            such as ko-en, to use them with clients of LibreTranslate.
        host: Address to listen on; 0.0.0.0 accepts connections of other machines.
        port: Port to listen on; 0 means any free port.
        engine: Engine of translation: auto, torch, ctranslate2 or onnx.
        device: auto, cpu, cuda, cuda:0 or mps.
        api_keys: File with one key per line. Every request must have one of them.
        cors: Origin of web pages that may use the server. This option can be repeated.
        log_texts: Write the texts of the requests into the log.
        no_viewer: Do not serve the page that shows a model at work. This page contains the weights
            of the model, because it computes in the browser. With keys, it needs a key.
        check: Start the server, call every endpoint, and stop.
        url: With --check: check the server at this address instead.
        batch_wait_ms: Maximum time that an idle model waits for as many requests as the last
            batch had. (default: 3)
        batch_tokens: Maximum number of source tokens in a batch. (default: 2048)
        queue_texts: Maximum number of texts that wait for a model. More are refused. (default:
            1024)
        max_body_bytes: Maximum size of a request. (default: 1048576)
        max_texts: Maximum number of texts in a request. (default: 256)
        max_tokens: Maximum number of tokens in a request. (default: 16384)
        max_new_tokens: Maximum number of tokens to generate for a text. (default: 1024)
        max_beam: Maximum of beam, groups and nbest. (default: 32)
        max_connections: Maximum number of open connections. (default: 1000)
        timeout_seconds: Time within which a request must be answered. (default: 60)
        drain_seconds: Time after SIGTERM in which new requests are still answered. (default: 1)
        reload_seconds: Interval of the search for replaced models; 0 never searches. (default: 2)
    """
    from whyformer.cli.shared.streams import warn
    from whyformer.foundation.errors import MissingExtraError, UsageError

    if url is not None and not check:
        raise UsageError("`--url` names the server that --check checks. Add --check.")
    if not runs and url is None:
        raise UsageError(
            "A run is required and was not given. Give the directory that `whyformer train` wrote."
        )
    if runs and url is not None:
        raise UsageError("`--url` and runs were both given. Keep one.")
    limits: dict[str, Any] = {
        "wait_ms": batch_wait_ms, "batch_tokens": batch_tokens, "queue_texts": queue_texts,
        "body_bytes": max_body_bytes, "texts": max_texts, "tokens": max_tokens,
        "new_tokens": max_new_tokens, "beams": max_beam, "connections": max_connections,
        "timeout_seconds": timeout_seconds, "drain_seconds": drain_seconds,
        "reload_seconds": reload_seconds,
    }  # fmt: skip
    given = {name: value for name, value in limits.items() if value is not None}
    keys = _keys(api_keys)
    if url is not None:
        from whyformer.serving.check import check_server

        return check_server(url, key=keys[0] if keys else None, say=print)
    try:
        from whyformer.serving.runs.catalog import named_runs
        from whyformer.serving.server import serve as run_server
        from whyformer.serving.settings import ServerSettings
    except ModuleNotFoundError as missing:
        if missing.name not in ("fastapi", "uvicorn", "prometheus_client", "starlette"):
            raise
        raise MissingExtraError(missing.name, "serve") from None
    settings = ServerSettings(
        host=host, port=port, engine=engine, device=device, api_keys=tuple(keys),
        cors_origins=tuple(cors or ()), log_texts=log_texts, viewer=not no_viewer, **given,
    )  # fmt: skip
    named = named_runs(list(runs))
    if check:
        from whyformer.serving.check import check_runs

        return check_runs(named, settings, say=print)
    if not keys and host not in ("127.0.0.1", "localhost", "::1"):
        warn(f"every client that reaches {host} may use this server. Add --api-keys FILE.")
    run_server(named, settings, started=lambda where: print(f"Listening on {where}", flush=True))
    return 0


def _keys(file: Path | None) -> list[str]:
    """Return the keys in a file, or in the environment.

    Raises: UsageError if the file has no keys, or a key with spaces.
    """
    from whyformer.data.lines import read_lines
    from whyformer.foundation.errors import UsageError

    if file is None:
        return os.environ.get(KEYS, "").split()
    keys = [line.strip() for line in read_lines(file) if line.strip()]
    if not keys:
        raise UsageError(f"`{file}` must have one key per line, but it has none.")
    if wrong := [number for number, key in enumerate(keys, start=1) if not _is_key(key)]:
        raise UsageError(
            f"`{file}`: a key must have only visible ASCII characters, but key {wrong[0]} has "
            "others. Change it."
        )
    return keys


def _is_key(key: str) -> bool:
    return key.isascii() and key.isprintable() and " " not in key
