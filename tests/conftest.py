"""Shapes and types in public signatures are checked while tests run."""

from jaxtyping import install_import_hook

install_import_hook("whyformer", "beartype.beartype")
