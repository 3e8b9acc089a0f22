"""The endpoints of whyformer: /v1/translate, classify, tag, score and attention."""

from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from whyformer.decoding.text_translator import Translation
from whyformer.serving.bodies.requests import (
    AttentionRequest,
    ClassifyRequest,
    ScoreRequest,
    TagRequest,
    TranslateRequest,
)
from whyformer.serving.bodies.responses import (
    AttentionResponse,
    ClassifyResponse,
    ErrorResponse,
    ScoreResponse,
    TagResponse,
    TranslateResponse,
)
from whyformer.serving.jobs import Gone, Work
from whyformer.serving.refusals import RefusedError
from whyformer.serving.routes.context import Context, json_response, key_of
from whyformer.serving.runs.labels import LabelRun
from whyformer.serving.runs.language import LanguageRun
from whyformer.serving.runs.served import Operation
from whyformer.serving.runs.translation import TranslationRun

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorResponse, "description": text}
    for status, text in (
        (400, "The request is wrong; the message says what and how to fix it."),
        (401, "A key is needed, or the key is unknown."),
        (404, "There is no such model."),
        (413, "The body is too large, or has too many texts or tokens."),
        (415, "The content type is not JSON."),
        (503, "The server is overloaded; Retry-After says when to try again."),
        (504, "The model needed too long."),
        ("4XX", "Other errors of the request."),
        ("5XX", "Other errors of the server."),
    )
}
"""The errors of all endpoints, for the OpenAPI document."""
DIGITS = 5
"""Number of decimals of attention weights."""


def add_native_routes(router: APIRouter, context: Context) -> None:
    """Add the endpoints to a router."""
    catalog, answering = context.catalog, context.answering

    @router.post("/v1/translate", response_model=TranslateResponse, responses=ERRORS)
    async def translate(request: Request, body: TranslateRequest) -> Response:
        """Translate texts. The translations are those of `whyformer translate`."""
        loaded = catalog.find(body.model, Operation.TRANSLATE)
        translations = await translated(context, request, body)
        return json_response(
            {
                "model": loaded.served.name,
                "translations": [_translated(one) for one in translations],
            }
        )

    @router.post("/v1/classify", response_model=ClassifyResponse, responses=ERRORS)
    async def classify(request: Request, body: ClassifyRequest) -> Response:
        """Predict a label or a number for each text."""
        loaded = catalog.find(body.model, Operation.CLASSIFY)
        seconds = body.seconds if body.seconds is not None else [None] * len(body.texts)
        if len(seconds) != len(body.texts):
            raise RefusedError(
                400,
                f"`seconds` must have as many texts as `texts`, but there are "
                f"{len(seconds):,} and {len(body.texts):,}.",
                "request",
            )
        pairs = list(zip(body.texts, seconds, strict=True))
        assert isinstance(loaded.served, LabelRun)
        run = loaded.served

        def compute(items: Any, gone: Gone) -> Any:
            return run.classify(items, gone=gone)

        texts = [*body.texts, *(body.seconds or ())]
        found = await answering.results(
            request, loaded, Work(key_of("classify", {}), compute), pairs, texts
        )
        return json_response({"model": run.name, "predictions": [dict(vars(one)) for one in found]})

    @router.post("/v1/tag", response_model=TagResponse, responses=ERRORS)
    async def tag(request: Request, body: TagRequest) -> Response:
        """Predict a label for each word of each text."""
        loaded = catalog.find(body.model, Operation.TAG)
        assert isinstance(loaded.served, LabelRun)
        run, words = loaded.served, [text.split() for text in body.texts]

        def compute(items: Any, gone: Gone) -> Any:
            return run.tag(items, gone=gone)

        found = await answering.results(
            request, loaded, Work(key_of("tag", {}), compute), words, body.texts
        )
        return json_response(
            {
                "model": run.name,
                "texts": [
                    [
                        {"word": word, "label": label, "probability": probability}
                        for word, (label, probability) in zip(sentence, labels, strict=True)
                    ]
                    for sentence, labels in zip(words, found, strict=True)
                ],
            }
        )

    @router.post("/v1/score", response_model=ScoreResponse, responses=ERRORS)
    async def score(request: Request, body: ScoreRequest) -> Response:
        """Compute the log-probability of given targets or texts."""
        loaded = catalog.find(body.model, Operation.SCORE)
        run = loaded.served
        if isinstance(run, TranslationRun):
            pairs = _given(body.pairs, "pairs", "a translation run")
            items: list[Any] = [(one.source, one.target) for one in pairs]
            texts = [text for pair in items for text in pair]

            def compute(items: Any, gone: Gone) -> Any:
                return run.score(items, tag=body.tag, gone=gone)
        else:
            assert isinstance(run, LanguageRun)
            items = texts = _given(body.texts, "texts", "a language model")

            def compute(items: Any, gone: Gone) -> Any:
                return run.score(items, gone=gone)

        work = Work(key_of("score", {}, tag=body.tag), compute)
        found = await answering.results(request, loaded, work, items, texts)
        scores = [
            one and {"log_probability": one.log_probability, "tokens": one.tokens} for one in found
        ]
        return json_response({"model": run.name, "scores": scores})

    @router.post("/v1/attention", response_model=AttentionResponse, responses=ERRORS)
    async def attention(request: Request, body: AttentionRequest) -> Response:
        """Return the attention weights of the model for one text."""
        loaded = catalog.find(body.model, Operation.ATTENTION)
        run = loaded.served
        work = Work(key_of("attention", {}), run.look)
        texts = [body.text, body.target or ""]
        (found,) = await answering.results(request, loaded, work, [(body.text, body.target)], texts)
        return json_response(
            {
                "model": run.name,
                "tokens": found.tokens,
                "attention": {
                    name: [
                        [[round(weight, DIGITS) for weight in row] for row in head]
                        for head in weights.tolist()
                    ]
                    for name, weights in found.attention.items()
                    if fnmatchcase(name, body.names)
                },
                "losses": found.losses.tolist(),
            }
        )


async def translated(
    context: Context, request: Request, body: TranslateRequest
) -> list[Translation]:
    """Return the translations of the texts of a request."""
    loaded = context.catalog.find(body.model, Operation.TRANSLATE)
    search = body.search()
    context.check_search(search)
    assert isinstance(loaded.served, TranslationRun)
    run = loaded.served
    options: dict[str, Any] = {
        "prefix": body.prefix,
        "tag": body.tag,
        "split_sentences": body.split_sentences,
        "split_long": body.split_long,
        "fallback": body.fallback,
    }
    key = key_of("translate", search, sampling=run.samples(search), **options)
    work = Work(key, partial(_compute_translations, run, search, options))
    found = await context.answering.results(request, loaded, work, body.texts, body.texts)
    return list(found)


def _compute_translations(
    run: TranslationRun,
    search: dict[str, Any],
    options: dict[str, Any],
    texts: Any,
    gone: Gone,
) -> list[Translation]:
    return run.translate(texts, search, gone=gone, **options)


def _given(values: Any, name: str, what: str) -> Any:
    if values is None:
        raise RefusedError(400, f"`{name}` is required for {what}, but it is missing.", "request")
    return values


def _translated(one: Translation) -> dict[str, Any]:
    parts = one.sentences or (one,)
    return {
        "text": one.text,
        "score": one.score,
        "finished": all(part.hypotheses[0][1].finished for part in parts if part.hypotheses),
        "source_truncated": one.source_truncated,
        "alternatives": [
            {"text": text, "score": hypothesis.score} for text, hypothesis in one.hypotheses[1:]
        ],
    }
