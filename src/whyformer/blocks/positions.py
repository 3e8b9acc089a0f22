"""Where a token stands (§3.5): sinusoids and the alternatives, each touching one of three places.

A scheme may add a vector to the embedding (`embed`), turn queries and keys (`rotate`), or add a
number to each score (`bias`). Each stack of layers has one, shared by its self-attentions.
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
"""Position of the first token given: the same in every row, or one for each."""


def sinusoids(
    positions: Real[Tensor, "length"], d_model: int, *, longest: float = 10000.0
) -> Float[Tensor, "length d_model"]:
    """PE(pos, 2i) = sin(pos / 10000^(2i/d_model)), PE(pos, 2i+1) = cos of the same angle.

    Paper: Vaswani et al. 2017, §3.5. Computed in float64 (float32 on mps).
    Args: longest: wavelengths run from 2π to 2π · ``longest``^((d_model-2)/d_model).
    """
    pair = torch.arange(0, d_model, 2, dtype=exact_dtype(positions.device), device=positions.device)
    angle = exact(positions)[:, None] / longest ** (pair / d_model)
    table = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(-2)
    return table[:, :d_model]


class Positions(nn.Module):
    """No information about positions; the base of every scheme.

    Args: max_length: most positions that will be asked for, where the scheme is `limited`.
    """

    limited: ClassVar[bool] = False
    """Whether positions end at ``max_length``."""

    @classmethod
    def check(cls, d_k: int) -> None:
        """Raise ValueError, with a sentence for the user, when the scheme cannot use ``d_k``."""

    def __init__(
        self, d_model: int, d_k: int, heads: int, *, causal: bool, max_length: int
    ) -> None:
        super().__init__()
        self.d_model, self.d_k, self.heads = d_model, d_k, heads
        self.causal, self.max_length = causal, max_length

    def embed(self, length: int, offset: Offset, like: Tensor) -> Tensor | None:
        """Return what is added to the embeddings of positions offset … offset+length-1."""
        return None

    def rotate(self, x: Float[Tensor, "batch heads length d_k"], offset: Offset) -> Tensor:
        """Return queries or keys turned by their position."""
        return x

    def bias(self, queries: int, keys: int) -> Float[Tensor, "1 heads queries keys"] | None:
        """Return what is added to the scores; the last query stands at the last key."""
        return None


POSITIONS = Registry[type[Positions]]("position scheme", Positions)
Position = Annotated[str, POSITIONS]
"""Name of a position scheme."""


class Table(Positions):
    """A fixed table of vectors, made as far as it is needed and not saved with the model."""

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
        """Return rows of the table, growing it when a longer sequence comes."""
        self.table = grown(self.table, self.make, end_of(offset, length))
        return rows_at(self.table, offset, length).to(like)


def end_of(offset: Offset, length: int) -> int:
    """Return the position after the last of ``length`` tokens."""
    return length + (offset if isinstance(offset, int) else int(offset.max()))


def rows_at(
    table: Float[Tensor, "length2 *rest"], offset: Offset, length: int
) -> Float[Tensor, "..."]:
    """Return the rows of a table for ``length`` positions; a batch of them for many offsets."""
    if isinstance(offset, int):
        return table[offset : offset + length]
    return table[offset[:, None] + torch.arange(length, device=offset.device)]


def grown(
    table: Float[Tensor, "length *rest"], make: Callable[[int], Tensor], length: int
) -> Float[Tensor, "length2 *rest"]:
    """Return the table, made anew and twice as long when ``length`` rows are more than it has.

    Outside inference mode whoever asks: a table that a search made must serve training as well.
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
    """sin(pos / 10000^(i/d_model)) for every i: each frequency alone, without its cosine."""

    def make(self, length: int) -> Tensor:
        """Return sines of d_model frequencies over the same range."""
        single = torch.arange(self.d_model, dtype=torch.float64)
        return (torch.arange(length).double()[:, None] / 10000.0 ** (single / self.d_model)).sin()


@POSITIONS.register("learned")
class LearnedPositions(Positions):
    """One learned vector a position. Paper: Vaswani et al. 2017, Table 3 row (E)."""

    limited = True

    def __init__(
        self, d_model: int, d_k: int, heads: int, *, causal: bool, max_length: int
    ) -> None:
        super().__init__(d_model, d_k, heads, causal=causal, max_length=max_length)
        self.vectors = nn.Parameter(torch.randn(max_length, d_model) * d_model**-0.5)

    def embed(self, length: int, offset: Offset, like: Tensor) -> Tensor:
        """Return the learned rows. Raises: UsageError past `max_length`."""
        if (end := end_of(offset, length)) > self.max_length:
            raise UsageError(
                f"Learned positions end at `max_length` {self.max_length}, but position "
                f"{end} was asked for. Use shorter inputs or positions without a limit."
            )
        return rows_at(self.vectors, offset, length)


