"""Text generation: continue prompts with a language model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import nn

from whyformer.decoding.distinct import distinct
from whyformer.decoding.expected import USUAL, Expected
from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.lexical.book import PhraseBook
from whyformer.decoding.lexical.phrases import Phrases, forbidding
from whyformer.decoding.prompt import PromptModel, PromptReader
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.watched import Watch, Watched
from whyformer.decoding.wellformed import WellFormed
from whyformer.foundation.errors import UsageError, each_text
from whyformer.foundation.wording import counted
from whyformer.text.tokenizer import Tokenizer

BATCH_SIZE = 64
"""Number of prompts in a batch."""


@dataclass(frozen=True)
class Continuation:
    """One continuation of a prompt."""

    text: str
    """The prompt and its continuation."""
    score: float
    """Log-probability of the prompt and its continuation, in nats."""
    finished: bool
    """True when the model ended the text with eos; False when the length limit ended it."""
    model_limit: bool = False
    """True when the maximum length of the model ended the text; False when the model predicted eos
    or the argument ``tokens`` ended the text."""


class Generator:
    """A language model and its tokenizer.

    The result for a prompt does not depend on the other prompts: only prompts with the same number
    of tokens share a batch, and a sample depends only on the seed and the number of the prompt.
    Args:
        max_tokens: maximum number of tokens of a text, including the prompt.
        expected: facts about the training data. Samples contain only bytes that occur in these
            data.
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
        self._phrases = PhraseBook(tokenizer)
        self._text = WellFormed(
            tokenizer.spellings, expected.target_bytes, first_piece=tokenizer.first_piece
        )
        self.max_tokens = max_tokens if fed is None else min(max_tokens, fed - 1)

    def generate(
        self,
        prompts: Sequence[str],
        settings: SearchSettings,
        *,
        tokens: int = 200,
        watch: Watch | None = None,
    ) -> list[list[Continuation]]:
        """Return `nbest` continuations of each prompt: best first, or in the order of sampling.

        Args:
            tokens: maximum number of tokens to add to each prompt. The maximum length of the model
                applies, too.
            watch: function that is called before each step, also for the tokens of the prompts.
        Raises: UsageError when a prompt is too long, or when ``prompts`` is a single string.
        """
        prompts = list(each_text("prompts", prompts))
        ids = [self.tokenizer.encode(prompt) for prompt in prompts]
        if settings.coverage_penalty:
            raise UsageError(
                "`coverage_penalty` needs a source, but a language model has none. Set it to 0."
            )
        for prompt in prompts:
            self._phrases.refuse_forbidden("A prompt", prompt, settings.forbid, continues=True)
        for number, one in enumerate(ids, start=1):
            if len(one) >= self.max_tokens:
                raise UsageError(
                    f"Prompt {number} has {counted(len(one), 'token')}, but the model supports "
                    f"at most {self.max_tokens}, including the continuation. Shorten it."
                )
        found: list[list[Continuation]] = [[] for _ in prompts]
        order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
        for length, group in groupby(order, key=lambda index: len(ids[index])):
            members = list(group)
            limit = min(length + tokens, self.max_tokens)
            bounded = settings.model_copy(update={"max_length": limit})
            for start in range(0, len(members), BATCH_SIZE):
                some = members[start : start + BATCH_SIZE]
                full = limit < length + tokens
                searched = self._search(ids, some, bounded, watch, full=full)
                for index, answers in zip(some, searched, strict=True):
                    found[index] = list(answers)
        return found

    def _search(
        self,
        ids: list[list[int]],
        some: list[int],
        settings: SearchSettings,
        watch: Watch | None,
        *,
        full: bool,
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
                    reader if watch is None else Watched(reader, watch),
                    nothing,
                    None,
                    how,
                    prefixes=prompts,
                    indices=indices,
                    text=self._text,
                    phrases=Phrases(
                        [self._phrases.required(how.force, how.forbid)] * len(prompts)
                        if how.force
                        else (),
                        forbidding(self._phrases, how.forbid),
                    ),
                )

        results = searched(some, settings)
        for texts in distinct(some, results, settings, self.tokenizer.decode, searched):
            yield [
                Continuation(text, one.log_probability, one.finished, full and not one.finished)
                for text, one in texts
            ]
