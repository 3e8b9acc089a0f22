"""Sort wrong outputs by kind: copied, repeated, too short, wrong numbers, unusual sources."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

RARE = 5
"""A character is rare if fewer training sources than this contain it."""
LONG = 0.95
"""A source is long if it has more characters than this fraction of the training sources."""
SHORT_OUTPUT, LONG_OUTPUT = 0.6, 1.7
"""Limits of the ratio of symbols in the output to symbols in the reference. Below the first limit,
an output is too short; above the second limit, it is too long."""
UNTRANSLATED = 0.5
"""An output is untranslated if at least this fraction of its words is copied from the source."""
NUMBER = re.compile(r"(?<!\w)\d+(?:[.,]\d+)*")
"""Pattern of a number. A number does not begin inside a word."""
LONGEST_REPEATED = 4
OF_SOURCE = ("unseen characters", "rare characters", "long source")
"""Kinds that depend only on the source. Items with a right output can also have these kinds."""


@dataclass(frozen=True)
class TrainingSources:
    """Statistics of the sources of the training data.

    Args:
        characters: for each character, the number of training sources that contain it.
        long: number of characters above which a source is long.
    """

    characters: Counter[str]
    long: int

    @staticmethod
    def of(sources: Iterable[str]) -> "TrainingSources":
        """Count the characters of the training sources."""
        characters: Counter[str] = Counter()
        lengths = []
        for source in sources:
            characters.update(set(source))
            lengths.append(len(source))
        lengths.sort()
        return TrainingSources(
            characters, lengths[int(LONG * (len(lengths) - 1))] if lengths else 0
        )

    def kinds(self, source: str) -> list[str]:
        """Return the error kinds that a source belongs to.

        >>> TrainingSources.of(["ab"] * 9 + ["c"]).kinds("acd")
        ['unseen characters', 'rare characters', 'long source']
        """
        times = [self.characters[one] for one in set(source)]
        found = []
        if 0 in times:
            found.append("unseen characters")
        if any(0 < one < RARE for one in times):
            found.append("rare characters")
        if len(source) > self.long:
            found.append("long source")
        return found


def output_kinds(
    source: str, output: Sequence[str], reference: Sequence[str], *, finished: bool = True
) -> list[str]:
    """Return the error kinds that a wrong output belongs to.

    Args:
        output, reference: the output and the reference as symbols, such as words.
        finished: whether the output ended before its length limit.

    >>> output_kinds("7 cats", "sept chats".split(), "7 chats".split())
    ['missing number']
    >>> output_kinds("the", "la la la la".split(), "le".split())
    ['too long', 'repeated']
    """
    found = []
    words = source.split()
    if not output:
        return ["empty"]
    if not finished:
        found.append("cut at the length limit")
    if list(output) == words and list(reference) != words:
        found.append("copied")
    elif _copies(output, reference, words):
        found.append("untranslated")
    length = len(output) / max(1, len(reference))
    if length < SHORT_OUTPUT:
        found.append("too short")
    if length > LONG_OUTPUT:
        found.append("too long")
    if repeats(output) and not repeats(reference):
        found.append("repeated")
    mine, right, given = (Counter(NUMBER.findall(" ".join(t))) for t in (output, reference, words))
    if right & given - mine:
        found.append("missing number")
    if mine - right - given:
        found.append("invented number")
    return found


def _copies(output: Sequence[str], reference: Sequence[str], source: Sequence[str]) -> bool:
    """Return whether most words of the output occur in the source but not in the reference."""
    if len(source) < 2:
        return False
    copied = [one for one in output if one in set(source) - set(reference) and len(one) > 1]
    return len(copied) >= UNTRANSLATED * len(output)


def repeats(symbols: Sequence[str]) -> bool:
    """Return whether symbols repeat: one symbol three times in a row, or a sequence of two to four
    symbols twice in a row.

    >>> repeats("la la la".split()), repeats("a b a b".split()), repeats("la la".split())
    (True, True, False)
    """
    for length in range(1, LONGEST_REPEATED + 1):
        same, enough = 0, 2 if length == 1 else length
        for at in range(length, len(symbols)):
            same = same + 1 if symbols[at] == symbols[at - length] else 0
            if same == enough:
                return True
    return False
