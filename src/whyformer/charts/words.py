"""Format names with subscripts as HTML."""

import re
from html import escape


def in_symbols(words: str) -> str:
    """Return text as HTML. After one letter and `_`, as in d_k or W_Q, the text is a subscript.

    >>> in_symbols("1/d_k < 1")
    '1/d<sub>k</sub> &lt; 1'
    """
    below = r"(?<![A-Za-z0-9_])([A-Za-z])_([A-Za-z0-9]+)"
    html = re.sub(below, r"\1<sub>\2</sub>", escape(words))
    return html.replace("√", '<span class="root">√</span>')  # Korean fonts draw √ too wide
