"""Turn the docstrings of whyformer into what Sphinx reads.

The docstrings name their source (`Paper:`, `Source:`), confess departures (`Differs:`) and describe
arguments (`Args:`, `Returns:`, `Raises:`) in plain lines. Here each becomes a field of
reStructuredText, and the signs that reStructuredText would take for markup are escaped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LABELS = "Paper|Source|Differs|Args|Attributes|Returns|Raises"
FIELD = re.compile(rf"({LABELS}):\s*(.*)")
INSIDE = re.compile(rf"(?<=[.)])\s+(?=(?:{LABELS}):(?:\s|$))")
ARGUMENT = re.compile(r"(\*{0,2}[a-zA-Z]\w*(?:, \*{0,2}\w+)*): (.*)")
ITEM = re.compile(rf"    ({ARGUMENT.pattern})")
CODE = re.compile(r"(``[^`]+``|`[^`]+`)")
NAME = re.compile(r"[A-Za-z_][\w.]*")


def readable(lines: list[str]) -> list[str]:
    """Return the lines of a docstring as reStructuredText."""
    out: list[str] = []
    margin = ""  # of the lines that continue a field; empty outside of fields
    example = code = False
    for line in (part for whole in lines for part in INSIDE.split(whole)):
        before = bool(out and out[-1])
        if line.startswith(">>> ") or (example and line):
            if before and not example:
                out.append("")
            out.append(line)
            example, margin = True, ""
        elif field := FIELD.fullmatch(line):
            if before and not margin:
                out.append("")
            out.append(f":{field[1]}: {described(field[2])}".rstrip())
            margin = "   "
        elif line.startswith("    ") and not margin and (code or _opens_code(out)):
            if not code:
                out[-2] += ":"
            out.append(line)
            code = True
            continue
        elif margin and (item := ITEM.fullmatch(line)):
            out.append(f"   - {described(item[1])}")
            margin = "     "
        elif margin and line.startswith(" "):
            out.append(margin + escaped(line.strip()))
        else:
            if before and margin:
                out.append("")
            out.append(escaped(line))
            example, margin = False, ""
            code = code and not line
            continue
        code = False
    return out


def _opens_code(out: list[str]) -> bool:
    """Say whether an indented line after these is code: a sentence that ends with a colon."""
    return len(out) > 1 and not out[-1] and out[-2].endswith(":")


def described(text: str) -> str:
    """Return a line, marked up; in `name: meaning` the name is code."""
    if argument := ARGUMENT.fullmatch(text):
        names = ", ".join(f"``{name}``" for name in argument[1].split(", "))
        return f"{names}: {escaped(argument[2])}"
    return escaped(text)


def escaped(text: str) -> str:
    """Return a line whose code spans are marked up and whose other signs are literal."""
    parts = CODE.split(text)
    for i, part in enumerate(parts):
        if i % 2 == 0:
            parts[i] = re.sub(r"(?<=\w)_(?!\w)|[*|\\]", lambda sign: "\\" + sign[0], part)
            continue
        inner = part.strip("`")
        if part.startswith("``") or not NAME.fullmatch(inner):
            part = f"``{inner}``"
        left = parts[i - 1][-1:]
        right = parts[i + 1][:1]
        before = "" if not left or left.isspace() or left in "([{'\"-/:" else "\\ "
        after = "" if not right or right.isspace() or right in "'\")]}-/:.,;!?\\" else "\\ "
        parts[i] = before + part + after
    return "".join(parts)


def _process(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    lines[:] = readable(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("autodoc-process-docstring", _process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
