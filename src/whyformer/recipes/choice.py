"""Settings that are chosen from the data, with the reason for the choice."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from whyformer.foundation.parsing import shown


@dataclass(frozen=True)
class Choice:
    """Settings that were chosen together, and the reason, such as the size of the data."""

    settings: Mapping[str, Any]
    """The chosen values, by the dotted names of their settings."""
    reason: str

    def without(self, names: set[str]) -> "Choice | None":
        """Return the choice without some settings; None if no setting remains."""
        left = {name: value for name, value in self.settings.items() if name not in names}
        return Choice(left, self.reason) if left else None

    def described(self) -> str:
        """Return the settings and the reason as one line."""
        values = ", ".join(f"{name} {_plain(value)}" for name, value in self.settings.items())
        return f"{values}: {self.reason}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else shown(value)
