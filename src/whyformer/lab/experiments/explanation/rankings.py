"""Which earlier token matters for the prediction at the last position: several rankings.

Every ranking has the shape (rows, earlier tokens): a number for each token before the last one. The
last token has the question; it is not ranked.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from whyformer.blocks.multihead import AttentionPath, MultiHeadAttention, use_path
from whyformer.blocks.taps import observe
from whyformer.models.gpt import GPT, GPTLayer

TOLERANCE = 0.9
"""A token counts as the most important one if its effect is at least this share of the largest
effect in its row."""


@dataclass(frozen=True)
class Forward:
    """A forward pass, with all that the rankings read.

    Args:
        embedded: the input of the first layer.
        last_input: the input of the last layer.
        weights: the attention weights of each layer, (rows, heads, queries, keys).
        logits: the logits at the last position.
    """

    embedded: Tensor
    last_input: Tensor
    weights: list[Tensor]
    logits: Tensor


def read(model: GPT, ids: Tensor) -> Forward:
    """Run a model on rows of tokens. The tensors keep their graph."""
    use_path(model, AttentionPath.EXPLICIT)
    embedded = x = before = model.embedding(ids, model.positions)
    with observe(model, "*.weights") as seen:
        for layer in model.layers:
            before, x = x, layer(x, model.positions, None, None)
    return Forward(embedded, before, [one for (one,) in seen.values()], answer(model, x))


def answer(model: GPT, x: Tensor) -> Tensor:
    """Return the logits at the last position. Args: x: the output of the last layer."""
    return model.projection(model.final_norm(x[:, -1]))


def by_layer(forward: Forward) -> list[Tensor]:
    """Return the attention weights of the last position in each layer, the mean over heads."""
    return [one.detach().mean(1)[:, -1, :-1] for one in forward.weights]


def rollout(forward: Forward) -> Tensor:
    """Return the attention rollout: the product of (A + I)/2 over all layers, where A is the mean
    over heads.

    Source: Abnar and Zuidema 2020 (arXiv:2005.00928).
    """
    steps = [one.detach().mean(1) for one in forward.weights]
    unit = torch.eye(steps[0].shape[-1], dtype=steps[0].dtype)
    found = unit
    for step in steps:
        found = (step + unit) / 2 @ found
    return found.expand_as(steps[0])[:, -1, :-1]


def norms(model: GPT, forward: Forward) -> Tensor:
    """Return the norm of what each token adds to the output of the last attention: its weight times
    its value, through W_O.

    Source: Kobayashi et al. 2020 (arXiv:2004.10102).
    """
    weighted = forward.weights[-1].detach()[:, :, -1, :, None] * values(model, forward)
    joined = weighted.transpose(1, 2).flatten(2)
    return (joined @ last_attention(model).project_output.weight.mT).norm(dim=-1)[:, :-1].detach()


def last_attention(model: GPT) -> MultiHeadAttention:
    """Return the attention of the last layer."""
    found = model.layers[-1].get_submodule("self_attention")
    assert isinstance(found, MultiHeadAttention)
    return found


@torch.no_grad()
def values(model: GPT, forward: Forward) -> Tensor:
    """Return the values of the last layer, (rows, heads, keys, d_k)."""
    layer, found = model.layers[-1], []
    assert isinstance(layer, GPTLayer)

    def look(x: Tensor) -> Tensor:
        found.append(last_attention(model).queries_keys_values(x, model.positions)[2])
        return torch.zeros_like(x)

    layer.wire_self_attention(forward.last_input, look)
    return found[0]


def gradients(model: GPT, forward: Forward, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Return two rankings from the gradient of the predicted token's log-probability with respect
    to the vector of each token: the norm of the gradient, and |gradient × input|."""
    predicted = forward.logits.log_softmax(-1).amax(-1).sum()
    (gradient,) = torch.autograd.grad(predicted, forward.embedded)
    tokens = (model.embedding.weight[ids] * model.embedding.scale).detach()
    return gradient.norm(dim=-1)[:, :-1], (gradient * tokens).sum(-1).abs()[:, :-1]


