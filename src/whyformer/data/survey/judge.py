"""Find the faults of each line, by comparing it with the profile of the data."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt32

from whyformer.data.formats.names import plain_name
from whyformer.data.survey.block import Block, Sided
from whyformer.data.survey.characters import CONTROL, SCRIPTS
from whyformer.data.survey.markup import html_in, numbers_agree
from whyformer.data.survey.profile import Kind, Profile
from whyformer.data.survey.reasons import Reason

FAR = 7.0
"""A length ratio is a fault if it is more than this many standard deviations away from the usual
ratio. In addition, the ratio must differ by more than `LEAST_FACTOR`."""
LEAST_FACTOR = 2.5
"""A length ratio is a fault only if it differs from the usual ratio by more than this factor."""
LONG = 20
"""The length ratio of a pair is examined only if its longer side has at least this many
characters."""
SURE = 4.0
"""For each side, there are log-odds (in nats) that the side is in the language of the other side. A
pair counts as swapped if the mean of the log-odds of both sides exceeds this."""
SURE_IF_MANY = 1.5
"""This threshold replaces `SURE` if at least the fraction `MANY` of the pairs is swapped."""
MANY = 0.02
SIGN = 1.0
"""In a swapped pair, the log-odds of each side must also exceed this."""
SURE_ALONE = 8.0
"""One side is in the language of the other side if its log-odds exceed this."""
SHARE = 0.5
"""A side counts as in the language of the other side only if its log-odds per character are at
least this fraction of the usual value in that language."""
SAME_LETTERS = 10
"""A text in another script, or a copy of the source, is a fault only if it has at least this many
letters."""
HEADING = 40
"""Maximum number of characters of a heading."""
HEADINGS = frozenset({
    ("source", "target"), ("src", "tgt"), ("src", "trg"), ("input", "output"),
    ("question", "answer"), ("q", "a"), ("text", "label"), ("document", "label"),
    ("sentence", "label"), ("review", "label"), ("word", "pronunciation"), ("en", "ko"),
    ("ko", "en"), ("en", "de"), ("de", "en"), ("en", "fr"), ("fr", "en"), ("en", "ja"),
    ("ja", "en"), ("en", "zh"), ("zh", "en"), ("질문", "답변"), ("원문", "번역문"),
    ("문장", "라벨"),
})  # fmt: skip
"""A pair that consists of such headings is a fault anywhere in the data."""


@dataclass
class Judgement:
    """The faults of each item as bits, and numbers that measure how unusual the item is.

    Args: severity: for some reasons, a number for each item. The items with the highest numbers are
        the strangest.
    """

    flags: UInt32[np.ndarray, " items"]
    severity: dict[Reason, Float64[np.ndarray, " items"]] = field(default_factory=dict)

    def add(self, reason: Reason, found: Bool[np.ndarray, " items"]) -> None:
        """Set the bit of ``reason`` for the items in ``found``."""
        self.flags[found] |= np.uint32(reason.bit)

    def has(self, reason: Reason) -> Bool[np.ndarray, " items"]:
        """Return, for each item, whether it has ``reason``."""
        return (self.flags & np.uint32(reason.bit)) != 0


@dataclass
class Judge:
    """Finds the faults of the items in a block.

    Args: headings: pairs of column names, in lower case. A pair of the data that equals one of them
        is a heading.
    """

    profile: Profile
    headings: frozenset[tuple[str, str]] = frozenset()

    def __call__(self, items: Sequence[Sided]) -> Judgement:
        """Return the faults of each item."""
        return _Judging(self, items).judged()


class _Judging:
    def __init__(self, judge: Judge, items: Sequence[Sided]) -> None:
        self.judge, self.profile = judge, judge.profile
        self.sources = [item.source for item in items]
        self.targets = [item.target for item in items]
        self.source, self.target = Block.of(self.sources), Block.of(self.targets)
        self.found = Judgement(np.zeros(len(items), dtype=np.uint32))

    def judged(self) -> Judgement:
        kind, found = self.profile.kind, self.found
        empty = [self.is_empty(texts) for texts in (self.sources, self.targets)]
        if kind is Kind.PAIRS:
            found.add(Reason.EMPTY, empty[0] | empty[1])
            self.judge_pairs(~(empty[0] | empty[1]))
        elif kind is not Kind.TEXT:
            found.add(Reason.EMPTY, empty[0] | empty[1])
        self.judge_characters()
        if kind in (Kind.PAIRS, Kind.LABELLED):
            self.judge_headings()
        return found

    @staticmethod
    def is_empty(texts: Sequence[str]) -> Bool[np.ndarray, " items"]:
        return np.fromiter((not t or t.isspace() for t in texts), dtype=bool, count=len(texts))

    def judge_characters(self) -> None:
        control = self.source.counts[:, CONTROL] + self.target.counts[:, CONTROL]
        self.found.add(Reason.CONTROL, control > 0)
        for place in self.places_with(*"<&"):
            source, target = html_in(self.sources[place]), html_in(self.targets[place])
            if source or target:
                same = source == target and self.profile.kind is Kind.PAIRS
                reason = Reason.HTML_BOTH if same else Reason.HTML
                self.found.flags[place] |= reason.bit

    def places_with(self, *characters: str) -> list[int]:
        """Return the indices of the items that contain one of ``characters`` (ASCII)."""
        found = np.zeros(len(self.sources), dtype=bool)
        for block in (self.source, self.target):
            any_ = np.isin(block.points, [ord(one) for one in characters])
            found[block.rows[any_]] = True
        return np.flatnonzero(found).tolist()

    def judge_headings(self) -> None:
        headings = self.judge.headings | HEADINGS
        short = (self.source.lengths <= HEADING) & (self.target.lengths <= HEADING)
        for place in np.flatnonzero(short).tolist():
            cells = self.sources[place].strip().lower(), self.targets[place].strip().lower()
            if cells in headings or (plain_name(cells[0]), plain_name(cells[1])) in headings:
                self.found.flags[place] |= Reason.HEADER.bit

    # --- faults of pairs

    def judge_pairs(self, filled: Bool[np.ndarray, " items"]) -> None:
        found, profile = self.found, self.profile
        same = [s.strip() == t.strip() for s, t in zip(self.sources, self.targets, strict=True)]
        identical = np.array(same, dtype=bool) & filled
        found.add(Reason.IDENTICAL, identical)
        lettered = self.source.letters.sum(axis=1)
        if profile.are_translations:
            copy = identical & (lettered >= SAME_LETTERS) & (self.source.words >= 4)
            found.add(Reason.UNTRANSLATED, copy)
        swapped = self.judge_scripts(filled & ~identical)
        if profile.languages is not None:
            swapped |= self.judge_languages(filled & ~identical & ~swapped)
        found.add(Reason.SWAPPED, swapped)
        self.judge_lengths(filled & ~swapped)
        if profile.compares_numbers:
            self.judge_numbers(filled)

    @cached_property
    def usual_letters(self) -> list[Int64[np.ndarray, " items"]]:
        """For each side, how many letters of each text belong to the usual scripts of that side."""
        return [self.letters_of(block, side) for side, block in enumerate(self.sides)]

    @property
    def sides(self) -> tuple[Block, Block]:
        return self.source, self.target

    def letters_of(self, block: Block, side: int) -> Int64[np.ndarray, " items"]:
        usual = np.zeros(len(SCRIPTS), dtype=np.int64)
        usual[sorted(self.profile.scripts[side])] = 1
        return block.letters @ usual

    def judge_scripts(self, wanted: Bool[np.ndarray, " items"]) -> Bool[np.ndarray, " items"]:
        """Find pairs that are swapped, or of which one side is in the wrong script.

        Returns: for each pair, whether it is swapped.
        """
        swapped = np.zeros(len(wanted), dtype=bool)
        letters = [block.letters.sum(axis=1) for block in self.sides]
        if self.profile.two_scripts:
            other = [self.letters_of(self.source, 1), self.letters_of(self.target, 0)]
            swapped = wanted & np.logical_and(
                *((self.usual_letters[side] == 0) & (other[side] >= 2) for side in (0, 1))
            )
        wrong = np.zeros(len(wanted), dtype=bool)
        for side, block in enumerate(self.sides):
            if self.profile.scripts[side]:
                absent = (self.usual_letters[side] == 0) & (letters[side] >= SAME_LETTERS)
                wrong |= absent & (block.words >= 2)
        self.found.add(Reason.SCRIPT, wrong & wanted & ~swapped)
        return swapped

    def judge_languages(self, wanted: Bool[np.ndarray, " items"]) -> Bool[np.ndarray, " items"]:
        """Find pairs that are swapped, or of which one side is in the language of the other side.

        Returns: for each pair, whether it is swapped.
        """
        languages = self.profile.languages
        assert languages is not None
        blocks = [Block.of([t.lower() for t in side]) for side in (self.sources, self.targets)]
        source, target = (languages.scores(block) for block in blocks)
        sure = SURE_IF_MANY if languages.backward >= MANY else SURE
        swapped = wanted & (target - source > 2 * sure) & (source < -SIGN) & (target > SIGN)
        # Names and loanwords look like the other language, so only a text that looks like it for
        # the most part is a fault.
        most = [
            SHARE * abs(languages.typical[1 - side]) * block.lengths
            for side, block in enumerate(blocks)
        ]
        wrong_source = (source < -np.maximum(SURE_ALONE, most[0])) & (target < -SURE)
        wrong_target = (target > np.maximum(SURE_ALONE, most[1])) & (source > SURE)
        wrong = wanted & ~swapped & (wrong_source | wrong_target)
        self.found.add(Reason.LANGUAGE, wrong)
        self.found.severity[Reason.SWAPPED] = target - source
        self.found.severity[Reason.LANGUAGE] = np.maximum(-source, target)
        return swapped

    def judge_lengths(self, wanted: Bool[np.ndarray, " items"]) -> None:
        if self.profile.ratio is None:
            return
        lengths = self.source.lengths, self.target.lengths
        excess, deviations = self.profile.ratio.deviations(*lengths)
        far = (np.abs(deviations) > FAR) & (np.abs(excess) > np.log(LEAST_FACTOR))
        self.found.add(Reason.LENGTH, wanted & far & (np.maximum(*lengths) >= LONG))
        self.found.severity[Reason.LENGTH] = np.abs(deviations)

    def judge_numbers(self, wanted: Bool[np.ndarray, " items"]) -> None:
        digits = wanted.copy()
        for block in self.sides:
            digits &= block.counts[:, 2] > 1
        for place in np.flatnonzero(digits).tolist():
            if numbers_agree(self.sources[place], self.targets[place]) is False:
                self.found.flags[place] |= Reason.NUMBERS.bit
