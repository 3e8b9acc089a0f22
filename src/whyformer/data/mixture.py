"""Mix several corpora: how many pairs of each corpus an epoch has, and which ones."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from jaxtyping import Int
from pydantic import Field, field_validator, model_validator

from whyformer.foundation.bounds import MAX_FACTOR
from whyformer.foundation.config import Settings
from whyformer.foundation.errors import ConfigError, nearest
from whyformer.foundation.parsing import shown
from whyformer.text.tags import TAG


class MixedCorpus(Settings):
    """One corpus of a mixture.

    On the command line, its files and settings are separated by commas:
    `--data.mix a.tsv,weight=3 b.tsv,weight=1`.
    """

    files: list[str] = Field(min_length=1)
    """Data files, in the same forms as in `data.train`."""
    dev: list[str] = []
    """Validation data of this corpus; if empty, chosen in the same way as for `data.train`."""
    weight: float | None = Field(default=None, gt=0, le=MAX_FACTOR)
    """Weight of this corpus: the fraction of the pairs of an epoch that come from this corpus is
    its weight divided by the sum of all weights. Without any weight, an epoch has every pair
    once."""
    tag: str | None = None
    """Tag of the sources, such as `de`: the token `<2de>` is put before every source."""
    source: str | None = None
    """Column of the source, or suffix of its file; None means the value of `data.source`."""
    target: str | None = None
    """Column of the target, or suffix of its file; None means the value of `data.target`."""
    validated: bool = True
    """Whether a part of this corpus is used for validation. Use false for synthetic data."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        """Read a corpus in the form of the command line."""
        return parsed_corpus(value) if isinstance(value, str) else value

    @field_validator("files", "dev", mode="before")
    @classmethod
    def _one_file(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("tag")
    @classmethod
    def _name_of_tag(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(TAG, value):
            raise ConfigError(
                "`tag` must have 1 to 32 ASCII letters, digits, - and _, first a letter or digit, "
                f"but it is {shown(value)}. Choose another name."
            )
        return value

    @property
    def name(self) -> str:
        """The name of the corpus in reports: its tag, or the name of its first file."""
        return self.tag or PurePath(self.files[0]).name.partition(".")[0] or self.files[0]


def parsed_corpus(text: str) -> dict[str, Any]:
    """Return the settings of a corpus that are written with commas.

    >>> parsed_corpus("a.ko,a.en,weight=3,tag=en")
    {'files': ['a.ko', 'a.en'], 'weight': '3', 'tag': 'en'}
    """
    found: dict[str, Any] = {"files": []}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, equals, value = part.partition("=")
        known = name in MixedCorpus.model_fields
        if equals and not known and name.isidentifier() and not Path(part).exists():
            raise ConfigError(
                f"`{name}` is not a setting of a corpus of `data.mix`."
                f"{nearest(name, MixedCorpus.model_fields)}"
            )
        if not equals or not known:
            found["files"].append(part)
        elif name in ("files", "dev"):
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    if not found["files"]:
        raise ConfigError(
            f"A corpus of `data.mix` must have a file, but `{text}` has none. For example, write "
            "pairs.tsv,weight=2."
        )
    return found


def names_of(corpora: Sequence[MixedCorpus]) -> list[str]:
    """Return a unique name for each corpus; see `MixedCorpus.name`."""
    names: list[str] = []
    for corpus in corpora:
        name, number = corpus.name, 2
        while name in names:
            name, number = f"{corpus.name} {number}", number + 1
        names.append(name)
    return names


def check_weights(corpora: Sequence[MixedCorpus]) -> None:
    """Raise ConfigError if some corpora have a weight and others have none."""
    without = [one for one in corpora if one.weight is None]
    if 0 < len(without) < len(corpora):
        raise ConfigError(
            f"`data.mix` must give a weight to all corpora or to none, but `{without[0].files[0]}` "
            f"has none. Add it: {without[0].files[0]},weight=1."
        )


@dataclass(frozen=True)
class Mixture:
    """The plan of a mixture: a pure function of the sizes, the weights, the seed and the epoch.

    Over all epochs, a corpus is read in shuffled rounds: every pair of a corpus is used once before
    any pair is used again.

    Args:
        sizes: number of pairs of each corpus; the pairs of a corpus are consecutive.
        weights: weight of each corpus.
    """

    sizes: tuple[int, ...]
    weights: tuple[float, ...]

    def __str__(self) -> str:
        """Return a text that identifies the mixture."""
        return "/".join(f"{size}:{w:g}" for size, w in zip(self.sizes, self.weights, strict=True))

    def drawn(self, epoch: int) -> list[tuple[int, int]]:
        """Return the first draw of each corpus in an epoch, and the first draw after the epoch.

        An epoch has as many draws as all corpora have pairs, up to rounding.
        """
        total, whole = sum(self.weights), sum(self.sizes)
        shares = [weight / total * whole for weight in self.weights]
        return [(int(share * epoch), int(share * (epoch + 1))) for share in shares]

    def draws(self, *, seed: int, epoch: int, fingerprint: str) -> Int[np.ndarray, " draws"]:
        """Return the indices of the pairs of an epoch, without a meaningful order."""
        found: list[np.ndarray] = []
        first = 0
        for number, (size, (start, end)) in enumerate(
            zip(self.sizes, self.drawn(epoch), strict=True)
        ):
            for turn in range(start // size, -(-end // size)):
                low, high = max(start - turn * size, 0), min(end - turn * size, size)
                pairs = np.arange(first, first + size)
                if (low, high) != (0, size):
                    digest = hashlib.sha256(f"{seed}/{turn}/{number}/{fingerprint}".encode())
                    entropy = int.from_bytes(digest.digest()[:16], "little")
                    pairs = np.random.default_rng(entropy).permutation(pairs)[low:high]
                found.append(pairs)
            first += size
        return np.concatenate(found)


def mixture_of(corpora: Sequence[MixedCorpus], sizes: Sequence[int]) -> Mixture | None:
    """Return the mixture of corpora with the given numbers of pairs; None if they have no
    weights."""
    weights = [one.weight for one in corpora if one.weight is not None]
    return Mixture(tuple(sizes), tuple(weights)) if weights else None
