"""Names as HTML: Latin letters with what is written below them."""

import re
from html import escape


def in_symbols(words: str) -> str:
    """Return a sentence as HTML, with what follows a letter and `_` as a subscript: d_k, W_Q.

    >>> in_symbols("1/d_k < 1")
    '1/d<sub>k</sub> &lt; 1'
    """
    below = r"(?<![A-Za-z0-9_])([A-Za-z])_([A-Za-z0-9]+)"
    html = re.sub(below, r"\1<sub>\2</sub>", escape(words))
    return html.replace("√", '<span class="root">√</span>')  # Korean fonts set it too wide
