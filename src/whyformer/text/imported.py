"""A tokenizer that another tool made: SentencePiece, or the `tokenizers` library."""

import base64
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from whyformer.foundation.errors import ConfigError, UsageError
from whyformer.foundation.parsing import shown
from whyformer.text.foreign.hugging_face import HuggingFaceTokenizer, read_library
from whyformer.text.foreign.sentencepiece import SentencePieceTokenizer
from whyformer.text.foreign.tool import ToolTokenizer
from whyformer.text.normalization import without_surrogates
from whyformer.text.pieces import UNITS, Pieces, before_eos
from whyformer.text.symbols import FIRST_BYTE, FIRST_PIECE, RESERVED, SYMBOLS, UNK

BYTES = RESERVED[FIRST_BYTE:]
"""Names of the byte tokens of SentencePiece, which are also our names: ``<0x00>`` to ``<0xFF>``."""
LANGUAGE_CODE = re.compile(r">>[^<>]+<<")
"""The code of a target language at the beginning of a source."""
NAMES = tuple(symbol.strip("<>") for symbol in SYMBOLS)
"""The names of our symbols in order: pad, bos, eos, unk, mask."""
TOOLS: dict[str, Callable[[str, frozenset[str]], ToolTokenizer]] = {
    "tokenizers": HuggingFaceTokenizer,
    "sentencepiece": lambda content, symbols: SentencePieceTokenizer(content),
}
"""How the tokenizer of each tool is made from its content and the tokens of our symbols."""


