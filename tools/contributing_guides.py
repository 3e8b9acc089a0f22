"""Carry out the guides of CONTRIBUTING.md, step by step, in a copy of the source tree.

    python tools/contributing_guides.py                 # every guide
    python tools/contributing_guides.py wiring metric   # those with one of the words in the title

A guide consists of steps. A step is one line, followed by one block of code. The line is "Create
`FILE`:", "Append to `FILE`:", "In `FILE`, below `LINE`:" (or "above", "instead of") or "Check:".
Finally, ruff checks all changed files. All guides use the same copy, so that their checks can share
one Python process.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
import traceback
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "CONTRIBUTING.md"
COPIED = ("src", "tests", "pyproject.toml", "CONTRIBUTING.md")
IN_PROCESS = ("pytest", "whyformer")
STEP = re.compile(
    r"^(?P<kind>Create|Append to|In|Check)(?: `(?P<file>[^`\n]+)`)?"
    r"(?:, (?P<side>above|below|instead of) `(?P<line>[^`\n]+)`)?:\n\n```\w+\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Step:
    """One edit.

    Args:
        side: above, below or instead of ``line``.
        line: the line to edit at; None: the end of the file.
    """

    kind: str
    file: str
    side: str | None
    line: str | None
    code: str

    def apply(self, root: Path) -> None:
        """Carry out the step. Raises: ValueError if that is impossible."""
        path = root / self.file
        if path.exists() == (self.kind == "Create"):
            wanted = "must be new" if self.kind == "Create" else "must exist"
            raise ValueError(f"{self.kind} `{self.file}`: the file {wanted}")
        if self.kind == "Create":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.code, encoding="utf-8", newline="\n")
            return
        text = path.read_text(encoding="utf-8")
        if self.line is None:
            text = f"{text}\n\n{self.code}"
        else:
            lines = text.splitlines(keepends=True)
            place = self.place(lines, self.line)
            indent = re.match(" *", lines[place])
            first, last = place + (self.side == "below"), place + (self.side != "above")
            lines[first:last] = [textwrap.indent(self.code, indent[0] if indent else "")]
            text = "".join(lines)
        path.write_text(text, encoding="utf-8", newline="\n")

    def place(self, lines: list[str], named: str) -> int:
        """Return the index of the named line; `…` at the end stands for the rest of the line."""
        start, more, _ = named.partition("…")
        stripped = [line.strip() for line in lines]
        found = [i for i, s in enumerate(stripped) if (s.startswith(start) if more else s == start)]
        if len(found) != 1:
            raise ValueError(f"`{self.file}` has {len(found)} lines `{named}` instead of one")
        return found[0]


@dataclass(frozen=True)
class Guide:
    """Instructions to add one kind of component."""

    title: str
    steps: list[Step]
    checks: list[str]


def read_guides(page: str) -> list[Guide]:
    """Return the guides of a page. Raises: SystemExit if a block of code is not part of a step."""
    parts: dict[str, list[str]] = {}
    title = ""
    section = code = False
    for line in page.splitlines(keepends=True):
        code ^= line.startswith("```")
        if line.startswith("## ") and not code:
            section = line.startswith("## Guides")
        elif line.startswith("### ") and not code and section:
            title = line.removeprefix("### ").rstrip()
            parts[title] = []
        elif section and title:
            parts[title].append(line)
    return [_guide(title, "".join(lines)) for title, lines in parts.items()]


def _guide(title: str, text: str) -> Guide:
    found = list(STEP.finditer(text))
    if 2 * len(found) != len(re.findall(r"^```", text, re.MULTILINE)):
        raise SystemExit(
            f"{title}: every block of code must follow a line such as 'Create `FILE`:'"
        )
    steps = [
        Step(m["kind"], m["file"], m["side"], m["line"], m["code"])
        for m in found
        if m["kind"] != "Check"
    ]
    checks = "".join(m["code"] for m in found if m["kind"] == "Check").splitlines()
    return Guide(title, steps, checks)


def follow(guides: list[Guide], root: Path) -> dict[str, str]:
    """Carry out guides in a copy of the source tree; return title -> error messages or ""."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    unable: dict[str, str] = {}
    for guide in guides:
        try:
            for step in guide.steps:
                step.apply(root)
        except ValueError as error:
            unable[guide.title] = f"{error}\n"
    files = sorted({step.file for r in guides for step in r.steps if step.file.endswith(".py")})
    ruff = [sys.executable, "-m", "ruff"]
    path = os.pathsep.join([str(root / "src"), str(root / "tests")])
    commands = {
        guide.title: [shlex.split(check) for check in guide.checks]
        for guide in guides
        if guide.title not in unable
    }
    if files:
        commands["ruff"] = [
            [*ruff, "format", "--check", "--no-cache", *files],
            [*ruff, "check", "--no-cache", "--output-format", "concise", *files],
        ]
    done = subprocess.run(
        [sys.executable, __file__, "--inside"],
        input=json.dumps(commands),
        stdout=subprocess.PIPE,
        encoding="utf-8",
        cwd=root,
        env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
    )
    return unable | json.loads(done.stdout)


