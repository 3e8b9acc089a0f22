"""One server with a run of each kind, for all tests that do not change it."""

from collections.abc import Iterator

import pytest

from toy_served import all_kinds
from toy_servers import RunningServer, running


@pytest.fixture(scope="package")
def kinds(tmp_path_factory):
    """Return the paths of a run of each kind, by name; not to be changed."""
    return all_kinds(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="package")
def server(kinds) -> Iterator[RunningServer]:
    """Return a server with a run of each kind."""
    with running(kinds, body_bytes=20_000, texts=40, tokens=300, read_seconds=1.0) as found:
        yield found
