"""What a model expects of the texts it is given, as its training data showed it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Expected:
    """What a run remembers of its training texts.

    Args: keep_spaces: whether spaces around a text are part of it (`text.keep_spaces`).
    """

    keep_spaces: bool = False

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "Expected":
        """Read it from the facts of a bundle; a run without these facts expects the usual."""
        return cls(keep_spaces=facts.get("keep_spaces") is True)

    def trimmed(self, text: str) -> str:
        """Return a text as the model was trained on it: without spaces at the ends, if so.

        >>> Expected().trimmed(" a b "), Expected(keep_spaces=True).trimmed(" a b ")
        ('a b', ' a b ')
        """
        return text if self.keep_spaces else text.strip()


USUAL = Expected()
"""What a model without facts expects."""
