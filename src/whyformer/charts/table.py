"""HTML tables."""

from collections.abc import Sequence
from html import escape


def table(head: str, rows: str, *, name: str = "") -> str:
    """Return a table that scrolls horizontally if the page is too narrow.

    Args:
        head: HTML of the header cells.
        rows: HTML of the rows.
        name: a name as plain text, with which the table can be reached and scrolled by keyboard.
    """
    reached = f' tabindex="0" role="region" aria-label="{escape(name)}"' if name else ""
    made = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="wide"{reached}>{made}</div>'


def cards(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table that shows each row as a card if the page is too narrow.

    Args:
        names: names of the columns, as plain text.
        rows: cells, as plain text. Columns without any text are left out.
    """
    used = [place for place in range(len(names)) if any(row[place] for row in rows)]
    head = "".join(f"<th>{escape(names[place])}</th>" for place in used)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td data-name="{escape(names[place])}">{escape(row[place])}</td>' for place in used
        )
        + "</tr>"
        for row in rows
    )
    return f'<div class="cards">{table(head, body)}</div>' if rows else ""


def folded(summary: str, table: str) -> str:
    """Return a table that opens on a click. Args: summary: HTML of the line to click on."""
    return f"<details><summary>{summary}</summary>{table}</details>"
