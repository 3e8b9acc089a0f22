"""Data that changes while it is prepared is refused, and what was prepared from it is dropped."""

import sys
from pathlib import Path

import pytest

from whyformer.data.inputs import ChangedInputError, unchanged_inputs
from whyformer.data.lines import read_lines, readable
from whyformer.workflows import train

sys.path.append(str(Path(__file__).parents[2] / "tools"))

from soak_parts.forks import run_command
from soak_parts.tiny_runs import training_command, write_data


@pytest.mark.parametrize("read", [lambda p: list(read_lines(p)), readable])
@pytest.mark.parametrize("change", [lambda p: p.write_bytes(b"a\n"), lambda p: p.unlink()])
def test_a_file_that_changes_between_two_readings_is_refused(tmp_path, read, change):
    path = tmp_path / "text.txt"
    path.write_bytes(b"a\nb\n")

    def read_then_change():
        with unchanged_inputs():
            read(path)
            change(path)

    with pytest.raises(ChangedInputError, match=r"text\.txt` changed while"):
        read_then_change()
    path.write_bytes(b"a\nb\n")
    with unchanged_inputs():
        read(path)
        read(path)


def test_a_change_is_named_even_when_something_else_failed_first(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(b"a\n")

    def cut():
        with unchanged_inputs():
            readable(path)
            path.write_bytes(b"")
            list(read_lines(path))  # must have at least one line

    with pytest.raises(ChangedInputError):
        cut()


@pytest.mark.parametrize("kind", ["gpt", "pairs", "classify"])
def test_training_drops_what_it_prepared_from_data_that_changed(tmp_path, monkeypatch, kind):
    write_data(tmp_path / "data")
    argv = training_command(kind, tmp_path / "data", tmp_path / "run", training__updates=2)
    data = Path(argv[argv.index("--data") + 1])
    whole, opened = data.read_bytes(), train.open_task

    def changing(*arguments):
        task = opened(*arguments)
        data.write_bytes(whole[: len(whole) // 2])
        return task

    monkeypatch.setattr(train, "open_task", changing)
    said = run_command(*argv)
    assert said.code == 2
    assert "changed while it was read" in said.err
    assert not (tmp_path / "run" / "corpus").exists()
    assert not (tmp_path / "run" / "tokenizers").exists()
    monkeypatch.undo()
    data.write_bytes(whole)
    assert run_command(*argv).code == 0
