"""Text from a language model: a prompt in, what may follow it out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import nn

from whyformer.decoding.distinct import distinct
from whyformer.decoding.expected import USUAL, Expected
from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.prompt import PromptModel, PromptReader
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.wellformed import WellFormed
from whyformer.foundation.errors import UsageError, each_text
from whyformer.text.tokenizer import Tokenizer

TOGETHER = 64
"""Prompts continued in one batch."""


@dataclass(frozen=True)
class Continuation:
    """What follows a prompt."""

    text: str
    """The prompt and its continuation."""
    score: float
    """Log-probability of the continuation and of the prompt itself, in nats."""
    finished: bool
    """Whether the model ended the text; otherwise the length limit did."""
    model_limit: bool = False
    """Whether it was cut because the model holds no more tokens, not because of ``tokens``."""


class Generator:
    """A language model with its tokenizer.

    Each prompt gets what it would get alone: only prompts of the same number of tokens share a
    batch, and a draw depends on the seed and the prompt's number, not on its neighbours.
    Args:
        max_tokens: longest text the model can hold, the prompt counted.
        expected: what the training data showed; samples hold only bytes that it held.
    """

    def __init__(
        self,
        model: PromptModel,
        tokenizer: Tokenizer,
        *,
        max_tokens: int,
        expected: Expected = USUAL,
    ) -> None:
        fed = getattr(getattr(model, "settings", None), "longest_target", None)
        self.model, self.tokenizer = model, tokenizer
        self._text = WellFormed(tokenizer.spellings, expected.target_bytes)
        self.max_tokens = max_tokens if fed is None else min(max_tokens, fed - 1)

    def generate(
        self, prompts: Sequence[str], settings: SearchSettings, *, tokens: int = 200
    ) -> list[list[Continuation]]:
        """Return for each prompt its continuations: ``nbest`` of them, best or first drawn first.

        Args: tokens: most tokens to add; fewer where the model can hold no more.
        Raises: UsageError when a prompt leaves no room, or one string is given.
        """
        prompts = list(each_text("prompts", prompts))
        ids = [self.tokenizer.encode(prompt) for prompt in prompts]
        for number, one in enumerate(ids, start=1):
            if len(one) >= self.max_tokens:
                raise UsageError(
                    f"Prompt {number} has {len(one)} tokens, but the model holds at most "
                    f"{self.max_tokens}, the continuation counted. Shorten it."
                )
        found: list[list[Continuation]] = [[] for _ in prompts]
        order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
        for length, group in groupby(order, key=lambda index: len(ids[index])):
            members = list(group)
            limit = min(length + tokens, self.max_tokens)
            bounded = settings.model_copy(update={"max_length": limit})
            for start in range(0, len(members), TOGETHER):
                some = members[start : start + TOGETHER]
                full = limit < length + tokens
                searched = self._search(ids, some, bounded, full=full)
                for index, answers in zip(some, searched, strict=True):
                    found[index] = list(answers)
        return found

    def _search(
        self, ids: list[list[int]], some: list[int], settings: SearchSettings, *, full: bool
    ) -> Iterator[list[Continuation]]:
        device = torch.device("cpu")
        if isinstance(self.model, nn.Module):
            self.model.eval()
            device = next(self.model.parameters()).device

        def searched(indices: Sequence[int], how: SearchSettings) -> list[list[Hypothesis]]:
            nothing = torch.zeros(len(indices), 1, dtype=torch.long, device=device)
            prompts = [ids[index] for index in indices]
            reader = PromptReader(self.model, prompts)
            with torch.inference_mode():
                return search(
                    reader, nothing, None, how, prefixes=prompts, indices=indices, text=self._text
                )

        results = searched(some, settings)
        for texts in distinct(some, results, settings, self.tokenizer.decode, searched):
            yield [
                Continuation(text, one.log_probability, one.finished, full and not one.finished)
                for text, one in texts
            ]
