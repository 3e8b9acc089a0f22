"""The hash of an experiment's criteria, and the commit of the code that a run used.

A criterion must be fixed before the data. A run therefore records, before its first measurement,
the hash of the criteria and the commit of the code. If the criteria change afterwards, the hash
changes too, and the page of the question reports it.
"""

import ast
import hashlib
import json
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from whyformer.foundation.files import write_text
from whyformer.foundation.parsing import read_json
from whyformer.lab.method.intervals import FAMILY

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
NOT_CRITERIA = {"__init__.py", "figures.py"}
"""Files of an experiment that contain no criteria: the question, the grid, the figures. The grid
has its own hash, see `config_of`."""
IGNORED_FIELDS = {"ctx", "kind", "type_comment", "type_ignores", "type_params"}
CRITERION_TEXTS = ("popular", "precise", "criterion")
NOTE = "changed_after_data"
"""The argument of a claim that explains a change. It is no part of the criterion."""
REGISTERED = "criterion.json"


def criterion_of(question: str, directory: Path = EXPERIMENTS) -> str:
    """Return the hash of the criteria of an experiment: their English texts and the code of their
    tests.

    Comments, docstrings, imports, the layout and the Korean texts do not change the hash.
    """
    whole = [f"family {FAMILY}", *_texts(directory / question / "texts.toml")]
    for file in sorted((directory / question).glob("*.py")):
        if file.name not in NOT_CRITERIA:
            tree = ast.parse(file.read_text(encoding="utf-8"))
            whole.append(json.dumps([file.name, _plain(tree)], ensure_ascii=False))
    return hashlib.sha256("\n".join(whole).encode()).hexdigest()[:16]


def code_of_run() -> dict[str, Any]:
    """Return the commit of the code, and whether files of the laboratory differ from it.

    Both are None if the package does not run from a checkout with Git.
    """
    commit = _git("rev-parse", "--short=10", "HEAD")
    changed = _git("status", "--porcelain", "--", str(EXPERIMENTS.parent))
    if commit is None or changed is None:
        return {"commit": None, "changed": None}
    return {"commit": commit, "changed": bool(changed)}


def now() -> str:
    """Return the present time (UTC) in minutes."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M")


def register(question: str, directory: Path) -> Mapping[str, Any]:
    """Write the criterion of a run before its first measurement, and return it.

    A run that resumes keeps its first criterion.
    """
    path = directory / REGISTERED
    if path.is_file():
        return read_json(path)
    found = {"criterion": criterion_of(question), "date": now(), **code_of_run()}
    directory.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(found, indent=1) + "\n")
    return found


def _git(*command: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(EXPERIMENTS), *command],
            capture_output=True, text=True, encoding="utf-8", check=False, timeout=30,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _texts(path: Path) -> Iterator[str]:
    """Yield the English texts of the claims, if a file contains them."""
    if path.is_file():
        for name, texts in tomllib.loads(path.read_text(encoding="utf-8"))["claims"].items():
            for kind in CRITERION_TEXTS:
                text = texts[kind]
                yield f"{name} {kind} {text if isinstance(text, str) else text[0]}"


def _plain(node: Any) -> Any:
    """Return a syntax tree as JSON values that are equal in all versions of Python."""
    if isinstance(node, list):
        return [_plain(one) for one in node if not _is_outside(one)]
    if not isinstance(node, ast.AST):
        return repr(node)
    return [type(node).__name__, *([name, _plain(value)] for name, value in _fields(node))]


def _fields(node: ast.AST) -> Iterator[tuple[str, Any]]:
    for name, value in ast.iter_fields(node):
        if name == "keywords":
            value = [one for one in value if one.arg != NOTE]
        elif name == "args" and isinstance(node, ast.Call) and _is_bilingual(node):
            value = value[:1]  # without the Korean text
        if name not in IGNORED_FIELDS and value is not None and value != []:
            yield name, value


def _is_bilingual(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "Bilingual"


def _is_outside(node: Any) -> bool:
    """Return whether a statement is an import or a docstring."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return isinstance(node.value.value, str)
    return isinstance(node, ast.Import | ast.ImportFrom)
