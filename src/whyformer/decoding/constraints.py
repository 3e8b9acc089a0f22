"""Constraints of a search, chosen by name: they forbid next tokens or change their scores.

A constraint is a class with one method, which changes the log-probabilities of the next token:

    @CONSTRAINTS.register("mine")
    class Mine(Constraint):
        def apply(self, scores, tokens):
            scores[:, 7] = -math.inf

If a keyword argument of the constraint's `__init__` has the name of a field of the search settings,
the argument receives the value of this field. The built-in constraints always apply. Other
constraints apply if `decoding.constraints` names them.
"""

import functools
import inspect
import math
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whyformer.decoding.banned import banned_symbols
from whyformer.decoding.constraint_names import CONSTRAINTS
from whyformer.decoding.repetition import repeated_ngrams
from whyformer.foundation.errors import PluginError, nearest
from whyformer.foundation.registry import PACKAGE
from whyformer.text.symbols import EOS


class Constraint:
    """Base class of all constraints: changes the scores of the next token of each hypothesis."""

    inside_characters: ClassVar[bool] = False
    """Whether sampling applies the constraint also in the middle of a character that is spelled in
    bytes."""

    def apply(
        self,
        scores: Float[Tensor, "hypotheses vocab"],
        tokens: Int[Tensor, "hypotheses length"],
    ) -> None:
        """Change the scores in place: −∞ forbids a token, a lower score makes it less likely.

        The scores of a row may depend only on the tokens of the same row, so that the output does
        not depend on the batch. Positions before the first token of a hypothesis hold negative ids.
        Args:
            scores: log-probabilities, on the device of the model.
            tokens: the hypotheses so far, on the CPU.
        """
        raise NotImplementedError


CONSTRAINTS.base = Constraint  # set here, because the registry does not import torch


def constraints_of(settings: Any) -> list[Constraint]:
    """Make the constraints of a search: the built-in constraints, then the constraints that the
    settings name.

    Raises: PluginError when an argument of a constraint is not a search setting.
    """
    built_in = [
        name for name in CONSTRAINTS if CONSTRAINTS.module_of(name).split(".")[0] == PACKAGE
    ]
    names = dict.fromkeys([*built_in, *settings.constraints])
    return [_made(name, settings) for name in names]


def _made(name: str, settings: Any) -> Constraint:
    asked = _arguments(CONSTRAINTS[name])
    known = type(settings).model_fields
    if missing := [one for one in asked if one not in known]:
        raise PluginError(
            f"The decoding constraint `{name}` asks for `{missing[0]}`, which is not a search "
            f"setting.{nearest(missing[0], known)}"
        )
    return CONSTRAINTS[name](**{one: getattr(settings, one) for one in asked})


@functools.cache  # a search makes its constraints at every step
def _arguments(kind: type[Constraint]) -> tuple[str, ...]:
    return tuple(inspect.signature(kind).parameters)


@CONSTRAINTS.register("symbols")
class Symbols(Constraint):
    """Padding, bos and mask are never predicted, and unk only when `allow_unknown` is set."""

    inside_characters = True

    def __init__(self, *, allow_unknown: bool) -> None:
        self.banned = banned_symbols(allow_unknown=allow_unknown)

    def apply(
        self,
        scores: Float[Tensor, "hypotheses vocab"],
        tokens: Int[Tensor, "hypotheses length"],
    ) -> None:
        """See `Constraint`."""
        for banned in self.banned:
            scores[:, banned : banned + 1] = -math.inf


@CONSTRAINTS.register("min-length")
class MinLength(Constraint):
    """Eos is forbidden until a hypothesis has `min_length` tokens."""

    inside_characters = True

    def __init__(self, *, min_length: int) -> None:
        self.min_length = min_length

    def apply(
        self,
        scores: Float[Tensor, "hypotheses vocab"],
        tokens: Int[Tensor, "hypotheses length"],
    ) -> None:
        """See `Constraint`."""
        if not self.min_length:
            return
        young = (tokens >= 0).sum(-1) < self.min_length
        if bool(young.any()):
            scores[young.to(scores.device), EOS : EOS + 1] = -math.inf


@CONSTRAINTS.register("no-repeat-ngram")
class NoRepeatNgram(Constraint):
    """No n-gram of size `no_repeat_ngram` occurs twice in a hypothesis; 0 allows repetitions."""

    def __init__(self, *, no_repeat_ngram: int) -> None:
        self.n = no_repeat_ngram

    def apply(
        self,
        scores: Float[Tensor, "hypotheses vocab"],
        tokens: Int[Tensor, "hypotheses length"],
    ) -> None:
        """See `Constraint`."""
        if self.n:
            hypotheses, ids = (one.to(scores.device) for one in repeated_ngrams(tokens, self.n))
            words = ids >= 0
            scores[hypotheses[words], ids[words]] = -math.inf


def constrain(
    scores: Float[Tensor, "hypotheses vocab"],
    tokens: Int[Tensor, "hypotheses length"],
    constraints: list[Constraint],
    whole: Bool[Tensor, " hypotheses"] | None = None,
) -> Float[Tensor, "hypotheses vocab"]:
    """Apply constraints and return the new scores.

    ``scores`` may be modified in place, so use only the returned tensor afterwards.
    Args: whole: True for hypotheses that do not end in the middle of a character spelled in bytes;
        None means True for all hypotheses.
    """
    outside = [one for one in constraints if not one.inside_characters]
    given = scores.clone() if whole is not None and outside else scores
    for one in outside:
        one.apply(scores, tokens)
    if whole is not None and outside:  # a character needs all of its bytes, even if bytes repeat
        scores = torch.where(whole[:, None].to(scores.device), scores, given)
    for one in constraints:
        if one.inside_characters:
            one.apply(scores, tokens)
    return scores
