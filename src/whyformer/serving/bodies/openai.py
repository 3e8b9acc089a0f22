"""Bodies of requests in the format of OpenAI's completions API."""

from typing import Any

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from whyformer.foundation.config import Settings
from whyformer.serving.bodies.requests import MOST_ITEMS, Text, example


def without(value: Any, *names: str) -> Any:
    """Return a request without the options that have no effect here and may be ignored."""
    if not isinstance(value, dict):
        return value
    return {name: one for name, one in value.items() if name not in names}


class StreamOptions(Settings):
    """Options of a stream."""

    include_usage: bool = False
    """Whether the last event has the numbers of tokens."""

    @model_validator(mode="before")
    @classmethod
    def _without_ignored(cls, value: Any) -> Any:
        return without(value, "include_obfuscation")


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class CompletionRequest(Settings):
    """A request for completions. Options without a counterpart here must have their default."""

    model_config = ConfigDict(
        **example({"model": "gpt", "prompt": "To be", "max_tokens": 30, "seed": 1})
    )
    model: str = Field(max_length=64)
    """Name of the run."""
    prompt: list[Text] = Field(default=[""], max_length=MOST_ITEMS)
    """A prompt, or a list of prompts."""
    max_tokens: int | None = Field(default=16, ge=1, le=100_000)
    """Maximum number of tokens to add."""
    temperature: float | None = Field(default=1.0, ge=0.0, le=2.0, allow_inf_nan=False)
    """0 always takes the most probable token."""
    top_p: float | None = Field(default=1.0, gt=0.0, le=1.0)
    """Sample from the most probable tokens with this total probability."""
    n: int | None = Field(default=1, ge=1, le=1000)
    """Number of completions of each prompt."""
    stream: bool | None = False
    """Whether to send the completion as server-sent events."""
    stream_options: StreamOptions | None = None
    """Options of the stream."""
    stop: list[Text] | None = Field(default=None, max_length=16)
    """Texts before which the completion ends."""
    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)
    """Random seed. Without it, every request draws other completions."""
    echo: bool | None = False
    """Whether the completion begins with the prompt."""
    best_of: int | None = Field(default=None, ge=1, le=1000)
    """Must be equal to `n`."""
    logprobs: int | None = Field(default=None, ge=0, le=100)
    """Not supported; must be 0 or null."""
    presence_penalty: float | None = Field(default=0.0, ge=-2.0, le=2.0, allow_inf_nan=False)
    """Not supported; must be 0."""
    frequency_penalty: float | None = Field(default=0.0, ge=-2.0, le=2.0, allow_inf_nan=False)
    """Not supported; must be 0."""
    suffix: str | None = Field(default=None, max_length=1000)
    """Not supported; must be null."""
    logit_bias: dict[str, float] | None = None
    """Not supported; must be empty."""

    @model_validator(mode="before")
    @classmethod
    def _without_ignored(cls, value: Any) -> Any:
        return without(value, "user")

    @field_validator("prompt", mode="before", json_schema_input_type=str | list[str])
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return [""] if value is None else _listed(value)

    @field_validator("stop", mode="before", json_schema_input_type=str | list[str] | None)
    @classmethod
    def _stops(cls, value: Any) -> Any:
        stops = _listed(value)
        if isinstance(stops, list) and "" in stops:
            raise PydanticCustomError("number", "{must}", {"must": "must not have an empty text"})
        return stops

    def unsupported(self) -> str | None:
        """Return the name of an option that has no counterpart here; None if there is none."""
        asked = {
            "logprobs": bool(self.logprobs),
            "presence_penalty": bool(self.presence_penalty),
            "frequency_penalty": bool(self.frequency_penalty),
            "suffix": bool(self.suffix),
            "logit_bias": bool(self.logit_bias),
            "best_of": self.best_of not in (None, self.n or 1),
        }
        return next((name for name, given in asked.items() if given), None)
