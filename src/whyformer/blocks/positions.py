"""Position schemes (§3.5): sinusoids and alternatives.

A scheme can add a vector to each embedding (`embed`), rotate queries and keys (`rotate`), or add a
number to each score (`bias`). The self-attentions of a stack of layers share one scheme.
"""

import math
from collections.abc import Callable
from typing import Annotated, ClassVar

import torch
from jaxtyping import Float, Int, Real
from torch import Tensor, nn

from whyformer.foundation.devices import exact, exact_dtype
from whyformer.foundation.errors import UsageError
from whyformer.foundation.registry import Registry

Offset = int | Int[Tensor, "batch"]
"""Position of the first token: one number for all rows, or one for each row."""


def sinusoids(
    positions: Real[Tensor, "length"], d_model: int, *, longest: float = 10000.0
) -> Float[Tensor, "length d_model"]:
    """PE(pos, 2i) = sin(pos / 10000^(2i/d_model)); PE(pos, 2i+1) = cos of the same angle.

    Paper: Vaswani et al. 2017, §3.5. Computed in float64 (float32 on mps).
    Args: longest: the wavelengths range from 2π to 2π · ``longest``^((d_model-2)/d_model).
    """
    pair = torch.arange(0, d_model, 2, dtype=exact_dtype(positions.device), device=positions.device)
    angle = exact(positions)[:, None] / longest ** (pair / d_model)
    table = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(-2)
    return table[:, :d_model]


class Positions(nn.Module):
    """Base class of all schemes. With this class itself, a model gets no information about
    positions.

    Args: max_length: maximum number of positions, if the scheme is `limited`.
    """

    limited: ClassVar[bool] = False
    """Whether the number of positions is limited to ``max_length``."""

    @classmethod
    def check(cls, d_k: int) -> None:
        """Raise ValueError, with a message for the user, if the scheme does not support ``d_k``."""

    def __init__(
        self, d_model: int, d_k: int, heads: int, *, causal: bool, max_length: int
    ) -> None:
        super().__init__()
        self.d_model, self.d_k, self.heads = d_model, d_k, heads
        self.causal, self.max_length = causal, max_length

    def embed(self, length: int, offset: Offset, like: Tensor) -> Tensor | None:
        """Return the vectors to add to the embeddings of positions offset … offset+length-1."""
        return None

    def rotate(self, x: Float[Tensor, "batch heads length d_k"], offset: Offset) -> Tensor:
        """Return queries or keys rotated by their positions."""
        return x

    def bias(self, queries: int, keys: int) -> Float[Tensor, "1 heads queries keys"] | None:
        """Return the numbers to add to the scores. The last query has the last key's position."""
        return None


POSITIONS = Registry[type[Positions]]("position scheme", Positions)
Position = Annotated[str, POSITIONS]
"""Name of a position scheme."""


class Table(Positions):
    """A fixed table of position vectors. The table grows on demand and is not saved with the
    model."""

    table: Tensor

    def __init__(
        self, d_model: int, d_k: int, heads: int, *, causal: bool, max_length: int
    ) -> None:
        super().__init__(d_model, d_k, heads, causal=causal, max_length=max_length)
        self.register_buffer("table", self.make(64).float(), persistent=False)

    def make(self, length: int) -> Float[Tensor, "length d_model"]:
        """Return the table in float64."""
        return sinusoids(torch.arange(length), self.d_model)

    def embed(self, length: int, offset: Offset, like: Tensor) -> Tensor:
        """Return rows of the table; extend the table if it is too short."""
        self.table = extended(self.table, self.make, end_of(offset, length))
        return rows_at(self.table, offset, length).to(like)


def end_of(offset: Offset, length: int) -> int:
    """Return the position after the last of ``length`` tokens."""
    return length + (offset if isinstance(offset, int) else int(offset.max()))


def rows_at(
    table: Float[Tensor, "length2 *rest"], offset: Offset, length: int
) -> Float[Tensor, "..."]:
    """Return ``length`` rows of the table, beginning with row ``offset``. If ``offset`` is a
    tensor, return ``length`` rows for each of its elements, beginning with the row of this
    number."""
    if isinstance(offset, int):
        return table[offset : offset + length]
    return table[offset[:, None] + torch.arange(length, device=offset.device)]


