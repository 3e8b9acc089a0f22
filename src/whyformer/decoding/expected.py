"""Facts about the training data of a model: lengths, bytes, sentences per line."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from whyformer.decoding.settings import MAX_TOKENS
from whyformer.foundation.errors import UsageError
from whyformer.foundation.parsing import shown
from whyformer.foundation.wording import either
from whyformer.text.tags import split_tag, tagged


@dataclass(frozen=True)
class Expected:
    """Facts about the training texts, which are saved with a model.

    Args:
        keep_spaces: whether spaces at the ends of a text are part of the text (`text.keep_spaces`).
        target_ratio, target_extra: an output may have up to ``target_ratio`` × number of source
            tokens + ``target_extra`` tokens; see `learned_limit`. If both are 0, only the search
            settings limit the length.
        target_bytes: bytes whose tokens occur in the training targets; None if unknown.
        longest_source: tokens of the longest training source, including eos; 0 if unknown.
        most_sentences: largest number of sentences in a source, ignoring the top 1 %; 0 if unknown.
        tags: the tags with which training sources began.
        needs_tag: whether every training source began with a tag.
        tag: the tag of sources that do not begin with one; None if they get no tag.
    """

    keep_spaces: bool = False
    target_ratio: float = 0.0
    target_extra: int = 0
    target_bytes: frozenset[int] | None = None
    longest_source: int = 0
    most_sentences: int = 0
    tags: tuple[str, ...] = ()
    needs_tag: bool = False
    tag: str | None = None

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Expected":
        """Read the values from the facts of a bundle; missing facts get their defaults."""
        return cls(
            keep_spaces=facts.get("keep_spaces") is True,
            target_ratio=float(_number(facts.get("target_ratio"))),
            target_extra=int(_number(facts.get("target_extra"))),
            target_bytes=_bytes(facts.get("target_bytes")),
            longest_source=int(_number(facts.get("longest_source"))),
            most_sentences=int(_number(facts.get("most_sentences"))),
            tags=_tags(facts.get("tags")),
            needs_tag=facts.get("needs_tag") is True,
        )

    def limit(self, source_tokens: int) -> int:
        """Return the maximum number of target tokens for a source of ``source_tokens`` tokens.

        Args: source_tokens: number of tokens of the source, including eos.

        >>> Expected(target_ratio=2.5, target_extra=10).limit(7)
        27
        """
        return min(int(self.target_ratio * source_tokens) + self.target_extra, MAX_TOKENS)

    def trimmed(self, text: str) -> str:
        """Return the text as it was read in training. The spaces at both ends are removed unless
        `keep_spaces` is set.

        >>> Expected().trimmed(" a b "), Expected(keep_spaces=True).trimmed(" a b ")
        ('a b', ' a b ')
        """
        return text if self.keep_spaces else text.strip()

    def with_tag(self, tag: str | None) -> "Expected":
        """Return these facts with the tag of sources that do not begin with one.

        Raises: UsageError if the model does not know the tag.
        """
        if tag is not None and tag not in self.tags:
            known = f"it knows {either(self.tags)}" if self.tags else "it was trained without tags"
            advice = "Choose one of them." if self.tags else "Leave the tag out."
            raise UsageError(f"The model does not know the tag `{tag}`: {known}. {advice}")
        return replace(self, tag=tag)

    def source(self, text: str) -> str:
        """Return a source as it was read in training, see `trimmed`, with its tag.

        Raises: UsageError if its tag is not known, or if it has no tag but needs one.
        """
        text = self.trimmed(text)
        if not self.tags:
            return text
        found, _ = split_tag(text)
        if found in self.tags:
            return text
        known = either(self.tags)
        if found is not None:
            raise UsageError(
                f"A source must begin with a tag of the model, {known}, but {shown(text)} begins "
                f"with the tag `{found}`. Correct it."
            )
        if self.tag is None and self.needs_tag:
            raise UsageError(
                f"Every source of this model needs a tag, {known}, but {shown(text)} has none. "
                f"Give it, for example with --tag {self.tags[0]}, or begin the source with "
                f"<2{self.tags[0]}>."
            )
        return tagged(text, self.tag)


def _bytes(value: object) -> frozenset[int] | None:
    """Return a fact as a set of byte values; None if it is not a list of byte values."""
    if not isinstance(value, list) or not all(type(one) is int and 0 <= one < 256 for one in value):
        return None
    return frozenset(value)


def _tags(value: object) -> tuple[str, ...]:
    """Return a fact as tags; empty if it is not a list of texts."""
    texts = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return tuple(value) if texts else ()  # pyright: ignore[reportArgumentType]


def _number(value: object) -> float:
    """Return a fact as a number; 0 if it is not a number or out of bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return value if 0 <= value <= MAX_TOKENS else 0.0


USUAL = Expected()
"""The values for a model that was saved without facts about its training data."""
