"""`--help` lists what is registered, and stays fast: it imports neither torch nor numpy."""

import json
import subprocess
import sys

import pytest

from toy_runs import seal, toy_run
from whyformer.recipes.recipe import Recipe
from whyformer.recipes.task_declaration import TASKS

PLUGIN = """
from whyformer.recipes.task_declaration import TASKS
from whyformer.tasks.language import Language

@TASKS.register("mine")
class Mine(Language):
    metrics = Language.metrics | {"my_metric": True}
"""
HELP = """
import contextlib, io, json, sys
from whyformer.cli.main import main
said = io.StringIO()
with contextlib.redirect_stdout(said):
    main(sys.argv[1:])
print(json.dumps([" ".join(said.getvalue().replace("│", " ").split()), sorted(sys.modules)]))
"""


def _help(*argv: str) -> tuple[str, list[str]]:
    """Return the help text in one line, and the modules that were imported."""
    command = [sys.executable, "-c", HELP, *argv]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    text, modules = json.loads(found.stdout)
    return text, modules


def test_a_fresh_process_evaluates_with_the_metric_of_the_run(tmp_path):
    run = toy_run(tmp_path / "run")
    facts = json.loads((run / "model" / "config.json").read_text())["facts"]
    seal(run, facts=facts | {"validation": {"step": 1, "loss": 1.0, "chrf": 0.0}})
    (tmp_path / "p.tsv").write_text("a b\tx\n")
    text, _ = _help("evaluate", str(run), "--pairs", str(tmp_path / "p.tsv"), "--json")
    assert '"name": "chrf"' in text


@pytest.mark.parametrize("command", [("train",), ("config", "show")])
def test_all_tasks_are_listed_without_importing_torch(command):
    text, modules = _help(*command, "--help")
    assert f"The task: {TASKS.listed()}." in text
    assert "{tasks}" not in text
    assert not {"torch", "numpy"} & set(modules)


def test_the_tasks_of_a_plugin_are_listed_too(tmp_path):
    (tmp_path / "mine.py").write_text(PLUGIN)
    text, _ = _help("train", "--help", "--plugin", str(tmp_path / "mine.py"))
    assert f"The task: {', '.join(TASKS)} or mine." in text


def test_the_schema_lists_the_metrics_of_all_tasks(tmp_path):
    definitions = Recipe.model_json_schema()["$defs"]
    names = definitions["ValidationSettings"]["properties"]["metric"]["examples"]
    assert {"loss", "bleu", "chrf", "perplexity", "accuracy", "span_f1", "mse"} <= set(names)
    assert len(names) == len(set(names))
    for task in TASKS.values():
        assert set(getattr(task, "metrics", {})) <= set(names)
