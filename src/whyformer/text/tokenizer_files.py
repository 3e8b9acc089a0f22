"""Read the tokenizer file of another tool: `tokenizer.json`, `vocab.txt` or `.model`."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Library

from whyformer.foundation.errors import ConfigError
from whyformer.foundation.parsing import parse_json, read_bytes, read_small, reason_of
from whyformer.text.imported import NAMES, Imported

CONFIGS = ("tokenizer_config.json", "special_tokens_map.json")
"""Files of Hugging Face beside a tokenizer, which name its special tokens."""
FIELDS = {
    "pad": ("pad_token",), "bos": ("bos_token", "cls_token"), "eos": ("eos_token", "sep_token"),
    "unk": ("unk_token",), "mask": ("mask_token",),
}  # fmt: skip
"""The fields of these files that name the token of each of our symbols; the first one counts."""
USUAL = {
    "pad": ("<pad>", "[PAD]", "<|pad|>", "<|endoftext|>"),
    "bos": ("<s>", "[CLS]", "<bos>", "<|begin_of_text|>", "<|endoftext|>"),
    "eos": ("</s>", "[SEP]", "<eos>", "<|end_of_text|>", "<|endoftext|>"),
    "unk": ("<unk>", "[UNK]", "<|unk|>"),
    "mask": ("<mask>", "[MASK]", "<|mask|>"),
}
"""The usual tokens for each of our symbols, for a file without such a file beside it."""
PICKLE, SENTENCEPIECE = b"\x80", b"\n"
"""The first byte of a pickle, and that of a `.model`: the key of its first field."""


def read_tokenizer(
    path: Path, *, symbols: Mapping[str, str] | None = None, lowercase: bool = False
) -> Imported:
    """Read the tokenizer of another tool.

    Args:
        path: a `tokenizer.json` (Hugging Face), a `vocab.txt` (WordPiece) or a `.model`
            (SentencePiece). The content decides which one it is.
        symbols: the token for each of our symbols; see `Imported`. With None, a `.model` names
            them. For the other files, the files `tokenizer_config.json` and
            `special_tokens_map.json` beside ``path`` name them, or else the usual names are
            searched for, such as ``<pad>`` and ``[PAD]``.
        lowercase: whether to convert text to lower case before encoding, even if the file does
            not say so.
    Raises: ConfigError if the file is missing, damaged, a pickle or of another kind.
    """
    try:
        with path.open("rb") as file:
            start = file.read(64)
        if start.startswith(PICKLE):
            raise ConfigError(
                f"`{path}` is a pickle. A pickle can run any code when opened, so it is never "
                "loaded. Give the tokenizer.json, vocab.txt or .model file of the tokenizer."
            )
        config = settings_beside(path)
        if start.startswith(SENTENCEPIECE):
            return Imported.from_sentencepiece(
                read_bytes(path), symbols=symbols, lowercase=lowercase
            )
        if start.lstrip().startswith(b"{"):
            text = read_small(path)
            known = _tokens(parse_json(text))
        else:
            library = word_piece(read_small(path), config)
            text, known = library.to_str(), library.get_vocab(with_added_tokens=True)
        found = symbols if symbols is not None else find_symbols(known, config)
        return Imported.from_tokenizer_json(text, symbols=found, lowercase=lowercase)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ConfigError(
            f"`{path}` cannot be read as a tokenizer ({reason_of(error)}). Give an undamaged "
            "tokenizer.json, vocab.txt or SentencePiece .model file."
        ) from None


def find_symbols(known: Collection[str], config: Mapping[str, Any]) -> dict[str, str]:
    """Return the token for each of our symbols, as far as there is one.

    Args:
        known: all tokens of the vocabulary.
        config: the content of a `tokenizer_config.json`; it comes before the usual names.
    """
    found: dict[str, str] = {}
    for name in NAMES:
        stated = [_content(config.get(field)) for field in FIELDS[name]]
        candidates = [token for token in stated if token] or USUAL[name]
        token = next((token for token in candidates if token in known), None)
        if token is not None:
            found[name] = token
    return found


def _content(token: Any) -> str | None:
    """Return the text of a token of a configuration, which may be an object with its options."""
    return token["content"] if isinstance(token, dict) else token


def settings_beside(path: Path) -> dict[str, Any]:
    """Return the fields of the configuration files beside ``path``."""
    config: dict[str, Any] = {}
    for name in reversed(CONFIGS):
        if (path.parent / name).is_file():
            config |= parse_json(read_small(path.parent / name))
    return config


def _tokens(state: dict[str, Any]) -> set[str]:
    """Return all tokens of a `tokenizer.json`."""
    vocabulary = state["model"]["vocab"]
    tokens = vocabulary if isinstance(vocabulary, dict) else [token for token, _ in vocabulary]
    return {*tokens, *(one["content"] for one in state["added_tokens"])}


def word_piece(text: str, config: Mapping[str, Any]) -> Library:
    """Return the WordPiece tokenizer with the vocabulary of a `vocab.txt`, which has one token per
    line.

    Without `do_lower_case` in ``config``, text is converted to lower case if no token has a capital
    letter.
    """
    tokens = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    unknown = _content(config.get("unk_token")) or "[UNK]"
    if unknown not in tokens or len(set(tokens)) != len(tokens):
        raise ValueError(
            f"a vocab.txt must have one token per line, each once, and the token {unknown}"
        )
    ordinary = [token for token in tokens if not token.startswith("[")]
    lowercase = config.get("do_lower_case", all(token == token.lower() for token in ordinary))
    model = models.WordPiece({token: i for i, token in enumerate(tokens)}, unk_token=unknown)
    library = Library(model)
    library.normalizer = normalizers.BertNormalizer(
        lowercase=lowercase,
        strip_accents=config.get("strip_accents"),
        handle_chinese_chars=config.get("tokenize_chinese_chars", True),
    )
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    library.decoder = decoders.WordPiece(prefix="##")
    special = find_symbols(tokens, config).values()
    library.add_special_tokens([AddedToken(token, special=True) for token in special])
    return library
