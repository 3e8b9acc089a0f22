"""Signatures are checked while tests run, and hypothesis draws the same examples every time."""

from collections.abc import Iterator

import jaxtyping
import pytest
from hypothesis import settings

jaxtyping.install_import_hook("whyformer", "checking.check_outer")

settings.register_profile("whyformer", deadline=None, derandomize=True, database=None)
settings.load_profile("whyformer")


@pytest.fixture(scope="module")
def unchecked() -> Iterator[None]:
    """Let a module of tests run thousands of forward passes at full speed.

    Checking makes a tiny forward pass ten times slower; other tests check every signature.
    """
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
