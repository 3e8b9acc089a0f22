"""The task of docs/extending.md, followed literally: checked, trained, resumed, used, refused."""

import re
from pathlib import Path

import pytest

from whyformer.foundation import plugins
from whyformer.registries import tasks
from whyformer.testing import check_task

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
SMALL = {"data.row_tokens": 32, "model.d_model": 16, "model.heads": 2, "model.d_ff": 32,
         "model.layers": 1, "text.vocabulary": 280, "training.batch_tokens": 256}  # fmt: skip
FLAGS = [
    word
    for name, value in (SMALL | {"training.updates": 4, "validation.every": 2}).items()
    for word in (f"--{name.replace('_', '-')}", value)
]


@pytest.fixture
def plugin(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (code,) = [block for block in blocks if '@tasks.register("rare-words")' in block]
    path = tmp_path / "rare_words.py"
    path.write_text(code, encoding="utf-8")
    yield path
    plugins.unload("rare_words")


@pytest.fixture
def text(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text("".join(f"the cat saw dog {k % 7}\n" for k in range(200)), encoding="utf-8")
    return file


def trained(cli, plugin, text, out, *more):
    return cli("train", "tiny-gpt", "--task", "rare-words", "--plugin", plugin, "--data.train",
               text, "--out", out, "--quiet", *FLAGS, *more)  # fmt: skip


@pytest.mark.usefixtures("unchecked")
def test_the_task_obeys_the_laws(plugin, text):
    plugins.load(str(plugin))
    check_task(tasks["rare-words"], SMALL | {"data.train": [str(text)]})


def test_the_task_is_trained_resumed_and_used(cli, plugin, text, tmp_path):
    done = trained(cli, plugin, text, tmp_path / "run")
    assert done.code == 0, done.err
    assert trained(cli, plugin, text, tmp_path / "run").code == 0
    plugins.unload("rare_words")
    used = cli("generate", tmp_path / "run", "--tokens", 4, stdin="the cat\n")
    assert used.code == 0, used.err  # the model itself is a GPT and needs no plugin
    refused = cli("train", "tiny-gpt", "--task", "rare-words", "--data.train", text, "--out",
                  tmp_path / "run")  # fmt: skip
    assert refused.code == 2
    assert "`task` must be" in refused.sentence


@pytest.mark.parametrize("command", ["check", "bench"])
def test_other_commands_serve_the_task_or_refuse_it_in_one_sentence(
    cli, plugin, text, tmp_path, command
):
    more = {"check": (), "bench": ("--seconds", "1")}[command]
    said = cli(command, "tiny-gpt", "--task", "rare-words", "--plugin", plugin, "--data.train",
               text, *FLAGS[:-4], *more)  # fmt: skip
    assert said.code in (0, 1, 2)
    assert "Traceback" not in said.err
    if command == "check":
        assert "memorizes one batch" in said.out, said.err
