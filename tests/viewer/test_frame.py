"""The small page inside reports and notebooks."""

from html.parser import HTMLParser

import pytest

import whyformer
from toy_runs import toy_bundle, toy_run
from whyformer.viewer.frame import framed
from whyformer.viewer.model import of_bundle
from whyformer.workflows.python import shown

pytestmark = pytest.mark.usefixtures("unchecked")


class Frames(HTMLParser):
    """Collects the attributes of frames."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Collect a frame."""
        if tag == "iframe":
            self.found.append(dict(attrs))


def test_a_frame_contains_the_whole_small_page_and_may_not_read_the_page_around_it(tmp_path):
    model = of_bundle(toy_bundle(), tmp_path, name='a "name" <b>', examples=['"quoted"'])
    (frame,) = Frames(framed([model])).found
    assert frame["title"] == 'a "name" <b>'
    assert 'class="is-small"' in frame["srcdoc"]
    assert frame["srcdoc"].endswith("</html>\n")
    assert "allow-same-origin" not in frame["sandbox"]


def test_jupyter_shows_a_loaded_run_as_a_page(tmp_path):
    model = whyformer.load(toy_run(tmp_path / "mine"))
    (frame,) = Frames(model._repr_html_()).found
    assert frame["title"] == "mine"


def test_jupyter_shows_a_line_for_what_has_no_small_page(tmp_path, monkeypatch):
    runs = [toy_run(tmp_path / "<one>"), toy_run(tmp_path / "two", seed=1)]
    text = whyformer.load(*runs)._repr_html_()
    assert "(ensemble)" in text
    assert "&lt;one&gt;" in text
    monkeypatch.setattr(shown, "MOST_PARAMETERS", 10)
    text = whyformer.load(runs[0])._repr_html_()
    assert "whyformer view" in text
    monkeypatch.setattr(shown, "refusals", lambda bundle: ["it has <waves>"])
    assert "it has &lt;waves&gt;." in whyformer.load(runs[0])._repr_html_()