@torch.no_grad()
def removals(model: GPT, ids: Tensor, blank: int) -> Tensor:
    """Return how much the prediction changes when a blank replaces each token.

    The change is the total variation distance: half of the sum of the absolute changes of all
    probabilities.
    """
    whole, found = probabilities(model, ids), []
    for place in range(ids.shape[1] - 1):
        without = ids.clone()
        without[:, place] = blank
        found.append((probabilities(model, without) - whole).abs().sum(-1) / 2)
    return torch.stack(found, 1)


def probabilities(model: GPT, ids: Tensor) -> Tensor:
    """Return the probabilities at the last position."""
    return model.projection(model.features(ids)[:, -1]).softmax(-1)


def right(ranking: Tensor, effects: Tensor) -> Tensor:
    """Return for each row: 1 if the first token of a ranking is one whose removal changes the
    prediction most, within `TOLERANCE`; otherwise 0.

    >>> right(torch.tensor([[3.0, 1.0], [1.0, 3.0]]), torch.tensor([[0.2, 0.9], [0.2, 0.9]]))
    tensor([0., 1.])
    """
    chosen = effects.gather(1, ranking.argmax(1, keepdim=True))
    return (chosen >= TOLERANCE * effects.amax(1, keepdim=True)).squeeze(1).float()


def by_chance(effects: Tensor) -> float:
    """Return the expected share of `right` for a token that is chosen at random."""
    return (effects >= TOLERANCE * effects.amax(1, keepdim=True)).float().mean().item()


def best_head(forward: Forward, effects: Tensor) -> float:
    """Return the share of `right` of the best head of the model. The first half of the rows
    chooses the head, and the second half judges it."""
    heads = [one for layer in forward.weights for one in layer.detach()[:, :, -1, :-1].unbind(1)]
    table = torch.stack([right(head, effects) for head in heads])
    half = table.shape[1] // 2
    return table[table[:, :half].mean(1).argmax(), half:].mean().item()


@torch.no_grad()
def reweighted(model: GPT, forward: Forward, weights: Tensor) -> Tensor:
    """Return the logits at the last position if the last layer had other attention weights there.

    Args: weights: (rows, heads, keys).
    """
    layer, attention = model.layers[-1], last_attention(model)
    assert isinstance(layer, GPTLayer)

    def look(x: Tensor) -> Tensor:
        vectors = attention.queries_keys_values(x, model.positions)[2]
        return attention.merge(weights[:, :, None] @ vectors)

    x = layer.wire_self_attention(forward.last_input, look)
    return answer(model, layer.wire_feedforward(x, layer.feedforward))


def permuted(weights: Tensor, seed: int) -> Tensor:
    """Return the weights of each row in a random order, the same for all heads."""
    generator = torch.Generator().manual_seed(seed)
    rows, _, keys = weights.shape
    order = torch.rand(rows, 1, keys, generator=generator).argsort(-1)
    return weights.gather(-1, order.expand_as(weights))


def moved(weights: Tensor, other: Tensor, values: Tensor) -> tuple[float, float]:
    """Compare two sets of weights on the same values.

    Returns: the largest ratio of ‖Σ (b_j - a_j) v_j‖ to its bound ½ Σ |b_j - a_j| · max ‖v_i - v_k‖
    over all rows and heads; and the largest change, relative to the norm of the value, if all
    values are equal to their mean.
    """
    change = (((other - weights)[:, :, None] @ values).squeeze(2)).norm(dim=-1)
    distances = torch.cdist(values, values, compute_mode="donot_use_mm_for_euclid_dist")
    bound = (other - weights).abs().sum(-1) / 2 * distances.amax((-1, -2))
    same = values.mean(2, keepdim=True).expand_as(values)
    still = (((other - weights)[:, :, None] @ same).squeeze(2)).norm(dim=-1)
    return (change / bound).max().item(), (still / same[:, :, 0].norm(dim=-1)).max().item()
