"""Text documents as token ids in memory-mapped files, built once and reused.

Files in the directory: ``ids.bin`` contains all documents, each ending with EOS; ``offsets.bin``
contains the start of each document and the end of the last one, as int64; ``documents.json``
contains everything else.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from whyformer.data.mapped import (
    explain_damage_after_writing,
    mapped,
    refuse_foreign_ids,
    refuse_wrong_counts,
    refuse_wrong_offsets,
)
from whyformer.foundation.errors import DataError
from whyformer.foundation.files import atomic_directory, recover_directory, sha256_of
from whyformer.foundation.integrity import changed_settings, format_of, write_sealed
from whyformer.foundation.parsing import read_json
from whyformer.text.symbols import EOS, FIRST_BYTE
from whyformer.text.tokenizer import Tokenizer

FORMAT = 2
"""Version of the format. Version 2 added the hash of ``documents.json``."""
STATE = "documents.json"

Document = Iterable[str]
"""The lines of one document, without line ends."""


@dataclass(frozen=True)
class TextReport:
    """Counts of the text that was read. Characters and bytes are counted in the decoded text."""

    documents: int
    tokens: int
    characters: int
    bytes_: int
    longest: int
    spelled: int
    """Number of single-byte tokens, which encode characters outside the vocabulary."""
    changed: int
    """Number of lines that encoding and decoding changes."""


class Documents:
    """Token ids of documents on disk. To get such documents, call `build_documents`."""

    def __init__(self, directory: Path, state: dict[str, Any]) -> None:
        self.fingerprint: str = state["fingerprint"]
        self.key: str = state["key"]
        self.report = TextReport(**state["report"])
        self.ids = mapped(directory / "ids.bin", state["dtype"])
        self.offsets: Int[np.ndarray, " ends"] = mapped(directory / "offsets.bin", "int64")
        refuse_wrong_counts(self.report)
        refuse_wrong_offsets(self.offsets, self.ids, "ids")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def document(self, index: int) -> Int[np.ndarray, " tokens"]:
        """Return the ids of one document, ending with EOS."""
        return self.ids[self.offsets[index] : self.offsets[index + 1]].astype(np.int64)


def build_documents(
    documents: Iterable[Document],
    tokenizer: Tokenizer,
    directory: Path,
    *,
    key: str,
    progress: Callable[[int], None] | None = None,
) -> Documents:
    """Tokenize documents into ``directory``. If ``directory`` already contains documents that were
    built from the same data, open these documents instead.

    The ids of a document are the ids of its lines, separated by the ids of the line end. So a file
    of any size can be read line by line.
    Args:
        key: hash of the documents. If the documents in ``directory`` were built with the same hash
            and tokenizer, they are opened instead.
        progress: called with the number of lines read so far, every few thousand lines.
    Raises: DataError when there is no text; OutputError when the disk is full.
    """
    full_key = hashlib.sha256(f"{key}\n{tokenizer.fingerprint}".encode()).hexdigest()
    if (found := _reusable(directory, full_key, len(tokenizer))) is not None:
        return found
    dtype = "uint16" if len(tokenizer) <= 1 << 16 else "uint32"
    counts = dict.fromkeys(TextReport.__dataclass_fields__, 0)
    ends = [0]
    with atomic_directory(directory) as temporary:
        with (temporary / "ids.bin").open("wb") as file:
            lines = 0
            for document in documents:
                length = 0
                for ids in _encoded(document, tokenizer, counts):
                    file.write(np.array(ids, dtype=dtype).tobytes())
                    length += len(ids)
                    lines += 1
                    if progress and lines % 4096 == 0:
                        progress(lines)
                if length:
                    file.write(np.array([EOS], dtype=dtype).tobytes())
                    ends.append(ends[-1] + length + 1)
                    counts["longest"] = max(counts["longest"], length + 1)
        if len(ends) == 1:
            raise DataError(
                "A text must have at least one character, but there is none. Give another file."
            )
        (temporary / "offsets.bin").write_bytes(np.array(ends, dtype=np.int64).tobytes())
        files = {name: sha256_of(temporary / name) for name in ("ids.bin", "offsets.bin")}
        identity = "\n".join([*files.values(), tokenizer.fingerprint])
        report = TextReport(**counts | {"documents": len(ends) - 1, "tokens": ends[-1]})
        state = {
            "format": FORMAT,
            "key": full_key,
            "fingerprint": hashlib.sha256(identity.encode()).hexdigest(),
            "dtype": dtype,
            "files": files,
            "report": asdict(report),
        }
        write_sealed(temporary / STATE, state)
    with explain_damage_after_writing(directory):
        return Documents(directory, state)


def _encoded(
    document: Document, tokenizer: Tokenizer, counts: dict[str, int]
) -> Iterator[list[int]]:
    """Yield the ids of each line. Before the ids of every line except the first one, add the ids of
    the line end between the two lines."""
    line_end = tokenizer.encode("\n")
    for number, line in enumerate(document):
        ids = tokenizer.encode(line)
        text = tokenizer.normalize(line)
        counts["changed"] += tokenizer.decode(ids) != text or text != line
        counts["characters"] += len(text) + bool(number)
        counts["bytes_"] += len(text.encode()) + bool(number)
        if number:
            ids = [*line_end, *ids]
        counts["spelled"] += sum(FIRST_BYTE <= i < tokenizer.first_piece for i in ids)
        yield ids


def _reusable(directory: Path, full_key: str, vocabulary: int) -> Documents | None:
    if not directory.exists():
        recover_directory(directory)
    try:
        state = read_json(directory / STATE)
        found = format_of(directory / STATE, state, newest=FORMAT)
        whole = found == FORMAT and state["key"] == full_key
        whole = whole and not changed_settings(state)
        if whole and all(sha256_of(directory / f) == d for f, d in state["files"].items()):
            documents = Documents(directory, state)
            refuse_foreign_ids(documents.ids, vocabulary)
            return documents
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None  # missing or damaged, so it is built again
    return None
