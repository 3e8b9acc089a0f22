"""Tables of a page."""


def table(head: str, rows: str) -> str:
    """Return a table that scrolls on its own where the page is narrower.

    Args: head: its cells. rows: its rows.
    """
    made = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="wide">{made}</div>'


def folded(summary: str, table: str) -> str:
    """Return a table that opens on a click. Args: summary: what to click on, as HTML."""
    return f"<details><summary>{summary}</summary>{table}</details>"
