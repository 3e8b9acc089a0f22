"""The API of LibreTranslate: /translate, /languages, /detect and /frontend/settings.

The languages come from the names of the runs: `ko-en` translates from Korean to English. A run with
another name translates from `und` (the code of an undetermined language) to its name. The tags of
a run are further targets.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from whyformer.interop.argos import NAMES
from whyformer.serving.bodies.libretranslate import DetectRequest, LibreTranslateRequest
from whyformer.serving.bodies.requests import TranslateRequest
from whyformer.serving.bodies.responses import ErrorSentence
from whyformer.serving.http.gateway import key_in
from whyformer.serving.refusals import RefusedError
from whyformer.serving.routes.context import Context, json_response
from whyformer.serving.routes.native import translated
from whyformer.serving.runs.catalog import Catalog
from whyformer.serving.runs.translation import TranslationRun

PAIR = re.compile(r"([a-z]{2,3})-([a-z]{2,3})")
UNKNOWN = "und"
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorSentence, "description": text}
    for status, text in (("4XX", "The request is wrong."), ("5XX", "The server cannot answer."))
}
"""The errors of these endpoints, for the OpenAPI document."""
LONGEST = 2000
"""Number of characters of a text that `/detect` reads."""


@dataclass(frozen=True)
class Direction:
    """A direction of translation. Args: tag: the tag that chooses the target; None for no tag."""

    source: str
    target: str
    run: TranslationRun
    tag: str | None


def directions(catalog: Catalog) -> Iterator[Direction]:
    """Yield every direction that the runs of a server can translate."""
    for one in catalog:
        run = one.served
        if not isinstance(run, TranslationRun):
            continue
        pair = PAIR.fullmatch(run.name)
        source, target = pair.groups() if pair else (UNKNOWN, run.name)
        if run.tags:
            yield from (Direction(source, tag, run, tag) for tag in run.tags)
        else:
            yield Direction(source, target, run, None)


def add_libretranslate_routes(router: APIRouter, context: Context) -> None:
    """Add the endpoints to a router."""
    catalog = context.catalog

    @router.post("/translate", responses=ERRORS)
    async def translate(request: Request, body: LibreTranslateRequest) -> Response:
        """Translate texts, in the format of LibreTranslate."""
        _check_key(context, request, body.api_key)
        if body.format != "text":
            raise RefusedError(
                400, "`format` must be text. Use `whyformer translate` for HTML.", "request"
            )
        texts = [body.q] if isinstance(body.q, str) else body.q
        guessed = None
        source = body.source
        if source == "auto":
            guessed = _detected(catalog, " ".join(texts), target=body.target)
            source = guessed[0]["language"]
        direction = _direction(catalog, source, body.target)
        given: dict[str, Any] = {"model": direction.run.name, "texts": texts, "tag": direction.tag}
        if body.alternatives:
            given["nbest"] = 1 + body.alternatives
        found = await translated(context, request, TranslateRequest(**given))
        several = [[text for text, _ in one.hypotheses[1:]] for one in found]
        answer: dict[str, Any] = {"translatedText": [one.text for one in found]}
        if body.alternatives:
            answer["alternatives"] = several
        if guessed is not None:
            answer["detectedLanguage"] = [guessed[0]] * len(found)
        if isinstance(body.q, str):
            answer = {name: values[0] for name, values in answer.items()}
        return json_response(answer)

    @router.post("/detect", responses=ERRORS)
    async def detect(request: Request, body: DetectRequest) -> Response:
        """Guess the language of a text, among the source languages of the runs."""
        _check_key(context, request, body.api_key)
        return Response(to_json(_detected(catalog, body.q)), media_type="application/json")

    @router.get("/languages", responses=ERRORS)
    async def languages(request: Request) -> Response:
        """List the languages."""
        return Response(to_json(_languages(catalog)), media_type="application/json")

    @router.get("/frontend/settings", responses=ERRORS)
    async def settings(request: Request) -> Response:
        """Return the limits of this server."""
        found = _languages(catalog)
        codes = [(one["code"], target) for one in found for target in one["targets"]]
        source, target = codes[0] if codes else (UNKNOWN, UNKNOWN)
        return json_response(
            {
                "apiKeys": bool(context.keys),
                "charLimit": -1,
                "frontendTimeout": 500,
                "keyRequired": bool(context.keys),
                "language": {
                    "source": {"code": source, "name": _name(source)},
                    "target": {"code": target, "name": _name(target)},
                },
                "suggestions": False,
                "supportedFilesFormat": [],
            }
        )


def _check_key(context: Context, request: Request, key: str | None) -> None:
    context.keys.check(key or key_in(dict(request.scope["headers"])))


def _direction(catalog: Catalog, source: str, target: str) -> Direction:
    known = list(directions(catalog))
    for one in known:
        if (one.source, one.target) == (source, target):
            return one
    pairs = ", ".join(f"{one.source}-{one.target}" for one in known) or "nothing"
    raise RefusedError(
        400,
        f"This server does not translate from `{source}` to `{target}`, only {pairs}.",
        "language",
    )


def _languages(catalog: Catalog) -> list[dict[str, Any]]:
    targets: dict[str, list[str]] = {}
    for one in directions(catalog):
        targets.setdefault(one.source, []).append(one.target)
        targets.setdefault(one.target, [])
    return [
        {"code": code, "name": _name(code), "targets": found} for code, found in targets.items()
    ]


def _name(code: str) -> str:
    return "Undetermined" if code == UNKNOWN else NAMES.get(code, code)


def _detected(catalog: Catalog, text: str, target: str | None = None) -> list[dict[str, Any]]:
    """Guess the language of a text: the vocabulary of its language needs the fewest tokens.

    Args: target: guess among the languages from which there is a translation to this language.
    """
    text = text[:LONGEST]
    needed: dict[str, int] = {}
    for one in directions(catalog):
        if target is None or one.target == target:
            count = len(one.run.tokenizer.encode(text))
            needed[one.source] = min(count, needed.get(one.source, count))
    if not needed:
        known = "no translation run" if target is None else f"no translation to `{target}`"
        raise RefusedError(400, f"The language cannot be guessed: there is {known}.", "language")
    shares = {code: 1 / (1 + count) ** 2 for code, count in needed.items()}
    whole = sum(shares.values())
    ranked = sorted(shares, key=lambda code: -shares[code])
    return [
        {"language": code, "confidence": round(100 * shares[code] / whole, 1)} for code in ranked
    ]
