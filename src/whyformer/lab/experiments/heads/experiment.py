"""Are several heads better than one? Training with many or few heads, and pruning afterwards."""

from collections.abc import Sequence

import torch
from torch import Tensor

from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.experiment import Mode, Numbers, Settings
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.models.transformer import count_parameters

WIDTH, LENGTH, STEPS, WARMUP = 128, 32, 300, 20
HEADS = (1, 2, 4, 8, 16, 32)
FIXED_HEADS = (1, 2, 4, 16)
"""Numbers of heads of the family with a fixed d_k, except eight heads, which both families have."""
MIDDLE = 8
FIXED_WIDTH = WIDTH // MIDDLE
"""d_k of the family with a fixed d_k. With `MIDDLE` heads, both families have the same model."""
RATES = (1e-3, 3e-3, 1e-2)
QUICK_RATE = 3e-3
SPLIT, FIXED = "split", "fixed"
"""The two families of models. Split: d_k is d_model / h. Fixed: d_k is the same for every h, and
the width of the feed-forward network keeps the number of parameters constant."""
PROBED = 64
"""Number of windows of the dev text on which pruned models are evaluated."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def shape(heads: int, family: str) -> GPTSettings:
    """Return the settings of a model with two layers and this number of heads.

    All models have the same number of weights, within 0.2 %. A head of width d_k has
    4 · d_model · d_k weights, and a unit of the feed-forward network has 2 · d_model weights. So
    each head of the fixed family replaces 2 d_k units.
    """
    if family == SPLIT:
        return lm.reference(layers=2, d_model=WIDTH, heads=heads)
    spared = 2 * FIXED_WIDTH * (MIDDLE - heads)
    return lm.reference(
        layers=2, d_model=WIDTH, heads=heads, d_k=FIXED_WIDTH, d_ff=4 * WIDTH + spared
    )


def measure(settings: Settings, seed: int) -> Numbers:
    """Train a model; then measure its loss without each single head, and without growing shares of
    all heads."""
    chosen = shape(settings["heads"], settings["family"])
    trained = lm.train(
        chosen, seed, steps=STEPS, learning_rate=settings["rate"], warmup=WARMUP, length=LENGTH
    )
    model = trained.model
    found: dict[str, float | list[float]] = {
        "loss": trained.loss,
        "parameters": count_parameters(model),
    }
    if settings["family"] == SPLIT:
        seen = lm.Windows(lm.text().train, LENGTH, 32, seed=1_000 + seed).batch(0, 0)
        places = [(layer, head) for layer in range(2) for head in range(chosen.heads)]
        whole = lm.dev_loss(model, LENGTH, PROBED)
        on_seen = [loss_without(model, [place], seen) for place in places]
        found["alone"] = [loss_without(model, [place]) - whole for place in places]
        # The order of removal is computed on training text, and the loss on the dev text.
        order = [place for _, place in sorted(zip(on_seen, places, strict=True))]
        found["rise"] = [
            loss_without(model, order[: int(share * len(order))]) - whole for share in SHARES
        ]
    return found


@torch.no_grad()
def loss_without(
    model: GPT, places: Sequence[tuple[int, int]], batch: lm.Window | None = None
) -> float:
    """Return the loss without some heads, each given as (layer, head).

    A head is switched off by setting its columns of W_O to zero; the columns are restored
    afterwards.
    Args: batch: the text; the default is the dev text.
    """
    d_k = model.settings.head_width
    kept: list[tuple[Tensor, Tensor]] = []
    for layer, head in places:
        weight = model.layers[layer].get_parameter("self_attention.project_output.weight")
        columns = weight[:, head * d_k : (head + 1) * d_k]
        kept.append((columns, columns.clone()))
        columns.zero_()
    if batch is None:
        loss = lm.dev_loss(model, LENGTH, PROBED)
    else:
        model.eval()
        loss = lm.window_loss(model, batch, 0.0).nll.item() / batch.tokens
    for columns, before in kept:
        columns.copy_(before)
    return loss


def conditions(mode: Mode) -> list[Settings]:
    """Return every number of heads of both families at every learning rate.

    Quick mode has three numbers of heads of the split family, at one learning rate.
    """
    if mode is Mode.QUICK:
        return [{"family": SPLIT, "heads": h, "rate": QUICK_RATE} for h in (1, MIDDLE, 32)]
    families = ((SPLIT, HEADS), (FIXED, FIXED_HEADS))
    return [
        {"family": family, "heads": h, "rate": rate}
        for family, heads in families
        for h in heads
        for rate in RATES
    ]
