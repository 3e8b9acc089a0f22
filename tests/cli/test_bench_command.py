"""`whyformer bench` asked wrongly, before anything is measured."""

import re

import pytest


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["copyy"], "neither a built-in recipe nor a YAML file"),
        (["copy", "--seconds", "0"], "`--seconds` must be from 0.1 to 86400.0, but it is 0"),
        (["copy", "--run", "absent"], "absent"),
        (["copy", "--references", "r"], "Give all three"),
        (["copy", "--model.heads", "7"], "heads"),
        (["classify"], "data"),
    ],
)
def test_what_is_asked_wrongly(cli, argv, message):
    assert re.search(message, cli("bench", *argv).sentence)


def test_files_that_do_not_fit_together(cli, run, tmp_path):
    (tmp_path / "s").write_text("a\nb\n")
    (tmp_path / "r").write_text("a\n")
    said = cli(
        *("bench", "copy", "--run", run, "--source", tmp_path / "s"),
        *("--references", tmp_path / "r"),
    )
    assert re.search(r"2.*1|1.*2", said.sentence)
