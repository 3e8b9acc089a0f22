"""Train with each recipe, and evaluate the frozen states and the fine-tuned model."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from whyformer.foundation.errors import DivergedError
from whyformer.lab.experiments.masking.data import (
    BLOCK,
    CAUSAL,
    NAMED_WORDS,
    RECIPES,
    ROWS,
    WARMUP,
    Corrupted,
    Examples,
    Masked,
    examples,
    vocabulary,
)
from whyformer.lab.instruments.linear_probe import LinearProbe, zero_linear
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.experiment import Mode, Numbers, Settings
from whyformer.lab.method.learning import (
    block_means,
    fresh_small_model,
    labelled_loss,
    learn,
    states_of,
)
from whyformer.models.bert import BERT
from whyformer.models.gpt import GPT
from whyformer.training.loss import Loss

RATES = (1e-3, 3e-3, 1e-2)
LEVEL = 0.5
"""The experiment counts the updates until the loss is this far below the unigram entropy, in
nats."""
TUNED_EVERY = 40


def measure_masked(settings: Settings, seed: int) -> Numbers:
    """Train a small BERT with one recipe; then apply a probe to the frozen states, and fine-tune
    the model."""
    model = fresh_small_model(BERT, vocabulary(), seed)
    curve = learn_task(model, settings, seed)
    if curve is None:
        return {"curve": [], "updates": math.nan, "probe": 100.0, "copied": 0.0, "tuned": [100.0]}
    assert isinstance(model, BERT)
    learned = examples(lm.text().train, settings["windows"], seed)
    judged = examples(lm.text().dev, settings["windows"] // 2, seed)
    return {
        "curve": curve,
        "updates": updates_to_level(curve),
        "probe": 100 * probe_error(model, learned, judged),
        "copied": 100 * copied(model, judged),
        "tuned": fine_tuned(model, learned, judged, settings["tuning"], seed),  # changes the model
    }


def measure_causal(settings: Settings, seed: int) -> Numbers:
    """Train a left-to-right model of the same size, with the loss at all or some positions."""
    curve = learn_task(fresh_small_model(GPT, vocabulary(), seed), settings, seed)
    return {"curve": curve or [], "updates": updates_to_level(curve or [])}


def learn_task(model: BERT | GPT, settings: Settings, seed: int) -> list[float] | None:
    """Train a model; return the mean loss of each block of ten updates, or None if training
    diverged."""
    if settings["task"] == "none":
        return []
    try:
        reports = learn(
            model, Corrupted(seed, settings["task"]), updates=settings["steps"], warmup=WARMUP,
            learning_rate=settings["rate"], d_model=64, loss_of=restoring_loss,
        )  # fmt: skip
    except DivergedError:
        return None
    return block_means([report.nll for report in reports], BLOCK)


def restoring_loss(model: nn.Module, batch: Masked, smoothing: float) -> Loss:
    """Return the sum of the loss over the positions that have a label."""
    assert isinstance(model, BERT | GPT)
    return labelled_loss(model, states_of(model, batch.ids), batch.labels, smoothing)


def updates_to_level(curve: Sequence[float]) -> float:
    """Return the number of updates until the loss is `LEVEL` below the unigram entropy.

    Returns: an interpolated number; NaN if the loss never falls to this level.
    """
    aim = lm.text().unigram_entropy - LEVEL
    for block, loss in enumerate(curve):
        if loss <= aim:
            before = curve[block - 1] if block else loss
            share = (before - aim) / (before - loss) if before > loss else 1.0
            return BLOCK * (block + share - 0.5)
    return math.nan


def probe_error(model: BERT, learned: Examples, judged: Examples) -> float:
    """Return the error of the linear probe: the share of letters with a wrong word."""
    probe = LinearProbe(*states(model, learned), NAMED_WORDS, 1e-4)
    return probe.error(*states(model, judged))


@torch.no_grad()
def states(
    model: BERT, examples: Examples
) -> tuple[Float[Tensor, "letters d_model"], Int[Tensor, "letters"]]:
    """Return the outputs of the last layer at the letters of the probe, and their words."""
    model.eval()
    asked = examples.words >= 0
    return model(examples.ids)[asked], examples.words[asked]


@torch.no_grad()
def copied(model: BERT, examples: Examples) -> float:
    """Return the share of visible letters that the masked-token head predicts unchanged."""
    asked = examples.words >= 0
    predicted = model.masked(model.eval()(examples.ids)[asked]).argmax(-1)
    return (predicted == examples.ids[asked]).double().mean().item()


def fine_tuned(
    model: BERT, learned: Examples, judged: Examples, updates: int, seed: int
) -> list[float]:
    """Train all weights to predict the words; return the errors after every 40 updates, in
    percent."""
    head = zero_linear(model.settings.d_model, NAMED_WORDS)
    optimizer = torch.optim.Adam([*model.parameters(), *head.parameters()], lr=3e-3)
    generator = torch.Generator().manual_seed(seed)
    errors: list[float] = []
    for update in range(1, updates + 1):
        model.train()
        rows = torch.randint(len(learned.ids), (ROWS,), generator=generator)
        ids, words = learned.ids[rows], learned.words[rows]
        loss = F.cross_entropy(head(model(ids))[words >= 0], words[words >= 0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if update % TUNED_EVERY == 0:
            x, y = states(model, judged)
            with torch.no_grad():
                errors.append(100 * (head(x).argmax(-1) != y).double().mean().item())
    return errors


def masked_conditions(mode: Mode) -> list[Settings]:
    """Return the three recipes and an untrained model.

    Quick mode has two recipes, one learning rate and no fine-tuning.
    """
    if mode is Mode.QUICK:
        size = {"steps": 200, "windows": 400, "tuning": 0}
        return [{"task": task, "rate": 3e-3, **size} for task in ("80-10-10", "100-0-0")]
    size = {"steps": 400, "windows": 600, "tuning": 4 * TUNED_EVERY}
    return [
        *({"task": task, "rate": rate, **size} for task in RECIPES for rate in RATES),
        {"task": "none", "rate": 0.0, **size},
    ]


def causal_conditions(mode: Mode) -> list[Settings]:
    """Return two conditions: the loss of all positions, and the loss of 15 % of the positions."""
    quick = mode is Mode.QUICK
    return [
        {"task": task, "rate": rate, "steps": 160 if quick else 400}
        for task in CAUSAL
        for rate in ((3e-3,) if quick else RATES)
    ]
