"""Write files atomically, and compute hashes."""

import contextlib
import errno
import glob
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from whyformer.foundation.errors import OutputError, WhyformerError

TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}\.tmp")
"""Pattern of the names of temporary files and directories. Temporary files are renamed when they
are complete."""
ABANDONED_SECONDS = 24 * 3600
"""Temporary files that are older than this (in seconds) are removed: they were left by killed
processes."""

SHARING = (5, 32)
"""Windows error numbers for "access is denied" and "the file is used by another process"."""
SHARING_SECONDS = 2.0


@contextlib.contextmanager
def explain_write_errors(path: Path) -> Iterator[None]:
    """In a `with` block, convert write errors of the operating system into errors with one clear
    sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputError(
                f"There is no space left on the disk to write `{path}`; its previous content is "
                "unchanged. Free some space or choose another location, and run the command again."
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise OutputError(
                f"`{path}` may not be written: {os.strerror(error.errno or 0).lower()}. "
                "Choose a location that you can write to."
            ) from error
        if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
            raise OutputError(
                f"`{path}` cannot be written: {os.strerror(error.errno or 0).lower()}. "
                "Choose another location."
            ) from error
        if error.errno == errno.EIO:
            raise WhyformerError(
                f"`{path}` cannot be written: the disk reports an input/output error; its previous "
                "content is unchanged. Check the disk, and run the command again."
            ) from error
        raise


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to ``path``; when the block ends without error, rename it to
    ``path``.

    If the process crashes, the disk is full or an exception is raised, a previous file at ``path``
    stays unchanged.
    """
    path = Path(path)
    with explain_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            os.chmod(temporary, 0o666 & ~_umask())
            replace(temporary, path)
            _sync_directory(path.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Yield an empty temporary directory; when the block ends, this directory replaces ``path``.

    An existing ``path`` is renamed first and removed last. So at any time, `standing` finds a
    complete directory: either the previous one or the new one.
    """
    path = Path(path).absolute()
    with explain_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
        try:
            yield temporary
            for file in temporary.rglob("*"):
                if file.is_file():
                    with file.open("rb+") as handle:
                        os.fsync(handle.fileno())
            os.chmod(temporary, 0o777 & ~_umask())
            former = _former(path)
            if path.exists():
                shutil.rmtree(former, ignore_errors=True)
                replace(path, former)
            replace(temporary, path)
            _sync_directory(path.parent)
            shutil.rmtree(former, ignore_errors=True)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            recover_directory(path)
            raise


def standing(path: Path) -> Path:
    """Return the complete directory for ``path``, even while another process replaces it.

    Between the two renames of `atomic_directory`, and after a crash between them, the result is the
    previous directory.
    """
    path = Path(path)
    if path.exists():
        return path
    former = _former(path.absolute())
    return former if former.exists() else path


def recover_directory(path: Path) -> None:
    """Restore the previous directory after a crash between the renames of `atomic_directory`.

    This function also removes temporary files of killed processes. So only the process that writes
    to ``path`` may call it. Other processes must use `standing`.
    """
    path = Path(path).absolute()
    former = _former(path)
    if former.exists() and not path.exists():
        replace(former, path)
    for leftover in _temporaries(path):
        _remove(leftover)


def remove_leftovers(directory: Path) -> None:
    """Remove the leftovers of killed processes below a directory: temporary files and directories,
    and old directories that were already replaced.

    No other process may write to the directory.
    """
    for place, directories, files in os.walk(directory):
        for name in [*directories, *files]:
            path = Path(place) / name
            former = name.startswith(".") and name.endswith(".former")
            replaced = former and path.with_name(name[1 : -len(".former")]).exists()
            if replaced or TEMPORARY.fullmatch(name):
                _remove(path)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically; the bytes are the same on every system."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def refuse_to_overwrite(path: Path, overwrite: bool) -> None:
    """Raise OutputError when ``path`` exists and ``overwrite`` is false."""
    if path.exists() and not overwrite:
        raise OutputError(f"`{path}` exists already. Pass --overwrite to replace it.")


def sha256_of(*paths: Path) -> str:
    """Return the hex SHA-256 of the concatenated files.

    Raises: OSError when a file cannot be read. Pipes and devices are refused, because reading them
        may never end.
    """
    digest = hashlib.sha256()
    for path in paths:
        if Path(path).exists() and not Path(path).is_file():
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        with Path(path).open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _temporaries(path: Path) -> list[Path]:
    found = path.parent.glob(f".{glob.escape(path.name)}.*.tmp")
    return [one for one in found if TEMPORARY.fullmatch(one.name)]


def _remove_abandoned(path: Path) -> None:
    """Remove old temporary files of ``path``; newer ones may belong to a running process."""
    for leftover in _temporaries(path):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - leftover.stat().st_mtime > ABANDONED_SECONDS:
                _remove(leftover)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _former(path: Path) -> Path:
    return path.with_name(f".{path.name}.former")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def replace(source: Path, target: Path) -> None:
    """Rename ``source`` to ``target``; an existing ``target`` is replaced.

    On Windows, a rename fails while another program, such as a virus scanner, has one of the files
    open. Usually, the program closes the file soon, so the rename is repeated for up to
    `SHARING_SECONDS`.
    """
    until = time.monotonic() + SHARING_SECONDS
    while True:
        try:
            os.replace(source, target)
            return
        except PermissionError as error:
            if getattr(error, "winerror", None) not in SHARING or time.monotonic() > until:
                raise
        time.sleep(0.05)


def _sync_directory(path: Path) -> None:
    """Write the entries of a directory to disk (fsync). Windows does not need this."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
