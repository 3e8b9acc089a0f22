"""Make the links that work in the repository work on the site.

Pages link to files of the repository, as they must where the repository itself is read. A file that
is also a page of the site becomes a link to that page, and the pages of the laboratory, which are
finished HTML, are copied to `lab/` and linked as they are.
"""

import html
import os
import posixpath
import re
import shutil
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

FINISHED = "lab/"
TITLE = re.compile(r"<title>(.*?)(?: · [^<]*)?</title>", re.DOTALL)


class RepositoryLinks(SphinxTransform):
    """Redirect links to files outside docs/, and to the finished pages in it."""

    default_priority = 5

    def apply(self) -> None:
        """Replace the links of one document."""
        for link in list(self.document.findall(addnodes.pending_xref)):
            if link.get("reftype") == "myst":
                self.to_page(link)
        for link in list(self.document.findall(addnodes.download_reference)):
            if link["reftarget"].startswith(FINISHED):
                self.to_finished(link)

    def to_page(self, link: addnodes.pending_xref) -> None:
        """Point a link to a file outside docs/ to the page that shows that file."""
        path, _, anchor = link["reftarget"].partition("#")
        base = Path(self.env.srcdir)
        for folder in (base, base.parent):
            for suffix in ("", ".md"):
                inside = os.path.relpath(folder / (path + suffix), base.parent)
                page = self.config.repository_pages.get(Path(inside).as_posix())
                if page is not None:
                    link["refdomain"], link["reftarget"] = "doc", page
                    link["reftargetid"] = link.get("reftargetid") or anchor or None
                    return

    def to_finished(self, link: addnodes.download_reference) -> None:
        """Point a link to a page of the laboratory to its copy on the site."""
        away = posixpath.relpath(link["reftarget"], posixpath.dirname(self.env.docname) or ".")
        link.replace_self(nodes.reference("", "", *link[0].children, refuri=away))


class LaboratoryQuestions(SphinxDirective):
    """A list of the questions that have a page in docs/lab, with a link to each language."""

    def run(self) -> list[nodes.Node]:
        """Return the list."""
        lab = Path(self.env.srcdir) / FINISHED
        lines = []
        for page in sorted(lab.glob("*.html")):
            korean = page.with_suffix(".ko.html")
            if not korean.exists() or page.stem in ("index", "glossary"):
                continue
            self.env.note_dependency(str(page))
            title = html.unescape(TITLE.search(page.read_text(encoding="utf-8"))[1])
            lines.append(f"- [{title}](lab/{page.name}) ([한국어](lab/{korean.name}))")
        return self.parse_text_to_nodes("\n".join(lines))


def copy_finished(app: Sphinx, error: Exception | None) -> None:
    """Copy the finished pages beside the built ones."""
    if error is None:
        target = Path(app.outdir) / FINISHED
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(Path(app.srcdir) / FINISHED, target)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_config_value("repository_pages", {}, "env")
    app.add_transform(RepositoryLinks)
    app.add_directive("laboratory-questions", LaboratoryQuestions)
    app.connect("build-finished", copy_finished)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
