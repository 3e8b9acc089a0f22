"""Tags of sources: a token at the start of a source, such as ``<2de>``, which says what is wanted.

Paper: Johnson et al. 2017 (arXiv:1611.04558), §3: an artificial token at the beginning of the
source selects the target language.
"""

import hashlib
import json
import random
import re
from collections.abc import Iterable, Sequence

from whyformer.foundation.errors import ConfigError
from whyformer.text.pieces import Pieces

TAG = r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}"
"""Regular expression of the name of a tag."""
FORMAT_OF_TAGS = 2
"""Version of the JSON format of a tokenizer with tags."""
_START = re.compile(rf"<2({TAG})> ?")


def tagged(text: str, tag: str | None) -> str:
    """Return a source with a tag. Without a tag, the text is returned unchanged, and so is an empty
    text.

    >>> tagged("A dog.", "de")
    '<2de> A dog.'
    """
    return piece_of(tag) + text if tag is not None and text.strip() else text


def split_tag(text: str) -> tuple[str | None, str]:
    """Return the tag at the start of a source, and the rest of the source.

    >>> split_tag("<2de> A dog."), split_tag("A dog.")
    (('de', 'A dog.'), (None, 'A dog.'))
    """
    found = _START.match(text)
    return (found[1], text[found.end() :]) if found else (None, text)


class Tagged:
    """A tokenizer whose texts may begin with a tag. A tag is always one token.

    No other text is encoded as this token, and decoding leaves tags out, as it leaves out the other
    symbols.

    Args:
        inner: the tokenizer of the rest of the text. Its pieces contain one piece for each tag.
        tags: the names of the tags.
    """

    def __init__(self, inner: Pieces, tags: Sequence[str]) -> None:
        self.inner, self.tags = inner, tuple(tags)
        self.first_piece, self.lead = inner.first_piece, inner.lead
        place = {piece: self.first_piece + k for k, piece in enumerate(inner.pieces)}
        self._id = {tag: place[piece_of(tag)] for tag in tags}
        self._tag_of = {number: tag for tag, number in self._id.items()}
        self.units, self.lowercase, self.lead = inner.units, inner.lowercase, inner.lead
        self.gaps, self.over_bytes, self.pieces = inner.gaps, inner.over_bytes, inner.pieces
        self.spellings = [
            b"" if i in self._tag_of else spelling for i, spelling in enumerate(inner.spellings)
        ]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of `to_json`."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.inner)

    def normalize(self, text: str) -> str:
        """Return exactly the result of ``decode(encode(text))``, which has no tag."""
        return self.inner.normalize(self._divided(text)[1])

    def encode(self, text: str) -> list[int]:
        """Return the ids of ``text``, without BOS and EOS. A known tag at its start is one id."""
        tag, rest = self._divided(text)
        return [*tag, *self.inner.encode(rest)]

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Return the ids of each text, as `encode` returns them."""
        return [self.encode(text) for text in texts]

    def sample(self, text: str, rng: random.Random, rate: float) -> list[int]:
        """Return the ids of a random tokenization of ``text``; a tag is never split."""
        tag, rest = self._divided(text)
        return [*tag, *self.inner.sample(rest, rng, rate)]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ``ids`` up to EOS, without symbols and tags."""
        return self.inner.decode(i for i in ids if i not in self._tag_of)

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """Return a readable string for each id; a tag is shown as ``<2de>``."""
        ids = list(ids)
        shown = zip(ids, self.inner.tokens(ids), strict=True)
        return [f"<2{self._tag_of[i]}>" if i in self._tag_of else token for i, token in shown]

    def extended(self, texts: Iterable[str], count: int) -> "Tagged":
        """Return this vocabulary with at most ``count`` further pieces, learned from ``texts``. All
        ids keep their meaning."""
        plain = (self._divided(text)[1] for text in texts)
        return Tagged(self.inner.extended(plain, count), self.tags)

    def ids_of_piece(self, piece: str) -> list[int]:
        """Return the ids that spell a piece of another vocabulary of the same kind."""
        return self.inner.ids_of_piece(piece)

    def to_json(self) -> str:
        """Return everything needed to restore this tokenizer, as JSON in a canonical form."""
        state = json.loads(self.inner.to_json()) | {"format": FORMAT_OF_TAGS, "tags": self.tags}
        return json.dumps(state, sort_keys=True, separators=(",", ":"))

    def _divided(self, text: str) -> tuple[list[int], str]:
        """Return the id of a known tag at the start of a text, and the rest of the text."""
        tag, rest = split_tag(text)
        return ([self._id[tag]], rest) if tag in self._id else ([], text)


def with_tags(tokenizer: Pieces | Tagged, tags: Sequence[str]) -> Pieces | Tagged:
    """Return a tokenizer with these tags in addition to its own. All ids keep their meaning."""
    inner, known = (tokenizer.inner, tokenizer.tags) if isinstance(tokenizer, Tagged) else (
        tokenizer, ()
    )  # fmt: skip
    new = [tag for tag in dict.fromkeys(tags) if tag not in known]
    if not new:
        return tokenizer
    if not inner.learned:
        raise ConfigError(
            f"`tag` needs a vocabulary that can have further pieces, but a vocabulary of the kind "
            f"{inner.units} cannot. Choose other `text.units`, or leave `tag` out."
        )
    return Tagged(inner.with_pieces([piece_of(tag) for tag in new]), [*known, *new])


def piece_of(tag: str) -> str:
    """Return the piece that stands for a tag. No unit makes such a piece from text: no piece of
    several characters ends with a space."""
    return f"<2{tag}> "
