"""The interface of a document."""

from abc import ABC, abstractmethod
from collections.abc import Sequence


class Document(ABC):
    """A file whose texts are translated and whose markup is kept."""

    @property
    @abstractmethod
    def texts(self) -> list[str]:
        """The pieces of text without markup, in the order of the file."""

    @abstractmethod
    def with_texts(self, texts: Sequence[str]) -> bytes:
        """Return the content of the file with other texts: one for each item of `texts`."""
