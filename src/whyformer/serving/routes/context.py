"""What the endpoints of a server share."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Response
from pydantic_core import to_json

from whyformer.serving.http.answering import Answering
from whyformer.serving.http.gateway import Keys
from whyformer.serving.http.metrics import Metrics
from whyformer.serving.refusals import RefusedError
from whyformer.serving.runs.catalog import Catalog
from whyformer.serving.settings import ServerSettings

unique = itertools.count()
"""Numbers for work that must not share a batch, because its results depend on the position in
it."""


@dataclass(frozen=True)
class Context:
    """What the endpoints of a server share."""

    catalog: Catalog
    settings: ServerSettings
    metrics: Metrics
    keys: Keys
    answering: Answering

    def check_search(self, search: Mapping[str, Any]) -> None:
        """Raise RefusedError for search settings above the limits of the server."""
        limits = dict.fromkeys(("beam", "groups", "nbest"), self.settings.beams)
        limits |= dict.fromkeys(("max_length", "min_length", "tokens"), self.settings.new_tokens)
        for name, limit in limits.items():
            value = search.get(name)
            if value is not None and value > limit:
                raise RefusedError(
                    400,
                    f"`{name}` must be at most {limit:,} on this server, but it is {value:,}.",
                    "size",
                )


def json_response(value: Mapping[str, Any]) -> Response:
    """Return a response with a JSON body."""
    return Response(to_json(value), media_type="application/json")


def key_of(
    operation: str, search: Mapping[str, Any], *, sampling: bool = False, **more: Any
) -> tuple[Any, ...]:
    """Return the key of work: requests with equal keys share a batch.

    Args: sampling: whether the search samples. A sample depends on the position of its text in the
        batch, so sampling never shares a batch.
    """
    if sampling:
        return (operation, next(unique))
    return (operation, *_frozen(search), *_frozen(more))


def _frozen(values: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    return sorted(
        (name, tuple(value) if isinstance(value, list) else value) for name, value in values.items()
    )
