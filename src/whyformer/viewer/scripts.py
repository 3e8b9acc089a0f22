"""Join the JavaScript modules of the page into one script."""

import re
from pathlib import Path

IMPORT = re.compile(r'^import \{[\w$, ]+\} from "(\.[\w./-]+\.js)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?function|class|const|let)", re.MULTILINE)
DECLARED = re.compile(r"^(?:async )?(?:function\*?|class|const|let) ([\w$]+)", re.MULTILINE)


def joined(entry: Path) -> str:
    """Return a module and everything that it imports as one script.

    The import lines and the word `export` are removed, so all top-level names of the modules share
    one scope.

    Raises: ValueError if two modules declare the same name, or if modules import each other.
    """
    parts, owners = [], {}
    for path in in_order(entry):
        text = EXPORT.sub("", IMPORT.sub("", path.read_text(encoding="utf-8")))
        for name in DECLARED.findall(text):
            if (other := owners.setdefault(name, path)) and other != path:
                raise ValueError(f"`{name}` is declared in {other.name} and in {path.name}")
        parts.append(f"// {path.name}\n{text.strip()}\n")
    return "\n".join(parts)


def in_order(entry: Path) -> list[Path]:
    """Return a module and its imports, each after the modules that it imports."""
    done: list[Path] = []
    _visit(entry.resolve(), done, ())
    return done


def _visit(path: Path, done: list[Path], above: tuple[Path, ...]) -> None:
    if path in above:
        names = " imports ".join(one.name for one in (*above[above.index(path) :], path))
        raise ValueError(f"modules must not import each other: {names}")
    if path in done:
        return
    for name in IMPORT.findall(path.read_text(encoding="utf-8")):
        _visit((path.parent / name).resolve(), done, (*above, path))
    done.append(path)
