"""Write the output of `whyformer plan` into docs/scaling.md.

The first line of a block fenced as ```text can be a command, ``$ whyformer …``. Its output replaces
the rest of the block. With `--check`, nothing is written, and an outdated page is an error.
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
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            code = whyformer(shlex.split(block[1]))
        if code:
            raise SystemExit(f"whyformer {block[1]} failed: exit code {code}")
        return f"```text\n$ whyformer {block[1]}\n{output.getvalue()}```"

    return BLOCK.sub(run, text)


def main() -> None:
    """Write the page, or check it."""
    former = PAGE.read_text(encoding="utf-8")
    page = written(former)
    if "--check" not in sys.argv:
        PAGE.write_text(page, encoding="utf-8")
    elif page != former:
        raise SystemExit("docs/scaling.md is outdated: run python tools/scaling_page.py")


if __name__ == "__main__":
    main()
