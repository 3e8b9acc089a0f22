"""Bodies of requests in the format of LibreTranslate."""

from typing import Literal

from pydantic import ConfigDict, Field

from whyformer.foundation.config import Settings
from whyformer.serving.bodies.requests import MOST_ITEMS, Text, example


class Keyed(Settings):
    """A request that has its key in the body."""

    api_key: str | None = Field(default=None, max_length=1000)
    """The key, if the server needs one."""


class LibreTranslateRequest(Keyed):
    """A text, or several, to translate."""

    model_config = ConfigDict(**example({"q": "Ein Hund.", "source": "de", "target": "en"}))
    q: Text | list[Text] = Field(max_length=MOST_ITEMS)
    """A text, or a list of texts."""
    source: str = Field(max_length=64)
    """Code of the language of the texts, or auto."""
    target: str = Field(max_length=64)
    """Code of the language of the translations."""
    format: Literal["text", "html"] = "text"
    """Only text is supported."""
    alternatives: int = Field(default=0, ge=0, le=100)
    """Number of further translations."""


class DetectRequest(Keyed):
    """A text whose language is guessed."""

    model_config = ConfigDict(**example({"q": "Ein Hund."}))
    q: Text = Field(max_length=MOST_ITEMS)
    """The text."""
