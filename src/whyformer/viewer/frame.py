"""A page inside another page, such as a report or a notebook."""

from collections.abc import Sequence
from html import escape

from whyformer.viewer.page import PageModel, page

HEIGHT = 760
"""Height of the frame in pixels. The page scrolls inside the frame."""


def framed(models: Sequence[PageModel], *, height: int = HEIGHT) -> str:
    """Return the small page of one or two models as an HTML element that any page can contain."""
    names = escape(" · ".join(str(one.manifest["name"]) for one in models), quote=True)
    return (
        f'<iframe title="{names}" loading="lazy" sandbox="allow-scripts allow-downloads" '
        f'style="width:100%;height:{height}px;border:0;border-radius:12px" '
        f'srcdoc="{escape(page(models, small=True), quote=True)}"></iframe>'
    )
