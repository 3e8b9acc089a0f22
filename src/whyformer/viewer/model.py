"""Read a run and prepare its model for the page."""

from collections.abc import Sequence
from pathlib import Path

from whyformer.bundle import Bundle, load_bundle
from whyformer.viewer.expressible import refuse_inexpressible
from whyformer.viewer.manifest import manifest
from whyformer.viewer.page import PageModel
from whyformer.viewer.weights import pack


def page_model(run: Path, *, name: str | None = None, examples: Sequence[str] = ()) -> PageModel:
    """Return the model of a run for the page.

    Args:
        name: the name that the page shows; by default, the name of the directory.
        examples: texts that the page offers to try.
    Raises: UsageError if the page cannot compute the model; BundleError if there is no model.
    """
    return of_bundle(load_bundle(run), run, name=name, examples=examples)


def of_bundle(
    bundle: Bundle,
    run: Path,
    *,
    name: str | None = None,
    examples: Sequence[str] = (),
    int8: bool | None = None,
) -> PageModel:
    """Return a loaded model for the page. See `page_model`.

    Args: int8: whether matrices are stored in int8; None decides by the number of parameters.
    """
    refuse_inexpressible(bundle, str(run))
    packed = pack(bundle.model, int8=int8)
    described = manifest(bundle, packed, name=name or run.resolve().name)
    return PageModel(described | {"examples": list(examples)}, packed.data)
