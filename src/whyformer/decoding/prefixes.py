"""Prefixes that the targets of a search must start with: given tokens, or a text."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from whyformer.decoding.text_prefix import TextPrefix
from whyformer.foundation.errors import UsageError
from whyformer.foundation.wording import counted
from whyformer.text.symbols import BOS, EOS, MASK, PAD


@dataclass(frozen=True)
class Allowed:
    """The only allowed next tokens of the hypotheses that have not completed their prefix.

    Args:
        sentences, beams: the indices of these hypotheses.
        ids: for each hypothesis, the allowed tokens in ascending order, padded with -1.
    """

    sentences: Int[Tensor, " forced"]
    beams: Int[Tensor, " forced"]
    ids: Int[Tensor, "forced most"]


class Prefixes:
    """The prefixes of all sentences; their lengths may differ.

    Raises: UsageError when a prefix contains a special symbol such as eos, or reaches the length
    limit.
    """

    def __init__(
        self, prefixes: Sequence[Sequence[int] | TextPrefix] | None, limits: Sequence[int]
    ) -> None:
        prefixes = prefixes or [()] * len(limits)
        if len(prefixes) != len(limits):
            raise UsageError(
                "There must be one prefix for each sentence, but "
                f"{counted(len(prefixes), 'prefix', 'prefixes')} and "
                f"{counted(len(limits), 'sentence')} were given."
            )
        for prefix, limit in zip(prefixes, limits, strict=True):
            ids = prefix.ids if isinstance(prefix, TextPrefix) else prefix
            if {PAD, BOS, EOS, MASK}.intersection(ids):
                raise UsageError(
                    "A prefix must not contain special symbols, but "
                    f"{list(ids)} contains pad, bos, eos or mask."
                )
            if ids and len(ids) >= limit:
                raise UsageError(
                    "A prefix must be shorter than the length limit, but one has "
                    f"{counted(len(ids), 'token')} and the limit is {limit}. "
                    "Raise `max_length` or `max_length_extra`."
                )
        self.prefixes, self._limits = prefixes, limits
        self._most = torch.tensor([len(prefix) for prefix in prefixes])

    def at(
        self,
        age: Int[Tensor, "sentences"],
        sentences: Int[Tensor, "sentences"],
        tokens: Int[Tensor, "sentences beams length"],
        live: Bool[Tensor, "sentences beams"],
    ) -> Allowed | None:
        """Return the allowed tokens of hypotheses that have not completed their prefix; None if
        there are no such hypotheses.

        Args:
            age: for each sentence, the number of tokens in its hypotheses.
            tokens: the hypotheses; only the last ``age`` columns of a sentence hold its tokens.
            live: True for the slots that hold a hypothesis.
        """
        in_prefix = (self._most[sentences] > age).nonzero().flatten().tolist()
        found: list[tuple[int, int, list[int]]] = []
        for row in in_prefix:
            number, count = int(sentences[row]), int(age[row])
            prefix = self.prefixes[number]
            for beam in live[row].nonzero().flatten().tolist():
                if isinstance(prefix, TextPrefix):
                    spelled = tokens[row, beam, tokens.shape[-1] - count :].tolist()
                    allowed = prefix.allowed(spelled, self._limits[number] - count)
                else:
                    allowed = [prefix[count]]
                if allowed is not None:
                    found.append((row, beam, sorted(allowed)))
        if not found:
            return None
        width = max(1, *(len(ids) for _, _, ids in found))
        ids = torch.tensor([[*ids, *[-1] * (width - len(ids))] for _, _, ids in found])
        rows, beams, _ = zip(*found, strict=True)
        return Allowed(torch.tensor(rows), torch.tensor(beams), ids)
