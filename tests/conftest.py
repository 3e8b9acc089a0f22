"""Signatures are checked while tests run, and hypothesis draws the same examples every time."""

import os
from collections.abc import Iterator

import jaxtyping
import pytest
from hypothesis import settings

from checking import PACKAGES, install_checks

os.environ["WHYFORMER_UNTUNED"] = "1"  # the thresholds of this machine must not change a test

install_checks()

settings.register_profile("whyformer", deadline=None, derandomize=True, database=None)
settings.load_profile("whyformer")


@pytest.fixture(scope="module", autouse=True)
def checked_or_not(request: pytest.FixtureRequest) -> None:
    """Check signatures in a module of tests if it is of such a package and is not `unchecked`."""
    module = request.node
    fixtures = {name for mark in module.iter_markers("usefixtures") for name in mark.args}
    wanted = module.path.parent.name in PACKAGES | {"parity"} and "unchecked" not in fixtures
    jaxtyping.config.update("jaxtyping_disable", not wanted)


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Let a test, or a module of tests, run thousands of forward passes at full speed.

    Checking makes a tiny forward pass ten times slower.
    """
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)
