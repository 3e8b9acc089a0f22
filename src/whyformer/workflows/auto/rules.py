"""The rules that choose settings from the figures of the data and the minutes of training.

docs/own-data.md has the measurements, and says which numbers are not measured yet.
"""

import math
from collections.abc import Sequence

from whyformer.data.figures import Figures
from whyformer.foundation.wording import counted
from whyformer.recipes.choice import Choice
from whyformer.workflows.auto.look import DataFigures

CHARACTERS_PER_MINUTE = 450_000
"""Source tokens that the chosen models read per minute of training on one core, if the tokens are
characters; rounded."""
SUBWORDS_PER_MINUTE = 280_000
"""The same for subwords, which have a larger vocabulary."""
LABELLED_PER_MINUTE = 800_000
"""The same for texts with labels, whose model has no decoder."""
AVERAGE = {"training.average": "ema", "training.ema_decay": 0.99}
"""The average of about the last hundred updates."""
SMALL_TEXT = 5_000_000
"""A plain text of fewer characters is read character by character."""
PER_SUBWORD, PER_SUBWORD_UNSPACED = 3.0, 1.5
"""Characters per subword, with and without spaces between words; rounded."""
FEW_PAIRS = 10_000
FEW_EPOCHS = 3
FEW_MINUTES = 5
MOST_EPOCHS = 8.0
"""Maximum number of epochs with labels. With more epochs, the model memorizes its training
texts."""
MANY_TEXTS = 20_000
"""From this number of texts on, a classifier has vectors of n-grams. With fewer texts, it memorizes
them."""
NGRAMS = {"model.ngrams": 3, "model.ngram_dropout": 0.5, "model.pooling": "mean"}
MANY = 2 / 3
"""If one label has more than this share of the texts, another metric than accuracy selects the
weights."""
SHORT = 30
"""Maximum mean length of a source that is read by characters, in characters."""


def choices_for(
    task: str, figures: DataFigures, minutes: float | None, tokens: int | None = None
) -> list[Choice]:
    """Return the chosen settings.

    Args:
        minutes: the length of the run, as given by the user; None: it is chosen too.
        tokens: the length of the run in source tokens, if the user gave the number of updates.
    """
    source, target = figures.source, figures.target
    if tokens is not None:  # the minutes that the run takes on one core
        minutes = max(1e-4, round(tokens / _speed(task, source, target), 4))
    if task == "translate":
        rule = for_words if _are_short(source, target) else for_sentences
        return rule(source, target, minutes)
    if task == "language":
        return for_text(source, minutes)
    return for_labels(task, figures, minutes)


def _speed(task: str, source: Figures, target: Figures) -> int:
    """Return the number of source tokens that the chosen model reads per minute."""
    if task == "language":
        return CHARACTERS_PER_MINUTE if _is_small(source) else SUBWORDS_PER_MINUTE
    if task != "translate":
        return LABELLED_PER_MINUTE
    return CHARACTERS_PER_MINUTE if _are_short(source, target) else SUBWORDS_PER_MINUTE


def _is_small(text: Figures) -> bool:
    """Return whether a plain text is so small that it is read character by character."""
    return text.count * text.mean_characters < SMALL_TEXT


def _are_short(source: Figures, target: Figures) -> bool:
    """Return whether both sides are short enough to be read character by character."""
    if source.mean_characters > SHORT and not source.is_symbols:
        return False
    return target.is_words or target.is_symbols or target.mean_characters <= SHORT / 2


def _time(given: float | None, count: int, steps: Sequence[tuple[int, float]], what: str) -> Choice:
    """Return the length of the run: by the number of items, unless it is given.

    Args: steps: pairs (number of items, minutes for at most this number of items).
    """
    if given is not None:
        return Choice({"training.minutes": given}, "as given")
    minutes = next((one for most, one in steps if count <= most), steps[-1][1])
    return Choice({"training.minutes": minutes}, counted(count, what))


def _epochs(
    time: Choice, texts: Figures, *, subwords: bool = True, speed: int | None = None
) -> float:
    """Return how often a run reads its training texts. Args: speed: tokens per minute."""
    speed = speed or (SUBWORDS_PER_MINUTE if subwords else CHARACTERS_PER_MINUTE)
    tokens = texts.count * (1 + texts.mean_characters)
    if subwords:
        tokens /= PER_SUBWORD_UNSPACED if texts.is_unspaced else PER_SUBWORD
    return speed * time.settings["training.minutes"] / max(1.0, tokens)


def for_words(source: Figures, target: Figures, minutes: float | None) -> list[Choice]:
    """Return settings for short strings, such as spelling and pronunciation."""
    pairs = source.count
    time = _time(
        minutes, pairs, ((500, 2.0), (10_000, 5.0), (50_000, 10.0), (200_000, 20.0)), "pair"
    )
    given = time.settings["training.minutes"]
    large = pairs >= FEW_PAIRS and given >= 30
    shape = (4, 2, 160, 640) if large else (3, 1, 128, 512)
    names = ("encoder_layers", "decoder_layers", "d_model", "d_ff")
    return [
        Choice(
            {
                "text.source_units": _units(source),
                "text.target_units": _units(target),
                "text.shared": False,
            },
            f"sources are {_described(source)}, targets are {_described(target)}",
        ),
        time,
        Choice(
            {f"model.{name}": size for name, size in zip(names, shape, strict=True)}
            | {"model.tying": "decoder"},
            f"{counted(pairs, 'pair')} in {counted(given, 'minute')}",
        ),
        _dropout(_epochs(time, source, subwords=False), 0.2),
        Choice(
            {
                "training.batch_tokens": 512 if pairs < FEW_PAIRS else 1024,
                "training.learning_rate": 0.003,
                "validation.patience": 0,
            }
            | AVERAGE,
            counted(pairs, "pair"),
        ),
        Choice(
            {
                "validation.metric": "per" if target.is_symbols else "chrf",
                "decoding.beam": 5,
                "decoding.length_penalty": 0.0,
            },
            "targets are short",
        ),
    ]