def extended(
    table: Float[Tensor, "length *rest"], make: Callable[[int], Tensor], length: int
) -> Float[Tensor, "length2 *rest"]:
    """Return the table; if it has fewer than ``length`` rows, return a new table that is at least
    twice as long.

    The new table is computed outside inference mode, so that training can use a table that was
    extended during a search.
    """
    if length <= len(table):
        return table
    with torch.inference_mode(False):
        return make(max(2 * len(table), length)).to(table.dtype).to(table.device)


@POSITIONS.register("sinusoidal")
class Sinusoidal(Table):
    """Sine and cosine of each frequency. Paper: Vaswani et al. 2017, §3.5."""


@POSITIONS.register("sine")
class SineOnly(Table):
    """sin(pos / 10000^(i/d_model)) for every i: the sine of each frequency, without the cosine."""

    def make(self, length: int) -> Tensor:
        """Return the sines of d_model frequencies, which cover the range of the frequencies in
        `sinusoids`."""
        single = torch.arange(self.d_model, dtype=torch.float64)
        return (torch.arange(length).double()[:, None] / 10000.0 ** (single / self.d_model)).sin()


@POSITIONS.register("learned")
class LearnedPositions(Positions):
    """One learned vector per position. Paper: Vaswani et al. 2017, Table 3 row (E)."""

    limited = True

    def __init__(
        self, d_model: int, d_k: int, heads: int, *, causal: bool, max_length: int
    ) -> None:
        super().__init__(d_model, d_k, heads, causal=causal, max_length=max_length)
        self.vectors = nn.Parameter(torch.randn(max_length, d_model) * d_model**-0.5)

    def embed(self, length: int, offset: Offset, like: Tensor) -> Tensor:
        """Return the learned vectors. Raises: UsageError for positions beyond `max_length`."""
        if (end := end_of(offset, length)) > self.max_length:
            raise UsageError(
                f"Learned positions are limited to `max_length` {self.max_length}, but the input "
                f"needs position {end}. Use shorter inputs, or train with another position scheme."
            )
        return rows_at(self.vectors, offset, length)


@POSITIONS.register("rotary")
class Rotary(Positions):
    """Rotate each pair of dimensions of q and k by an angle proportional to the position.

    Source: Su et al. 2021 (arXiv:2104.09864), Eq. 34, pairs (2i, 2i+1).
    """

    table: Tensor

    def __init__(
        self, d_model: int, d_k: int, heads: int, *, causal: bool, max_length: int
    ) -> None:
        super().__init__(d_model, d_k, heads, causal=causal, max_length=max_length)
        self.register_buffer("table", self.make(64).float(), persistent=False)

    @classmethod
    def check(cls, d_k: int) -> None:
        """Raise ValueError for an odd width, because dimensions are rotated in pairs."""
        if d_k % 2:
            raise ValueError(
                "rotary positions need an even `d_k`, because they rotate pairs of dimensions, "
                f"but `d_k` is {d_k}. Choose an even d_k."
            )

    def make(self, length: int) -> Float[Tensor, "length pairs 2"]:
        """Return cosine and sine of every angle, in float64."""
        return sinusoids(torch.arange(length), self.d_k).unflatten(-1, (-1, 2)).flip(-1)

    def rotate(self, x: Tensor, offset: Offset) -> Tensor:
        """Rotate the pairs of ``x``."""
        length = x.shape[2]
        if (end := end_of(offset, length)) > len(self.table):
            self.table = extended(self.table, self.make, end)
        rotations = rows_at(self.table, offset, length)
        if not isinstance(offset, int):
            rotations = rotations[:, None]  # all heads use the same rotations
        has_complex = x.dtype in (torch.float32, torch.float64) and x.device.type != "mps"
        fast = has_complex and not torch.compiler.is_compiling()
        return (rotate_complex if fast else rotate_pairs)(x, rotations.to(x))


