"""What every served run has: its name, its operations, and its batcher."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from whyformer.bundle import Bundle
from whyformer.decoding.settings import Method
from whyformer.foundation.errors import UsageError
from whyformer.serving.jobs import Gone
from whyformer.text.tokenizer import Tokenizer
from whyformer.workflows.python.look import Look, look

MAX_ATTENTION = 256
"""Maximum number of tokens of a text whose attention is returned. The size of the response grows
with the square of this number."""


class Operation(StrEnum):
    """What a run can do."""

    TRANSLATE = "translate"
    SCORE = "score"
    GENERATE = "generate"
    CLASSIFY = "classify"
    TAG = "tag"
    ATTENTION = "attention"


class ServedRun(ABC):
    """A loaded run. Its methods compute; they run in the thread of the run's batcher.

    Args:
        name: name of the run in requests.
        operations: what the run can do.
        tokenizer: tokenizer of the texts in requests.
        family: family of the model, such as transformer.
        bundle: the run in torch; None if the run overrides `bundle`.
        engine: the engine that computes.
    """

    def __init__(
        self,
        name: str,
        run: Path,
        operations: Sequence[Operation],
        tokenizer: Tokenizer,
        *,
        family: str,
        bundle: Bundle | None = None,
        engine: str = "torch",
    ) -> None:
        self.name, self.run = name, run
        self.operations = frozenset(operations)
        self.tokenizer = tokenizer
        self.family, self.engine = family, engine
        self.loaded = int(time.time())
        self._bundle = bundle
        self.method = Method.BEAM
        """The search method of the recipe."""

    def samples(self, search: Mapping[str, Any]) -> bool:
        """Return whether a search with the given settings samples."""
        return search.get("method", self.method) == Method.SAMPLE

    @abstractmethod
    def warm_up(self) -> None:
        """Compute something small, so that the first request is not slower than the others."""

    def bundle(self) -> Bundle:
        """Return the run in torch."""
        assert self._bundle is not None
        return self._bundle

    def tokens(self, texts: Sequence[str]) -> int:
        """Return the number of tokens of texts, with one more for the end of each text."""
        encode = self.tokenizer.encode
        return sum(len(encode(text)) + 1 for text in texts)

    def look(self, items: Sequence[tuple[str, str | None]], gone: Gone) -> list[Look]:
        """Return the attention for each pair of a text and a target (None: the prediction)."""
        for text, target in items:
            longest = max(len(self.tokenizer.encode(one)) for one in (text, target or ""))
            if longest > MAX_ATTENTION:
                raise UsageError(
                    f"The attention of at most {MAX_ATTENTION} tokens is returned, but the text "
                    f"has {longest:,}. Shorten it."
                )
        return [look(self.bundle(), self.run, *item, parameters="") for item in items]
