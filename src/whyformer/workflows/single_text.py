"""Prepare one text for a model: its tokens, the forward pass, and the losses of predictions."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from whyformer.bundle import Bundle
from whyformer.data.labelled import cut
from whyformer.data.tagged import word_rows
from whyformer.decoding.expected import Expected
from whyformer.decoding.translator import Translator
from whyformer.foundation.errors import UsageError, nearest
from whyformer.foundation.wording import counted
from whyformer.models.bert import BERT, AnswerOf
from whyformer.models.build import Model, SourceModel, TextModel
from whyformer.models.electra import Electra
from whyformer.text.symbols import BOS, EOS
from whyformer.workflows.search_settings import search_settings


@dataclass(frozen=True)
class SingleText:
    """A text, and a target if the model needs one, prepared for a forward pass."""

    tokens: dict[str, list[str]]
    """Readable tokens of the text (``text``) and, for a translation model, of ``target``."""
    forward: Callable[[], Tensor]
    """Compute the output of the model for this text: the logits, or the predicted number."""
    losses: Callable[[Tensor], Tensor]
    """Compute the loss of each prediction from the output of `forward`: in nats, or as squared
    error."""


def single_text(
    bundle: Bundle, run: Path, text: str, target: str | None, *, flags: bool = False
) -> SingleText:
    """Prepare one text for a forward pass.

    The task determines which predictions have a loss. In translation, classification
    and tagging, the model predicts the target. A language model predicts each next token. A masked
    language model predicts each token at its own position, without masking. For ELECTRA, the
    correct prediction for each token is that the token was not replaced.

    Args:
        target: the translation, the label, the number, or the labels separated by spaces. None
            uses the prediction of the model; a regression model needs a number.
        flags: whether error messages name command-line flags instead of parameters.
    Raises: UsageError if the text is empty or too long, or if the model cannot read the target.
    """
    model, tokenizer = bundle.model, bundle.source_tokenizer
    dashes = "--" if flags else ""
    if isinstance(model, SourceModel) or (isinstance(model, BERT) and model.settings.outputs):
        trimmed = Expected.from_facts(bundle.facts).trimmed  # as in training and translation
        text, target = trimmed(text), None if target is None else trimmed(target)
    if not tokenizer.encode(text):
        raise UsageError(f"`{dashes}text` is empty. Give a text for the model to read.")
    if isinstance(model, SourceModel):
        return _pair(bundle, model, text, target, dashes)
    if isinstance(model, BERT) and model.settings.outputs:
        return _labelled(bundle, model, text, target, dashes)
    if target is not None:
        raise UsageError(
            f"`{dashes}target` needs a translation model or a classifier, but the family of "
            f"`{run}` is `{model.settings.family}`. Leave it out."
        )
    if isinstance(model, TextModel):
        row = [BOS, *tokenizer.encode(text)]
        ids, labels = _matrix(model, row, f"{dashes}text"), [*row[1:], EOS]
        return SingleText(
            {"text": tokenizer.tokens(row)}, lambda: model(ids), lambda found: _nats(found, labels)
        )
    row, ids, segments = _segments(bundle, text, dashes)
    tokens = {"text": tokenizer.tokens(row)}
    if isinstance(model, Electra):
        return SingleText(tokens, lambda: model.detect(ids, None, segments), F.softplus)
    own = [place for place, token in enumerate(row) if token not in (BOS, EOS)]
    return SingleText(
        tokens,
        lambda: model.masked(model(ids, None, segments)),
        lambda found: _nats(found[:, own], [row[place] for place in own]),
    )


def own_translation(bundle: Bundle, text: str) -> str:
    """Return the translation of the model, with the search settings of its recipe."""
    assert isinstance(bundle.model, SourceModel)
    translator = Translator(
        [bundle.model],
        bundle.source_tokenizer,
        bundle.target_tokenizer,
        expected=Expected.from_facts(bundle.facts),
    )
    return translator.translate([text], search_settings(bundle.facts, {}))[0].text


def _pair(
    bundle: Bundle, model: SourceModel, text: str, target: str | None, dashes: str
) -> SingleText:
    source = [*bundle.source_tokenizer.encode(text), EOS]
    x = _matrix(model, source, f"{dashes}text")
    translation = own_translation(bundle, text) if target is None else target
    read = [BOS, *bundle.target_tokenizer.encode(translation)]
    y, labels = _matrix(model, read, f"{dashes}target"), [*read[1:], EOS]
    return SingleText(
        {
            "text": bundle.source_tokenizer.tokens(source),
            "target": bundle.target_tokenizer.tokens(read),
        },
        lambda: model(x, None, y),
        lambda found: _nats(found, labels),
    )


def _labelled(
    bundle: Bundle, model: BERT, text: str, target: str | None, dashes: str
) -> SingleText:
    """Prepare a text for a classifier (one prediction) or a tagger (one prediction per word)."""
    known, name = bundle.facts.get("labels", []), f"{dashes}target"
    row, ids, segments = _segments(bundle, text, dashes)
    if model.settings.answer_of is AnswerOf.TOKENS:
        if not text.split():
            raise UsageError(
                f"`{dashes}text` must have at least one word, but it has none. Separate words by "
                "spaces."
            )
        words = word_rows(bundle.source_tokenizer, text.split(), len(row) + 2)[0]
        row, ids = words.ids, _matrix(model, words.ids, f"{dashes}text")
        wanted = None if target is None else [_place(one, known, name) for one in target.split()]
        if wanted is not None and len(wanted) != len(words.places):
            raise UsageError(
                f"`{name}` must have one label per word, but there are "
                f"{counted(len(words.places), 'word')} and {counted(len(wanted), 'label')}. "
                "Separate labels by spaces."
            )

        def of_words(found: Tensor) -> Tensor:
            answers = found[:, words.places]
            return _nats(answers, answers[0].argmax(-1).tolist() if wanted is None else wanted)

        tokens = {"text": bundle.source_tokenizer.tokens(row)}
        return SingleText(tokens, lambda: model.token_answers(ids, None), of_words)
    tokens = {"text": bundle.source_tokenizer.tokens(row)}

    def forward() -> Tensor:
        return model.answers(ids, None, segments)

    if model.settings.outputs == 1 and not known:
        number = None if target is None else _number(target, name, bundle)
        return SingleText(tokens, forward, lambda found: _squared(found, number, name))
    label = None if target is None else _place(target, known, name)
    return SingleText(
        tokens,
        forward,
        lambda found: _nats(found[:, None], [int(found.argmax()) if label is None else label]),
    )


def _segments(bundle: Bundle, text: str, dashes: str) -> tuple[list[int], Tensor, Tensor]:
    """Return the tokens of one text, or of two texts separated by a tab: the ids as a list, the ids
    as a tensor, and the segments as a tensor."""
    first, tab, second = text.partition("\t")
    row, begins = cut(bundle.source_tokenizer, first, second if tab else None, 1 << 30)
    ids = _matrix(bundle.model, row, f"{dashes}text")
    return row, ids, torch.tensor([[int(at >= begins) for at in range(len(row))]]).to(ids.device)


def _matrix(model: Model, ids: list[int], name: str) -> Tensor:
    longest = model.settings.max_length
    if len(ids) > longest:
        raise UsageError(
            f"`{name}` has {counted(len(ids), 'token')}, but the model reads at most {longest}. "
            "Shorten it."
        )
    return torch.tensor([ids], device=next(model.parameters()).device)


def _nats(logits: Tensor, labels: list[int]) -> Tensor:
    return F.cross_entropy(
        logits[0].float(), torch.tensor(labels, device=logits.device), reduction="none"
    )


def _squared(found: Tensor, number: float | None, name: str) -> Tensor:
    if number is None:
        raise UsageError(f"`{name}` is required for a run that predicts numbers. Give a number.")
    return (found[0] - number).square()


def _number(target: str, name: str, bundle: Bundle) -> float:
    """Return the target, standardized with the mean and deviation of the training data."""
    try:
        return (float(target) - bundle.facts["mean"]) / bundle.facts["deviation"]
    except ValueError:
        raise UsageError(f"`{name}` must be a number, but it is `{target}`.") from None


def _place(label: str, known: list[str], name: str) -> int:
    if label not in known:
        raise UsageError(f"`{name}` has the unknown label `{label}`.{nearest(label, known)}")
    return known.index(label)
