"""Bodies of responses, for the OpenAPI document. Responses are written without these classes."""

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Base of all responses: no other keys than those of the class."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Alternative(Answer):
    """A further translation."""

    text: str
    score: float


class Translated(Answer):
    """The translation of one text."""

    text: str
    """The best translation."""
    score: float
    """Log-probability divided by the length penalty."""
    finished: bool
    """Whether the translation ended by itself; false if the length limit cut it."""
    source_truncated: bool
    """Whether the text was too long for the model, so that its end was not translated."""
    alternatives: list[Alternative]
    """The other translations if `nbest` is more than 1, best first."""


class TranslateResponse(Answer):
    """Translations, in the order of the texts."""

    model: str
    translations: list[Translated]


class Continued(Answer):
    """One continuation of a prompt."""

    text: str
    """The continuation, without the prompt."""
    score: float
    """Log-probability of the prompt and its continuation."""
    finished: bool
    """Whether the model ended the text; false if a limit ended it."""


class GenerateResponse(Answer):
    """For each prompt, its continuations."""

    model: str
    generations: list[list[Continued]]


class Classified(Answer):
    """The prediction for one text."""

    label: str
    """The most probable label, or the number as text."""
    probabilities: dict[str, float]
    """Probability of each label; empty for a number."""
    number: float | None
    """The predicted number of a regression model."""


class ClassifyResponse(Answer):
    """Predictions, in the order of the texts."""

    model: str
    predictions: list[Classified]


class TaggedWord(Answer):
    """A word with its label."""

    word: str
    label: str
    probability: float


class TagResponse(Answer):
    """For each text, its words with their labels."""

    model: str
    texts: list[list[TaggedWord]]


class Scored(Answer):
    """The log-probability of one target or text, in nats."""

    log_probability: float
    tokens: list[float]
    """Log-probability of each token; the last token is the end."""


class ScoreResponse(Answer):
    """Scores in the given order; null for a target that is too long for the model."""

    model: str
    scores: list[Scored | None]


class AttentionResponse(Answer):
    """The attention of each module for one text."""

    model: str
    tokens: dict[str, list[str]]
    """Tokens of `text`, and of `target` for a translation run."""
    attention: dict[str, list[list[list[float]]]]
    """For each module: heads × queries × keys."""
    losses: list[float]
    """Loss of each prediction in nats."""


class ModelFacts(Answer):
    """What a served run can do."""

    name: str
    family: str
    engine: str
    operations: list[str]
    tags: list[str]
    loaded: int
    """Time at which the run was loaded, in seconds since 1970."""


class Health(Answer):
    """Whether the server lives."""

    status: str
    version: str
    models: list[ModelFacts]


class ErrorDetails(Answer):
    """What was wrong."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorResponse(Answer):
    """A refused request."""

    error: ErrorDetails


class ErrorSentence(Answer):
    """A refused request, in the format of LibreTranslate."""

    error: str
