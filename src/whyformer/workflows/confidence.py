"""The confidence of translations, calibrated at the end of a run, and the probabilities of their
tokens."""

import math
from collections.abc import Sequence
from pathlib import Path

from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.pair_scorer import PairScorer
from whyformer.decoding.text_translator import Translation
from whyformer.evaluation.calibration import FEWEST, FEWEST_OF_EACH, Calibration, fit
from whyformer.foundation.errors import DataError, UsageError
from whyformer.foundation.files import write_text
from whyformer.foundation.integrity import FILES, read_sealed, sealed_text
from whyformer.foundation.model_files import CONFIG, WEIGHTS, find_bundle
from whyformer.foundation.parsing import read_json, reason_of
from whyformer.text.normalization import lower, normalize
from whyformer.text.symbols import EOS

CALIBRATION = "calibration.json"
FORMAT = 1


def confidence_features(answer: Translation) -> tuple[float, float]:
    """Return the two features of a translation that a calibration uses: the log-probability of the
    best hypothesis, and its mean over the tokens. Without a hypothesis, both features are 0."""
    hypotheses = [one for part in answer.sentences or (answer,) for one in part.hypotheses[:1]]
    total = sum(one.log_probability for _, one in hypotheses)
    tokens = sum(len(one.tokens) + 1 for _, one in hypotheses)
    return (total, total / tokens) if math.isfinite(total) and tokens else (0.0, 0.0)


TokenProbabilities = dict[tuple[str, Hypothesis], list[tuple[str, float]]]
"""For each source and hypothesis: the tokens as readable strings, with their probabilities."""


def token_probabilities(
    translator: PairScorer, answers: Sequence[Translation]
) -> TokenProbabilities:
    """Return the probability that the model gives to each token of each hypothesis, including eos
    if the hypothesis is finished. These probabilities are not calibrated.

    The product of the probabilities of a hypothesis is the exponential of its log-probability.
    """
    owned = [
        (part.source, one)
        for answer in answers
        for part in (answer.sentences or (answer,))
        for _, one in part.hypotheses
    ]
    scored = translator.score([source for source, _ in owned], [one for _, one in owned])
    found: TokenProbabilities = {}
    for key, score in zip(owned, scored, strict=True):
        ids = [*key[1].tokens, *[EOS] * key[1].finished]
        names = translator.target_tokenizer.tokens(ids)
        values = [] if score is None else score.tokens
        found[key] = [(name, math.exp(x)) for name, x in zip(names, values, strict=False)]
    return found


def is_right(text: str, references: Sequence[str], *, lowercase: bool) -> bool:
    """Return whether a translation equals a reference in Unicode NFC."""
    case = lower if lowercase else normalize
    return case(text).strip() in {case(one).strip() for one in references}


def keep_calibration(
    run: Path, answers: Sequence[Translation], right: Sequence[bool]
) -> Calibration | None:
    """Fit a calibration, save it with the model of a run, and return it. If there are too few
    answers, return None.

    Args: right: whether each answer is right.
    """
    found = fit([confidence_features(answer) for answer in answers], right)
    if found is None:
        return None
    directory = find_bundle(run)
    state = {"format": FORMAT, "weights": _weights(directory), "calibration": found.to_json()}
    write_text(directory / CALIBRATION, sealed_text(state))
    return found


def read_calibration(run: Path) -> Calibration:
    """Return the calibration of a run.

    Raises: UsageError if the run has no calibration, or if its calibration was made for other
        weights; DataError if the calibration is damaged.
    """
    directory = find_bundle(run)
    path = directory / CALIBRATION
    try:
        state = read_sealed(path, since=1, newest=FORMAT)
        weights, found = state["weights"], Calibration.from_json(state["calibration"])
    except FileNotFoundError:
        weights, found = "", None
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise DataError(
            f"`{path}` is damaged ({reason_of(error)}). Copy the model directory again."
        ) from None
    if found is None or weights != _weights(directory):
        raise UsageError(
            f"`{run}` has no calibration, so the confidence of its translations is unknown. "
            "`whyformer train` saves a calibration with the verdict of a run, if at least "
            f"{FEWEST} answers are held out, including at least {FEWEST_OF_EACH} right "
            f"and {FEWEST_OF_EACH} wrong answers."
        )
    return found


def _weights(directory: Path) -> str:
    """Return the recorded hash of the weights of a model directory; "" if its format is old."""
    return str(read_json(directory / CONFIG).get(FILES, {}).get(WEIGHTS, ""))
