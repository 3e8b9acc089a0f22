"""The guides of CONTRIBUTING.md, followed to the letter on a copy of the source tree, work."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "tools"))

from contributing_guides import PAGE, Guide, follow, read_guides

TOOL = Path(__file__).parents[2] / "tools" / "contributing_guides.py"
GUIDES = read_guides(PAGE.read_text(encoding="utf-8"))
KINDS = ("position scheme", "residual wiring", "norm", "feed-forward", "score scaling", "schedule",
         "optimizer", "metric", "text unit", "task", "recipe", "command", "question")  # fmt: skip


@pytest.fixture(scope="module")
def report() -> str:
    done = subprocess.run(
        [sys.executable, TOOL], capture_output=True, encoding="utf-8", check=False
    )
    return done.stdout + done.stderr


def test_there_is_a_guide_for_each_kind_of_change() -> None:
    titles = " ".join(guide.title for guide in GUIDES)
    assert [kind for kind in KINDS if kind not in titles] == []


@pytest.mark.slow
@pytest.mark.parametrize("title", [*(guide.title for guide in GUIDES), "ruff"])
def test_a_guide_that_is_followed_to_the_letter_passes_its_own_check(
    report: str, title: str
) -> None:
    assert f"passed: {title}\n" in report, report


def test_every_guide_changes_the_package_and_checks_something() -> None:
    for guide in GUIDES:
        assert any(step.file.startswith("src/whyformer/") for step in guide.steps), guide.title
        assert guide.checks, guide.title


TOY = """## Guides: how to add something

### Add a line

Create `new.txt`:

```text
one
```

In `old.txt`, above `b`:

```text
a
```

In `old.txt`, below `b`:

```text
c
```

In `old.txt`, instead of `x…`:

```text
y
```

Check:

```sh
true
```
"""


def test_steps_are_carried_out_as_they_are_written(tmp_path: Path) -> None:
    (guide,) = read_guides(TOY)
    (tmp_path / "old.txt").write_text("x and more\n    b\n", encoding="utf-8")
    for step in guide.steps:
        step.apply(tmp_path)
    assert (tmp_path / "new.txt").read_text(encoding="utf-8") == "one\n"
    assert (tmp_path / "old.txt").read_text(encoding="utf-8") == "y\n    a\n    b\n    c\n"
    assert guide.checks == ["true"]


def test_a_step_that_cannot_be_followed_fails_its_guide_only(tmp_path: Path) -> None:
    create, insert, *_ = read_guides(TOY)[0].steps
    for text in ("no such line\n", "b\nb\n"):
        (tmp_path / "old.txt").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match="lines `b`"):
            insert.apply(tmp_path)
    (tmp_path / "new.txt").touch()
    with pytest.raises(ValueError, match="new"):
        create.apply(tmp_path)
    guides = [Guide("first", [insert], ["ls"]), Guide("second", [], ["ls old.txt"])]
    found = follow(guides, tmp_path)
    assert "`old.txt` has 2 lines `b`" in found["first"]
    assert found["second"] == ""


def test_a_block_without_a_place_is_refused() -> None:
    with pytest.raises(SystemExit, match="every block of code"):
        read_guides(TOY.replace("Create `new.txt`:", "Write a file:"))


def test_a_check_that_fails_is_reported(tmp_path: Path) -> None:
    (guide,) = read_guides(TOY)
    failing = Guide("A guide", guide.steps[:1], ["ls new.txt", "ls absent.txt"])
    found = follow([failing], tmp_path)
    assert found.keys() == {"A guide"}
    assert found["A guide"].startswith("$ ls absent.txt\n")
    assert found["A guide"].endswith("exit code 2\n")
