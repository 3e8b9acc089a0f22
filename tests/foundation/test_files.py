"""Files stand whole or not at all."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from whyformer.foundation.errors import OutputError
from whyformer.foundation.files import (
    atomic_directory,
    atomic_path,
    explain_write_errors,
    recover_directory,
    refuse_to_overwrite,
    sha256_of,
    standing,
    write_text,
)


class CrashError(Exception):
    pass


def write_and_crash(context, name):
    with context as temporary:
        (temporary / name if name else temporary).write_text("half")
        raise CrashError


def test_a_crash_leaves_the_former_file_and_nothing_else(tmp_path):
    path = tmp_path / "f"
    write_text(path, "old")
    with pytest.raises(CrashError):
        write_and_crash(atomic_path(path), "")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_is_replaced_whole(tmp_path):
    path = tmp_path / "d"
    for content in ("one", "two"):
        with atomic_directory(path) as temporary:
            (temporary / content).write_text(content)
    assert [file.name for file in path.iterdir()] == ["two"]
    with pytest.raises(CrashError):
        write_and_crash(atomic_directory(path), "three")
    assert [file.name for file in path.iterdir()] == ["two"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_crash_between_the_renames_is_undone(tmp_path):
    (tmp_path / ".d.former").mkdir()
    (tmp_path / ".d.former" / "f").write_text("old")
    (tmp_path / ".d.abc.tmp").mkdir()
    recover_directory(tmp_path / "d")
    assert (tmp_path / "d" / "f").read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["d"]


def test_a_reader_finds_a_whole_directory_and_changes_nothing(tmp_path, monkeypatch):
    path = tmp_path / "d"
    assert standing(path) == path
    seen = []

    def look_and_replace(source, target, replace=os.replace):
        seen.append((standing(path) / "f").read_text())
        replace(source, target)
        seen.append((standing(path) / "f").read_text())

    with atomic_directory(path) as temporary:
        (temporary / "f").write_text("old")
    monkeypatch.setattr(os, "replace", look_and_replace)
    with atomic_directory(path) as temporary:
        (temporary / "f").write_text("new")
        assert (standing(path) / "f").read_text() == "old"
    assert seen == ["old", "old", "old", "new"]
    assert list(tmp_path.iterdir()) == [path]
    monkeypatch.chdir(path)
    assert (standing(Path()) / "f").read_text() == "new"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (errno.ENOSPC, "no space left on the disk to write `x`; what stood there before is unch"),
        (errno.EACCES, "`x` may not be written: permission denied"),
        (errno.ENOTDIR, "`x` cannot be written: not a directory"),
    ],
)
def test_refusals_of_the_system_are_explained(code, message, tmp_path):
    with pytest.raises(OutputError, match=message), explain_write_errors(type(tmp_path)("x")):
        raise OSError(code, "refused")


def test_overwriting_must_be_asked_for(tmp_path):
    write_text(tmp_path / "f", "")
    refuse_to_overwrite(tmp_path / "f", True)
    refuse_to_overwrite(tmp_path / "g", False)
    with pytest.raises(OutputError, match=r"exists already\. Pass --overwrite"):
        refuse_to_overwrite(tmp_path / "f", False)


def test_the_hash_is_of_all_bytes_in_order(tmp_path):
    write_text(tmp_path / "a", "ab")
    write_text(tmp_path / "b", "c")
    assert sha256_of(tmp_path / "a", tmp_path / "b") == hashlib.sha256(b"abc").hexdigest()
