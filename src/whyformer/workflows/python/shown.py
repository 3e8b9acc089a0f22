"""How Jupyter shows a loaded run."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from whyformer.bundle import Bundle
from whyformer.models.transformer import count_parameters
from whyformer.viewer.expressible import refusals
from whyformer.viewer.frame import framed
from whyformer.viewer.model import of_bundle

MOST_PARAMETERS = 5_000_000
"""Larger models are not embedded, because a notebook stores every output in its file."""


def shown(bundle: Bundle, runs: Sequence[Path]) -> str:
    """Return HTML: the small page of the model, or a line that tells how to write the page."""
    names = ", ".join(f"<code>{escape(str(run))}</code>" for run in runs)
    command = f"<code>whyformer view {escape(str(runs[0]))}</code>"
    summary = f"<p>{names}: {escape(bundle.model.settings.summary)}</p>"
    if len(runs) > 1:
        return summary.replace("</p>", " (ensemble)</p>")
    if reasons := refusals(bundle):
        return f"{summary}<p>No page can show this model: {escape('; '.join(reasons))}.</p>"
    if count_parameters(bundle.model) > MOST_PARAMETERS:
        return f"{summary}<p>Write its page with {command}.</p>"
    return framed([of_bundle(bundle, runs[0])])
