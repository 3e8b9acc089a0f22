"""Files stand whole or not at all."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from whyformer.foundation.errors import OutputError, WhyformerError
from whyformer.foundation.files import (
    atomic_directory,
    atomic_path,
    explain_write_errors,
    recover_directory,
    refuse_to_overwrite,
    remove_leftovers,
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
    (tmp_path / ".d.abcdefgh.tmp").mkdir()
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
        (errno.ENOSPC, "no space left on the disk to write `x`; its previous content is unchanged"),
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


def killed_writer(path: Path, *, age_seconds: float = 0) -> Path:
    """Return the temporary file that a killed `atomic_path` left."""
    leftover = path.with_name(f".{path.name}.ab_4efgh.tmp")
    leftover.parent.mkdir(parents=True, exist_ok=True)
    leftover.write_text("half")
    then = leftover.stat().st_mtime - age_seconds
    os.utime(leftover, (then, then))
    return leftover


def test_a_run_removes_what_killed_writers_left_in_it_and_nothing_else(tmp_path):
    leftovers = [killed_writer(tmp_path / "a.json"), killed_writer(tmp_path / "deep" / "b.json")]
    kept = [tmp_path / name for name in ("a.json", ".hidden.tmp", "notes.tmp", ".c.former/x")]
    for path in (*kept, tmp_path / ".deep.former" / "x"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("whole")
    remove_leftovers(tmp_path)
    assert not any(path.exists() for path in [*leftovers, tmp_path / ".deep.former"])
    assert all(path.exists() for path in kept)  # `.c.former` is all there is of `c`


def test_only_old_leftovers_of_the_same_file_are_removed_by_its_next_writer(tmp_path):
    old = killed_writer(tmp_path / "[a].txt", age_seconds=25 * 3600)
    of_another = killed_writer(tmp_path / "b.txt", age_seconds=25 * 3600)
    write_text(tmp_path / "[a].txt", "whole")
    assert not old.exists()
    assert of_another.exists()
    young = killed_writer(tmp_path / "[a].txt")
    write_text(tmp_path / "[a].txt", "whole")
    assert young.exists()


def test_a_broken_disk_is_named_with_the_file_and_the_work_has_failed(tmp_path):
    with (
        pytest.raises(WhyformerError, match=r"`.*a\.txt` cannot be written: the disk reports") as e,
        explain_write_errors(tmp_path / "a.txt"),
    ):
        raise OSError(errno.EIO, "Input/output error")
    assert e.value.exit_code == 1


def shared(failures: int, winerror: int | None):
    """Return a rename that Windows refuses some times, because another program reads the file."""
    left = [failures]

    def rename(source, target):
        if left[0]:
            left[0] -= 1
            error = PermissionError(errno.EACCES, "The file is used by another process", source)
            error.winerror = winerror
            raise error
        os.rename(source, target)

    return rename


def test_a_file_that_another_program_has_open_for_a_moment_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "replace", shared(2, winerror=32))
    write_text(tmp_path / "a", "new\n")
    assert (tmp_path / "a").read_bytes() == b"new\n"


@pytest.mark.parametrize(("failures", "winerror"), [(10**9, 32), (1, None)])
def test_a_file_that_stays_open_is_refused_and_unchanged(tmp_path, monkeypatch, failures, winerror):
    write_text(tmp_path / "a", "old\n")
    monkeypatch.setattr(os, "replace", shared(failures, winerror))
    monkeypatch.setattr("whyformer.foundation.files.SHARING_SECONDS", 0.1)
    with pytest.raises(OutputError, match="may not be written"):
        write_text(tmp_path / "a", "new\n")
    assert (tmp_path / "a").read_bytes() == b"old\n"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]
