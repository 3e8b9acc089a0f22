"""The decoding process of a benchmark; it translates text with one engine."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.text_translator import TextTranslator
from whyformer.foundation.config import build

WHOLE = 1 << 20
"""Maximum number of tokens per batch, which is so large that only the number of sentences limits a
batch."""


def decoding_contender(
    translator: TextTranslator, search: dict[str, Any], sentences: Sequence[str]
) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return the function that answers the requests to an engine.

    Requests: ``{"do": "time", "beam": b, "batch": n, "count": c}`` measures the time to translate c
        sentences. If there are fewer sentences, they are repeated. There is one call with n
        sentences per batch, or one call per sentence if n is 1. ``{"do": "write", "texts": […]}``
        translates texts with the search settings of the run.

    Args: search: search settings of the run.
    """
    own = build(SearchSettings, search, where="search settings")

    def respond(question: dict[str, Any]) -> dict[str, Any]:
        if question["do"] == "write":
            answers = translator.translate(question["texts"], own)
            return {"texts": [one.text for one in answers]}
        settings = build(
            SearchSettings,
            {**search, "beam": question["beam"], "nbest": 1, "groups": 1, "method": "beam"},
            where="search settings",
        )
        times = -(-question["count"] // len(sentences))
        chosen = (list(sentences) * times)[: question["count"]]
        batch, seconds, tokens = question["batch"], [], 0
        for some in [chosen] if batch > 1 else [[one] for one in chosen]:
            began = time.perf_counter()
            answers = translator.translate(some, settings, batch_tokens=WHOLE, batch_lines=batch)
            seconds.append(time.perf_counter() - began)
            tokens += sum(len(one.hypotheses[0][1].tokens) + 1 for one in answers)  # including eos
        return {"seconds": seconds, "sentences": len(chosen), "tokens": tokens}

    return respond
