"""A damaged line of a journal is named; a last line cut off by a crash is dropped."""

from pathlib import Path

import pytest

from whyformer.foundation.errors import DataError
from whyformer.training.journal import Journal, read_journal


@pytest.mark.parametrize("line", [b"{", b"\xff", b"[]", b"{}", b'{"step": "1"}', b"[" * 100_000])
def test_a_damaged_line_is_named(tmp_path, line):
    (tmp_path / "journal.jsonl").write_bytes(b'{"step": 1}\n' + line + b'\n{"step": 3}\n')
    with pytest.raises(DataError, match=r"journal\.jsonl:2: the line is damaged"):
        read_journal(tmp_path)
    with pytest.raises(DataError, match=r"journal\.jsonl:2: "):
        Journal(tmp_path, after=3)


def test_a_last_line_that_was_cut_off_is_dropped(tmp_path):
    (tmp_path / "journal.jsonl").write_bytes(b'{"step": 1}\n{"st')
    assert read_journal(tmp_path) == [{"step": 1}]


def written(directory: Path, steps: int = 3) -> bytes:
    directory.mkdir(exist_ok=True)
    journal = Journal(directory, after=0)
    for step in range(1, steps + 1):
        journal.validation(step, {"loss": 1.5})
    journal.close()
    return (directory / "journal.jsonl").read_bytes()


def test_every_flipped_bit_of_a_line_is_found(tmp_path):
    content = written(tmp_path)
    for bit in range(8 * (len(content) - 1)):  # without the last line end: a line may be cut off
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        (tmp_path / "journal.jsonl").write_bytes(damaged)
        with pytest.raises(DataError, match=r"journal\.jsonl:[1-4]: the line is damaged"):
            Journal(tmp_path, after=3)


def test_a_journal_without_checksums_gets_them_when_the_run_is_resumed(tmp_path):
    (tmp_path / "journal.jsonl").write_bytes(b'{"step": 1, "validation": {"loss": 1.5}}\n')
    Journal(tmp_path, after=1).close()
    assert (tmp_path / "journal.jsonl").read_bytes() == written(tmp_path / "new", 1)
    with (tmp_path / "journal.jsonl").open("a") as file:
        file.write('{"step": 2}\n')
    with pytest.raises(DataError, match="its CRC-32 differs from the recorded one"):
        read_journal(tmp_path)
