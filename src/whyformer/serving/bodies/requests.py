"""Bodies of requests to the endpoints of whyformer."""

from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from whyformer.decoding.settings import Method
from whyformer.foundation.config import Settings

MOST_ITEMS = 100_000
"""Bound of lists in the schema; the settings of a server have a lower one."""


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("number", "{must}", {"must": "must not have a NUL character"})
    return text


Text = Annotated[str, AfterValidator(_without_nul)]
"""A text without NUL characters."""


def example(value: dict[str, Any]) -> ConfigDict:
    """Return a configuration with an example for the OpenAPI document."""
    return ConfigDict(json_schema_extra={"examples": [value]})


class ModelChoice(Settings):
    """The run that answers."""

    model: str | None = Field(default=None, max_length=64)
    """Name of the run. Default: the first run of the server that can do this."""


class SearchOptions(ModelChoice):
    """Options of the search. Options that are not given have the values of the run's recipe."""

    method: Method | None = None
    """beam, or sample to draw at random."""
    beam: int | None = Field(default=None, ge=1, le=1000)
    """Beam size; 1 is greedy search."""
    nbest: int | None = Field(default=None, ge=1, le=1000)
    """Number of results for each text."""
    length_penalty: float | None = Field(default=None, ge=0.0, le=10.0, allow_inf_nan=False)
    """0 ranks by log-probability; larger values favor longer results."""
    max_length: int | None = Field(default=None, ge=1, le=100_000)
    """Maximum number of tokens of a result."""
    min_length: int | None = Field(default=None, ge=0, le=100_000)
    """Minimum number of tokens of a result."""
    no_repeat_ngram: int | None = Field(default=None, ge=0, le=1000)
    """Never repeat an n-gram of this size; 0 allows repetitions."""
    temperature: float | None = Field(default=None, ge=0.0001, le=1000.0, allow_inf_nan=False)
    """Sampling temperature: below 1 sharpens the distribution, above 1 flattens it."""
    top_k: int | None = Field(default=None, ge=1, le=10_000_000)
    """Sample from this number of most probable tokens."""
    top_p: float | None = Field(default=None, gt=0.0, le=1.0)
    """Sample from the most probable tokens with this total probability."""
    min_p: float | None = Field(default=None, ge=0.0, le=1.0)
    """Sample only tokens with at least this fraction of the highest probability."""
    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)
    """Random seed of sampling."""

    def search(self) -> dict[str, Any]:
        """Return the search settings that were given."""
        fields = SearchOptions.model_fields.keys() - ModelChoice.model_fields.keys()
        found = {name: getattr(self, name) for name in fields}
        given = {name: value for name, value in found.items() if value is not None}
        if "beam" in given:
            given.setdefault("method", Method.BEAM)
        return given


class TranslateRequest(SearchOptions):
    """Texts to translate."""

    model_config = example({"texts": ["A dog runs.", "Two men talk."], "beam": 5, "nbest": 2})
    texts: list[Text] = Field(max_length=MOST_ITEMS)
    """The texts. Each is translated as one line."""
    groups: int | None = Field(default=None, ge=1, le=1000)
    """Number of groups for diverse beam search."""
    diversity: float | None = Field(default=None, ge=0.0, le=1000.0, allow_inf_nan=False)
    """Penalty for tokens that another group has chosen; needs `groups`."""
    coverage_penalty: float | None = Field(default=None, ge=0.0, le=100.0, allow_inf_nan=False)
    """Rank also by the attention that each source token received."""
    force: list[Text] | None = Field(default=None, max_length=20)
    """Phrases that every translation must contain."""
    forbid: list[Text] | None = Field(default=None, max_length=20)
    """Phrases that no translation may contain."""
    prefix: Text = ""
    """Text that every translation must begin with."""
    tag: Text | None = None
    """Tag of the texts that do not begin with one, such as de, for a run trained with tags."""
    split_sentences: bool = False
    """Translate each sentence of a text separately and join the translations."""
    split_long: bool = False
    """The same, only for texts that are longer than the model can read."""
    fallback: bool = False
    """Search texts again if their translation repeats itself or reaches the length limit."""

    def search(self) -> dict[str, Any]:
        """See `SearchOptions`."""
        names = ("groups", "diversity", "coverage_penalty", "force", "forbid")
        more = {name: value for name in names if (value := getattr(self, name)) is not None}
        return super().search() | more


class GenerateRequest(SearchOptions):
    """Prompts to continue."""

    model_config = example({"prompts": ["To be"], "tokens": 40, "method": "sample", "seed": 1})
    prompts: list[Text] = Field(max_length=MOST_ITEMS)
    """The prompts; a prompt may be empty."""
    tokens: int = Field(default=200, ge=1, le=100_000)
    """Maximum number of tokens to add to each prompt."""
    stream: bool = False
    """Send the text as server-sent events while it is generated. Needs one prompt."""


class ClassifyRequest(ModelChoice):
    """Texts to classify."""

    model_config = example({"texts": ["What a film."]})
    texts: list[Text] = Field(max_length=MOST_ITEMS)
    """The texts."""
    seconds: list[Text] | None = Field(default=None, max_length=MOST_ITEMS)
    """For a run that was trained on pairs: the second text of each pair."""


class TagRequest(ModelChoice):
    """Texts whose words get labels."""

    model_config = example({"texts": ["She reads books"]})
    texts: list[Text] = Field(max_length=MOST_ITEMS)
    """The texts; spaces separate the words."""


class Pair(Settings):
    """A source and a target."""

    source: Text
    """The source."""
    target: Text
    """The target whose probability is computed."""


class ScoreRequest(ModelChoice):
    """Pairs (for a translation run) or texts (for a language model) to score."""

    model_config = example({"pairs": [{"source": "A dog runs.", "target": "Ein Hund läuft."}]})
    pairs: list[Pair] | None = Field(default=None, max_length=MOST_ITEMS)
    """Pairs of a source and a target."""
    texts: list[Text] | None = Field(default=None, max_length=MOST_ITEMS)
    """Texts for a language model."""
    tag: Text | None = None
    """Tag of the sources that do not begin with one."""


class AttentionRequest(ModelChoice):
    """A text whose attention is computed."""

    model_config = example({"text": "A dog runs.", "names": "*cross_attention"})
    text: Text = Field(max_length=20_000)
    """A source, a text, or two texts separated by a tab."""
    target: Text | None = Field(default=None, max_length=20_000)
    """A translation, a label, or labels separated by spaces. Default: the prediction."""
    names: Text = Field(default="*", max_length=200)
    """Pattern of the names of attention modules."""
