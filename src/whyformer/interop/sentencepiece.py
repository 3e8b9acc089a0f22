"""Write the tokenizers of a run as `.model` files, which the package `sentencepiece` reads.

The ids stay the same: symbols, byte tokens, pieces. SentencePiece splits a whole text at once, and
we split it into words first. Both give the same pieces, because no piece contains a space after its
first character, or letters beside punctuation. There are four exceptions, which `compare` counts:

- a word of more than 48 characters, which we divide;
- the character ▁, which SentencePiece reads as a space;
- several accents on a letter in an unusual order, which a list of rules cannot sort (NFC);
- equally probable tokenizations, between which rounding decides.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyformer.bundle import read_outline
from whyformer.foundation.errors import OutputError, UsageError, WhyformerError
from whyformer.foundation.files import atomic_directory
from whyformer.foundation.parsing import shown
from whyformer.foundation.wording import counted
from whyformer.interop.normalization_rules import compiled_rules, library
from whyformer.text.bpe import BPE
from whyformer.text.foreign.sentencepiece import MARK, Algorithm, Kind
from whyformer.text.foreign.wire import field
from whyformer.text.imported import Imported
from whyformer.text.symbols import BOS, EOS, FIRST_PIECE, PAD, RESERVED, SYMBOLS, UNK
from whyformer.text.tags import Tagged
from whyformer.text.tokenizer import Tokenizer
from whyformer.text.unigram import Unigram

SAMPLE = (
    "The cat sat on the mat; “café” costs 3.50 €, doesn't it?",
    "나는 오늘 학교에 갔다. 한글과 English를 섞어 씁니다!",
    "これは日本語のテストです。カタカナと漢字、１２３。",
    "Привет, мир! Как дела? Ёлка и подъезд.",
    "مرحبا بالعالم، كيف حالك؟ إنّ الكتاب جديد.",
    "नमस्ते दुनिया। क्या हाल है? क़लम",
    "👩‍👩‍👧‍👦 and 🇰🇷 — emoji 🎉",
    "cafe\u0301 a\u0323\u0307 \u1112\u1161\u11ab tab\there  two  spaces ",
)
"""Texts of the comparison."""
JOINED, LENGTH = 2000, 12
"""Number of texts of the comparison that are made of random pieces, and the pieces in each."""
LARGEST_SHARE = 0.005
"""The largest fraction of texts that may have other pieces. In 100,000 lines in ten scripts, the
fraction is 0.00002 with BPE and 0.0008 with unigram; random pieces have more exceptions."""
FILES = {"tokenizer.model", "source.model", "target.model"}
"""The names of the files."""


class DifferentPiecesError(WhyformerError):
    """Error for a `.model` file that splits too many texts in another way. It is not kept."""


@dataclass(frozen=True)
class Comparison:
    """How many texts have the same pieces in SentencePiece.

    Attributes: examples: some texts with other pieces.
    """

    file: Path
    texts: int
    different: int
    examples: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The fraction of texts with other pieces."""
        return self.different / max(1, self.texts)


@dataclass(frozen=True)
class Models:
    """The files that were written, with the result of the comparison of each one."""

    files: tuple[Comparison, ...]

    def lines(self) -> list[str]:
        """Return the result as lines of text for the user."""
        return [
            f"{one.file}: same pieces in {one.texts - one.different:,} of "
            f"{counted(one.texts, 'text')}"
            for one in self.files
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "files": [
                {"file": str(one.file), "texts": one.texts, "different": one.different}
                for one in self.files
            ]
        }


