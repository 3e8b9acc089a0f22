"""Write imported SentencePiece tokenizers as the files of Marian and T5 that they came from."""

import json
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeGuard

from whyformer.foundation.files import write_text
from whyformer.interop.huggingface.vocabulary import MARIAN, SENTENCEPIECE, TARGET_VOCABULARY
from whyformer.text.foreign.sentencepiece import SentencePieceTokenizer
from whyformer.text.imported import BYTES, NAMES, Imported
from whyformer.text.tokenizer import Tokenizer


def is_sentencepiece(tokenizer: Tokenizer) -> TypeGuard[Imported]:
    """Return whether a tokenizer was imported from a SentencePiece model."""
    return isinstance(tokenizer, Imported) and isinstance(tokenizer.tool, SentencePieceTokenizer)


def write_sentencepiece(
    directory: Path, source: Imported, target: Imported, *, max_length: int
) -> None:
    """Write two tokenizers as those of Marian, or one tokenizer as that of T5.

    Args: max_length: maximum number of tokens of the model.
    """
    settings: dict[str, Any] = {
        f"{name}_token": source.symbols[name] for name in ("pad", "eos", "unk")
    } | {"model_max_length": max_length}
    if source.fingerprint == target.fingerprint:
        _write_model(directory / SENTENCEPIECE[0], source)
        settings |= {"tokenizer_class": "T5Tokenizer", "extra_ids": 0}
    else:
        ids = [_ids(one) for one in (source, target)]
        for file, tokenizer in zip(MARIAN[:2], (source, target), strict=True):
            _write_model(directory / file, tokenizer)
        _write(directory / MARIAN[2], ids[0])
        if ids[0] != ids[1]:
            _write(directory / TARGET_VOCABULARY, ids[1])
        settings |= {"tokenizer_class": "MarianTokenizer", "separate_vocabs": ids[0] != ids[1]}
    _write(directory / "tokenizer_config.json", settings)


def _ids(tokenizer: Imported) -> dict[str, int]:
    """Return the id of each token in the other vocabulary, except ids without a token."""
    tokens = [*(tokenizer.symbols.get(name) for name in NAMES), *BYTES][: tokenizer.first_piece]
    return {
        token: i
        for token, i in zip([*tokens, *tokenizer.pieces], tokenizer.theirs, strict=True)
        if token is not None and i is not None and token not in tokenizer.unused
    }


def _write_model(path: Path, tokenizer: Imported) -> None:
    path.write_bytes(b64decode(tokenizer.tool.content))


def _write(path: Path, content: Mapping[str, Any]) -> None:
    write_text(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
