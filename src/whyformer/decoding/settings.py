"""How to search for a target sequence."""

from enum import StrEnum

from pydantic import Field, model_validator

from whyformer.decoding.constraints import ConstraintName
from whyformer.foundation.config import Settings


class Method(StrEnum):
    """How the next token is chosen."""

    BEAM = "beam"
    """Keep the most probable few; with `beam` 1 this is greedy search."""
    SAMPLE = "sample"
    """Draw at random from the model's distribution; `nbest` independent draws a sentence."""


MAX_HYPOTHESES = 1000
"""Upper bound of `beam` and `groups`; there may be ten times as many samples."""
MAX_TOKENS = 100_000
"""Upper bound of lengths, in target tokens."""


class SearchSettings(Settings):
    """Settings of one search. Lengths are target tokens, eos not counted."""

    method: Method = Method.BEAM
    """`beam` searches for the most probable target, `sample` draws targets at random."""
    beam: int = Field(default=5, ge=1, le=MAX_HYPOTHESES)
    """Hypotheses followed at once; 1 is greedy search. The paper (§6.1) uses 4."""
    length_penalty: float = Field(default=0.6, ge=0.0, le=10.0, allow_inf_nan=False)
    """α of the length penalty ((5 + n) / 6)^α; 0 ranks by plain log-probability. Paper: 0.6."""
    nbest: int = Field(default=1, ge=1, le=10 * MAX_HYPOTHESES)
    """Hypotheses returned for each sentence."""
    max_length: int | None = Field(default=None, ge=1, le=MAX_TOKENS)
    """Most tokens in a target; null derives it from the source by the two fields below and by what
    the targets of the run's training data need, whichever is more."""
    max_length_ratio: float = Field(default=1.0, ge=0.0, le=1000.0, allow_inf_nan=False)
    """Without `max_length`: limit = this × source tokens (eos counted) + `max_length_extra`, or
    more where the run's training targets need more."""
    max_length_extra: int = Field(default=50, ge=1, le=MAX_TOKENS)
    """See `max_length_ratio`. Paper (§6.1): source length + 50."""
    min_length: int = Field(default=0, ge=0, le=MAX_TOKENS)
    """Fewest tokens in a target: eos is forbidden before."""
    no_repeat_ngram: int = Field(default=0, ge=0, le=1000)
    """Forbid a hypothesis to hold any n-gram of this size twice; 0 allows all."""
    constraints: list[ConstraintName] = []
    """Further constraints by name, which a plugin registers; the built-in ones always apply."""
    allow_unknown: bool = False
    """Let the search predict the unknown symbol. Padding, bos and mask are never predicted."""
    groups: int = Field(default=1, ge=1, le=MAX_HYPOTHESES)
    """Groups of a diverse beam search; each holds `beam` / `groups` hypotheses. 1 = plain beam."""
    diversity: float = Field(default=0.5, ge=0.0, le=1000.0, allow_inf_nan=False)
    """With several groups: penalty on a token each time an earlier group chose it in this step."""
    temperature: float = Field(default=1.0, ge=0.0001, le=1000.0, allow_inf_nan=False)
    """Sampling: logits are divided by this; below 1 sharper, above 1 flatter."""
    top_k: int | None = Field(default=None, ge=1, le=10_000_000)
    """Sampling: draw among the k most probable tokens; null draws among all."""
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    """Sampling: draw among the fewest most probable tokens that together have at least mass p."""
    seed: int = Field(default=0, ge=0, le=2**64 - 1)
    """Sampling: a draw depends on this, the sentence's index and its own number, nothing else."""

    @model_validator(mode="after")
    def _consistent(self) -> "SearchSettings":
        if self.method is Method.BEAM and self.nbest > self.beam:
            raise ValueError(
                f"`nbest` must not exceed `beam`, but {self.nbest} is more than {self.beam}. "
                f"Raise `beam` to {self.nbest} or lower `nbest`."
            )
        if self.method is Method.BEAM and self.beam % self.groups:
            choices = ", ".join(str(g) for g in range(1, self.beam + 1) if self.beam % g == 0)
            raise ValueError(
                f"`groups` must divide `beam`, but {self.beam} is not divisible by {self.groups}. "
                f"Choose groups from {choices}."
            )
        if self.max_length is not None and self.min_length > self.max_length:
            raise ValueError(
                f"`min_length` must not exceed `max_length`, but {self.min_length} is more than "
                f"{self.max_length}. Lower `min_length` or raise `max_length`."
            )
        return self

    def limit(self, source_length: int) -> int:
        """Return the most target tokens for a source of so many tokens, eos counted.

        >>> SearchSettings(max_length_ratio=2.0, max_length_extra=10).limit(7)
        24
        """
        if self.max_length is not None:
            return self.max_length
        derived = int(self.max_length_ratio * source_length) + self.max_length_extra
        return max(derived, self.min_length)


OF_SAMPLING = ("temperature", "top_k", "top_p", "seed")
"""Settings that only sampling reads."""
OF_BEAM_SEARCH = ("beam", "groups", "diversity")
"""Settings that sampling does not read."""


def unread(settings: SearchSettings, name: str) -> str | None:
    """Return why a search never reads the setting ``name``; None when it reads it.

    >>> unread(SearchSettings(), "diversity")
    'it is read with several groups only (--groups 2)'
    """
    sampling = settings.method is Method.SAMPLE
    if name in OF_BEAM_SEARCH and sampling:
        return "it is read by beam search only, and this search samples"
    if name in OF_SAMPLING and not sampling:
        return "it is read by sampling only (--sample), and this is a beam search"
    if name == "diversity" and settings.groups == 1:
        return "it is read with several groups only (--groups 2)"
    if name in ("max_length_ratio", "max_length_extra") and settings.max_length is not None:
        return "`max_length` is set"
    return None