def rotate_pairs(
    x: Float[Tensor, "*rows length d_k"], rotations: Float[Tensor, "*#rows length pairs 2"]
) -> Float[Tensor, "*rows length d_k"]:
    """Map each pair (x₁, x₂) to (x₁cos - x₂sin, x₂cos + x₁sin). Source: see `Rotary`, Eq. 34.

    Args: rotations: cosine and sine of the angle of each pair.
    """
    cosine, sine = rotations.unbind(-1)
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack([even * cosine - odd * sine, odd * cosine + even * sine], -1).flatten(-2)


def rotate_complex(
    x: Float[Tensor, "*rows length d_k"], rotations: Float[Tensor, "*#rows length pairs 2"]
) -> Float[Tensor, "*rows length d_k"]:
    """Compute `rotate_pairs` as a product of complex numbers. On a CPU, this is several times as
    fast.

    Do not use this function with torch.compile, which does not support complex numbers. Use
    `rotate_pairs`, which torch.compile fuses into one kernel.
    """
    if x.stride(-1) != 1 or any(s % 2 for s in (*x.stride()[:-1], x.storage_offset())):
        x = x.contiguous()  # `view_as_complex` needs adjacent and aligned pairs
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * torch.view_as_complex(rotations)).flatten(-2)


@POSITIONS.register("alibi")
class ALiBi(Positions):
    """Subtract slope · distance from every score, with a fixed slope for each head.

    Source: Press et al. 2021 (arXiv:2108.12409), §3; slopes 2^(-8/h), 2^(-16/h), …
    Differs: in an encoder, the distance is |i - j|; the paper describes causal models only.
    """

    slopes: Tensor

    def __init__(
        self, d_model: int, d_k: int, heads: int, *, causal: bool, max_length: int
    ) -> None:
        super().__init__(d_model, d_k, heads, causal=causal, max_length=max_length)
        slopes = 2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads)
        self.register_buffer("slopes", slopes[:, None, None], persistent=False)

    def bias(self, queries: int, keys: int) -> Tensor:
        """Return -slope · |i - j|."""
        distance = _relative(queries, keys, self.slopes.device).abs()
        return (-self.slopes * distance)[None]


@POSITIONS.register("relative")
class RelativeBuckets(Positions):
    """A learned bias for each head and each bucket of distances; large distances share a bucket.

    Source: Raffel et al. 2020 (arXiv:1910.10683), §2.1; 32 buckets up to distance 128.
    """

    BUCKETS, FARTHEST = 32, 128

    def __init__(
        self, d_model: int, d_k: int, heads: int, *, causal: bool, max_length: int
    ) -> None:
        super().__init__(d_model, d_k, heads, causal=causal, max_length=max_length)
        self.numbers = nn.Parameter(torch.zeros(heads, self.BUCKETS))

    def bias(self, queries: int, keys: int) -> Tensor:
        """Return the learned bias for each query and key."""
        bucket = self.bucket(_relative(queries, keys, self.numbers.device))
        return self.numbers[:, bucket][None]

    def bucket(self, relative: Tensor) -> Tensor:
        """Return the bucket for each relative position (key position minus query position)."""
        buckets = self.BUCKETS
        first = torch.zeros_like(relative)
        if not self.causal:  # half of the buckets for earlier keys, half for later keys
            buckets //= 2
            first = (relative > 0) * buckets
            distance = relative.abs()
        else:
            distance = (-relative).clamp(min=0)
        exact = buckets // 2
        ratio = (distance.clamp(min=1).float() / exact).log() / math.log(self.FARTHEST / exact)
        far = (exact + (ratio * (buckets - exact)).long()).clamp(max=buckets - 1)
        return first + torch.where(distance < exact, distance, far)


def _relative(queries: int, keys: int, device: torch.device) -> Tensor:
    """Return key position minus query position. The last query has the last key's position."""
    query = torch.arange(keys - queries, keys, device=device)
    return torch.arange(keys, device=device)[None, :] - query[:, None]


POSITIONS.register("none")(Positions)
