"""Write a tokenizer of whyformer as ``tokenizer.json``, the format of the `tokenizers` library.

The library gives the same ids for every text, because each rule has an equivalent in the format:

- NFC and lower case: normalizers.
- Splitting into words: the same regular expression.
- Characters outside the vocabulary of ``bpe``, ``unigram`` and ``chars``: `byte_fallback`.
- ``byte_bpe``: the byte alphabet of GPT-2.

There is one exception. The spelling of a symbol in a text, such as ``<mask>``, is ordinary text for
whyformer, but the symbol itself for the library, unless `write_tokenizer` turns this off.

The remaining units cannot be written; `REASONS` says why.
"""

import json
from enum import Enum
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers import Tokenizer as Library

from whyformer.foundation.errors import UsageError
from whyformer.foundation.files import write_text
from whyformer.foundation.parsing import shown
from whyformer.text.bpe import BPE, ByteBPE
from whyformer.text.foreign.hugging_face import HuggingFaceTokenizer
from whyformer.text.imported import NAMES, Imported
from whyformer.text.subwords import WORD_PATTERN, Subwords
from whyformer.text.symbols import BOS, EOS, FIRST_PIECE, RESERVED, SYMBOLS, UNK
from whyformer.text.tags import Tagged
from whyformer.text.tokenizer import Tokenizer
from whyformer.text.tokenizer_files import FIELDS
from whyformer.text.unigram import Unigram
from whyformer.text.units import Characters

REASONS = {
    "words": "an unknown word is spelled in bytes, but in the format it can only become one token",
    "phonemes": "an unknown symbol is spelled in bytes, but in the format it can only become one "
    "token",
    "jamo": "Hangul syllables are divided and other characters stay composed, but the normalizers "
    "of the format do not make this difference",
}
"""For each unit that cannot be written, the reason."""
SPACES = r"\t-\r\x1c-\x20\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""The characters that `str.strip` removes."""
_CASED = r"[\p{Lu}\p{Ll}\p{Lt}]"
_IGNORED = r"[\p{Mn}\p{Me}\p{Cf}\p{Lm}\p{Sk}'.:·’]"
FINAL_SIGMA = rf"{_CASED}{_IGNORED}*\KΣ(?!{_IGNORED}*{_CASED})"
"""Regular expression of a Σ at the end of a word, which `str.lower` changes to ς. The library
lowers each character alone."""


class Frame(Enum):
    """The symbols that a model reads around a text."""

    TEXTS = ("<bos> $A <eos>", "<bos> $A <eos> $B:1 <eos>:1")
    """One text or a pair of texts: encoders such as BERT."""
    PROMPT = ("<bos> $A", "<bos> $A $B")
    """The beginning of a text: language models such as GPT-2."""
    SOURCE = ("$A <eos>", "$A $B <eos>")
    """A source sentence: encoder-decoder models such as Marian and T5."""


def to_library(tokenizer: Tokenizer, frame: Frame, *, keep_spaces: bool = False) -> Library:
    """Return a tokenizer as a tokenizer of the library.

    Args:
        frame: the symbols around a text.
        keep_spaces: whether spaces at the ends of a text are part of the text (the fact
            `keep_spaces` of a run). If not, the normalizer removes them.
    Raises: UsageError for units that the format cannot express.
    """
    library = Library(_model(tokenizer))
    library.normalizer = _normalizer(lowercase=tokenizer.lowercase, keep_spaces=keep_spaces)
    steps: list[Any] = []
    if isinstance(tokenizer, Subwords):
        steps.append(pre_tokenizers.Split(Regex(WORD_PATTERN), "isolated"))
    if tokenizer.over_bytes:
        steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False))
        library.decoder = decoders.ByteLevel()
    else:
        library.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    if steps:
        library.pre_tokenizer = pre_tokenizers.Sequence(steps)
    library.add_special_tokens([AddedToken(one, special=True, normalized=False) for one in SYMBOLS])
    single, pair = frame.value
    library.post_processor = processors.TemplateProcessing(
        single=single, pair=pair, special_tokens=[(SYMBOLS[BOS], BOS), (SYMBOLS[EOS], EOS)]
    )
    return library


