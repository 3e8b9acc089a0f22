"""The interface of a tokenizer of another tool."""

from collections.abc import Mapping, Sequence
from typing import Protocol


class ToolTokenizer(Protocol):
    """A tokenizer of another tool, with the tokens and rules of that tool."""

    @property
    def content(self) -> str:
        """Everything needed to restore this tokenizer, as text."""
        ...

    @property
    def ids(self) -> Mapping[str, int]:
        """The id of every token in the tool."""
        ...

    @property
    def hidden(self) -> frozenset[str]:
        """The tokens that decoding leaves out."""
        ...

    @property
    def gaps(self) -> bool:
        """Whether decoding puts a space between any two tokens."""
        ...

    @property
    def over_bytes(self) -> bool:
        """Whether tokens are made of bytes instead of characters; then no character is unknown."""
        ...

    @property
    def lowercase(self) -> bool:
        """Whether the tokenizer converts text to lower case."""
        ...

    def encode_batch(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the tokens of each text. A special token never stands for a part of a text, except
        the token for unknown text. A token that is not in the vocabulary is unknown text."""
        ...

    def decode(self, tokens: Sequence[str]) -> str:
        """Return the text of ``tokens``."""
        ...

    def spelling(self, token: str) -> bytes:
        """Return the bytes that a token stands for.

        The space between two words belongs to the token after it, or to the token before it if the
        vocabulary marks the end of a word. So the first token of a text may begin with a space that
        decoding removes.
        """
        ...
