"""The tokenizers of a model directory of Hugging Face, with the ids of its model.

The files decide which tokenizer it is: two SentencePiece models and a `vocab.json` (Marian),
`tokenizer.json`, one SentencePiece model (T5), `vocab.json` and `merges.txt` (BART), or `vocab.txt`
(BERT).
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, decoders, models, pre_tokenizers, processors
from tokenizers import Tokenizer as Library

from whyformer.foundation.errors import BundleError, UsageError
from whyformer.foundation.parsing import parse_json, read_bytes, read_small
from whyformer.foundation.wording import counted
from whyformer.interop.huggingface.directory import Directory, reading
from whyformer.text.foreign.hugging_face import read_library
from whyformer.text.foreign.sentencepiece import SentencePieceTokenizer
from whyformer.text.imported import Imported
from whyformer.text.tokenizer_files import find_symbols, settings_beside, word_piece

SENTENCEPIECE = ("spiece.model", "sentencepiece.bpe.model", "tokenizer.model")
"""The usual names of the SentencePiece model of both sides."""
MARIAN = ("source.spm", "target.spm", "vocab.json")
"""The files of the tokenizers of Marian."""
TARGET_VOCABULARY = "target_vocab.json"
"""The ids of the target tokens, if they are not those of `vocab.json`."""
WORD_PIECE = "vocab.txt"
"""The file of a WordPiece tokenizer, as in BERT."""
BYTE_LEVEL = ("vocab.json", "merges.txt")
"""The files of a byte-level BPE, as in BART and GPT-2."""


def read_tokenizers(
    directory: Directory, sizes: tuple[int, int], *, bos_begins_texts: bool
) -> tuple[Imported, Imported]:
    """Return the tokenizers of source and target; one tokenizer twice if they are the same.

    Args:
        sizes: the numbers of rows of the embeddings of source and target.
        bos_begins_texts: see `Architecture`.
    Raises: BundleError if the files are missing or damaged; UsageError if they do not fit the
        model.
    """
    path = directory.path
    if all((path / name).is_file() for name in MARIAN):
        target_ids = path / TARGET_VOCABULARY
        ids = [path / "vocab.json", target_ids if target_ids.is_file() else path / "vocab.json"]
        source, target = (
            _from_sentencepiece(directory, path / file, size, _ids(vocabulary))
            for file, vocabulary, size in zip(MARIAN[:2], ids, sizes, strict=True)
        )
        return source, target
    if (path / "tokenizer.json").is_file():
        both = _from_library(
            directory, path / "tokenizer.json", sizes[0], read_small, bos_begins_texts
        )
        return both, both
    for name in SENTENCEPIECE:
        if (path / name).is_file():
            both = _from_sentencepiece(directory, path / name, sizes[0], None)
            return both, both
    if all((path / name).is_file() for name in BYTE_LEVEL):
        both = _from_library(directory, path / "merges.txt", sizes[0], byte_level, bos_begins_texts)
        return both, both
    if (path / WORD_PIECE).is_file():
        file = path / WORD_PIECE
        both = _from_library(directory, file, sizes[0], _word_piece_of, bos_begins_texts)
        return both, both
    absent = [name for name in MARIAN if not (path / name).is_file()]
    if any(name not in absent for name in MARIAN[:2]):
        raise BundleError(
            f"A Marian model must have {', '.join(MARIAN)}, but `{path}` has no "
            f"{' and no '.join(absent)}. Copy the files of the tokenizer into the directory."
        )
    known = ["tokenizer.json", " and ".join(MARIAN), SENTENCEPIECE[0], " and ".join(BYTE_LEVEL)]
    known.append(WORD_PIECE)
    raise BundleError(
        f"A model of Hugging Face must have the files of its tokenizer ({'; or '.join(known)}), "
        f"but `{path}` has none of them. Copy them into the directory."
    )


def byte_level(merges: Path) -> str:
    """Return a byte-level BPE as the content of a `tokenizer.json`.

    Args: merges: the file `merges.txt`, which has a `vocab.json` beside it.
    """
    vocabulary = _ids(merges.parent / "vocab.json")
    pairs = [
        (left, right)
        for left, _, right in (line.partition(" ") for line in read_small(merges).splitlines())
        if right and left != "#version:"
    ]
    library = Library(models.BPE(vocab=vocabulary, merges=pairs))
    settings = settings_beside(merges)
    prefix = bool(settings.get("add_prefix_space", False))
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    library.decoder = decoders.ByteLevel()
    special = find_symbols(vocabulary, settings)
    library.add_special_tokens([AddedToken(one, special=True) for one in special.values()])
    if {"bos", "eos"} <= special.keys():
        first, last = ((special[name], vocabulary[special[name]]) for name in ("bos", "eos"))
        library.post_processor = processors.RobertaProcessing(
            sep=last, cls_token=first, add_prefix_space=prefix
        )
    return library.to_str()


def _word_piece_of(vocabulary: Path) -> str:
    """Return a WordPiece tokenizer as the content of a `tokenizer.json`."""
    return word_piece(read_small(vocabulary), settings_beside(vocabulary)).to_str()


def _from_library(
    directory: Directory,
    file: Path,
    size: int,
    read: Callable[[Path], str],
    bos_begins_texts: bool,
) -> Imported:
    with reading(file):
        content = read(file)
        library = read_library(content)
        ids = library.get_vocab(with_added_tokens=True)
    symbols = _symbols(directory, ids, settings_beside(file), bos_begins_texts)
    lead = list(library.encode("").tokens)
    if lead[-1:] == [symbols["eos"]]:
        lead = lead[:-1]
    if bos_begins_texts and lead[:1] == [symbols["bos"]]:
        lead = lead[1:]
    if doubtful := [token for token in lead if token in symbols.values()]:
        raise UsageError(
            "The tokens before a text must not be symbols of the model, but in "
            f"`{directory.path}` {doubtful[0]} is such a symbol. Such a model cannot be imported."
        )
    complete, unused = _complete(directory, ids, size)
    return Imported.from_tokenizer_json(
        content, symbols=symbols, ids=complete, lead=lead, unused=unused
    )


def _from_sentencepiece(
    directory: Directory, file: Path, size: int, ids: Mapping[str, int] | None
) -> Imported:
    with reading(file):
        content = read_bytes(file)
        own = SentencePieceTokenizer(b64encode(content).decode()).ids
    ids = own if ids is None else ids
    complete, unused = _complete(directory, ids, size)
    return Imported.from_sentencepiece(
        content,
        symbols=_symbols(directory, ids, settings_beside(file), bos_begins_texts=False),
        ids=complete,
        unused=unused,
    )


def _ids(file: Path) -> dict[str, int]:
    """Return the id of each token in a `vocab.json`."""
    with reading(file):
        found = parse_json(read_small(file))
        if not all(type(i) is int and i >= 0 for i in found.values()):
            raise ValueError("an id is not a number")
        return found


def _complete(
    directory: Directory, ids: Mapping[str, int], size: int
) -> tuple[dict[str, int], list[str]]:
    """Return an id for each row of the embeddings, and the names of rows without a token.

    Published models often have more rows than tokens, so that the number of rows is a multiple of
    64. The model can predict such a row, and its text is empty.
    """
    if (most := max(ids.values(), default=0)) >= size:
        raise UsageError(
            "The ids of a tokenizer must be below the number of embeddings, but the tokenizer in "
            f"`{directory.path}` has the id {most} and its model has {counted(size, 'embedding')}. "
            "Copy the directory again."
        )
    taken = set(ids.values())
    unused = {f"<unused {i}>": i for i in range(size) if i not in taken}
    return {**ids, **unused}, list(unused)


def _symbols(
    directory: Directory,
    ids: Mapping[str, int],
    settings: Mapping[str, Any],
    bos_begins_texts: bool,
) -> dict[str, str]:
    """Return the token of each symbol. The configuration of the model comes before the files of the
    tokenizer, because the model was trained with it."""
    token_of = {i: token for token, i in ids.items()}
    found = find_symbols(ids, settings)
    for name, value in directory.symbol_ids.items():
        if value not in token_of:
            raise UsageError(
                f"The symbol {name} of a model must be a token of its tokenizer, but in "
                f"`{directory.path}` it has the id {value}, which is no token. Copy the directory "
                "again."
            )
        found[name] = token_of[value]
    if not bos_begins_texts and "bos" not in directory.symbol_ids and "pad" in found:
        found["bos"] = found["pad"]
    if missing := [name for name in ("bos", "eos") if name not in found]:
        raise UsageError(
            f"A model must have the symbols bos and eos, but `{directory.path}` names no "
            f"{missing[0]} in its config.json or tokenizer_config.json. Add it there."
        )
    return found
