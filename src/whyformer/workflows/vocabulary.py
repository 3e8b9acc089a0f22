"""Tokenizers that a run learned once and reads back when it goes on."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from whyformer.foundation.files import write_text
from whyformer.text.tokenizer import Tokenizer, tokenizer_from_json

KEY = "key"


def kept_tokenizers(
    directory: Path,
    names: Sequence[str],
    asked: Mapping[str, Any],
    learn: Callable[[], Sequence[Tokenizer]],
) -> list[Tokenizer]:
    """Return the tokenizers that ``learn`` makes, or those that it made here for the same question.

    Args:
        names: one for each tokenizer, of its file.
        asked: everything that shapes them, as JSON values.
    """
    key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    place = directory / KEY
    files = [directory / f"{name}.json" for name in names]
    if place.exists() and place.read_text(encoding="utf-8") == key:
        return [tokenizer_from_json(file.read_text(encoding="utf-8")) for file in files]
    tokenizers = list(learn())
    place.unlink(missing_ok=True)  # a crash from here on leaves files that nothing vouches for
    for file, tokenizer in zip(files, tokenizers, strict=True):
        write_text(file, tokenizer.to_json())
    write_text(place, key)
    return tokenizers
