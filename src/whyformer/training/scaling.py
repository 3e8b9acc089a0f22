"""Estimate memory, communication and computation of an update on many GPUs.

Every function is arithmetic on its arguments; nothing is measured. P is the number of parameters, N
the number of GPUs. Each GPU computes one batch per update, so the total batch size grows with N.

Real runs are slower, because the estimate ignores latency, stragglers, communication that cannot
overlap with computation, and reading data. It also ignores networks that sum inside the switch,
which are faster. Use it to find what cannot work, and what to check first.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from whyformer.training.optimizers import moments

WEIGHT_BYTES = 4
"""Bytes of a stored weight: fp32. Copies in bf16 exist only during use."""
GRADIENT_BYTES = 4
"""Bytes of a gradient, which is stored and summed over GPUs in fp32."""
GATHERED_BYTES = 2
"""Bytes of a gathered weight: FSDP2 gathers in bf16 (mixed precision), in the forward and the
backward pass."""
MAX_GPUS = 2**20
"""The largest number of GPUs that is tried."""


@dataclass(frozen=True)
class State:
    """Memory for the state of training in bytes, independent of the batch."""

    weights: float
    gradients: float
    optimizer: float
    average: float = 0.0

    @property
    def total(self) -> float:
        """The sum of all parts."""
        return self.weights + self.gradients + self.optimizer + self.average


def state_bytes(matrices: float, others: float, kind: str, *, averaged: bool = False) -> State:
    """Return the state of P = ``matrices`` + ``others`` parameters: 16 bytes each with Adam.

    Args:
        matrices: parameters in the matrices of layers, which Muon updates differently.
        kind: name of an optimizer; 0 bytes are counted for one that declares none.
        averaged: whether a moving average of the weights is also stored.

    >>> state_bytes(10, 5, "adam").total
    240
    """
    count = matrices + others
    of_matrices, of_others = moments(kind) or (0, 0)
    return State(
        weights=WEIGHT_BYTES * count,
        gradients=GRADIENT_BYTES * count,
        optimizer=4 * (of_matrices * matrices + of_others * others),
        average=WEIGHT_BYTES * count * averaged,
    )


def activation_bytes(
    *,
    encoder_layers: int,
    decoder_layers: int,
    d_model: int,
    d_ff: int,
    source_tokens: float,
    target_tokens: float,
    key_value_share: float = 1,
) -> float:
    """Estimate the activations of a batch in bytes: bf16, without recomputation.

    Source: Korthikanti et al. 2022 (arXiv:2205.05198), §4.1: a layer keeps 34·d bytes per token if
        d_ff = 4d: 11d of attention, 2d + 8·(d_ff/4) + 8·(d_ff/4) + d of the feed-forward network,
        4d of two norms.
    Differs: fused attention keeps no weights, so their term 5·heads·length²/d is absent; general
        d_ff; cross-attention adds 9d per target token (input, queries, output, mask, norm) and 4d
        per source token (keys and values). Keys and values, 4d of the 11d, are multiplied by
        ``key_value_share``. Embeddings and logits (never stored whole) are ignored.

    Args: key_value_share: heads of keys and values over heads of queries.

    >>> activation_bytes(encoder_layers=1, decoder_layers=0, d_model=10, d_ff=40, source_tokens=1,
    ...                  target_tokens=0)
    340
    """
    keys_values = 4 * d_model * key_value_share
    layer = 14 * d_model + keys_values + 4 * d_ff
    encoder = encoder_layers * layer * source_tokens
    decoder = decoder_layers * (layer + 9 * d_model) * target_tokens
    cross = 0 if encoder_layers == 0 else decoder_layers * keys_values * source_tokens
    return encoder + decoder + cross


def all_reduce_bytes(payload: float, gpus: int) -> float:
    """Return the bytes that a GPU sends in a ring all-reduce: 2(N−1)/N of the payload.

    Source: Patarasuk and Yuan 2009, "Bandwidth optimal all-reduce algorithms for clusters of
        workstations".

    >>> all_reduce_bytes(100, 4)
    150.0
    """
    return 2 * (gpus - 1) / gpus * payload


def gather_bytes(payload: float, gpus: int) -> float:
    """Return the bytes that a GPU sends in a ring all-gather or reduce-scatter: (N−1)/N of the
    payload."""
    return (gpus - 1) / gpus * payload


def ddp_bytes(parameters: float, gpus: int) -> float:
    """Return the bytes that a GPU sends per update with DistributedDataParallel: fp32 gradients."""
    return all_reduce_bytes(GRADIENT_BYTES * parameters, gpus)


def fsdp_bytes(parameters: float, gpus: int) -> float:
    """Return the bytes that a GPU sends per update with sharded parameters (FSDP2, ZeRO stage 3).

    Source: Rajbhandari et al. 2020 (arXiv:1910.02054), §7.2: weights are gathered for the forward
        pass and again for the backward pass, gradients are reduced and scattered.
    Differs: weights are sent in bf16 and gradients in fp32, as in the mixed precision of FSDP2. The
    `parallel: fsdp` of this toolkit does not use mixed precision yet and gathers fp32: 12 bytes per
    parameter.
    """
    gathered = 2 * gather_bytes(GATHERED_BYTES * parameters, gpus)
    return gathered + gather_bytes(GRADIENT_BYTES * parameters, gpus)


def ddp_memory(state: State, activations: float) -> float:
    """Return the bytes that a GPU stores with DistributedDataParallel: everything."""
    return state.total + activations


def fsdp_memory(state: State, activations: float, gpus: int, unit: float) -> float:
    """Return the bytes that a GPU stores with sharded parameters.

    Args: unit: parameters of the largest group that is gathered at once. Two groups are in memory
    at a time (the current and the next one, in bf16), and one gradient before it is scattered.
    """
    whole = 0.0 if gpus == 1 else unit * (2 * GATHERED_BYTES + GRADIENT_BYTES)
    return state.total / gpus + whole + activations


def first_count(holds: Callable[[int], bool]) -> int | None:
    """Return the smallest number of GPUs, from 2, for which ``holds`` is true; None if there is
    none.

    It must be true for all larger numbers, too.

    >>> first_count(lambda gpus: gpus >= 37)
    37
    """
    if not holds(MAX_GPUS):
        return None
    low, high = 1, MAX_GPUS  # false at low, unless low is 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def largest_model(memory: float, activations: float, bytes_each: float) -> float:
    """Return the largest number of parameters whose state fits in addition to the activations."""
    return max(0.0, memory - activations) / bytes_each


def hidden_tokens(seconds: float, *, flops_per_token: float, flops_per_second: float) -> int:
    """Return the target tokens that keep a GPU computing for as long as it communicates."""
    return math.ceil(seconds * flops_per_second / flops_per_token)
