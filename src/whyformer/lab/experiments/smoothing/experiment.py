"""Train with label smoothing on much or little text, and evaluate without smoothing."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.experiment import Mode, Numbers, Settings
from whyformer.models.gpt import GPT

PLENTY, SCARCE = "plenty", "scarce"
SCARCE_CHARACTERS = 8_000
"""Length of the short training text; training reads each character about twenty times."""
JUDGED, EPSILONS = 0.1, (0.0, 0.1, 0.2)
RATES, QUICK_RATES = (3e-4, 1e-3, 3e-3, 1e-2), {PLENTY: 3e-3, SCARCE: 1e-3}
LENGTH, STEPS, WARMUP, DEV_WINDOWS = 32, 300, 20, 256
BINS = 15


def log_odds_bound(epsilon: float, classes: int) -> float:
    """Return the optimal log-odds of the label against any other class, if the label is certain.

    Args: classes: the number of classes V.
    >>> round(log_odds_bound(0.1, 103), 2)
    6.83
    """
    return math.log((1 - epsilon + epsilon / classes) / (epsilon / classes))


def measure(settings: Settings, seed: int) -> Numbers:
    """Train a character model of two layers, and evaluate the model without smoothing."""
    few = lm.text().train[:SCARCE_CHARACTERS] if settings["text"] == SCARCE else None
    trained = lm.train(
        lm.reference(layers=2, d_model=128), seed, steps=STEPS, warmup=WARMUP, length=LENGTH,
        learning_rate=settings["rate"], smoothing=settings["epsilon"], ids=few,
    )  # fmt: skip
    return judged(trained.model, settings["epsilon"] or JUDGED)


@torch.no_grad()
def judged(model: GPT, epsilon: float) -> Numbers:
    """Return loss, accuracy and calibration on the dev text.

    Args: epsilon: the smoothing ε of `log_odds_bound`; the log-odds are compared with this bound.
    """
    model.eval()
    pairs = [
        (model(w.target).flatten(0, 1), w.labels.flatten())
        for w in lm.dev_windows(LENGTH, DEV_WINDOWS)
    ]
    log_p = torch.cat([logits for logits, _ in pairs]).double().log_softmax(-1)
    labels = torch.cat([some for _, some in pairs])
    top, guess = log_p.max(-1)
    confidence, right = top.exp(), guess == labels
    others = torch.log1p(-confidence.clamp(max=1 - 1e-15)) - math.log(log_p.shape[1] - 1)
    places, shares = reliability(confidence, right)
    return {
        "nll": F.nll_loss(log_p, labels).item(),
        "accuracy": right.double().mean().item(),
        "confidence": confidence.mean().item(),
        "error": calibration_error(confidence, right),
        "beyond": (top - others > log_odds_bound(epsilon, log_p.shape[1])).double().mean().item(),
        "places": places,
        "shares": shares,
    }


def binned(confidence: Tensor) -> Tensor:
    """Return the index of the bin of each confidence. Bins have equal widths; a bin (low, high]
    contains its upper end."""
    return (confidence * BINS).ceil().long().clamp(1, BINS) - 1


def calibration_error(
    confidence: Float[Tensor, "guesses"], right: Bool[Tensor, "guesses"]
) -> float:
    """Return the expected calibration error: the mean |accuracy - confidence| over bins.

    Each bin is weighted by its number of predictions.

    Source: Guo et al. 2017 (arXiv:1706.04599), Eq. 3.
    """
    bins = binned(confidence)
    apart = torch.zeros(BINS, dtype=torch.float64)
    apart.index_add_(0, bins, right.double() - confidence.double())
    return apart.abs().sum().item() / len(bins)


def reliability(
    confidence: Float[Tensor, "guesses"], right: Bool[Tensor, "guesses"]
) -> tuple[list[float], list[float]]:
    """Return the mean confidence and the accuracy in each bin; NaN for an empty bin."""
    bins = binned(confidence)
    places, shares = [], []
    for number in range(BINS):
        here = bins == number
        places.append(confidence[here].mean().item())
        shares.append(right[here].double().mean().item())
    return places, shares


def conditions(mode: Mode) -> list[Settings]:
    """Return every ε at every learning rate with both texts.

    Quick mode has one learning rate, with and without smoothing.
    """
    quick = mode is Mode.QUICK
    return [
        {"text": text, "epsilon": epsilon, "rate": rate}
        for text in (PLENTY, SCARCE)
        for epsilon in ((0.0, JUDGED) if quick else EPSILONS)
        for rate in ((QUICK_RATES[text],) if quick else RATES)
    ]
