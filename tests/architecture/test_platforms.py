"""Files are the same on every system: their names, their bytes and the modules they need."""

import ast
import functools
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

import whyformer

PACKAGE = Path(whyformer.__file__).parent
ROOT = PACKAGE.parent.parent
POSIX_ONLY = {"fcntl", "resource", "termios", "tty", "pty", "pwd", "grp", "syslog", "readline"}
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


@functools.cache
def nodes() -> list[tuple[str, ast.AST]]:
    """Return the calls and imports of the package, each with its place."""
    found = []
    kinds = (ast.Call, ast.Import, ast.ImportFrom)
    for file in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        where = str(file.relative_to(ROOT))
        nodes = (node for node in ast.walk(tree) if isinstance(node, kinds))
        found += [(f"{where}:{node.lineno}", node) for node in nodes]
    return found


def translates_newlines(call: ast.Call) -> bool:
    """Say whether a call writes text with the line ends of the system."""
    name = getattr(call.func, "attr", "") or getattr(call.func, "id", "")
    if any(keyword.arg == "newline" for keyword in call.keywords):
        return False
    if name == "write_text":
        return isinstance(call.func, ast.Attribute)  # ours is a plain function
    if name not in ("open", "fdopen"):
        return False
    modes = [a.value for a in call.args if isinstance(a, ast.Constant) and type(a.value) is str]
    return any(re.fullmatch(r"[wax]\+?", mode) for mode in modes)


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ('path.write_text(x, encoding="utf-8")', True),
        ('path.write_text(x, encoding="utf-8", newline="\\n")', False),
        ("write_text(path, x)", False),
        ('path.open("a", encoding="utf-8")', True),
        ('path.open("wb")', False),
        ('path.open("rb")', False),
        ('os.fdopen(1, "w", encoding="utf-8")', True),
    ],
)
def test_the_search_for_translated_newlines_finds_them(code: str, wanted: bool) -> None:
    call = ast.parse(code, mode="eval").body
    assert isinstance(call, ast.Call)
    assert translates_newlines(call) is wanted


def test_text_is_written_with_the_same_line_ends_on_every_system() -> None:
    wrong = [where for where, n in nodes() if isinstance(n, ast.Call) and translates_newlines(n)]
    assert not wrong


def test_the_output_of_other_programs_is_read_with_a_named_encoding() -> None:
    wrong = [
        where
        for where, node in nodes()
        if isinstance(node, ast.Call)
        and "text" in (given := {keyword.arg for keyword in node.keywords})
        and {"capture_output", "stdout", "stdin"} & given
        and "encoding" not in given
    ]
    assert not wrong


def test_no_module_that_windows_lacks_is_imported_by_name() -> None:
    wrong = []
    for where, node in nodes():
        if isinstance(node, ast.Import):
            names = {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {(node.module or "").partition(".")[0]}
        else:
            continue
        wrong += [f"{where}: {name}" for name in names & POSIX_ONLY]
    assert not wrong


def test_every_file_name_is_allowed_on_windows() -> None:
    done = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode:
        pytest.skip("not a git repository")
    names = done.stdout.splitlines()
    for name in names:
        for part in name.split("/"):
            assert not re.search(r'[<>:"|?*\\]|[. ]$', part), name
            assert not RESERVED.fullmatch(part), name
    assert max(Counter(map(str.lower, names)).values()) == 1
