"""Train the arms, and evaluate them on held-out text."""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from whyformer.foundation.errors import DivergedError
from whyformer.lab.experiments.nsp.data import (
    LEFT_TO_RIGHT,
    PUBLISHED,
    ROW,
    WIDTH,
    ArmRows,
    CausalRows,
    NextTokens,
    TwoLosses,
    rows_of,
    text,
)
from whyformer.lab.instruments.linear_probe import LinearProbe
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
from whyformer.text.symbols import BOS, EOS, PAD
from whyformer.training.loss import Loss

WARMUP, BLOCK = 20, 25
PASSAGES = 60
RATES = (1e-3, 3e-3, 1e-2)

FORMATS, LOSSES = ("pairs", "full"), ("with", "without")
DESIGN = [f"{form}, {loss}" for form in FORMATS for loss in LOSSES]
"""The names of the four arms: each format, with and without the next-sentence loss."""


def arm_loss(model: nn.Module, batch: TwoLosses, smoothing: float) -> Loss:
    """Return the sum of the masked-token loss, plus the number of masked tokens times the mean
    next-sentence loss.

    Divided by the number of masked tokens, the result is the sum of the two mean losses.
    Paper: Devlin et al. 2018 (arXiv:1810.04805), A.2: the sum of the two mean losses.
    """
    assert isinstance(model, BERT)
    rows, pairs = batch.hidden, batch.pairs
    x = model(rows.ids, rows.real, rows.segments)
    smoothed, nll = labelled_loss(model, x, rows.labels, smoothing)
    if pairs is not None and pairs.follows is not None:
        seen = x if pairs is rows else model(pairs.ids, pairs.real, pairs.segments)
        answer = model.next_sentence(model.pooled(seen))
        smoothed = smoothed + rows.tokens * F.cross_entropy(answer, pairs.follows)
    return Loss(smoothed, nll)


def causal_loss(model: nn.Module, batch: NextTokens, smoothing: float) -> Loss:
    """Return the sum of the loss over all tokens except the first of each row."""
    assert isinstance(model, GPT)
    return labelled_loss(model, states_of(model, batch.ids), batch.labels, smoothing)


def measure_arm(settings: Settings, seed: int) -> Numbers:
    """Train an arm; return its held-out losses and the errors of linear probes for topics."""
    arm = settings["arm"]
    causal = arm == LEFT_TO_RIGHT
    model = fresh(GPT if causal else BERT, seed)
    try:
        reports = learn(
            model, CausalRows(seed) if causal else ArmRows(arm, seed), updates=settings["steps"],
            learning_rate=settings["rate"], warmup=WARMUP, d_model=WIDTH,
            loss_of=causal_loss if causal else arm_loss,
        )  # fmt: skip
    except DivergedError:
        names = ("full_loss", "pairs_loss", "next_error", "mean_error", "first_error")
        return dict.fromkeys(names, math.nan) | {"curve": []}
    numbers: dict[str, float | list[float]] = {
        "curve": block_means([report.nll for report in reports], BLOCK)
    }
    if isinstance(model, BERT):
        numbers["full_loss"], _ = scores(model, "full")
        numbers["pairs_loss"], numbers["next_error"] = scores(model, "pairs")
        numbers["first_error"] = topic_error(model, "first", seed)
    numbers["mean_error"] = topic_error(model, "mean", seed)
    return numbers


def measure_untrained(settings: Settings, seed: int) -> Numbers:
    """Return the errors of the probes on an untrained model."""
    model = fresh(BERT, seed)
    errors = {f"{kind}_error": topic_error(model, kind, seed) for kind in ("mean", "first")}
    return errors | {"topics": len(text().asked)}


def fresh(kind: type[BERT] | type[GPT], seed: int) -> BERT | GPT:
    """Return a model of two layers with the initial weights of a seed."""
    return fresh_small_model(kind, len(text().tokenizer), seed, d_model=WIDTH)


@torch.no_grad()
def scores(model: BERT, form: str) -> tuple[float, float]:
    """Return the masked-token loss on held-out rows, in nats, and the next-sentence error.

    The error in percent is the mean of the errors of both classes, so guessing gives 50.
    """
    model.eval()
    rows = rows_of(text().held_out, form, shuffle=False)
    total, tokens = 0.0, 0
    wrong: list[Tensor] = []
    follows: list[Tensor] = []
    for index in range(rows.count(0)):
        batch = rows.batch(0, index)
        x = model(batch.ids, batch.real, batch.segments)
        chosen = batch.labels != PAD
        logits = model.masked(x[chosen])
        total += F.cross_entropy(logits, batch.labels[chosen], reduction="sum").item()
        tokens += int(chosen.sum())
        if batch.follows is not None:
            predicted = model.next_sentence(model.pooled(x)).argmax(-1)
            wrong.append((predicted != batch.follows).double())
            follows.append(batch.follows)
    if not follows:
        return total / tokens, math.nan
    errors, truth = torch.cat(wrong), torch.cat(follows)
    both = [errors[truth == answer].mean().item() for answer in (0, 1)]
    return total / tokens, 100 * sum(both) / 2


def topic_error(model: BERT | GPT, kind: str, seed: int) -> float:
    """Return the error, in percent, of a linear probe that predicts the topic of a passage.

    Args: kind: mean: the probe reads the mean of all states; first: the probe reads the state of
        the first token.
    """
    generator = np.random.default_rng(seed)
    asked = text().asked
    held_out = text().held_out
    learned = [[text().train.document(topic)] for topic, _ in asked]
    judged = [[held_out.document(block) for block in blocks] for _, blocks in asked]
    probe = LinearProbe(*vectors(model, kind, *passages(learned, generator)), len(asked), 1e-3)
    return 100 * probe.error(*vectors(model, kind, *passages(judged, generator)))


def passages(
    documents: Sequence[Sequence[np.ndarray]], generator: np.random.Generator
) -> tuple[Int[Tensor, "passages length"], Int[Tensor, "passages"]]:
    """Return passages from random places, and the topics of the passages. Every topic has the same
    number of passages."""
    room = ROW - 2
    rows: list[list[int]] = []
    for mine in documents:
        for number in range(PASSAGES):
            ids = mine[number % len(mine)][:-1]
            at = int(generator.integers(len(ids) - room + 1))
            rows.append([BOS, *ids[at : at + room].tolist(), EOS])
    return torch.tensor(rows), torch.arange(len(documents)).repeat_interleave(PASSAGES)


@torch.no_grad()
def vectors(
    model: BERT | GPT, kind: str, ids: Int[Tensor, "passages length"], topics: Tensor
) -> tuple[Float[Tensor, "passages d_model"], Tensor]:
    """Return one vector for each passage, and the topics of the passages, which are unchanged."""
    model.eval()
    found: list[Tensor] = []
    for some in ids.split(120):
        states = states_of(model, some)
        found.append(states.mean(1) if kind == "mean" else states[:, 0])
    return torch.cat(found), topics


def arm_conditions(mode: Mode) -> list[Settings]:
    """Return the four arms.

    Full mode adds BERT as published and a left-to-right model, and has three learning rates.
    """
    if mode is Mode.QUICK:
        return [{"arm": arm, "rate": 3e-3, "steps": 120} for arm in DESIGN]
    arms = [*DESIGN, PUBLISHED, LEFT_TO_RIGHT]
    return [{"arm": arm, "rate": rate, "steps": 400} for arm in arms for rate in RATES]