def _units(texts: Figures) -> str:
    if texts.is_symbols:
        return "phonemes"
    return "jamo" if texts.is_hangul else "chars"


def _described(texts: Figures) -> str:
    if texts.is_symbols:
        return f"sequences of {counted(len(texts.pieces), 'different symbol')}"
    kind = "words" if texts.is_words else "texts"
    kind = f"Hangul {kind}" if texts.is_hangul else kind
    return f"{kind} of {counted(round(texts.mean_characters), 'character')}"


def _dropout(epochs: float, strongest: float) -> Choice:
    """Return dropout: the more often a run reads its data, the higher."""
    steps = ((3, 0.0), (12, 0.1), (30, 0.2), (math.inf, 0.3))
    dropout = min(strongest, next(value for most, value in steps if epochs < most))
    return Choice({"model.dropout": dropout}, f"about {counted(max(1, round(epochs)), 'epoch')}")


def for_sentences(source: Figures, target: Figures, minutes: float | None) -> list[Choice]:
    """Return settings for sentences in two languages, or for questions and answers."""
    pairs = source.count
    time = _time(
        minutes,
        pairs,
        ((500, 2.0), (5_000, 8.0), (20_000, 15.0), (50_000, 20.0), (0, 30.0)),
        "pair",
    )
    given = time.settings["training.minutes"]
    vocabulary = 4000 if pairs >= 2_000 else 1000
    return [
        Choice(
            {"text.units": "bpe", "text.vocabulary": vocabulary},
            f"{counted(pairs, 'pair')} of sentences",
        ),
        time,
        Choice(
            {
                "model.encoder_layers": 3, "model.decoder_layers": 2, "model.d_model": 128,
                "model.d_ff": 512,
            },
            f"{counted(pairs, 'pair')} in {counted(given, 'minute')}",
        ),
        _dropout(_epochs(time, source), 0.3),
        Choice(
            {
                "training.batch_tokens": 512 if given < FEW_MINUTES else 1024,
                "training.learning_rate": 0.003,
                "validation.patience": 0,
            },
            counted(given, "minute"),
        ),
        Choice(
            {"validation.metric": "bleu" if target.words >= 4 else "chrf", "decoding.beam": 5},
            f"targets have {target.words:.1f} words on average",
        ),
    ]  # fmt: skip


def for_text(text: Figures, minutes: float | None) -> list[Choice]:
    """Return settings for plain text."""
    characters = text.count * text.mean_characters
    time = _time(minutes, int(characters), ((1_000_000, 5.0), (0, 15.0)), "character")
    chars = _is_small(text)
    units = {"text.units": "chars"} if chars else {"text.units": "bpe", "text.vocabulary": 4000}
    return [
        Choice(units, f"about {counted(round(characters), 'character')}"),
        time,
        _dropout(_epochs(time, text, subwords=not chars), 0.2),
    ]


def for_labels(task: str, figures: DataFigures, minutes: float | None) -> list[Choice]:
    """Return settings for labelled texts and labelled words."""
    source = figures.source
    time = _time(
        minutes, source.count, ((500, 2.0), (5_000, 5.0), (50_000, 8.0), (0, 15.0)), "text"
    )
    epochs = _epochs(time, source, speed=LABELLED_PER_MINUTE)
    grams = task == "classify" and source.count >= MANY_TEXTS
    return [
        Choice(
            {
                "text.units": "bpe", "text.vocabulary": 4000, "model.layers": 2,
                "training.optimizer": "muon",
            },
            counted(source.count, "text"),
        ),
        *([Choice(NGRAMS, f"at least {MANY_TEXTS:,} texts")] if grams else []),
        time,
        Choice(
            {"model.dropout": 0.1 if epochs < FEW_EPOCHS else 0.3},
            f"about {counted(max(1, round(min(epochs, MOST_EPOCHS))), 'epoch')}",
        ),
        Choice({"training.epochs": MOST_EPOCHS}, "more epochs lower the accuracy on new texts"),
        _metric(task, figures),
    ]  # fmt: skip


def _metric(task: str, figures: DataFigures) -> Choice:
    """Return the metric of labels. If one label is frequent, accuracy says little: a model that
    always answers with this label would have a high one."""
    if task == "regress":
        return Choice({"validation.metric": "pearson"}, "numbers")
    reason = counted(len(figures.labels), "different label")
    if task == "tag" and figures.are_spans:
        return Choice({"validation.metric": "span_f1"}, f"{reason}, which mark spans")
    share = figures.largest_share
    if task == "classify" and share > MANY:
        reason = f"{reason}, one of them at {share:.0%} of the texts"
        return Choice({"validation.metric": "matthews"}, reason)
    return Choice({"validation.metric": "accuracy"}, reason)