def _inside() -> None:
    """Run the commands from standard input; pytest and whyformer run in forks of this process."""
    given: dict[str, list[list[str]]] = json.load(sys.stdin)
    if hasattr(os, "fork") and any(c[0] in IN_PROCESS for cs in given.values() for c in cs):
        from checking import install_checks

        install_checks()  # as in tests/conftest.py

        import hypothesis.strategies  # noqa: F401
        import pytest  # noqa: F401
        import torch._dynamo  # noqa: F401  the first step of an optimizer imports it

        import whyformer.cli.main  # noqa: F401
        import whyformer.workflows.train  # noqa: F401
    found = dict.fromkeys(given, "")
    for title, commands in given.items():
        for command in commands:
            code, output = _run(command)
            if code:
                found[title] += f"$ {shlex.join(command)}\n{output}exit code {code}\n"
    json.dump(found, sys.stdout)


def _run(command: list[str]) -> tuple[int, str]:
    """Run a command; return its exit code and its output."""
    with tempfile.TemporaryFile() as output:
        if hasattr(os, "fork") and command[0] in IN_PROCESS:
            sys.stdout.flush()
            if not (child := os.fork()):
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                os._exit(_call(command))
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        else:
            if command[0] in IN_PROCESS:
                command = [sys.executable, "-m", *command]
            code = subprocess.run(command, stdout=output, stderr=output).returncode
        output.seek(0)
        return code, output.read().decode(errors="replace")


def _call(command: list[str]) -> int:
    """Run pytest or whyformer in this process; return the exit code."""
    code = 1
    try:
        if command[0] == "pytest":
            import pytest

            code = int(pytest.main([*command[1:], "-p", "no:cacheprovider", "--assert=plain"]))
        else:
            import jaxtyping

            from whyformer.cli.main import main

            jaxtyping.config.update(
                "jaxtyping_disable", True
            )  # signatures are checked in tests only
            code = main(command[1:])
    except BaseException:  # noqa: BLE001  (it is printed, and the guide fails)
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def main() -> None:
    """Carry out the guides with one of the given words in the title, or all guides."""
    if sys.argv[1:] == ["--inside"]:
        return _inside()
    words = sys.argv[1:]
    guides = [
        guide
        for guide in read_guides(PAGE.read_text(encoding="utf-8"))
        if not words or any(word in guide.title for word in words)
    ]
    with tempfile.TemporaryDirectory() as scratch:
        results = follow(guides, Path(scratch))
    for title, failure in results.items():
        print(f"{'FAILED' if failure else 'passed'}: {title}")
        print(failure, end="")
    raise SystemExit(any(results.values()))


if __name__ == "__main__":
    main()
