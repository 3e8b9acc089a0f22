import os
import subprocess
import sys

import pytest

from whyformer.foundation.torchrun import leave

PROGRAM = """
import atexit
from whyformer.foundation.torchrun import leave
atexit.register(print, "taken apart")
print("written")
leave(3)
"""


@pytest.mark.parametrize(("ranks", "said"), [(1, "written\ntaken apart\n"), (2, "written\n")])
def test_one_of_several_ranks_leaves_at_once_with_all_it_has_written(ranks: int, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"WORLD_SIZE": str(ranks)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (3, said, "")


def test_a_process_alone_leaves_as_every_program_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with pytest.raises(SystemExit) as left:
        leave(2)
    assert left.value.code == 2
