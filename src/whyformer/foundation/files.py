"""Files written whole or not at all, and hashes of what was read."""

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
"""Names of the files and directories that are renamed when they are whole."""
ABANDONED_SECONDS = 24 * 3600
"""Age from which a temporary sibling is taken to be of a process that was killed."""

SHARING = (5, 32)
"""Windows' numbers of "access is denied" and "the file is used by another process"."""
SHARING_SECONDS = 2.0


@contextlib.contextmanager
def explain_write_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write into one sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputError(
                f"There is no space left on the disk to write `{path}`; what stood there before is "
                "unchanged. Free some space or choose another place, and run the command again."
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise OutputError(
                f"`{path}` may not be written: {os.strerror(error.errno or 0).lower()}. "
                "Choose a place you may write to."
            ) from error
        if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
            raise OutputError(
                f"`{path}` cannot be written: {os.strerror(error.errno or 0).lower()}. "
                "Choose another place."
            ) from error
        if error.errno == errno.EIO:
            raise WhyformerError(
                f"`{path}` cannot be written: the disk reports an input/output error; what stood "
                "there before is unchanged. Check the disk, and run the command again."
            ) from error
        raise


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of ``path`` that replaces it when the block ends without error.

    A crash, a full disk or an exception leaves the former file (or its absence) untouched.
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
    """Yield an empty temporary directory that takes the place of ``path`` when the block ends.

    An existing ``path`` is moved aside first and removed last, so that at every moment either the
    former or the new directory stands whole under a name that `standing` knows.
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
    """Return the directory that a reader finds whole at ``path``, whatever its writer does.

    Between the two renames of `atomic_directory`, and after a crash there, that is the former one.
    """
    path = Path(path)
    if path.exists():
        return path
    former = _former(path.absolute())
    return former if former.exists() else path


def recover_directory(path: Path) -> None:
    """Put the former directory back when a crash fell between the renames of `atomic_directory`.

    Leftover temporary siblings of a killed writer are removed, so only who alone may write here
    may call this; readers ask `standing`.
    """
    path = Path(path).absolute()
    former = _former(path)
    if former.exists() and not path.exists():
        replace(former, path)
    for leftover in _temporaries(path):
        _remove(leftover)


def remove_leftovers(directory: Path) -> None:
    """Remove what killed writers left anywhere below a directory that this process alone writes to.

    That is temporary files and directories, and former directories whose successor stands.
    """
    for place, directories, files in os.walk(directory):
        for name in [*directories, *files]:
            path = Path(place) / name
            former = name.startswith(".") and name.endswith(".former")
            replaced = former and path.with_name(name[1 : -len(".former")]).exists()
            if replaced or TEMPORARY.fullmatch(name):
                _remove(path)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically, with the same bytes on every system."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def refuse_to_overwrite(path: Path, overwrite: bool) -> None:
    """Raise OutputError when ``path`` exists and overwriting was not asked for."""
    if path.exists() and not overwrite:
        raise OutputError(f"`{path}` exists already. Pass --overwrite to replace it.")


def sha256_of(*paths: Path) -> str:
    """Return the hex SHA-256 of the files' bytes, one after the other.

    Raises: OSError when one cannot be read, or is a pipe or a device, which may never end.
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
    """Remove the old temporary siblings of ``path``; younger ones may be of a running process."""
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
    """Rename ``source`` to ``target``, replacing it.

    Windows refuses while another program, such as a virus scanner, has one of them open. That is
    usually over soon, so the rename is tried again for `SHARING_SECONDS`.
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
    """Write the names in a directory to the disk; Windows cannot open directories and does it."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
