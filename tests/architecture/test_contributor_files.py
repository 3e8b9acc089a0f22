"""The files for contributors agree with the package and with each other."""

import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import whyformer

sys.path.append(str(Path(__file__).parents[2] / "tools"))

from contributing_guides import read_guides

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_version_is_the_same_everywhere() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    changes = re.search(r"^## \[(\d.*?)\]", read("CHANGELOG.md"), re.MULTILINE)
    assert PROJECT["version"] == whyformer.__version__ == str(citation["version"])
    if changes is None:
        assert f"The first release will be {PROJECT['version']}." in read("CHANGELOG.md")
    else:
        assert changes[1] == PROJECT["version"]


def test_the_citation_describes_this_package() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["title"] == PROJECT["name"]
    assert citation["license"] == PROJECT["license"]
    assert citation["keywords"] == PROJECT["keywords"]
    assert citation["abstract"].startswith(PROJECT["description"].partition(":")[0])


def test_every_package_is_in_the_table_of_contributing_in_the_order_of_the_layers() -> None:
    tools = tomllib.loads(read("pyproject.toml"))["tool"]
    layers = tools["importlinter"]["contracts"][0]["layers"]
    level = {name: i for i, layer in enumerate(reversed(layers)) for name in layer.split(" | ")}
    table = re.findall(r"^\| `(\w+)(?:\.py)?` \|", read("CONTRIBUTING.md"), re.MULTILINE)
    assert sorted(table) == sorted(level)
    assert [level[name] for name in table] == sorted(level.values())


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_issue_forms_have_what_a_form_needs(form: Path) -> None:
    content = yaml.safe_load(form.read_text(encoding="utf-8"))
    if form.stem == "config":
        assert content == {"blank_issues_enabled": False}
        return
    assert {"name", "description", "labels", "body"} == set(content)
    asked = [part for part in content["body"] if part["type"] != "markdown"]
    assert len({part["id"] for part in asked}) == len(asked)
    assert all(part["attributes"]["label"] for part in asked)
    assert any(part.get("validations", {}).get("required") for part in asked)


def test_hooks_are_local_and_run_the_tools_that_are_pinned() -> None:
    repositories = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    pinned = {line.partition("==")[0] for line in read("requirements-dev.lock").splitlines()}
    for hook in repositories[0]["hooks"]:
        program = Path(hook["entry"].split()[0])
        assert program.parent == Path(".venv/bin")
        assert program.name in pinned
        assert hook["language"] == "system"


def test_every_make_target_that_contributing_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)\b", read("CONTRIBUTING.md"), re.MULTILINE))
    assert {"test", "check", "docs", "lock"} <= named <= targets


def test_every_place_that_a_guide_of_contributing_names_exists() -> None:
    """The steps are carried out, and their checks run, in tests/tools."""
    for guide in read_guides(read("CONTRIBUTING.md")):
        made = {step.file for step in guide.steps if step.kind == "Create"}
        for step in guide.steps:
            assert (ROOT / step.file).exists() == (step.file not in made), step.file
            if step.line is not None:
                step.place(read(step.file).splitlines(), step.line)
