"""Unicode NFC, and conversion to lower case, as a list of replacements for SentencePiece.

SentencePiece replaces the longest string that is in its list. The list has every character that NFC
changes, every way to write a composed character in parts, and a letter with one accent of
`_common_marks` between it and the accent that it is composed with. NFC can also sort longer rows
of accents, which no list can do.
"""

import functools
import io
import itertools
import sys
import tempfile
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import MissingExtraError
from whyformer.text.foreign.wire import as_bytes, fields
from whyformer.text.normalization import lower, normalize
from whyformer.text.units import FIRST_SYLLABLE, LAST_SYLLABLE

LEADING, VOWELS, TRAILING = range(0x1100, 0x1113), range(0x1161, 0x1176), range(0x11A8, 0x11C3)
"""The letters of Hangul syllables: at the start, in the middle and at the end."""


@functools.cache
def compiled_rules(*, lowercase: bool) -> bytes:
    """Return the rules in the compiled form of a `.model` file.

    Raises: MissingExtraError if the package `sentencepiece` is not installed.
    """
    lines = [
        f"{_hexadecimal(key)}\t{_hexadecimal(value)}\n"
        for key, value in sorted(rules(lower if lowercase else normalize).items())
    ]
    written = io.BytesIO()
    with tempfile.TemporaryDirectory() as directory:
        table = Path(directory) / "rules.tsv"
        table.write_text("".join(lines), encoding="utf-8", newline="\n")
        # The package compiles rules only when it trains a tokenizer, so a tiny one is trained.
        library().SentencePieceTrainer.train(
            sentence_iterator=iter(["a b"] * 10),
            model_writer=written,
            model_type="char",
            vocab_size=6,
            hard_vocab_limit=False,
            normalization_rule_tsv=str(table),
            minloglevel=2,
        )
    normalizer = next(value for number, value in fields(written.getvalue()) if number == 3)
    return next(as_bytes(value) for number, value in fields(as_bytes(normalizer)) if number == 2)


def library() -> Any:
    """Return the package `sentencepiece`.

    Raises: MissingExtraError if it is not installed.
    """
    try:
        import sentencepiece
    except ImportError:
        raise MissingExtraError("sentencepiece", "export") from None
    return sentencepiece


def rules(prepare: Callable[[str], str]) -> dict[str, str]:
    """Return the replacement of each string.

    Args: prepare: the normalization that the rules imitate.
    """
    parts = {
        one: unicodedata.normalize("NFD", one)
        for one in map(chr, range(sys.maxunicode + 1))
        if not FIRST_SYLLABLE <= one <= LAST_SYLLABLE and not "\ud800" <= one <= "\udfff"
    }
    # Neither NFC nor the conversion to lower case changes other characters.
    changing = [one for one, spelled in parts.items() if spelled != one or one.lower() != one]
    found = {one: prepare(one) for one in changing if prepare(one) != one}
    for whole in changing:
        if len(parts[whole]) > 1 and normalize(whole) == whole:
            found |= {spelled: prepare(whole) for spelled in _spellings(parts[whole], whole)}
    for first, second in itertools.product(LEADING, VOWELS):
        syllable = normalize(chr(first) + chr(second))
        found[chr(first) + chr(second)] = syllable
        for last in TRAILING:
            whole = normalize(syllable + chr(last))
            found[syllable + chr(last)] = found[chr(first) + chr(second) + chr(last)] = whole
    return found | _between(found, prepare)


def _spellings(parts: str, whole: str) -> set[str]:
    """Return all ways to write ``whole``, which has the decomposition ``parts``."""
    found = {parts[0] + "".join(marks) for marks in itertools.permutations(parts[1:])}
    found = {one for one in found if normalize(one) == whole}
    new = found
    while new:
        joined = {
            normalize(one[:k]) + one[k:]
            for one in new
            for k in range(2, len(one))
            if len(normalize(one[:k])) == 1
        }
        new = joined - found
        found = found | new
    return found - {whole}


def _between(found: dict[str, str], prepare: Callable[[str], str]) -> dict[str, str]:
    """Return the rules for a letter, another accent and the accent that it is composed with."""
    pairs = [key for key in found if len(key) == 2 and unicodedata.combining(key[1])]
    marks = {key[1] for key in pairs}
    keys = [letter + mark + last for letter, last in pairs for mark in marks]
    keys += [mark + last for mark in marks for last in marks]
    return {key: prepare(key) for key in keys if prepare(key) != key and key not in found}


def _hexadecimal(text: str) -> str:
    return " ".join(f"{ord(c):X}" for c in text)
