"""Estimate memory, communication and computation of an update on many GPUs.

Every function is arithmetic on its arguments; nothing is measured. P is the number of parameters, N
the number of GPUs. Each GPU computes one batch per update, so the total batch size grows with N.

Real runs are slower, because the estimate ignores latency, stragglers, communication that cannot
overlap with computation, and reading data. Network switches that sum gradients themselves make a
run faster than the estimate. Use the estimate to find out which plans cannot work, and what to
check first.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from whyformer.training.optimizers import moments

WEIGHT_BYTES = 4
"""Bytes of a stored weight: fp32. Copies in bf16 exist only during a computation."""
GRADIENT_BYTES = 4
"""Bytes of a gradient, which is stored and summed over GPUs in fp32."""
GATHERED_BYTES = 2
"""Bytes of a gathered weight. With mixed precision, FSDP2 gathers weights in bf16, in the forward
pass and in the backward pass."""
MAX_GPUS = 2**20
"""The largest number of GPUs that `first_count` tries."""


@dataclass(frozen=True)
class State:
    """Memory for the state of training, in bytes. This memory does not depend on the batch size."""

    weights: float
    gradients: float
    optimizer: float
    average: float = 0.0

    @property
    def total(self) -> float:
        """The sum of all parts."""
        return self.weights + self.gradients + self.optimizer + self.average


def state_bytes(matrices: float, others: float, kind: str, *, averaged: bool = False) -> State:
    """Return the memory for the state of P = ``matrices`` + ``others`` parameters.

    With Adam, the state takes 16 bytes for each parameter.
    Args:
        matrices: number of parameters in the matrices of layers, which Muon updates differently.
        others: number of all other parameters.
        kind: name of an optimizer. If its state size is not declared (`keeps`), 0 bytes are
            counted.
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
    recomputed: bool = False,
) -> float:
    """Estimate the activations of a batch in bytes, in bf16.

    Source: Korthikanti et al. 2022 (arXiv:2205.05198), §4.1: a layer keeps 34·d bytes per token if
        d_ff = 4d: 11d for attention, 2d + 8·(d_ff/4) + 8·(d_ff/4) + d for the feed-forward network,
        and 4d for two norms.
    Differs: fused attention does not store the attention weights, so the term 5·heads·length²/d is
        absent. Any d_ff is supported. Cross-attention adds 9d per target token (input, queries,
        output, mask, norm) and 4d per source token (keys and values). Keys and values, 4d of the
        11d for attention, are multiplied by ``key_value_share``. Embeddings and logits are ignored;
        the logits of a whole batch are never stored. With gradient checkpointing, a layer keeps its
        input (2d per token), and a decoder layer also keeps the keys and values of the source. The
        backward pass computes the layers again, one at a time, which adds the bytes of the largest
        layer.

    Args:
        key_value_share: number of key and value heads divided by the number of query heads.
        recomputed: whether training uses gradient checkpointing.

    >>> activation_bytes(encoder_layers=1, decoder_layers=0, d_model=10, d_ff=40, source_tokens=1,
    ...                  target_tokens=0)
    340
    """
    keys_values = 4 * d_model * key_value_share
    layer = 14 * d_model + keys_values + 4 * d_ff
    encoder = encoder_layers * layer * source_tokens
    decoder = decoder_layers * (layer + 9 * d_model) * target_tokens
    cross = 0 if encoder_layers == 0 else decoder_layers * keys_values * source_tokens
    if not recomputed:
        return encoder + decoder + cross
    inputs = 2 * d_model * (encoder_layers * source_tokens + decoder_layers * target_tokens)
    largest = max(encoder / max(1, encoder_layers), decoder / max(1, decoder_layers))
    return inputs + cross + largest


def all_reduce_bytes(payload: float, gpus: int) -> float:
    """Return the bytes that a GPU sends in a ring all-reduce: 2(N−1)/N of the payload.

    Source: Patarasuk and Yuan 2009, "Bandwidth optimal all-reduce algorithms for clusters of
        workstations".

    >>> all_reduce_bytes(100, 4)
    150.0
    """
    return 2 * (gpus - 1) / gpus * payload


def gather_bytes(payload: float, gpus: int) -> float:
    """Return the bytes that a GPU sends in a ring all-gather or in a ring reduce-scatter: (N−1)/N
    of the payload."""
    return (gpus - 1) / gpus * payload


def ddp_bytes(parameters: float, gpus: int) -> float:
    """Return the bytes that a GPU sends per update with DistributedDataParallel, which sums fp32
    gradients."""
    return all_reduce_bytes(GRADIENT_BYTES * parameters, gpus)


def fsdp_bytes(parameters: float, gpus: int) -> float:
    """Return the bytes that a GPU sends per update with sharded parameters (FSDP2, ZeRO stage 3).

    Source: Rajbhandari et al. 2020 (arXiv:1910.02054), §7.2: weights are gathered for the forward
        pass and again for the backward pass, and gradients are reduced and scattered.
    Differs: weights are sent in bf16 and gradients in fp32, as in the mixed precision of FSDP2. The
        `parallel: fsdp` of this toolkit does not use mixed precision yet. The weights are gathered
        in fp32, so a GPU sends 12 bytes per parameter.
    """
    gathered = 2 * gather_bytes(GATHERED_BYTES * parameters, gpus)
    return gathered + gather_bytes(GRADIENT_BYTES * parameters, gpus)


def ddp_memory(state: State, activations: float) -> float:
    """Return the bytes that a GPU stores with DistributedDataParallel: the whole state."""
    return state.total + activations


def fsdp_memory(state: State, activations: float, gpus: int, unit: float) -> float:
    """Return the bytes that a GPU stores with sharded parameters.

    Args: unit: number of parameters of the largest group that is gathered at once. The GPU stores
        the gathered weights of two groups (the current and the next group, in bf16), and the
        gradient of one group before it is scattered.
    """
    whole = 0.0 if gpus == 1 else unit * (2 * GATHERED_BYTES + GRADIENT_BYTES)
    return state.total / gpus + whole + activations


def first_count(holds: Callable[[int], bool]) -> int | None:
    """Return the smallest number of GPUs, from 2, for which ``holds`` is true; None if there is no
    such number.

    If ``holds`` is true for a number, it must also be true for all larger numbers.

    >>> first_count(lambda gpus: gpus >= 37)
    37
    """
    if not holds(MAX_GPUS):
        return None
    # `holds` is false for `low` (except for the initial 1, which is not tested).
    low, high = 1, MAX_GPUS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def largest_model(memory: float, activations: float, bytes_each: float) -> float:
    """Return the largest number of parameters whose state fits in addition to the activations."""
    return max(0.0, memory - activations) / bytes_each


def hidden_tokens(seconds: float, *, flops_per_token: float, flops_per_second: float) -> int:
    """Return the number of target tokens whose computation takes as long as the communication.

    Args: seconds: duration of the communication of an update.
    """
    return math.ceil(seconds * flops_per_second / flops_per_token)
