"""Write a run as a package of Argos Translate, which LibreTranslate reads, too.

A package is a ZIP archive with one directory: ``metadata.json`` (the languages), ``model/`` (a
CTranslate2 model) and ``sentencepiece.model``. Argos splits a text with SentencePiece, and gives
the pieces to CTranslate2. So the vocabulary of this model contains pieces, while our own
conversions contain ids.
"""

import json
import re
import shutil
import tempfile
import zipfile
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from whyformer.bundle import Bundle, load_bundle
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.errors import OutputError, UsageError, WhyformerError
from whyformer.foundation.files import atomic_path
from whyformer.foundation.parsing import shown
from whyformer.interop.convert import SENTENCES, Converted, comparison_sentences
from whyformer.interop.convert import convert as convert_to_ctranslate2
from whyformer.interop.engine import CTranslate2Translator, cores, open_engine
from whyformer.interop.huggingface.sentencepiece_files import is_sentencepiece
from whyformer.interop.normalization_rules import library
from whyformer.interop.sentencepiece import to_sentencepiece
from whyformer.models.transformer import Transformer
from whyformer.text.imported import Imported
from whyformer.text.symbols import BOS, EOS, RESERVED, SYMBOLS, UNK

ENDING = ".argosmodel"
METADATA = "metadata.json"
MODEL_FILES = ("model.bin", "config.json", "shared_vocabulary.json")
"""The files of CTranslate2 that a package contains."""
LONGEST = 256
"""Maximum number of tokens of a translation in Argos: the default of CTranslate2."""
CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]+)*")
NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech",
    "da": "Danish", "de": "German", "el": "Greek", "en": "English", "eo": "Esperanto",
    "es": "Spanish", "et": "Estonian", "fa": "Persian", "fi": "Finnish", "fr": "French",
    "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "ms": "Malay",
    "nb": "Norwegian", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian",
    "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sq": "Albanian", "sv": "Swedish",
    "th": "Thai", "tl": "Tagalog", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu",
    "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
"""English names of languages. A language that is not listed is named by its code."""


class DifferentTranslationsError(WhyformerError):
    """Error for a package whose translations differ from those of the run. It is not kept."""


