"""A damaged line of a journal is named; a last line cut off by a crash is dropped."""

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