@UNITS.register("imported")
class Imported(Pieces):
    """A tokenizer of another tool, with its tokens and rules.

    Ids 0 to 4 are our symbols. If the other vocabulary has all 256 byte tokens (``<0x00>`` to
    ``<0xFF>``), the byte tokens have the ids 5 to 260. Then all other tokens follow in the order of
    their ids in the other vocabulary. See `theirs` and `ours` for the ids of both vocabularies.

    A text is never encoded as pad, bos, eos or mask. Without byte tokens, text outside the
    vocabulary is encoded as unk, and is missing in the decoded text. The other tool may also change
    a text in other ways, so the result of `normalize` can differ from the decoded text.
    Args:
        pieces: the tokens from `first_piece` on, as the other tool writes them.
        tool: the tool, a name in `TOOLS`.
        content: its file: the text of a `tokenizer.json`, or a `.model` in base64.
        theirs: for each id, the id in the other vocabulary; None for a symbol that the other
            vocabulary does not have.
        symbols: the token of the other vocabulary for each of our symbols, for example
            ``{"pad": "<pad>", "eos": "</s>"}``. Two symbols may have the same token.
        lead: tokens that begin every text, besides bos, such as ``<s>`` in BART.
        unused: tokens that decoding leaves out, besides those that the file names: ids of a model
            without a token.
    """

    learned = False

    @classmethod
    def train(
        cls, units: str, texts: Iterable[str], *, vocabulary: int, lowercase: bool = False
    ) -> "Imported":
        """Raise UsageError, because only the other tool can learn such a vocabulary."""
        raise UsageError(
            "The units `imported` come from the tokenizer file of another tool and cannot be "
            "learned, but no file was given. Give the file with --text.from-file, or choose "
            "other units."
        )

    @classmethod
    def from_tokenizer_json(
        cls,
        text: str,
        *,
        symbols: Mapping[str, str],
        ids: Mapping[str, int] | None = None,
        lowercase: bool = False,
        lead: Sequence[str] = (),
        unused: Sequence[str] = (),
    ) -> "Imported":
        """Make a tokenizer from the content of a file `tokenizer.json`.

        Args:
            symbols: see `Imported`. The names are pad, bos, eos, unk and mask.
            ids: the id of each token, if the ids in the model are not those in the file. Tokens
                without an id are encoded as unk.
            lowercase: whether to convert text to lower case before encoding.
            lead, unused: see `Imported`.
        Raises: ConfigError if a symbol is not in the vocabulary; ValueError if the text is not a
            tokenizer.
        """
        text = read_library(text).to_str()  # the file of an older version becomes one of this one
        return cls._of_tool("tokenizers", text, symbols, ids, lowercase, lead, unused)

    @classmethod
    def from_sentencepiece(
        cls,
        content: bytes,
        *,
        symbols: Mapping[str, str] | None = None,
        ids: Mapping[str, int] | None = None,
        lowercase: bool = False,
        lead: Sequence[str] = (),
        unused: Sequence[str] = (),
    ) -> "Imported":
        """Make a tokenizer from the content of a file `.model` of SentencePiece.

        Args:
            symbols: see `Imported`. With None, the symbols that the file names.
            ids: the id of each token, if the ids in the model are not those in the file (Marian has
                a file `vocab.json`). Tokens without an id are encoded as unk.
            lowercase: whether to convert text to lower case before encoding.
            lead, unused: see `Imported`.
        Raises: ConfigError if a symbol is not in the vocabulary; ValueError if the file is damaged.
        """
        text = base64.b64encode(content).decode()
        if symbols is None:
            symbols = SentencePieceTokenizer(text).symbols
            symbols = {name: one for name, one in symbols.items() if ids is None or one in ids}
        return cls._of_tool("sentencepiece", text, symbols, ids, lowercase, lead, unused)

    @classmethod
    def _of_tool(
        cls,
        tool: str,
        content: str,
        symbols: Mapping[str, str],
        ids: Mapping[str, int] | None,
        lowercase: bool,
        lead: Sequence[str],
        unused: Sequence[str],
    ) -> "Imported":
        ids = ids if ids is not None else TOOLS[tool](content, frozenset()).ids
        for name, token in symbols.items():
            if name not in NAMES or token not in ids:
                raise ConfigError(
                    "The symbols of a tokenizer must be named pad, bos, eos, unk or mask, and must "
                    f"be tokens of its vocabulary, but {name} {shown(token)} was given. Correct "
                    "the name or the token."
                )
        special = set(symbols.values())
        in_bytes = all(token in ids for token in BYTES)
        ordered = [token for token in sorted(ids, key=ids.__getitem__) if token not in special]
        pieces = [token for token in ordered if not in_bytes or token not in _BYTES]
        theirs = [ids[symbols[name]] if name in symbols else None for name in NAMES]
        theirs += [ids[token] for token in (*(BYTES if in_bytes else ()), *pieces)]
        return cls(
            "imported",
            pieces,
            tool=tool,
            content=content,
            theirs=theirs,
            symbols=symbols,
            lowercase=lowercase,
            lead=lead,
            unused=unused,
        )

    @classmethod
    def from_state(cls, units: str, state: Mapping[str, Any]) -> "Imported":
        """Make a tokenizer from the JSON object of `to_json`; see `Pieces.from_state`."""
        own = {name: state[name] for name in ("tool", "content", "theirs", "symbols", "lowercase")}
        more = {name: state.get(name, ()) for name in ("lead", "unused")}
        return cls(units, state["pieces"], **own, **more)

    def __init__(
        self,
        units: str,
        pieces: Sequence[str],
        *,
        tool: str,
        content: str,
        theirs: Sequence[int | None],
        symbols: Mapping[str, str],
        lowercase: bool = False,
        lead: Sequence[str] = (),
        unused: Sequence[str] = (),
    ) -> None:
        self.first_piece = len(theirs) - len(pieces)
        if self.first_piece not in (FIRST_BYTE, FIRST_PIECE):
            raise ValueError("`theirs` and `pieces` do not belong together")
        self.theirs = tuple(None if i is None else int(i) for i in theirs)
        self.symbols = {name: str(symbols[name]) for name in NAMES if name in symbols}
        self.tool_name = tool
        self.tool = TOOLS[tool](content, frozenset(self.symbols.values()))
        self.gaps, self.over_bytes = self.tool.gaps, self.tool.over_bytes
        super().__init__(units, pieces, lowercase=lowercase or self.tool.lowercase)
        self._tokens = (*(*SYMBOLS, *BYTES)[: self.first_piece], *self.pieces)
        self._bytes = [b""] * FIRST_BYTE
        self._bytes += [bytes([i]) for i in range(self.first_piece - FIRST_BYTE)]
        self._bytes += [self.tool.spelling(piece) for piece in self.pieces]
        self._id = {self._tokens[i]: i for i in range(FIRST_BYTE, len(self._tokens))}
        codes = any(LANGUAGE_CODE.fullmatch(piece) for piece in self.pieces)
        self._has_codes = tool == "sentencepiece" and codes
        self._lead, self.unused = tuple(lead), tuple(unused)
        self.lead = tuple(self._id[token] for token in lead)
        self._hidden = self.tool.hidden | frozenset(unused)

    @property
    def ours(self) -> dict[int, int]:
        """Our id of each id of the other vocabulary. A token that stands for several symbols has
        the id of the first one."""
        return {b: a for a, b in reversed(list(enumerate(self.theirs))) if b is not None}

    def encode(self, text: str) -> list[int]:
        """Return the ids of ``text``, without BOS and EOS."""
        return self.encode_batch([text])[0]

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Return the ids of each text, as `encode` returns them."""
        known = self._id
        parts = [self._without_code(self._prepared(text)) for text in texts]
        encoded = self.tool.encode_batch([rest for _, rest in parts])
        return [
            [*self.lead, *code, *(known.get(token, UNK) for token in tokens)]
            for (code, _), tokens in zip(parts, encoded, strict=True)
        ]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ``ids`` up to EOS, as the other tool decodes it. Symbols, other
        special tokens and ids out of range are left out."""
        tokens, hidden = self._tokens, self._hidden
        known = [tokens[i] for i in before_eos(ids) if FIRST_BYTE <= i < len(tokens)]
        return self.tool.decode([token for token in known if token not in hidden])

    def extended(self, texts: Iterable[str], count: int) -> "Imported":
        """Raise ConfigError, because the rules of the other tool leave no place for new pieces."""
        raise ConfigError(
            "`extend_vocabulary` needs a tokenizer that whyformer learned, but the tokenizer of "
            "this model was imported. Leave out `extend_vocabulary`."
        )

    def _prepared(self, text: str) -> str:
        text = without_surrogates(text)
        return text.lower() if self.lowercase and not self.tool.lowercase else text

    def _without_code(self, text: str) -> tuple[list[int], str]:
        """Return the id of the language code that begins a text, and the rest of the text.

        Models of Marian with several target languages read such a code, for example ``>>fra<<``. It
        is a token of the model, but not a piece of SentencePiece.
        """
        found = LANGUAGE_CODE.match(text) if self._has_codes else None
        if found is None:
            return [], text
        return [self._id.get(found[0], UNK)], text[found.end() :]

    def _shown(self, i: int) -> str:
        text = self._bytes[i].decode("utf-8", errors="backslashreplace")
        return text.replace(" ", "▁")

    def _state(self) -> dict[str, Any]:
        more = {"lead": self._lead, "unused": self.unused}
        return {
            "tool": self.tool_name,
            "content": self.tool.content,
            "theirs": self.theirs,
            "symbols": self.symbols,
        } | {name: tokens for name, tokens in more.items() if tokens}


_BYTES = frozenset(BYTES)