@dataclass(frozen=True)
class Packaged:
    """A package that was written.

    Args:
        file: the package.
        converted: the conversion to CTranslate2 that it contains, with its parity check.
        compared: number of sentences that were translated with the files of the package.
        skipped: number of sentences without a comparison; see `_compare`.
    """

    file: Path
    converted: Converted
    compared: int
    skipped: int

    def lines(self) -> list[str]:
        """Return the result as lines of text for the user."""
        quantized = self.converted.record.quantization != "none"
        skipped = f", {self.skipped} with symbols not compared" if self.skipped else ""
        return [
            *self.converted.parity.lines(quantized=quantized),
            f"package: {self.compared} of {self.compared} the same translation{skipped}",
            f"file: {self.file}",
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        found = self.converted.to_json() | {"file": str(self.file)}
        del found["directory"]
        return found | {"package_same": self.compared, "package_skipped": self.skipped}


def convert(
    run: Path,
    *,
    from_code: str = "",
    to_code: str = "",
    quantization: str = "none",
    out: Path | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
    sentences: int = SENTENCES,
    say: Callable[[str], None] = lambda text: None,
) -> Packaged:
    """Write the model of a run as a package.

    Args:
        from_code, to_code: ISO 639 codes of the source and target language, such as ko and en.
        out: the file; the default is ``translate-FROM_TO.argosmodel`` inside the run.
        quantization, pairs, sentences, say: see `interop.convert.convert`.
    Raises:
        UsageError: the run cannot be written as a package.
        OutputError: the file exists and is not a package.
        ParityError, DifferentTranslationsError: the translations differ from those of the run.
    """
    for flag, code in (("from-code", from_code), ("to-code", to_code)):
        if not CODE.fullmatch(code):
            found = f"is `{code}`" if code else "is missing"
            raise UsageError(
                f"`--{flag}` must be the ISO 639 code of a language, such as ko or en, but it "
                f"{found}. Give --from-code and --to-code."
            )
    name = f"translate-{from_code}_{to_code}"
    file = run / f"{name}{ENDING}" if out is None else out
    _refuse_other_file(file)
    bundle = load_bundle(run)
    content = _sentencepiece(bundle)
    chosen = comparison_sentences(run, bundle, pairs, sentences)
    with tempfile.TemporaryDirectory() as scratch:
        converted = convert_to_ctranslate2(
            run,
            quantization=quantization,
            out=Path(scratch) / "ctranslate2",
            pairs=pairs,
            sentences=sentences,
            say=say,
        )
        package = Path(scratch) / name
        (package / "model").mkdir(parents=True)
        (package / "sentencepiece.model").write_bytes(content)
        (package / METADATA).write_text(
            json.dumps(_metadata(from_code, to_code), indent=2), encoding="utf-8", newline="\n"
        )
        _write_model(converted.directory, package, _pieces(bundle, content))
        say(f"Translating {len(chosen.sources)} {chosen.origin} with the files of the package.")
        engine = CTranslate2Translator(converted.directory, warn=False)
        compared = _compare(engine, package, chosen.sources)
        with atomic_path(file) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            for one in sorted(package.rglob("*")):
                if one.is_file():
                    where = one.relative_to(package.parent).as_posix()
                    archive.write(one, where, zipfile.ZIP_DEFLATED)
    return Packaged(file, converted, compared, len(chosen.sources) - compared)


def _refuse_other_file(file: Path) -> None:
    if file.suffix != ENDING:
        raise UsageError(f"`--out` must end with {ENDING}, but it is `{file}`. Add the ending.")
    if file.exists():
        names = zipfile.ZipFile(file).namelist() if zipfile.is_zipfile(file) else []
        if not any(name.endswith(f"/{METADATA}") for name in names):
            raise OutputError(
                f"`{file}` exists and is not a package, so it is not replaced. Choose another file."
            )


def _sentencepiece(bundle: Bundle) -> bytes:
    """Return the content of ``sentencepiece.model``.

    Raises: UsageError if a package cannot contain the model or the tokenizer of a run.
    """
    family = bundle.model.settings.family
    if not isinstance(bundle.model, Transformer):
        raise UsageError(
            f"A package of Argos translates with CTranslate2, but `model.family` is {family}. Only "
            "a run of the family transformer can be written as a package."
        )
    tokenizer = bundle.source_tokenizer
    imported = isinstance(tokenizer, Imported) or isinstance(bundle.target_tokenizer, Imported)
    if not bundle.shared and imported:
        raise UsageError(
            "A package of Argos has one tokenizer for both languages, but the tokenizers of this "
            "run were read from two files or one side was learned. So no package is possible. "
            "Convert it with --to ctranslate2 or --to onnx."
        )
    if not bundle.shared:
        raise UsageError(
            "A package of Argos has one tokenizer for both languages, but this run has two. Train "
            "with --text.shared true, and with the same units on both sides."
        )
    if not isinstance(tokenizer, Imported):
        return to_sentencepiece(tokenizer)
    if not is_sentencepiece(tokenizer) or tokenizer.lead:
        raise UsageError(
            "A package of Argos splits texts with a SentencePiece model, but the tokenizer of this "
            "run was read from a file with other rules. So no package is possible. Convert it with "
            "--to ctranslate2 or --to onnx."
        )
    return b64decode(tokenizer.tool.content)


def _pieces(bundle: Bundle, content: bytes) -> list[str]:
    """Return the piece of SentencePiece for each id of the run.

    Args: content: the content of ``sentencepiece.model``.
    """
    tokenizer = bundle.source_tokenizer
    if isinstance(tokenizer, Imported):  # its ids differ from those of its file
        return [*RESERVED[: tokenizer.first_piece], *tokenizer.pieces]
    processor = library().SentencePieceProcessor(model_proto=content)
    return [processor.id_to_piece(number) for number in range(processor.get_piece_size())]


def _metadata(from_code: str, to_code: str) -> dict[str, Any]:
    return {
        "package_version": "1.0",
        "argos_version": "1.9",
        "from_code": from_code,
        "from_name": NAMES.get(from_code, from_code),
        "to_code": to_code,
        "to_name": NAMES.get(to_code, to_code),
        "type": "translate",
        "links": [],
        "written_by": f"whyformer {version('whyformer')}",
    }


def _write_model(conversion: Path, package: Path, pieces: list[str]) -> None:
    """Copy the files of CTranslate2, with pieces instead of ids in the vocabulary."""
    for name in MODEL_FILES:
        shutil.copy(conversion / name, package / "model" / name)
    _rewrite(package / "model" / "shared_vocabulary.json", lambda ids: pieces)
    symbols = {
        "bos_token": pieces[BOS],
        "decoder_start_token": pieces[BOS],
        "eos_token": pieces[EOS],
        "unk_token": pieces[UNK],
        "add_source_eos": True,
    }
    _rewrite(package / "model" / "config.json", lambda config: config | symbols)


def _rewrite(path: Path, change: Callable[[Any], Any]) -> None:
    changed = change(json.loads(path.read_text(encoding="utf-8")))
    text = json.dumps(changed, ensure_ascii=False, indent=1)
    path.write_text(text, encoding="utf-8", newline="\n")


def _compare(engine: CTranslate2Translator, package: Path, sources: Sequence[str]) -> int:
    """Translate as Argos does, by greedy search, and compare the texts with those of a conversion.

    Returns: the number of compared sentences. A translation with a symbol, such as <mask>, is not
        compared, because Argos does not forbid symbols.
    Raises: DifferentTranslationsError if a translation differs.
    """
    sources = [engine.expected.trimmed(source) for source in sources]  # Argos keeps outer spaces
    processor = library().SentencePieceProcessor(str(package / "sentencepiece.model"))
    translator = open_engine("Translator", package / "model", cores())
    rows = engine.record.rows
    limit = LONGEST if rows is None else min(LONGEST, rows - 1)
    results = translator.translate_batch(
        processor.encode(list(sources), out_type=str),
        beam_size=1,
        max_input_length=0,
        max_decoding_length=limit,
    )
    compared = 0
    settings = SearchSettings(beam=1, max_length=limit)
    for ours, result in zip(engine.translate(sources, settings), results, strict=True):
        pieces = result.hypotheses[0]
        if any(piece in SYMBOLS for piece in pieces):
            continue
        compared += 1
        theirs = processor.decode_pieces(pieces)
        if engine.expected.trimmed(theirs) != ours.text:
            raise DifferentTranslationsError(
                f"The package must translate as the run does, but it translates "
                f"{shown(ours.source)} to {shown(theirs)} instead of {shown(ours.text)}. "
                "The package is not kept. Use the run itself, or --to ctranslate2."
            )
    return compared