@POSITIONS.register("rotary")
class Rotary(Positions):
    """Turn each pair of dimensions of q and k by an angle proportional to the position.

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
        """Refuse an odd width: dimensions are turned in pairs."""
        if d_k % 2:
            raise ValueError(
                f"rotary positions turn pairs of dimensions, but `d_k` is {d_k}. "
                "Choose an even d_k."
            )

    def make(self, length: int) -> Float[Tensor, "length pairs 2"]:
        """Return cosine and sine of every angle, in float64."""
        return sinusoids(torch.arange(length), self.d_k).unflatten(-1, (-1, 2)).flip(-1)

    def rotate(self, x: Tensor, offset: Offset) -> Tensor:
        """Rotate the pairs of ``x``."""
        length = x.shape[2]
        if (end := end_of(offset, length)) > len(self.table):
            self.table = grown(self.table, self.make, end)
        turns = rows_at(self.table, offset, length)
        if not isinstance(offset, int):
            turns = turns[:, None]  # for every head
        whole = x.dtype in (torch.float32, torch.float64)  # what complex numbers are made of
        able = whole and x.device.type != "mps" and not torch.compiler.is_compiling()
        turn = turn_complex if able else turn_pairs
        return turn(x, turns.to(x))


def turn_pairs(
    x: Float[Tensor, "*rows length d_k"], turns: Float[Tensor, "*#rows length pairs 2"]
) -> Float[Tensor, "*rows length d_k"]:
    """Turn each pair (x₁, x₂) into (x₁cos - x₂sin, x₂cos + x₁sin). Source: as `Rotary`, Eq. 34.

    Args: turns: cosine and sine of each pair's angle.
    """
    cosine, sine = turns.unbind(-1)
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack([even * cosine - odd * sine, odd * cosine + even * sine], -1).flatten(-2)


def turn_complex(
    x: Float[Tensor, "*rows length d_k"], turns: Float[Tensor, "*#rows length pairs 2"]
) -> Float[Tensor, "*rows length d_k"]:
    """The same as one product of complex numbers, several times as fast on a CPU.

    Not for torch.compile, which fuses the other into one kernel and knows no complex numbers.
    """
    if x.stride(-1) != 1 or any(s % 2 for s in (*x.stride()[:-1], x.storage_offset())):
        x = x.contiguous()  # a pair must lie in memory as a complex number does
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * torch.view_as_complex(turns)).flatten(-2)


@POSITIONS.register("alibi")
class ALiBi(Positions):
    """Subtract a head's slope times the distance from every score.

    Source: Press et al. 2021 (arXiv:2108.12409), §3; slopes 2^(-8/h), 2^(-16/h), …
    Differs: in an encoder the distance is symmetric, |i - j|; the paper treats causal models only.
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
    """A learned number a head and bucket of distances, near ones exact, far ones logarithmic.

    Source: Raffel et al. 2020 (arXiv:1910.10683), §2.1; 32 buckets up to distance 128.
    """

    BUCKETS, FARTHEST = 32, 128

    def __init__(
        self, d_model: int, d_k: int, heads: int, *, causal: bool, max_length: int
    ) -> None:
        super().__init__(d_model, d_k, heads, causal=causal, max_length=max_length)
        self.numbers = nn.Parameter(torch.zeros(heads, self.BUCKETS))

    def bias(self, queries: int, keys: int) -> Tensor:
        """Return the number of each pair's bucket."""
        bucket = self.bucket(_relative(queries, keys, self.numbers.device))
        return self.numbers[:, bucket][None]

    def bucket(self, relative: Tensor) -> Tensor:
        """Return the bucket of key position minus query position."""
        buckets = self.BUCKETS
        first = torch.zeros_like(relative)
        if not self.causal:  # half for keys behind, half for keys ahead
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
    """Key position minus query position; the last query stands at the last key."""
    query = torch.arange(keys - queries, keys, device=device)
    return torch.arange(keys, device=device)[None, :] - query[:, None]


POSITIONS.register("none")(Positions)
