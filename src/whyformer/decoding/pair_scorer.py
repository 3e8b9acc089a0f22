"""Score given pairs: compute the log-probability of a target given its source, without a search."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.lines import Line, pair_batches
from whyformer.decoding.text_translator import BATCH_TOKENS, TextTranslator
from whyformer.foundation.errors import UsageError, each_text
from whyformer.foundation.wording import counted
from whyformer.text.symbols import EOS
from whyformer.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class PairScore:
    """The log-probability of one target given its source, in nats.

    Args:
        log_probability: ln P(target, eos | source); the sum of `tokens`.
        tokens: ln P of each target token given the earlier tokens; the last token is eos.
    """

    log_probability: float
    tokens: tuple[float, ...]


class PairScorer(TextTranslator):
    """A translator that can also score given pairs."""

    @property
    @abstractmethod
    def longest_target(self) -> int | None:
        """Maximum number of tokens of a target, including eos; None if there is no maximum."""

    @abstractmethod
    def score_lines(self, lines: Sequence[Line]) -> list[list[float]]:
        """Return the log-probability of each token of the targets, which are the prefixes of the
        lines."""

    def score(
        self,
        sources: Sequence[str],
        targets: Sequence[str | Hypothesis],
        *,
        batch_tokens: int = BATCH_TOKENS,
    ) -> list[PairScore | None]:
        """Score each target given its source, without a search.

        Args:
            targets: texts or hypotheses. A text is tokenized first. A `Hypothesis` that is not
                finished is scored without eos.
        Returns: the score of each pair; None for a target that is too long for the model.
        Raises: UsageError when the numbers of sources and targets differ, or when an argument is a
            single string.
        """
        sources = list(each_text("sources", sources))
        targets = list(each_text("targets", targets, (str, Hypothesis)))
        if len(sources) != len(targets):
            raise UsageError(
                f"Sources and targets must be equal in number, but "
                f"{counted(len(sources), 'source')} and "
                f"{counted(len(targets), 'target')} were given. Give one target for each source."
            )
        pairs = enumerate(zip(sources, targets, strict=True))
        lines = [self._pair(index, source, target) for index, (source, target) in pairs]
        scores: list[PairScore | None] = [PairScore(0.0, ())] * len(lines)
        longest = self.longest_target
        for line in lines:
            if longest is not None and len(line.prefix) > longest:
                scores[line.index] = None
        scored = [line for line in lines if line.prefix and scores[line.index] is not None]
        for batch in pair_batches(scored, batch_tokens):
            for line, tokens in zip(batch, self.score_lines(batch), strict=True):
                scores[line.index] = PairScore(sum(tokens), tuple(tokens))
        return scores

    def _pair(self, index: int, source: str, target: str | Hypothesis) -> Line:
        """Return a line whose `prefix` is the whole target, with eos if the target has one."""
        if isinstance(target, str):
            target = self.expected.trimmed(target)
        ids, finished = target_ids(self.target_tokenizer, target)
        return replace(self._line(index, source, ""), prefix=[*ids, *[EOS] * finished])


def target_ids(tokenizer: Tokenizer, target: str | Hypothesis) -> tuple[list[int], bool]:
    """Return the tokens of a target without eos, and whether eos follows these tokens."""
    if isinstance(target, Hypothesis):
        return list(target.tokens), target.finished
    return tokenizer.encode(target), True
