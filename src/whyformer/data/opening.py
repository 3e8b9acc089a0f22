"""Open a data file, plain or compressed; for a file that is not text, name its kind in the
error."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from whyformer.foundation.errors import DataError, MissingExtraError

HEAD = 4096
"""Number of bytes at the start of a file that are read to recognize its kind."""
PARQUET = b"PAR1"
ZIP = b"PK\x03\x04"


def _zstandard(path: Path) -> io.BufferedIOBase:
    try:
        from compression.zstd import ZstdFile  # pyright: ignore  # Python 3.14

        return cast(io.BufferedIOBase, ZstdFile(path))
    except ImportError:
        pass
    try:
        import pyarrow
    except ImportError:
        raise MissingExtraError("pyarrow", "data") from None
    stream = pyarrow.input_stream(str(path), compression="zstd")
    return io.BufferedReader(cast(io.RawIOBase, stream))


COMPRESSED: dict[bytes, tuple[str, str, Callable[[Path], Any]]] = {
    b"\x1f\x8b": ("gzip", ".gz", gzip.open),
    b"\xfd7zXZ\x00": ("xz", ".xz", lzma.open),
    b"BZh": ("bzip2", ".bz2", bz2.open),
    b"\x28\xb5\x2f\xfd": ("zstandard", ".zst", _zstandard),
}
"""For the first bytes of a compressed file: the name of the compression, its usual file ending, and
a function that opens such a file."""
ENDINGS = tuple(ending for _, ending, _ in COMPRESSED.values())

OTHER_KINDS = {
    b"%PDF": "a PDF document", b"\x89PNG": "an image", b"\xff\xd8\xff": "an image",
    b"GIF8": "an image", b"\x7fELF": "a program", b"MZ\x90": "a program",
    b"SQLite format 3": "an SQLite database", b"\x93NUMPY": "a NumPy array",
    b"{\\rtf": "an RTF document", b"\x89HDF": "an HDF5 file", b"ARROW1": "an Arrow file",
    b"7z\xbc\xaf": "a 7-Zip archive", b"Rar!": "a RAR archive", b"ID3": "a sound file",
    b"RIFF": "a sound or video file", b"OggS": "a sound file", b"\x80\x04\x95": "a Python pickle",
    b"\xd0\xcf\x11\xe0": "a document of an old version of Word, Excel or Hangul",
    b"HWP Document": "a Hangul document",
}  # fmt: skip
"""For the first bytes of a file without lines of text: the kind of the file."""
MEMBERS = {
    "word/document.xml": "a Word document", "ppt/presentation.xml": "a presentation",
    "content.xml": "an OpenDocument file", "Contents/section0.xml": "a Hangul document",
    "data.pkl": "a PyTorch file",
}  # fmt: skip
"""For the name of a file inside a ZIP file: the kind of the ZIP file."""
SHEETS = "xl/workbook.xml"


def unpacked_suffix(path: str | Path) -> str:
    """Return the ending of a file name, ignoring the ending of a compression.

    >>> unpacked_suffix("a.tsv.gz"), unpacked_suffix("a.txt"), unpacked_suffix("train")
    ('.tsv', '.txt', '')
    """
    name = Path(path).name
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    return Path(name).suffix


def opened_file(path: str | Path) -> io.BufferedIOBase:
    """Open a file. The content of a compressed file is decompressed while it is read.

    Raises: DataError when the file cannot be opened, or does not contain text.
    """
    place = Path(path)
    with openable(path):
        file = place.open("rb")
        if not place.is_file():  # a pipe can be read only once
            return file
        head = file.peek(HEAD)[:HEAD]
    for magic, (_, _, open_) in COMPRESSED.items():
        if head.startswith(magic):
            file.close()
            return open_(place)
    for name, ending, _ in COMPRESSED.values():
        if str(path).endswith(ending):
            file.close()
            raise DataError(
                f"`{path}` must be a complete {name} file, but it is damaged (its first bytes "
                "are wrong). Download it again."
            )
    if kind := other_kind(place, head):
        file.close()
        advice = "Save its text as UTF-8 first."
        if kind.endswith("archive"):
            advice = f"Unpack it first, and give a file in it{_first_member(place)}."
        raise DataError(f"`{path}` is {kind}, not a text file. {advice}")
    return file


def head_of(path: str | Path) -> bytes:
    """Return the first bytes of a file after decompression.

    Raises: DataError in the same cases as `opened_file`.
    """
    with opened_file(path) as file, damage_explained(path):
        return file.read(HEAD)


def magic_of(path: str | Path) -> bytes:
    """Return the first bytes of a file without decompression.

    Raises: DataError when the file cannot be opened.
    """
    with openable(path), Path(path).open("rb") as file:
        return file.read(HEAD)


def other_kind(path: Path, head: bytes) -> str | None:
    """Return the kind of a file that contains neither text nor a table; None for other files."""
    if head.startswith(ZIP):
        return _kind_of_zip(path)
    if head.startswith(PARQUET):
        return "a Parquet file"
    if head[257:262] == b"ustar":
        return "a tar archive"
    return next((kind for magic, kind in OTHER_KINDS.items() if head.startswith(magic)), None)


def _kind_of_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "a damaged ZIP file"
    if SHEETS in names:
        return "an Excel workbook"
    for name in names:
        for member, kind in MEMBERS.items():
            if name == member or name.endswith(f"/{member}"):
                return kind
    return "a ZIP archive"


def _first_member(path: Path) -> str:
    """Return ", such as NAME" with the name of the first file in a ZIP archive; "" for other
    files."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = (name for name in archive.namelist() if not name.endswith("/"))
            return f", such as {first}" if (first := next(found, "")) else ""
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return ""


def is_workbook(path: str | Path) -> bool:
    """Return whether a file is an Excel workbook (.xlsx)."""
    return magic_of(path).startswith(ZIP) and _kind_of_zip(Path(path)) == "an Excel workbook"


@contextmanager
def openable(path: str | Path) -> Iterator[None]:
    """In a `with` block, turn errors in opening a file into a DataError with the reason."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(_missing(str(path))) from None
    except IsADirectoryError:
        raise DataError(f"`{path}` is a directory. Give the path of a text file.") from None
    except PermissionError:
        if Path(path).is_dir():  # Windows reports this for a directory
            raise DataError(f"`{path}` is a directory. Give the path of a text file.") from None
        raise DataError(f"`{path}` may not be read. Change its permissions.") from None
    except OSError as error:
        raise DataError(
            f"`{path}` cannot be opened ({error.strerror}). Give the path of a text file."
        ) from None


def _missing(path: str) -> str:
    if path.startswith(("http:/", "https:/", "ftp:/", "hf:/", "s3:/", "gs:/")):
        return f"`{path}` is a web address. Download the file first, and give its path."
    return f"`{path}` does not exist. Give the path of a text file."


@contextmanager
def damage_explained(path: str | Path) -> Iterator[None]:
    """In a `with` block, turn errors in decompressing a file into a DataError."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise DataError(_damaged(path, error)) from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise DataError(_damaged(path, error)) from None  # bz2 raises this for damaged data
    except Exception as error:
        if type(error).__name__ not in ("ZstdError",):
            raise
        raise DataError(_damaged(path, error)) from None


def _damaged(path: str | Path, error: Exception) -> str:
    kind = next((name for name, end, _ in COMPRESSED.values() if str(path).endswith(end)), None)
    return (
        f"`{path}` must be a complete {kind or 'compressed'} file, but it is damaged ({error}). "
        "Download it again."
    )
