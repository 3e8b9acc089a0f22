"""Watch a search: a function receives the tokens of each step, and can stop the search."""

from collections.abc import Callable
from typing import Any, cast

from jaxtyping import Bool, Int
from torch import Tensor

from whyformer.decoding.candidates import Stepper
from whyformer.decoding.queue import SupportsJoin

Watch = Callable[[Tensor], None]
"""A function that is called before each step with the last token of every hypothesis, (sentences,
beams). If it raises an exception, the search ends with this exception."""


class Watched:
    """A `Stepper` that calls a function before each step. The results are those of the inner
    `Stepper`.

    With it, a server stops a search when its client has disconnected, and sends each token of a
    text as soon as it is chosen.
    """

    def __init__(self, inner: Stepper, watch: Watch) -> None:
        self._inner, self._watch = inner, watch

    def begin(
        self,
        source: Int[Tensor, "sentences source"],
        source_real: Bool[Tensor, "sentences source"] | None,
    ) -> Any:
        """See `Stepper`."""
        return self._inner.begin(source, source_real)

    def step(self, state: Any, tokens: Int[Tensor, "sentences beams"]) -> tuple[Tensor, Any]:
        """Call the function, then compute the step; see `Stepper`."""
        self._watch(tokens)
        return self._inner.step(state, tokens)

    def select(
        self,
        state: Any,
        sentences: Int[Tensor, "kept"] | None,
        beams: Int[Tensor, "kept new_beams"],
    ) -> Any:
        """See `Stepper`."""
        return self._inner.select(state, sentences, beams)

    def join(self, state: Any, newcomers: Any) -> Any:
        """See `SupportsJoin`. Only for an inner `Stepper` that supports it."""
        return cast(SupportsJoin, self._inner).join(state, newcomers)
