"""HTML tables."""


def table(head: str, rows: str) -> str:
    """Return a table that scrolls horizontally if the page is too narrow.

    Args: head: HTML of the header cells. rows: HTML of the rows.
    """
    made = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="wide">{made}</div>'


def folded(summary: str, table: str) -> str:
    """Return a table that opens on a click. Args: summary: HTML of the line to click on."""
    return f"<details><summary>{summary}</summary>{table}</details>"