def write_tokenizer(
    directory: Path,
    tokenizer: Tokenizer,
    frame: Frame,
    *,
    max_length: int | None = None,
    keep_spaces: bool = False,
    symbols_in_text: bool = False,
) -> None:
    """Write ``tokenizer.json`` and ``tokenizer_config.json``, which `AutoTokenizer` loads.

    An imported tokenizer is written as it was.

    Args:
        frame, keep_spaces: see `to_library`.
        max_length: maximum number of tokens of the model; None if it has no limit.
        symbols_in_text: whether the spelling of a symbol in a text is the symbol. A masked language
            model needs this, so that a text can contain ``<mask>``.
    Raises: UsageError for units that the format cannot express.
    """
    if isinstance(tokenizer, Imported):
        content, symbols = _of_other_tool(tokenizer), tokenizer.symbols
    else:
        content = to_library(tokenizer, frame, keep_spaces=keep_spaces).to_str(pretty=True)
        symbols = dict(zip(NAMES, SYMBOLS, strict=True))
    settings: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": not symbols_in_text,
        "padding_side": "left" if frame is Frame.PROMPT else "right",
    }
    for name, token in symbols.items():
        settings |= dict.fromkeys(FIELDS[name], token)
    if frame is Frame.TEXTS:
        settings["model_input_names"] = ["input_ids", "token_type_ids", "attention_mask"]
    if max_length is not None:
        settings["model_max_length"] = max_length
    write_text(directory / "tokenizer.json", content)
    write_text(directory / "tokenizer_config.json", json.dumps(settings, indent=1))


def _of_other_tool(tokenizer: Imported) -> str:
    """Return the `tokenizer.json` from which a tokenizer was imported.

    Raises: UsageError if it was imported from another file.
    """
    if isinstance(tokenizer.tool, HuggingFaceTokenizer):
        return tokenizer.tool.content
    raise UsageError(
        "Only a tokenizer that was imported from a tokenizer.json can be written, but this one is "
        "a SentencePiece model. Copy the files of the tokenizer from the imported directory."
    )


def _normalizer(*, lowercase: bool, keep_spaces: bool) -> Any:
    steps: list[Any] = []
    if not keep_spaces:
        steps.append(normalizers.Replace(Regex(rf"\A[{SPACES}]+|[{SPACES}]+\z"), ""))
    steps.append(normalizers.NFC())
    if lowercase:
        final_sigma = normalizers.Replace(Regex(FINAL_SIGMA), "ς")
        steps += [final_sigma, normalizers.Lowercase(), normalizers.NFC()]
    return normalizers.Sequence(steps)


def _model(tokenizer: Tokenizer) -> Any:
    """Return the model of the library that splits a word into tokens."""
    if isinstance(tokenizer, Tagged):
        raise UsageError(
            "A tokenizer with tags cannot be written as tokenizer.json. Use a model that was "
            "trained without `tag`."
        )
    if type(tokenizer) not in (BPE, ByteBPE, Unigram, Characters):
        reason = REASONS.get(
            tokenizer.units, "only bpe, byte_bpe, unigram and chars can be written"
        )
        raise UsageError(
            f"A tokenizer with the units `{tokenizer.units}` cannot be written as tokenizer.json: "
            f"{reason}. Train the model with other units."
        )
    spellings = _spellings(tokenizer)
    if isinstance(tokenizer, Unigram):
        # A word never contains the spelling of a byte or of a symbol: punctuation and letters are
        # separate words. So the score of these spellings has no effect on the tokens.
        scores = [*[0.0] * FIRST_PIECE, *tokenizer.scores]
        pairs = list(zip(spellings, scores, strict=True))
        return models.Unigram(pairs, unk_id=UNK, byte_fallback=True)
    merges: list[tuple[str, str]] = []
    if isinstance(tokenizer, BPE):
        merges = [(spellings[left], spellings[right]) for left, right in tokenizer.merges]
    return models.BPE(
        vocab={spelling: number for number, spelling in enumerate(spellings)},
        merges=merges,
        unk_token=SYMBOLS[UNK],
        byte_fallback=not tokenizer.over_bytes,
    )


def _spellings(tokenizer: Tokenizer) -> list[str]:
    """Return the spelling of each id in ``tokenizer.json``.

    Raises: UsageError if two ids have the same spelling.
    """
    if tokenizer.over_bytes:
        shown_as = [_byte_character(byte) for byte in range(256)]
        pieces = ["".join(shown_as[ord(c)] for c in piece) for piece in tokenizer.pieces]
        spellings = [*SYMBOLS, *shown_as, *pieces]
    else:
        spellings = [*RESERVED, *tokenizer.pieces]
    twice = set(spellings[:FIRST_PIECE]) & set(spellings[FIRST_PIECE:])
    if twice:
        raise UsageError(
            f"A tokenizer.json needs different spellings, but {shown(min(twice))} is both a symbol "
            "and a learned piece. Train the tokenizer without this text."
        )
    return spellings


def _byte_character(byte: int) -> str:
    """Return the character that stands for a byte in the library.

    Source: the function `bytes_to_unicode` of GPT-2: printable characters of Latin-1 stand for
        themselves, and the other bytes are counted from U+0100.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    if byte in printable:
        return chr(byte)
    return chr(256 + byte - sum(one < byte for one in printable))
