"""Write what `whyformer plan` prints into docs/scaling.md.

A block fenced as ```text whose first line is ``$ whyformer …`` gets that command's output. With
`--check` nothing is written and a stale page is an error.
"""

import contextlib
import io
import re
import shlex
import sys
from pathlib import Path

from whyformer.cli.main import main as whyformer

PAGE = Path(__file__).parent.parent / "docs" / "scaling.md"
BLOCK = re.compile(r"^```text\n\$ whyformer (.*?)\n(?:.*?\n)??```$", re.MULTILINE | re.DOTALL)


def written(text: str) -> str:
    """Return the page with the output of each of its commands."""

    def run(block: re.Match[str]) -> str:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = whyformer(shlex.split(block[1]))
        if code:
            raise SystemExit(f"whyformer {block[1]} ended with {code}")
        return f"```text\n$ whyformer {block[1]}\n{said.getvalue()}```"

    return BLOCK.sub(run, text)


def main() -> None:
    """Write the page, or check it."""
    former = PAGE.read_text(encoding="utf-8")
    page = written(former)
    if "--check" not in sys.argv:
        PAGE.write_text(page, encoding="utf-8")
    elif page != former:
        raise SystemExit("docs/scaling.md is stale: run python tools/scaling_page.py")


if __name__ == "__main__":
    main()
