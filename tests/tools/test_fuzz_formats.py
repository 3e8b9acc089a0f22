"""The generated files of the soak test are valid, and always the same."""

import sys
from pathlib import Path

import pytest

from whyformer.data.labelled import read_examples
from whyformer.data.reading import Reading, read_pairs
from whyformer.data.tagged import read_tagged
from whyformer.foundation.errors import DataError

sys.path.append(str(Path(__file__).parents[2] / "tools"))

from soak_parts import fuzz_formats


def _rows(path: Path) -> int:
    """Return how many rows the first way of reading finds that accepts the file."""
    for reading in map(Reading, (None, *fuzz_formats.ENCODINGS)):
        for read in (read_pairs, read_examples, read_tagged):
            try:
                return len(list(read(str(path), reading=reading)))
            except DataError:
                pass
        try:  # names that no rule knows
            return len(list(read_pairs(path, source="1", target="2", reading=reading)))
        except DataError:
            pass
    return 0


def test_every_format_has_valid_files(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz_formats, "read_any_way", _rows)
    for name, (seeds, file, read, _) in fuzz_formats.formats().items():
        for seed in seeds:
            (tmp_path / file).write_bytes(seed)
            rows = read(tmp_path / file)
            refused = name == "other kinds" or b'encoding="cp949"' in seed or b"unknown-8" in seed
            assert rows == 0 if refused else rows >= 6, (name, seeds.index(seed))


def test_the_content_selects_how_a_file_is_read(tmp_path):
    path = tmp_path / "f.tsv"
    seen = set()
    for number in range(80):
        path.write_text(f"a{number}\tb\nc\td\n")
        found = []
        for _ in range(2):
            try:
                found.append(str(fuzz_formats.read_any_way(path)))
            except DataError as error:
                found.append(str(error))
        assert found[0] == found[1]
        seen.add(found[0].replace(f"a{number}", "a"))
    assert len(seen) > 8


@pytest.mark.parametrize("name", sorted(fuzz_formats.formats()))
def test_the_files_are_the_same_each_time(name):
    first, second = (fuzz_formats.formats()[name] for _ in range(2))
    assert first[0] == second[0]
