"""The style sheet and the script that every page with charts needs."""

from pathlib import Path

ASSETS = Path(__file__).parent / "assets"


def with_charts(style: str) -> str:
    """Return a page's style sheet with the rules and the colours of charts.

    The sheet says where: in the lines `/* colors.css */`, `/* colors.dark.css */` and
    `/* charts.css */`. It defines the colours `--ink`, `--soft`, `--faint`, `--line`, `--paper` and
    the shadow `--shadow`.
    """
    for name in ("colors.css", "colors.dark.css", "charts.css"):
        line = f"/* {name} */\n"
        if line not in style:
            raise ValueError(f"the style sheet has no line `{line.strip()}`")
        style = style.replace(line, read(name))
    return style


def read(name: str) -> str:
    """Return a file of the assets, such as ``hover.js``: what the pointer touches is explained."""
    return (ASSETS / name).read_text(encoding="utf-8")
