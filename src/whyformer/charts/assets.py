"""The style sheets and the script for pages with charts."""

from pathlib import Path

ASSETS = Path(__file__).parent / "assets"


def with_charts(style: str) -> str:
    """Insert the rules and the colours of charts into the style sheet of a page.

    The rules and colours replace the lines `/* colors.css */`, `/* colors.dark.css */` and
    `/* charts.css */`. The style sheet must define the colours `--ink`, `--soft`, `--faint`,
    `--line`, `--paper` and the shadow `--shadow`.
    """
    for name in ("colors.css", "colors.dark.css", "charts.css"):
        line = f"/* {name} */\n"
        if line not in style:
            raise ValueError(f"the style sheet has no line `{line.strip()}`")
        style = style.replace(line, read(name))
    return style


def read(name: str) -> str:
    """Return the text of an asset, such as ``hover.js``, the script that shows tooltips."""
    return (ASSETS / name).read_text(encoding="utf-8")