def write_models(
    run: Path,
    *,
    out: Path | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Models:
    """Write the tokenizers of a run as `tokenizer.model`, or as `source.model` and `target.model`
    if the two sides have different ones.

    Args:
        out: output directory; the default is `sentencepiece` inside the run.
        pairs: further texts for the comparison, for both sides.
        say: called with progress messages.
    Raises:
        UsageError: the tokenizers cannot be written.
        OutputError: the output directory exists and has other files.
        DifferentPiecesError: too many texts have other pieces.
        MissingExtraError: the package `sentencepiece` is not installed.
    """
    found = read_outline(run)
    sides = {"source": found.source_tokenizer, "target": found.target_tokenizer}
    if found.shared:
        sides = {"tokenizer": found.source_tokenizer}
    directory = out if out is not None else run / "sentencepiece"
    if directory.exists() and not (
        directory.is_dir() and {file.name for file in directory.iterdir()} <= FILES
    ):
        raise OutputError(
            f"`{directory}` exists and has other files than .model files of a conversion, so it is "
            "not replaced. Choose another directory."
        )
    contents = {name: to_sentencepiece(tokenizer) for name, tokenizer in sides.items()}
    results: list[Comparison] = []
    with atomic_directory(directory) as temporary:
        for number, (name, tokenizer) in enumerate(sides.items()):
            say(f"comparing the pieces of {name}.model")
            given = [pair[number] for pair in pairs or ()]
            given += [pair[1] for pair in pairs or () if found.shared]
            texts = [*given, *comparison_texts(tokenizer)]
            results.append(compare(tokenizer, contents[name], texts, directory / f"{name}.model"))
            (temporary / f"{name}.model").write_bytes(contents[name])
            _refuse_different(results[-1])
    return Models(tuple(results))


def to_sentencepiece(tokenizer: Tokenizer) -> bytes:
    """Return the content of a `.model` file with the pieces and ids of a tokenizer.

    Raises: UsageError if the format cannot express the tokenizer.
    """
    if isinstance(tokenizer, Tagged):
        raise UsageError(
            "SentencePiece has no tags at the start of a source, but this tokenizer has the tags "
            f"{', '.join(tokenizer.tags)}. Train without `tag`."
        )
    if isinstance(tokenizer, Imported):
        raise UsageError(
            "Only a tokenizer that whyformer learned can be written as a .model file, but this one "
            "was read from a file of another tool, with other ids. Use that file. `whyformer "
            "export` writes it again, for the models that it supports."
        )
    if not isinstance(tokenizer, BPE | Unigram) or tokenizer.over_bytes:
        raise UsageError(
            "SentencePiece needs the units bpe or unigram, but the units of this tokenizer are "
            f"{tokenizer.units}. Train with --text.units bpe or unigram."
        )
    for piece in tokenizer.pieces:
        if MARK in piece or piece in RESERVED:
            raise UsageError(
                f"SentencePiece needs {MARK} for spaces, and names such as <pad> for symbols, but "
                f"the tokenizer has the piece {shown(piece)}. Train it on data without this text."
            )
    names = [piece.replace(" ", MARK) for piece in tokenizer.pieces]
    pieces = [_piece(name, 0.0, _kind(i)) for i, name in enumerate(RESERVED)]
    scores = tokenizer.scores if isinstance(tokenizer, Unigram) else _ranks(tokenizer)
    pieces += [_piece(name, s, Kind.NORMAL) for name, s in zip(names, scores, strict=True)]
    algorithm = Algorithm.UNIGRAM if isinstance(tokenizer, Unigram) else Algorithm.BPE
    trainer = [
        field(3, int(algorithm)), field(4, len(pieces)), field(35, 1), field(40, UNK),
        field(41, BOS), field(42, EOS), field(43, PAD), field(45, SYMBOLS[UNK]),
        field(46, SYMBOLS[BOS]), field(47, SYMBOLS[EOS]), field(48, SYMBOLS[PAD]),
    ]  # fmt: skip
    name = "nfc_lower" if tokenizer.lowercase else "nfc"
    rules = compiled_rules(lowercase=tokenizer.lowercase)
    # No space is added before a text, and no space is removed: field 3, 4; spaces become ▁: 5.
    normalizer = [field(1, name), field(2, rules), field(3, 0), field(4, 0), field(5, 1)]
    return b"".join([*pieces, field(2, b"".join(trainer)), field(3, b"".join(normalizer))])


def compare(tokenizer: Tokenizer, content: bytes, texts: Sequence[str], file: Path) -> Comparison:
    """Compare the ids of ``texts`` with those that the package `sentencepiece` gives.

    Args: file: the name of the file, for the result.
    """
    theirs = library().SentencePieceProcessor(model_proto=content)
    ours = tokenizer.encode_batch(texts)
    other = [text for text, ids in zip(texts, ours, strict=True) if theirs.encode(text) != ids]
    return Comparison(file, len(texts), len(other), tuple(other[:3]))


def comparison_texts(tokenizer: Tokenizer) -> list[str]:
    """Return the texts of the comparison: `SAMPLE`, and texts of random pieces."""
    rng = random.Random(1)
    pieces = tokenizer.pieces or ("",)
    return [*SAMPLE, *("".join(rng.choices(pieces, k=LENGTH)) for _ in range(JOINED))]


def _refuse_different(result: Comparison) -> None:
    if result.share > LARGEST_SHARE:
        raise DifferentPiecesError(
            f"`{result.file.name}` must give the pieces of the run in at least "
            f"{1 - LARGEST_SHARE:.1%} of the texts, but SentencePiece splits "
            f"{result.different:,} of {counted(result.texts, 'text')} in another way, for example "
            f"{shown(result.examples[0])}. The file was not written. Use the run itself, or "
            "compare with other texts (--pairs)."
        )


def _kind(i: int) -> Kind:
    if i == UNK:
        return Kind.UNKNOWN
    return Kind.CONTROL if i < len(SYMBOLS) else Kind.BYTE


def _piece(text: str, score: float, kind: Kind) -> bytes:
    inner = field(1, text) + field(2, float(score))
    return field(1, inner if kind is Kind.NORMAL else inner + field(3, int(kind)))


def _ranks(tokenizer: BPE) -> list[float]:
    """Return the score of each piece: minus the place of its first merge. A single character is
    never merged, so its score has no effect."""
    made: dict[str, int] = {}
    for rank, (left, right) in enumerate(tokenizer.merges):
        piece = tokenizer.pieces[left - FIRST_PIECE] + tokenizer.pieces[right - FIRST_PIECE]
        made.setdefault(piece, rank)
    return [-float(made.get(piece, len(tokenizer.merges))) for piece in tokenizer.pieces]
