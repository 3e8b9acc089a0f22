"""Do attention weights explain a prediction? Rankings of the tokens, compared with removing each
token."""

import torch
import torch.nn.functional as F

from whyformer.lab.experiments.explanation import rankings
from whyformer.lab.experiments.explanation.tasks import (
    LANGUAGE,
    LOOKUP,
    new_rows,
    symbols_of,
    trained,
    unseen,
)
from whyformer.lab.method.experiment import Mode, Numbers, Settings

LAYERS = (1, 2, 4)
UPDATES = {LOOKUP: 400, LANGUAGE: 300}
"""Number of training updates of each task. In the lookup, every model has then left the plateau."""
TESTED = 256
"""Number of new rows for which the rankings are compared."""


def measure(settings: Settings, seed: int) -> Numbers:
    """Train a model, rank the tokens of new rows, remove each token, and change the weights."""
    task = settings["task"]
    model = trained(task, settings["layers"], seed, settings["updates"])
    ids, answers = new_rows(task, TESTED, seed)
    forward = rankings.read(model, ids)
    effects = rankings.removals(model, ids, symbols_of(task) - 1)
    layers = rankings.by_layer(forward)
    norm, product = rankings.gradients(model, forward, ids)
    ranked = {
        "last": layers[-1],
        "rollout": rankings.rollout(forward),
        "weighted": rankings.norms(model, forward),
        "gradient": norm,
        "product": product,
    }
    found: dict[str, float | list[float]] = {
        name: rankings.right(one, effects).mean().item() for name, one in ranked.items()
    }
    found["chance"] = rankings.by_chance(effects)
    found["head"] = rankings.best_head(forward, effects)
    found["layers"] = [rankings.right(one, effects).mean().item() for one in layers]
    found["effect"] = effects.amax(1).mean().item()
    predicted = forward.logits.argmax(-1)
    found["accuracy"] = (predicted == answers).float().mean().item()
    found["loss"] = F.cross_entropy(forward.logits, answers).item()
    if task == LOOKUP:
        causes = unseen(TESTED, seed).causes(0)
        found["cause"] = (effects.argmax(1) == causes).float().mean().item()
    weights = forward.weights[-1].detach()[:, :, -1]
    others = {
        "permuted": rankings.permuted(weights, seed),
        "uniform": torch.full_like(weights, 1 / weights.shape[-1]),
    }
    for name, other in others.items():
        kept = rankings.reweighted(model, forward, other).argmax(-1) == predicted
        found[name] = kept.float().mean().item()
    vectors = rankings.values(model, forward)
    found["bound"], found["equal"] = rankings.moved(
        weights.double(), others["permuted"].double(), vectors.double()
    )
    return found


def conditions(mode: Mode) -> list[Settings]:
    """Return both tasks at every depth; quick mode has only the lookup with one and two layers."""
    if mode is Mode.QUICK:
        return [{"task": LOOKUP, "layers": n, "updates": UPDATES[LOOKUP]} for n in LAYERS[:2]]
    return [
        {"task": task, "layers": n, "updates": UPDATES[task]}
        for task in (LOOKUP, LANGUAGE)
        for n in LAYERS
    ]
