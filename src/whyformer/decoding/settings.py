"""The settings of a search for target sequences."""

from enum import StrEnum
from typing import Literal

from pydantic import Field, model_validator

from whyformer.decoding.constraint_names import ConstraintName
from whyformer.foundation.config import Settings


class Method(StrEnum):
    """How the next token is chosen."""

    BEAM = "beam"
    """Keep the `beam` most probable hypotheses; with `beam` 1, this is greedy search."""
    SAMPLE = "sample"
    """Draw tokens at random from the model's distribution: `nbest` independent draws per
    sentence."""


MAX_HYPOTHESES = 1000
"""Upper bound of `beam` and `groups`. The upper bound of `nbest` is ten times as large, for
sampling."""
MAX_TOKENS = 100_000
"""Upper bound of lengths, in target tokens."""


class SearchSettings(Settings):
    """Settings of one search. Lengths are numbers of target tokens, excluding eos."""

    method: Method = Method.BEAM
    """`beam` searches for the most probable target; `sample` draws targets at random."""
    beam: int = Field(default=5, ge=1, le=MAX_HYPOTHESES)
    """Number of hypotheses kept in each step; 1 is greedy search. The paper (§6.1) uses 4."""
    length_penalty: float = Field(default=0.6, ge=0.0, le=10.0, allow_inf_nan=False)
    """α of the length penalty ((5 + n) / 6)^α; 0 ranks by log-probability. Paper: 0.6."""
    coverage_penalty: float = Field(default=0.0, ge=0.0, le=100.0, allow_inf_nan=False)
    """β: hypotheses are ranked by their score plus β × coverage penalty. 0 means no penalty."""
    coverage: Literal["wu", "summary"] = "wu"
    """With a coverage penalty: `wu` penalizes source tokens with little attention (Wu et al. 2016),
    `summary` penalizes source tokens with too much attention (OpenNMT)."""
    nbest: int = Field(default=1, ge=1, le=10 * MAX_HYPOTHESES)
    """Number of hypotheses returned for each sentence."""
    max_length: int | None = Field(default=None, ge=1, le=MAX_TOKENS)
    """Maximum number of tokens in a target. If it is null, the limit depends on the length of the
    source: it follows from `max_length_ratio` and `max_length_extra`, and is higher if the targets
    of the training data need more tokens."""
    max_length_ratio: float = Field(default=1.0, ge=0.0, le=1000.0, allow_inf_nan=False)
    """If `max_length` is null: the limit is this ratio × source tokens (including eos) +
    `max_length_extra`, or higher if the targets of the training data need more tokens."""
    max_length_extra: int = Field(default=50, ge=1, le=MAX_TOKENS)
    """See `max_length_ratio`. Paper (§6.1): source length + 50."""
    min_length: int = Field(default=0, ge=0, le=MAX_TOKENS)
    """Minimum number of tokens in a target: eos is forbidden until then."""
    no_repeat_ngram: int = Field(default=0, ge=0, le=1000)
    """Never repeat an n-gram of this size in a hypothesis; 0 allows repetitions."""
    constraints: list[ConstraintName] = []
    """Names of additional constraints from plugins; the built-in constraints always apply."""
    force: list[str] = []
    """Phrases that must occur in every output, as whole words. With phrases, the search is a grid
    beam search: it has a beam of `beam` hypotheses for each number of missing tokens."""
    forbid: list[str] = []
    """Phrases that must not occur in an output, as whole words."""
    allow_unknown: bool = False
    """Let the search predict the unknown symbol. Padding, bos and mask are never predicted."""
    groups: int = Field(default=1, ge=1, le=MAX_HYPOTHESES)
    """Number of groups of a diverse beam search; each group has `beam` / `groups` hypotheses. 1 is
    ordinary beam search."""
    diversity: float = Field(default=0.5, ge=0.0, le=1000.0, allow_inf_nan=False)
    """With several groups: the score of a token is lowered by this value for each earlier group
    that chose the token in the same step."""
    temperature: float = Field(default=1.0, ge=0.0001, le=1000.0, allow_inf_nan=False)
    """Sampling: the logits are divided by the temperature. Below 1, the distribution is sharper;
    above 1, it is flatter."""
    top_k: int | None = Field(default=None, ge=1, le=10_000_000)
    """Sampling: draw from the k most probable tokens; null draws from all tokens."""
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    """Sampling: draw from the smallest set of most probable tokens whose total probability is at
    least p."""
    min_p: float = Field(default=0.0, ge=0.0, le=1.0)
    """Sampling: draw only tokens with at least this fraction of the probability of the most
    probable token."""
    seed: int = Field(default=0, ge=0, le=2**64 - 1)
    """Sampling: a draw depends only on the seed, the index of the sentence and the number of the
    draw."""

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
        if self.force and (self.method is Method.SAMPLE or self.groups > 1):
            other = "sampling" if self.method is Method.SAMPLE else "several groups"
            raise ValueError(
                f"`force` needs a beam search with one group, but the search uses {other}. Leave "
                "`force` out or change the search."
            )
        if self.max_length is not None and self.min_length > self.max_length:
            raise ValueError(
                f"`min_length` must not exceed `max_length`, but {self.min_length} is more than "
                f"{self.max_length}. Lower `min_length` or raise `max_length`."
            )
        return self

    def limit(self, source_length: int) -> int:
        """Return the maximum number of target tokens for a source of ``source_length`` tokens.

        Args: source_length: number of tokens of the source, including eos.

        >>> SearchSettings(max_length_ratio=2.0, max_length_extra=10).limit(7)
        24
        """
        if self.max_length is not None:
            return self.max_length
        derived = int(self.max_length_ratio * source_length) + self.max_length_extra
        return max(derived, self.min_length)


OF_SAMPLING = ("temperature", "top_k", "top_p", "min_p", "seed")
"""Settings that only sampling reads."""
OF_BEAM_SEARCH = ("beam", "groups", "diversity", "coverage_penalty", "coverage")
"""Settings that sampling does not read."""


def unread(settings: SearchSettings, name: str) -> str | None:
    """Return the reason why a search ignores the setting ``name``; None when it uses the setting.

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
    if name == "coverage" and not settings.coverage_penalty:
        return "it is read with a coverage penalty only (--coverage-penalty 0.2)"
    if name in ("max_length_ratio", "max_length_extra") and settings.max_length is not None:
        return "`max_length` is set"
    return None
