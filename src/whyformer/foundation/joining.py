"""Connect this process to the other ranks of torchrun, if there are any."""

import contextlib
from collections.abc import Iterator

from whyformer.foundation.ranks import ALONE, Ranks
from whyformer.foundation.torchrun import world_size


@contextlib.contextmanager
def joined() -> Iterator[Ranks]:
    """Connect to the other ranks of torchrun, if there are any; disconnect at the end of the block.

    An existing connection, for example of an outer `joined` block, is used again.
    Raises: LostRankError when another rank ends while this one waits for it.
    """
    if world_size() == 1:
        yield ALONE
        return
    from whyformer.foundation.process_group import connected

    with connected() as ranks:
        yield ranks
