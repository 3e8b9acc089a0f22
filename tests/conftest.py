"""Shapes and types in signatures are checked while tests run; hypothesis draws the same examples."""

from hypothesis import settings
from jaxtyping import install_import_hook

install_import_hook("whyformer", "beartype.beartype")

settings.register_profile("whyformer", deadline=None, derandomize=True, database=None)
settings.load_profile("whyformer")
