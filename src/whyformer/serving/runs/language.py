"""A language model: it continues prompts, all at once or token by token."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from whyformer.bundle import Bundle
from whyformer.decoding.expected import Expected
from whyformer.decoding.generator import Continuation, Generator
from whyformer.decoding.pair_scorer import PairScore
from whyformer.decoding.settings import SearchSettings
from whyformer.models.interface import EMPTY
from whyformer.serving.jobs import Gone
from whyformer.serving.refusals import GoneError
from whyformer.serving.runs.served import Operation, ServedRun
from whyformer.text.symbols import BOS
from whyformer.workflows.generate import language_model
from whyformer.workflows.search_settings import search_settings
from whyformer.workflows.single_text import single_text

Emit = Callable[[str], None]
"""A function that receives each further part of a text."""
INCOMPLETE = "\N{REPLACEMENT CHARACTER}"
"""What the bytes of an incomplete character decode to."""


class StoppedError(Exception):
    """The text has reached one of its stop sequences. Args: tokens: the new tokens so far."""

    def __init__(self, tokens: list[int]) -> None:
        super().__init__()
        self.tokens = tokens


class LanguageRun(ServedRun):
    """A run that continues prompts."""

    def __init__(self, name: str, run: Path, bundle: Bundle) -> None:
        model, tokenizer = language_model(bundle, run).model, bundle.target_tokenizer
        self._facts = bundle.facts
        self._generator = Generator(
            model,
            tokenizer,
            max_tokens=model.settings.max_length,
            expected=Expected.from_facts(bundle.facts),
        )
        operations = [Operation.GENERATE, Operation.SCORE, Operation.ATTENTION]
        family = model.settings.family
        super().__init__(name, run, operations, tokenizer, family=family, bundle=bundle)
        self.method = self.settings({}).method

    def warm_up(self) -> None:
        """See `ServedRun`."""
        self.generate([""], {}, tokens=1, gone=lambda: False)

    def settings(self, search: dict[str, Any]) -> SearchSettings:
        """Return the settings of the run's recipe with the given changes."""
        return search_settings(self._facts, search)

    def generate(
        self, prompts: Sequence[str], search: dict[str, Any], *, tokens: int, gone: Gone
    ) -> list[list[Continuation]]:
        """Return the continuations of each prompt, with the prompt; see `Generator.generate`."""

        def watch(last: Tensor) -> None:
            if gone():
                raise GoneError

        return self._generator.generate(prompts, self.settings(search), tokens=tokens, watch=watch)

    def stream(
        self,
        prompt: str,
        search: dict[str, Any],
        *,
        tokens: int,
        gone: Gone,
        emit: Emit,
        stop: Sequence[str] = (),
    ) -> Continuation:
        """Continue one prompt, and emit the new text as it is generated.

        The emitted parts together are the text of the result after the prompt. The search must have
        one hypothesis: greedy search, or sampling with `nbest` 1.

        Args: stop: texts before the first of which the continuation ends.
        """
        prompt_ids = self.tokenizer.encode(prompt)
        shown = _Shown(len(self.tokenizer.decode(prompt_ids)), emit, stop)
        fed: list[int] = []

        def watch(last: Tensor) -> None:
            if gone():
                raise GoneError
            token = int(last.flatten()[0])
            if token in (BOS, EMPTY):
                return
            fed.append(token)
            if len(fed) > len(prompt_ids) and shown.add(self.tokenizer.decode(fed)):
                raise StoppedError(fed[len(prompt_ids) :])

        settings = self.settings(search)
        try:
            ((found,),) = self._generator.generate([prompt], settings, tokens=tokens, watch=watch)
        except StoppedError:
            return Continuation(self.tokenizer.decode(prompt_ids) + shown.sent, 0.0, True)
        if shown.add(found.text, last=True):
            return Continuation(self.tokenizer.decode(prompt_ids) + shown.sent, 0.0, True)
        return found

    def continuation(self, prompt: str, text: str) -> str:
        """Return the part of a generated text after its prompt."""
        return text[len(self.tokenizer.decode(self.tokenizer.encode(prompt))) :]

    def score(self, texts: Sequence[str], *, gone: Gone) -> list[PairScore]:
        """Return the log-probability of each text and of its end."""
        scores = []
        for text in texts:
            given = single_text(self.bundle(), self.run, text, None)
            with torch.inference_mode():
                tokens = tuple((-given.losses(given.forward())).tolist())
            scores.append(PairScore(sum(tokens), tokens))
        return scores


def cut_at(text: str, stop: Sequence[str]) -> tuple[str, bool]:
    """Return the part of a text before the first stop sequence, and whether there is one.

    >>> cut_at("one. two. three", (". t", "tw"))
    ('one', True)
    """
    places = [place for one in stop if (place := text.find(one)) >= 0]
    return (text[: min(places)], True) if places else (text, False)


class _Shown:
    """The part of a growing text that was emitted.

    A character is held back while its bytes are incomplete, and an end that can become a stop
    sequence is held back too.
    """

    def __init__(self, start: int, emit: Emit, stop: Sequence[str]) -> None:
        self._start, self._emit, self._stop = start, emit, stop
        self.sent = ""

    def add(self, text: str, *, last: bool = False) -> bool:
        """Emit the new part of a text; return whether it has reached a stop sequence."""
        new, stopped = cut_at(text[self._start :], self._stop)
        ready = new if last or stopped else self._held_back(new)
        if ready.startswith(self.sent) and len(ready) > len(self.sent):
            self._emit(ready[len(self.sent) :])
            self.sent = ready
        return stopped

    def _held_back(self, text: str) -> str:
        text = text.rstrip(INCOMPLETE)
        longest = max(map(len, self._stop), default=1) - 1
        for length in range(min(longest, len(text)), 0, -1):
            if any(one.startswith(text[-length:]) for one in self._stop):
                return text[:-length]
        return text
